"""Every page that there is, seen by everybody who may see it: light and dark, narrow and wide.

The pages come from the resolver and the matrix, so a new one is looked at without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pytest
from django.conf import settings
from django.db import connections
from django.db.models import Model
from django.test import Client, override_settings
from django.urls import reverse
from playwright.sync_api import Browser, Error
from pytest_django.live_server_helper import LiveServer

from jitportal.models import (
    AccessRequest,
    Activation,
    AfterUseReview,
    Event,
    Grant,
    PolicyVersion,
    PostIncidentReview,
    Role,
)
from jitportal.urls import handler400, handler403, handler404, handler500
from jitportal.urls import urlpatterns as portal_urls
from jitportal.web.urls import demo
from tests.journeys.browsing import Visitor
from tests.web.kinds import KINDS
from tests.web.matrix import ROUTES
from tests.web.pages.company import company
from tests.web.pages.looking import Looker
from tests.web.routes import NAMED
from tests.web.world import World

#: A round takes a minute or two where nothing else runs, and others run beside it.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

T = TypeVar("T", bound=Model)

#: Who looks, in three rounds that can run beside each other.
ROUNDS = [
    ("requester", "stranger", "anonymous"),
    ("manager", "decider", "role owner"),
    ("policy editor", "operator", "auditor"),
]
#: Answers that are for machines.
NO_PAGES = {
    "evidence_key",
    "evidence_program",
    "healthz",
    "readyz",
    "recording_cast",
    "recording_file",
}
#: Of these each has its own kind of parts: the short suite looks at them, the proofs at every page.
SAMPLE = {
    "activation_detail",
    "incident_review",
    "my_access",
    "queue",
    "request_jit",
    "sign_in",
}
#: What else one may come upon: words that can't be looked for, nothing found, and what isn't there.
MISTAKES = {
    "requester": [
        ("/components/", 200),
        ("/go/?q=nothing-is-called-that", 200),
        (f"/request/?q={'x' * 201}", 422),
        ("/request/?q=nothing-is-called-that", 200),
        ("/request/?q=server&role=door", 200),
        ("/request/several/?role=door&role=cabinet", 200),
        ("/request/several/jit/?role=door&role=cage", 200),
        ("/request/several/temporary/?role=cabinet", 200),
        ("/calendar/?by=day", 200),
        ("/request/temporary/door/", 404),
        ("/record/", 403),
        ("/nowhere/", 404),
    ],
    "manager": [
        ("/queue/?verdict=approve", 200),
        ("/queue/?show=all", 200),
        ("/queue/?who=nobody", 200),
        ("/queue/?risk=none", 422),
        (f"/queue/verdicts/?{'&'.join(f'request={number}' for number in range(1, 100))}", 200),
    ],
    "anonymous": [("/demo/become/", 200)],
    "auditor": [
        ("/record/?person=nobody&since=yesterday", 422),
        ("/record/?person=rita&verb=request.submitted", 200),
    ],
}


class WithTheDemo:
    """The portal's addresses where the demo runs."""

    urlpatterns = [*portal_urls, *demo]
    handler400 = handler400
    handler403 = handler403
    handler404 = handler404
    handler500 = handler500


def test_every_page_is_looked_at() -> None:
    """A route that the matrix doesn't know, or a page that none of those who look may see, fails here."""
    portal = {name for name in NAMED if not name.startswith("admin:")}
    assert portal <= set(ROUTES), "Give the new route a row in the matrix."
    lookers = {kind for kinds in ROUNDS for kind in kinds}
    unseen = {
        name
        for name, route in ROUTES.items()
        if 200 in (route.get or {})
        and name not in NO_PAGES
        and not any(route.expected(kind, "GET") == 200 for kind in lookers)
    }
    assert unseen == set()


@override_settings(ROOT_URLCONF=WithTheDemo, DEMO=True)
def test_pages_of_each_kind(transactional_db: None, live_server: LiveServer, browser: Browser) -> None:
    """By the first of those who look that may see it; the proof has them all look at all of theirs."""
    world = company()
    seen: set[str] = set()
    pages: dict[str, list[tuple[str, int]]] = {}
    for kind in (kind for kinds in ROUNDS for kind in kinds):
        chosen = {name: found for name, found in _pages(world, kind).items() if name in SAMPLE - seen}
        seen |= set(chosen)
        pages[kind] = [(addresses[0], 200) for addresses in chosen.values()]
    assert seen == SAMPLE
    _look_at(pages, world, live_server, browser)


@pytest.mark.proof
@override_settings(ROOT_URLCONF=WithTheDemo, DEMO=True)
@pytest.mark.parametrize("kinds", ROUNDS, ids=lambda kinds: kinds[0])
def test_pages(
    kinds: tuple[str, ...],
    transactional_db: None,
    live_server: LiveServer,
    browser: Browser,
) -> None:
    world = company()
    pages = {
        kind: [*((address, 200) for address in _addresses(world, kind)), *MISTAKES.get(kind, [])]
        for kind in kinds
    }
    _look_at(pages, world, live_server, browser)


def _look_at(
    pages: dict[str, list[tuple[str, int]]], world: World, live_server: LiveServer, browser: Browser
) -> None:
    visitor = Visitor(browser, live_server.url, still=True)
    looker = Looker(visitor.page)
    faults: list[str] = []
    for kind, addresses in pages.items():
        _signs_in(visitor, world, KINDS[kind])
        for address, status in addresses:
            faults += (f"{kind} {address}: {fault}" for fault in _faults(visitor, looker, address, status))
    visitor.close()
    connections.close_all()  # what was opened beside Playwright's loop is closed beside it
    assert not faults, "\n".join(faults)


def _signs_in(visitor: Visitor, world: World, username: str) -> None:
    cookie = ""
    if username:
        client = Client()
        client.force_login(world[username])
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.has_session(settings.SESSION_COOKIE_NAME, cookie)


def _addresses(world: World, kind: str) -> list[str]:
    """What this kind of person may open, in order."""
    return sorted(address for addresses in _pages(world, kind).values() for address in addresses)


def _pages(world: World, kind: str) -> dict[str, list[str]]:
    """What this kind of person may open: each page of the matrix, and each thing in each state."""
    found = {
        name: [reverse(name, kwargs=route.arguments(world))]
        for name, route in ROUTES.items()
        if name not in NO_PAGES and route.expected(kind, "GET") == 200
    }
    if kind == "auditor":  # sees everything
        for name, things in _things().items():
            found[name] = [reverse(name, args=[thing]) for thing in things]
    return found


def _things() -> dict[str, list[object]]:
    """What has a page of its own, one in each state; of the record's events one about each kind of thing."""
    asked = AccessRequest.objects.select_related("current").order_by("pk")
    held = Grant.objects.order_by("pk")
    return {
        "request_detail": _one_each(asked, lambda one: (one.status, one.current and one.current.number)),
        "grant_detail": _one_each(held, lambda one: (one.status, one.end_reason, one.live_at is None)),
        "review_detail": _one_each(AfterUseReview.objects.order_by("pk"), lambda one: one.status),
        "incident_review": _one_each(
            PostIncidentReview.objects.order_by("pk"),
            lambda one: (one.status, one.drill, one.activation_id is None),
        ),
        "activation_detail": _one_each(
            Activation.objects.order_by("pk"), lambda one: (one.status, one.end_reason, one.drill)
        ),
        "role_detail": list(Role.objects.values_list("key", flat=True)),
        "policy_version": list(PolicyVersion.objects.values_list("number", flat=True)),
        "event_detail": _one_each(Event.objects.order_by("pk"), lambda one: one.verb.partition(".")[0]),
    }


def _one_each(rows: Iterable[T], state: Callable[[T], object]) -> list[object]:
    """The latest row in each state."""
    return list({state(row): row.pk for row in rows}.values())


def _faults(visitor: Visitor, looker: Looker, address: str, status: int = 200) -> Iterator[str]:
    """What is wrong with a page, and with what it answers to each of its forms sent empty."""
    page = visitor.page
    with visitor.told() as complaints:
        try:
            answer = page.goto(address)
        except Error as error:
            if "Download is starting" in error.message:
                return
            raise
        assert answer is not None
        if "html" not in answer.headers.get("content-type", ""):
            return
        yield from looker.faults()
    yield from _unexpected(complaints, status)
    for number in range(page.evaluate(_FORMS)):
        page.goto(address)
        with visitor.told() as complaints:
            with page.expect_navigation() as sent:
                page.evaluate(_SEND_EMPTY, number)
            if sent.value.status != 422:
                yield f"its form {number} sent empty is answered with {sent.value.status}"
            if not page.get_by_role("alert").count():
                yield f"its form {number} sent empty has no summary of errors"
            yield from (f"with errors: {fault}" for fault in looker.faults())
        yield from _unexpected(complaints, 422)


#: Forms that can be sent with too little. What is required is only said, and the server refuses it.
_FORMS = """() => document.querySelectorAll("main form[method=post]:has([required])").length"""
_SEND_EMPTY = """(number) => {
  const form = document.querySelectorAll("main form[method=post]:has([required])")[number];
  for (const field of form.querySelectorAll("textarea, input:not([type=hidden])")) {
    if (["radio", "checkbox"].includes(field.type)) field.checked = false;
    else field.value = "";
  }
  form.noValidate = true;
  form.requestSubmit(form.querySelector("[type=submit]"));
}"""


def _unexpected(complaints: list[str], status: int) -> list[str]:
    """Complaints but for the status that has to come."""
    return [said for said in complaints if status < 400 or not re.search(rf"tatus (of )?{status}\b", said)]
