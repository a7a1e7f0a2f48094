"""The security headers: on every route's answers, on every page of refusal, on files, and behind TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from io import BytesIO

import pytest
from django.conf import LazySettings, settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import path, reverse
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import Person
from jitportal.urls import urlpatterns as portal_urls
from jitportal.web.middleware import LARGEST_BODY
from tests.undone import undone
from tests.web.headers import missing_headers
from tests.web.kinds import KINDS
from tests.web.matrix import ROUTES
from tests.web.world import World, in_emergency, small_world

pytestmark = pytest.mark.django_db


def _breaks(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("It is broken.")


class WithABreak:
    """The portal's addresses, and one that fails."""

    urlpatterns = [*portal_urls, path("break/", _breaks)]
    handler400 = "jitportal.web.views.errors.bad_request"
    handler403 = "jitportal.web.views.errors.forbidden"
    handler404 = "jitportal.web.views.errors.not_found"
    handler500 = "jitportal.web.views.errors.broken"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield in_emergency(small_world())


def _client(world: World, kind: str) -> Client:
    client = Client(raise_request_exception=False)
    if KINDS[kind]:
        client.force_login(world[KINDS[kind]])
    return client


def test_parts_of_pages_carry_them(world: World) -> None:
    """Whole pages, and what refuses a method or a person: see the route matrix."""
    client = _client(world, "auditor")
    wrong = []
    for name, route in ROUTES.items():
        if route.expected("auditor", "GET") == HTTPStatus.OK:
            answer = client.get(reverse(name, kwargs=route.arguments(world)), headers={"HX-Request": "true"})
            wrong += [f"{name}: {one}" for one in missing_headers(answer, plays=route.plays)]
    assert wrong == []


def _errors() -> dict[str, tuple[int, Callable[[Client], HttpResponseBase]]]:
    large = BytesIO(bytes(LARGEST_BODY))
    too_many = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1
    return {
        "not found": (404, lambda client: client.get("/nowhere/")),
        "no slash": (301, lambda client: client.get("/history")),
        "not allowed": (403, lambda client: client.get("/record/")),
        "wrong method": (405, lambda client: client.post("/history/")),
        "invalid": (422, lambda client: client.get(f"/request/?q={'x' * 201}")),
        "too large": (413, lambda client: client.post("/sign-in/", {"file": large})),
        "too many fields": (
            413,
            lambda client: client.post("/sign-in/", dict.fromkeys(map(str, range(too_many)), "x")),
        ),
        "foreign host": (400, lambda client: client.get("/", headers={"Host": "evil.example"})),
        "broken": (500, lambda client: client.get("/break/")),
        "stale form": (403, _without_token),
    }


def _without_token(client: Client) -> HttpResponseBase:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    return strict.post("/sign-out/")


@override_settings(ROOT_URLCONF=WithABreak)
@pytest.mark.parametrize("about", list(_errors()))
def test_every_page_of_refusal_carries_them(about: str, world: World) -> None:
    status, call = _errors()[about]
    answer = call(_client(world, "requester"))
    assert answer.status_code == status
    assert missing_headers(answer) == []


def test_files_carry_them_and_may_be_kept() -> None:
    answer = Client().head("/static/tokens.css")
    assert answer.status_code == HTTPStatus.OK
    assert missing_headers(answer, cached=True) == []
    assert "no-store" not in answer.headers["Cache-Control"]


def test_behind_tls_every_answer_says_to_stay_there(settings: LazySettings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    for address in ("/", "/sign-in/", "/nowhere/", "/healthz", "/static/tokens.css"):
        answer = client.head(address, secure=True)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", address
    plain = client.get("/sign-in/")
    assert plain.status_code == HTTPStatus.MOVED_PERMANENTLY
    assert plain.headers["Location"].startswith("https://")
    assert missing_headers(plain) == []


def test_cookies_are_kept_from_scripts_and_other_sites() -> None:
    person = Person.objects.create_user("ann", password="correct horse battery")
    client = Client()
    client.get("/sign-in/")
    signed_in = client.post("/sign-in/", {"username": person.username, "password": "correct horse battery"})
    assert signed_in.status_code == HTTPStatus.FOUND
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        assert client.cookies[name]["httponly"], name
        assert client.cookies[name]["samesite"] == "Lax"
