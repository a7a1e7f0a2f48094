"""A portal with many waiting requests, made by the operations, and what a browser says of its pages.

Used by ``bench_pages.py``. It works on whichever portal database Django is configured for.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.test import Client
from playwright.sync_api import Browser, CDPSession, sync_playwright
from playwright.sync_api import Page as BrowserPage

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Grant, Person
from jitportal.operations import clock, decisions, grants, leases, people, policies
from jitportal.operations.requests import Ask, submit
from jitportal.rules.vocabulary import Pathway, StartMode, Verdict

ROLES = 10
#: What a page tells of its own drawing, in milliseconds after its address was asked for.
PAINTS = """() => new Promise((done) => {
  const told = { largest: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) told.largest = Math.max(told.largest, entry.startTime);
  }).observe({ type: "largest-contentful-paint", buffered: true });
  requestAnimationFrame(() => setTimeout(() => {
    const first = performance.getEntriesByName("first-contentful-paint")[0];
    const navigation = performance.getEntriesByType("navigation")[0];
    done({ ...told, first: first ? first.startTime : 0, answered: navigation.responseStart });
  }, 50));
})"""
ROLE = """\
    role-{number}:
      name: Restart service {number}
      description: Restart service {number} and read its log.
      target: building
      owner: maya
      entitlement: service-{number}
      eligible: {{teams: [platform]}}
      max_minutes: 60
      risk: {risk}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One page: bytes with nothing cached and with styles and scripts cached; medians in milliseconds."""

    name: str
    requests: int
    cold: int
    warm: int
    answered: float
    first: float
    largest: float
    again: float

    def __str__(self) -> str:
        return (
            f"{self.name:12} {self.requests:3} requests {self.cold / 1000:7.1f} kB cold "
            f"{self.warm / 1000:6.1f} kB warm   answered {self.answered:4.0f} ms   "
            f"first paint {self.first:4.0f} ms   largest {self.largest:4.0f} ms, warm {self.again:4.0f} ms"
        )


def prepare(pending: int) -> None:
    """So many requests wait for Maya."""
    actor = system()
    maya = people.create_person(actor=actor, username="maya", name="Maya Lindqvist")
    team = people.create_team(actor=actor, key="platform", name="Platform")
    policies.bootstrap(actor=actor, text=_policy())
    with transaction.atomic():
        for index in range(-(-pending // ROLES)):
            engineer = people.create_person(
                actor=actor, username=f"engineer{index}", name=f"Engineer {index}", manager=maya
            )
            people.join_team(actor=actor, person=engineer, team=team)
            for number in range(min(ROLES, pending - index * ROLES)):
                _ask(engineer, number)


def waiting() -> bool:
    """Whether requests were made here before."""
    return AccessRequest.objects.filter(status="pending").exists()


def addresses() -> list[tuple[str, str, str]]:
    """Name, who looks, and where."""
    request = AccessRequest.objects.filter(status="pending").latest("pk")
    return [
        ("queue", "maya", "/queue/"),
        ("my access", "engineer0", "/"),
        ("find a role", "engineer0", "/request/"),
        ("request form", "engineer1", "/request/jit/role-0/"),
        ("a request", "maya", f"/requests/{request.pk}/"),
        ("record", "engineer0", "/record/"),
    ]


def look(url: str, *, rounds: int) -> Iterator[Seen]:
    """Open each page in windows with nothing cached, and once more in one that has been here.

    Bytes are counted first, in windows of their own: being told of each costs a browser time, and one that
    has only just been started is slow.
    """
    with _browser() as browser:
        places = [(name, _session(username), address) for name, username, address in addresses()]
        weighed = [_weigh(browser, url, key, address) for _, key, address in places]
        for place, weight in zip(places, weighed, strict=True):
            yield _seen(browser, url, place, weight, rounds)


def _weigh(browser: Browser, url: str, key: str, address: str) -> tuple[int, int, int]:
    """Requests and bytes of a first visit; bytes of the next."""
    with _window(browser, url, key) as page:
        counted = _Counted(page.context.new_cdp_session(page))
        _told(page, url + address)
        requests, cold = counted.taken()
        _told(page, url + address)
        return requests, cold, counted.taken()[1]


def _seen(
    browser: Browser, url: str, place: tuple[str, str, str], weight: tuple[int, int, int], rounds: int
) -> Seen:
    name, key, address = place
    first, again = [], []
    for _ in range(rounds):
        with _window(browser, url, key) as page:
            first.append(_told(page, url + address))
            again.append(_told(page, url + address))
    return Seen(
        name,
        *weight,
        answered=statistics.median(told["answered"] for told in first),
        first=statistics.median(told["first"] for told in first),
        largest=statistics.median(told["largest"] for told in first),
        again=statistics.median(told["largest"] for told in again),
    )


@contextmanager
def _window(browser: Browser, url: str, key: str) -> Iterator[BrowserPage]:
    """A window with nothing cached, of somebody who has signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}
    context.add_cookies([cookie])  # type: ignore[list-item]  # the stub wants its own TypedDict
    yield context.new_page()
    context.close()


def _told(page: BrowserPage, address: str) -> dict[str, float]:
    """Opens the address, and says when it was answered and painted, in milliseconds."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, f"{address}: {answer.status}"
    told: dict[str, float] = page.evaluate(PAINTS)
    return told


class _Counted:
    """Bytes that came over the wire, heads and bodies, as they were sent; what a cache had is none."""

    def __init__(self, session: CDPSession) -> None:
        self.requests = self.bytes = 0
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def taken(self) -> tuple[int, int]:
        taken, self.requests, self.bytes = (self.requests, self.bytes), 0, 0
        return taken

    def _finished(self, event: dict[str, float]) -> None:
        self.requests += 1
        self.bytes += int(event["encodedDataLength"])


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


def _session(username: str) -> str:
    client = Client()
    client.force_login(Person.objects.get(username=username))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _policy() -> str:
    keys = [f"role-{number}" for number in range(ROLES)]
    roles = "".join(
        ROLE.format(number=number, risk=("low", "medium", "high")[number % 3]) for number in range(ROLES)
    )
    return f"""elevation_policy:
  jit_access:
    allowed_for: [{", ".join(keys)}, auditor]
    requires: [manager_or_system_approval, max_duration_60_minutes]
  targets:
    building: {{name: Office building, connector: manual}}
    portal: {{name: This portal, connector: portal}}
  roles:
{roles}    auditor:
      name: Auditor of this portal
      target: portal
      owner: maya
      entitlement: auditor
      eligible: {{teams: [platform]}}
      max_minutes: 60
      risk: medium
"""


def _ask(person: Person, number: int, role: str = "") -> AccessRequest:
    return submit(
        actor=person,
        ask=Ask(
            role_key=role or f"role-{number}",
            pathway=Pathway.JIT,
            scope="all",
            start_mode=StartMode.AT_ONCE,
            minutes=10 + number,
            justification=f"Service {number} answers slowly since {person} rolled the last release out.",
            ticket=f"CHG-{person.pk}{number}",
        ),
    )


def hold() -> None:
    """The first engineer may read the record, for an hour."""
    grants.expire_due()
    engineer, maya = (Person.objects.get(username=name) for name in ("engineer0", "maya"))
    if Grant.objects.entitling(clock.now()).filter(person=engineer).exists():
        return
    request = _ask(engineer, 0, "auditor")
    decisions.decide(
        actor=maya,
        request=request,
        verdict=Verdict.APPROVE,
        digest=decisions.seen_digest(request),
    )
    leases.converge(target_id=request.role.target_id, lane="grant", worker="bench")
