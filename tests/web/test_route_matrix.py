"""The route matrix: every named route, every kind of person, every method, with a stranger's data there.

The resolver is walked, so a route that the matrix doesn't name fails. What is refused writes nothing,
and reading writes nothing whoever reads. Every answer carries the security headers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.test import RequestFactory
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from tests.undone import undone
from tests.web.calling import HANDLER, Caller, caller_in, writing
from tests.web.headers import missing_headers
from tests.web.kinds import KINDS, UNKNOWN, Route
from tests.web.matrix import ADMIN, NEVER_SHOWN, NO_ROW, ROUTES
from tests.web.routes import NAMED
from tests.web.world import World, in_emergency, small_world

pytestmark = pytest.mark.django_db

#: The walk is cut into so many tests, which can run beside each other.
PARTS = 8
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
#: Each of the admin's hundred addresses has one guard, which sees no difference between the others.
ADMIN_METHODS = ("GET", "POST", "DELETE")
#: With the proofs everybody asks by each method. The short suite asks by these so many of those whom a row
#: promises the same, others at each route; and one person by each of the other methods.
ASKERS = {"GET": 2, "POST": 1}
ADMIN_ASKERS = {"GET": 1}
WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(True, marks=pytest.mark.proof, id="whole"), pytest.param(False, id="short")]
)
ADMIN_ROUTES = sorted(name for name in NAMED if name.startswith("admin:"))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The small world, with the log kept quiet: thousands of refusals are what is asked for here."""
    logging.disable(logging.WARNING)
    with django_db_blocker.unblock(), undone():
        yield in_emergency(small_world())
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def caller(world: World) -> Caller:
    return caller_in(world)


def test_every_named_route_is_in_the_matrix() -> None:
    portal = {name for name in NAMED if not name.startswith("admin:")}
    assert portal == set(ROUTES)


@WHOLE
@pytest.mark.parametrize("part", range(PARTS))
def test_each_kind_of_person_gets_the_answer_that_the_matrix_promises(
    part: int, whole: bool, world: World, caller: Caller
) -> None:
    wrong = []
    for turn, name in list(enumerate(sorted(ROUTES)))[part::PARTS]:
        route = ROUTES[name]
        path = reverse(name, kwargs=route.arguments(world))
        for method in METHODS:
            for kind in KINDS if whole else _askers(route, method, turn, ASKERS):
                wrong += _broken_promises(caller(kind), route, path, method, kind, route.data(world))
    assert wrong == []


@pytest.mark.sqlite  # each page of the admin is opened on both databases elsewhere
@WHOLE
@pytest.mark.parametrize("part", range(PARTS))
def test_the_admin_shows_itself_to_those_elevated_to_it_alone(
    part: int, whole: bool, world: World, caller: Caller
) -> None:
    wrong = []
    for turn, name in list(enumerate(ADMIN_ROUTES))[part::PARTS]:
        path, route = _admin_route(name)
        for method in ADMIN_METHODS:
            for kind in KINDS if whole else _askers(route, method, turn, ADMIN_ASKERS):
                wrong += _broken_promises(caller(kind), route, path, method, kind, {"any": "thing"})
    assert wrong == []


def _askers(route: Route, method: str, turn: int, number: dict[str, int]) -> list[str]:
    """So many of each of those who are promised the same, and others at the next turn."""
    if method not in number:
        return [list(KINDS)[turn % len(KINDS)]]
    alike: dict[tuple[int, bool], list[str]] = {}
    for kind in KINDS:
        alike.setdefault((route.expected(kind, method), kind in UNKNOWN), []).append(kind)
    return [
        kinds[(turn + step) % len(kinds)]
        for kinds in alike.values()
        for step in range(min(number[method], len(kinds)))
    ]


def _broken_promises(
    requests: RequestFactory, route: Route, path: str, method: str, kind: str, data: dict[str, str]
) -> list[str]:
    """What is wrong with one call, in words; its effects are rolled back."""
    with undone(), writing() as writes:
        answer = HANDLER(requests.generic(method, path, **_body(method, data)).environ)
    said, promised = answer.status_code, route.expected(kind, method)
    about = f"{method} {path} by {kind}"
    wrong = []
    if said != promised:
        wrong.append(f"{about}: {said}, not {promised}")
    if (
        kind in UNKNOWN
        and not route.public
        and not answer.headers.get("Location", "").startswith("/sign-in/")
    ):
        wrong.append(f"{about}: not sent to sign in, but to {answer.headers.get('Location')}")
    refused = said >= HTTPStatus.BAD_REQUEST or kind in UNKNOWN
    wrong += [
        f"{about}: {one}" for one in missing_headers(answer, plays=route.plays and said == HTTPStatus.OK)
    ]
    if writes and (refused or method in {"GET", "HEAD"}):
        wrong.append(f"{about}: answered {said}, and wrote: {writes[0]}")
    return wrong


def _body(method: str, data: dict[str, str]) -> dict[str, Any]:
    if method in {"GET", "HEAD"}:
        return {}
    return {"data": urlencode(data), "content_type": "application/x-www-form-urlencoded"}


def _admin_route(name: str) -> tuple[str, Route]:
    """The route's address and promise; about a row that exists, where it is about a row and there is one."""
    known = NAMED[name].pattern.converters
    if "object_id" in known:
        label, model = name.removeprefix("admin:").rsplit("_", 1)[0].split("_", 1)
        row = apps.get_model(label, model)._base_manager.order_by("pk").first()
        path = reverse(name, kwargs={"object_id": row.pk if row else 1})
        return path, ADMIN if row and label != "sessions" else NO_ROW if not row else NEVER_SHOWN
    arguments = {"app_label": "jitportal"} if name == "admin:app_list" else {}
    return reverse(name, kwargs=arguments), ADMIN
