"""Where one may want to go: the pages that one sees, one's own access, the roles one may request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from jitportal.models import AccessRequest, Grant
from jitportal.operations.facts import visible_grants, visible_requests
from jitportal.rules.permissions import Verb, allowed
from jitportal.web.http import PortalRequest, actor_of, now_of
from jitportal.web.presenters import frame, roles, states

#: Of each group. What isn't among them is found with another word.
MOST = 8
#: The longest number that a row can have.
DIGITS = 18


@dataclass(frozen=True, slots=True)
class Place:
    """One address to go to; ``badge`` is a state's, as its tag takes it."""

    label: str
    url: str
    icon: str
    hint: str = ""
    badge: states.Badge | None = None


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Palette:
    words: str
    groups: Sequence[Group]

    @property
    def total(self) -> int:
        return sum(len(group.places) for group in self.groups)


def palette(request: PortalRequest, words: str) -> Palette:
    """What the words speak of; without words, where most go."""
    groups = [
        Group("By its number", list(_numbered(request, words))),
        Group("Your access", [place for place in _own(request) if _speaks_of(words, place)][:MOST]),
        Group("Pages", [place for place in _pages(request) if _speaks_of(words, place)]),
        Group("Roles that you may request", _roles(request, words)),
    ]
    return Palette(words, [group for group in groups if group.places])


def _speaks_of(words: str, place: Place) -> bool:
    text = f"{place.label} {place.hint}".casefold()
    return all(word in text for word in words.casefold().split())


def _pages(request: PortalRequest) -> Iterator[Place]:
    for entry in frame.seen_by(request):
        yield Place(entry.label, reverse(entry.name), entry.icon)
    yield Place("History", reverse("history"), "clock", "All that you asked for and held before")
    if allowed(Verb.POLICY_PROPOSE, actor_of(request)):
        yield Place("Propose a change", reverse("policy_propose"), "pencil", "Policy")


def _own(request: PortalRequest) -> Iterator[Place]:
    now = now_of(request)
    held = Grant.objects.filter(person=request.user).unfinished().select_related("role", "scope")
    for grant in held.order_by("ends_at", "pk")[:MOST]:
        yield _place("grant_detail", grant, "key-round", states.of_grant(grant, now))
    waiting = AccessRequest.objects.open().filter(requester=request.user).select_related("role", "scope")
    for asked in waiting.order_by("-created_at")[:MOST]:
        yield _place("request_detail", asked, "hourglass", states.of_request(asked, now))


def _place(page: str, row: Any, icon: str, badge: states.Badge) -> Place:
    what = "Grant" if isinstance(row, Grant) else "Request"
    return Place(f"{row.role}, {row.scope}", reverse(page, args=[row.pk]), icon, f"{what} {row.pk}", badge)


def _numbered(request: PortalRequest, words: str) -> Iterator[Place]:
    """The request and the grant of this number, where this person may see them."""
    if not (words.isascii() and words.isdecimal() and len(words) <= DIGITS):
        return
    now = now_of(request)
    asked = visible_requests(request.user, now).select_related("role", "scope").filter(pk=int(words)).first()
    if asked is not None:
        yield _place("request_detail", asked, "scroll-text", states.of_request(asked, now))
    grant = visible_grants(request.user, now).select_related("role", "scope").filter(pk=int(words)).first()
    if grant is not None:
        yield _place("grant_detail", grant, "key-round", states.of_grant(grant, now))


def _roles(request: PortalRequest, words: str) -> list[Place]:
    found = roles.find(request.user, words)
    wanted = found.roles if words else found.familiar
    return [
        Place(f"Request {one.rules.name}", one.url, "circle-plus", one.target)
        for one in wanted[:MOST]
        if one.url
    ]
