"""Hostile requests on every route, as every kind of person and machine: none breaks the portal, none that
only reads or is refused changes anything, and no answer holds what belongs to another team.
"""

from __future__ import annotations

import gzip
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from typing import Any, cast
from zlib import crc32

import pytest
from django.conf import settings as portal_settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from hypothesis import HealthCheck, Phase, given, seed, settings
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import AccessRequest, Grant, Person, Team
from jitportal.urls import urlpatterns as portal_urls
from jitportal.web import head_first
from jitportal.web.http import PortalRequest
from tests.undone import undone
from tests.web import hostility
from tests.web.calling import HANDLER, touching
from tests.web.headers import WITH_THE_PLAYER, missing_headers
from tests.web.hostile_world import (
    ADMIN,
    BLIND,
    KINDS,
    NAMES,
    OF_ANOTHER_TEAM,
    REPORT_TOKEN,
    HostileWorld,
    Place,
    hostile_world,
    secrets_of,
)
from tests.web.hostility import Hostile
from tests.web.kinds import UNKNOWN
from tests.web.state_of_tables import changed, digests

pytestmark = pytest.mark.django_db

#: Each of so many requests is made as four kinds of person or machine, who take turns, two of them such as
#: may ask there: 2,000 on each address of the portal's own. The admin's two hundred are the same few views:
#: 200 on each.
LONG, EACH, LONG_IN_ADMIN = 500, 4, 50
#: In the short suite each address gets so many, each as one kind.
SHORT = 1
#: The one page that may run compiled code.
CSP = "Content-Security-Policy"
PLAYER = re.compile(r"/recordings/\d+/watch/[^/]+/")
#: What is unsafe to say in a page's own words, and what no page may be led to.
MARKUP = b"<script>alert(1)</script>"
#: As which half of the requests come: some pages answer in two pieces then.
AS_A_BROWSER = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
BROKEN_OFF = b"This page broke off"
_HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
#: What was changed by someone with every right to: their own form with a hostile header beside it.
WRITES = {"POST", "PATCH"}


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostileWorld]:
    logging.disable(logging.CRITICAL)
    place = tmp_path_factory.mktemp("recordings")
    with (
        django_db_blocker.unblock(),
        override_settings(RECORDINGS_DIR=place, SIGN_IN_REPORT_TOKEN=REPORT_TOKEN),
        undone(),
    ):
        yield hostile_world()
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def attack(world: HostileWorld) -> Attack:
    return Attack(world)


class Attack:
    """Makes the requests, and says what is wrong with the answers."""

    def __init__(self, world: HostileWorld) -> None:
        self.world = world
        self.before = digests()
        self.of_oskar = _of_oskar(world)
        self.secrets = secrets_of(world)
        self.made = 0
        self.statuses: Counter[int] = Counter()

    def on(self, name: str, examples: int, phases: list[Phase]) -> None:
        """That many requests on one address, each as some kinds of person."""
        self.at(self.world.place(name), examples=examples, phases=phases)

    def at(self, place: Place, *, examples: int, phases: list[Phase]) -> None:
        turn = count()

        @seed(crc32(place.address.encode()))  # others on each address, and the same each time
        @settings(
            max_examples=examples,
            phases=phases,
            deadline=None,
            derandomize=False,
            database=None,
            suppress_health_check=_HEALTH,
        )
        @given(hostile=hostility.requests)
        def attack(hostile: Hostile) -> None:
            welcome = place.welcome(hostile.method(place.methods))
            for _ in range(EACH // 2):
                number = next(turn)
                self.once(hostile, place, KINDS[number % len(KINDS)])
                self.once(hostile, place, welcome[number % len(welcome)])

        attack()

    def once(self, hostile: Hostile, place: Place, kind: str) -> None:
        self.made += 1
        faults = self._faults(hostile, place, kind)
        assert not faults, (
            f"{hostile.method(place.methods)} {hostile.path(place.address)!r} as {kind}: {faults}"
        )

    def _faults(self, hostile: Hostile, place: Place, kind: str) -> list[str]:
        address = place.address
        portal_settings.TRUSTED_PROXIES = hostile.proxies
        with undone(), touching() as touched:
            answer = HANDLER(self._environ(hostile, place, kind))
            self.statuses[answer.status_code] += 1
            content = _content(answer)
            method = hostile.method(place.methods)
            faults = self._state_faults(method, kind, answer) if touched else []
        portal_settings.TRUSTED_PROXIES = 0
        plays = PLAYER.fullmatch(address) is not None and answer.headers.get(CSP) == WITH_THE_PLAYER
        faults += missing_headers(
            answer, cached=address.startswith("/static/"), revalidated=address.endswith(".krl"), plays=plays
        )
        if answer.status_code >= 500 and not _is_honest(address, answer.status_code):
            faults.append(f"answered {answer.status_code}")
        if BROKEN_OFF in content:
            faults.append("broke off after its head")
        next_place = answer.headers.get("Location", "/")
        if not next_place.startswith(("/", "?", "http://testserver/")) or next_place[1:2] in {"/", "\\"}:
            faults.append(f"leads to {next_place!r}")
        if kind in BLIND:
            faults += [f"showed {what!r}" for what in OF_ANOTHER_TEAM if what in content]
        faults += ["showed a secret" for secret in self.secrets if secret in content]
        if MARKUP in content and answer.headers.get("Content-Type", "").startswith("text/html"):
            faults.append("showed markup as it was typed")
        return faults

    def _state_faults(self, method: str, kind: str, answer: HttpResponseBase) -> list[str]:
        tables = changed(self.before)
        if not tables:
            return []
        faults = []
        if answer.status_code >= 400 or method not in WRITES:
            faults.append(f"answered {answer.status_code}, and changed {tables}")
        if kind in UNKNOWN:
            faults.append(f"let nobody change {tables}")
        if kind in BLIND and _of_oskar(self.world) != self.of_oskar:
            faults.append("changed what is another team's")
        return faults

    def _environ(self, hostile: Hostile, place: Place, kind: str) -> dict[str, Any]:
        environ = self.world.requests(kind).generic("GET", "/").environ
        method = hostile.method(place.methods)
        body = b"" if method in {"GET", "HEAD"} else hostile.body(place.proper, as_json=place.json)
        session = environ.get("HTTP_COOKIE", "")
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": hostile.path(place.address),
            "QUERY_STRING": hostile.query_string(),
            "CONTENT_TYPE": hostile.content_type,
            **(AS_A_BROWSER if self.made // 2 % 2 else {}),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **hostile.headers,
        }
        if session and "HTTP_COOKIE" in hostile.headers:
            environ["HTTP_COOKIE"] = f"{session}; {hostile.headers['HTTP_COOKIE']}"
        return dict(environ)


def test_no_hostile_request_breaks_or_betrays_anything(attack: Attack) -> None:
    """A few on each address, with the kinds taking turns."""
    turn = count()

    @settings(
        max_examples=SHORT * len(NAMES),
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=_HEALTH,
    )
    @given(hostile=hostility.requests)
    def attacked(hostile: Hostile) -> None:
        number = next(turn)
        place = attack.world.place(NAMES[number % len(NAMES)])
        others = place.welcome(hostile.method(place.methods)) if number // len(NAMES) else KINDS
        attack.once(hostile, place, others[(number + number // len(NAMES)) % len(others)])

    attacked()
    assert attack.made >= SHORT * len(NAMES)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", [*NAMES, *ADMIN])
def test_thousands_of_hostile_requests(name: str, attack: Attack) -> None:
    attack.made = 0
    attack.statuses.clear()
    examples = LONG_IN_ADMIN if name in ADMIN else LONG
    attack.on(name, examples, [Phase.explicit, Phase.generate, Phase.shrink])
    assert attack.made >= examples * EACH
    sys.stderr.write(f"{name}: {attack.made} requests, {dict(sorted(attack.statuses.items()))}\n")


def _fails(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str([int(str(value)) for value in request.GET.values()]))


def _fails_late() -> dict[str, Any]:
    raise RuntimeError("planted")


def _breaks_off(request: HttpRequest) -> HttpResponseBase:
    asked = cast(PortalRequest, request)
    in_pieces = head_first.opened_by_browser(asked)
    return head_first.page(asked, "queue/queue.html", _fails_late) if in_pieces else HttpResponse("")


def _writes(_request: HttpRequest) -> HttpResponse:
    Team.objects.create(key="weak", name="Weak")
    return HttpResponse("")


def _betrays(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(OF_ANOTHER_TEAM[0])


def _leads_away(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=302, headers={"Location": "//evil.example/"})


def _takes(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        Person.objects.filter(username="oskar").update(email="taken@evil.example")
    return HttpResponse("")


class Weak:
    """The portal's addresses, and some that do what none may."""

    urlpatterns = [
        *portal_urls,
        *(
            path(f"{view.__name__}/", login_not_required(view))
            for view in (_fails, _breaks_off, _writes, _betrays, _leads_away, _takes)
        ),
    ]


@override_settings(ROOT_URLCONF=Weak)
@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("/_fails/", "answered 500"),
        ("/_breaks_off/", "broke off after its head"),
        ("/_writes/", "and changed"),
        ("/_betrays/", "oskar has work"),
        ("/_leads_away/", "leads to"),
        ("/_takes/", "another team's"),
    ],
)
def test_the_attack_finds_what_it_is_for(address: str, fault: str, attack: Attack) -> None:
    with pytest.raises(AssertionError, match=fault):
        attack.at(Place(address), examples=40, phases=[Phase.generate])


def _is_honest(address: str, status: int) -> bool:
    """No worker runs here, which this address says; and no agent signs."""
    return status == 503 and address.startswith(("/readyz", "/ssh/"))


def _of_oskar(world: HostileWorld) -> list[Any]:
    """Oskar, and what he asked for and holds, as it is stored."""
    oskar = world.people["oskar"]
    own = (Person.objects.filter(pk=oskar.pk), AccessRequest.objects.filter(requester=oskar))
    return [list(rows.order_by("pk").values()) for rows in (*own, Grant.objects.filter(person=oskar))]


def _content(answer: HttpResponseBase) -> bytes:
    if isinstance(answer, StreamingHttpResponse):
        content = b"".join(bytes(part) for part in iter(answer))
    else:
        content = bytes(getattr(answer, "content", b""))
    return gzip.decompress(content) if answer.headers.get("Content-Encoding") == "gzip" else content
