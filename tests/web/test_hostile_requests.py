"""Hostile requests on every route, as several kinds of person: none breaks the portal, none that only
reads changes anything, and no answer holds what belongs to another team.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as portal_settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path, reverse
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import Team
from jitportal.urls import urlpatterns as portal_urls
from tests.undone import undone
from tests.web import hostility
from tests.web.calling import HANDLER, Caller, caller_in, writing
from tests.web.headers import missing_headers
from tests.web.hostility import Hostile
from tests.web.matrix import ROUTES
from tests.web.routes import NAMED
from tests.web.world import World, in_emergency, small_world

pytestmark = pytest.mark.django_db

KINDS = ("anonymous", "deactivated", "stranger", "requester", "proposer", "administrator")
#: May see nothing of Oskar's, who is in another team; in all that he asked for he said the same.
BLIND = {"anonymous", "deactivated", "stranger", "requester"}
OF_ANOTHER_TEAM = b"oskar has work to do there"
#: A little of each route in the suite; in the proof some 3,000 requests, each by one of the kinds.
SHORT, LONG = 4, 40
ADMIN = sorted(name for name in NAMED if name.startswith("admin:jitportal") or name == "admin:index")
#: The one page that may run compiled code.
PLAYER = re.compile(r"/recordings/\d+/watch/[^/]+/")
NAMES = [*sorted(ROUTES), "static", "nowhere"]
_HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    logging.disable(logging.CRITICAL)
    with django_db_blocker.unblock(), undone():
        yield in_emergency(small_world())
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def caller(world: World) -> Caller:
    return caller_in(world)


@pytest.mark.parametrize("name", NAMES)
def test_no_hostile_request_breaks_or_betrays_anything(name: str, world: World, caller: Caller) -> None:
    _attack(_address(name, world), caller, examples=SHORT, phases=[Phase.generate])


@pytest.mark.proof
@pytest.mark.parametrize("name", [*NAMES, *ADMIN])
def test_thousands_of_hostile_requests(name: str, world: World, caller: Caller) -> None:
    _attack(_address(name, world), caller, examples=LONG, phases=list(Phase))


def _fails(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str([int(str(value)) for value in request.GET.values()]))


def _writes(_request: HttpRequest) -> HttpResponse:
    Team.objects.create(key="weak", name="Weak")
    return HttpResponse("")


def _betrays(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(OF_ANOTHER_TEAM)


class Weak:
    """The portal's addresses, and three that do what none may."""

    urlpatterns = [
        *portal_urls,
        *(path(f"{view.__name__}/", login_not_required(view)) for view in (_fails, _writes, _betrays)),
    ]


@override_settings(ROOT_URLCONF=Weak)
@pytest.mark.parametrize(
    ("address", "fault"),
    [("/_fails/", "answered 500"), ("/_writes/", "and wrote: INSERT"), ("/_betrays/", "another team's")],
)
def test_the_attack_finds_what_it_is_for(address: str, fault: str, caller: Caller) -> None:
    with pytest.raises(AssertionError, match=fault):
        _attack((address, {}), caller, examples=LONG, phases=[Phase.generate])


def _attack(where: tuple[str, dict[str, str]], caller: Caller, *, examples: int, phases: list[Phase]) -> None:
    address, proper = where
    kinds = iter(range(1_000_000))

    @settings(max_examples=examples, phases=phases, deadline=None, suppress_health_check=_HEALTH)
    @given(hostile=hostility.requests)
    def attack(hostile: Hostile) -> None:
        kind = KINDS[(next(kinds) + len(address)) % len(KINDS)] if examples > SHORT else ""
        for one in (kind,) if kind else ("anonymous", "requester", "administrator"):
            faults = _faults(hostile, address, proper, one, caller(one))
            assert not faults, f"{hostile.method} {hostile.path(address)!r} as {one}: {faults}"

    attack()


def _faults(
    hostile: Hostile, address: str, proper: dict[str, str], kind: str, requests: RequestFactory
) -> list[str]:
    with undone(), override_settings(TRUSTED_PROXIES=hostile.proxies), writing() as written:
        answer = HANDLER(_environ(hostile, address, proper, requests))
        content = _content(answer)
    plays = PLAYER.fullmatch(address) is not None and answer.status_code in (200, 422)
    faults = missing_headers(answer, cached=address.startswith("/static/"), plays=plays)
    if answer.status_code >= 500 and address != "/readyz":
        faults.append(f"answered {answer.status_code}")
    if written and (answer.status_code >= 400 or hostile.method != "POST"):
        faults.append(f"answered {answer.status_code}, and wrote: {written[0]}")
    if kind in BLIND and OF_ANOTHER_TEAM in content:
        faults.append("showed what is another team's")
    secrets = (portal_settings.SECRET_KEY.encode(), b"Traceback (most recent call last)")
    faults += ["showed a secret" for secret in secrets if secret in content]
    return faults


def _environ(
    hostile: Hostile, address: str, proper: dict[str, str], requests: RequestFactory
) -> dict[str, Any]:
    environ = requests.generic(hostile.method, "/").environ
    body = b"" if hostile.method in {"GET", "HEAD"} else hostile.body(proper)
    session = environ.get("HTTP_COOKIE", "")
    environ |= {
        "PATH_INFO": hostile.path(address),
        "QUERY_STRING": hostile.query_string(),
        "CONTENT_TYPE": hostile.content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        **hostile.headers,
    }
    if session and "HTTP_COOKIE" in hostile.headers:
        environ["HTTP_COOKIE"] = f"{session}; {hostile.headers['HTTP_COOKIE']}"
    return dict(environ)


def _content(answer: HttpResponseBase) -> bytes:
    if isinstance(answer, StreamingHttpResponse):
        return b"".join(bytes(part) for part in iter(answer))
    return bytes(getattr(answer, "content", b""))


def _address(name: str, world: World) -> tuple[str, dict[str, str]]:
    """Where the attack goes, and what its form takes."""
    if name in ROUTES:
        route = ROUTES[name]
        return reverse(name, kwargs=route.arguments(world)), route.data(world)
    if name in NAMED:
        known = NAMED[name].pattern.converters
        if "object_id" not in known:
            return reverse(name, kwargs={"app_label": "jitportal"} if "app_label" in known else {}), {}
        model = apps.get_model("jitportal", name.removeprefix("admin:jitportal_").rsplit("_", 1)[0])
        row = model._base_manager.order_by("pk").first()
        return reverse(name, kwargs={"object_id": row.pk if row else 1}), {}
    return ("/static/tokens.css", {}) if name == "static" else ("/nowhere/at/all/", {})
