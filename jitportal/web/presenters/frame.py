"""What every page shows round its content: the rail, the banner while one is elevated, the nags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from jitportal.models import Activation, Grant, StandingPower
from jitportal.operations import queue
from jitportal.rules.permissions import Verb, allowed
from jitportal.web.http import PortalRequest, actor_of, now_of
from jitportal.web.presenters.waiting_reviews import reviews_waiting


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the rail."""

    label: str
    url: str
    icon: str
    current: bool
    count: int = 0

    @property
    def counted(self) -> str:
        """The count in words: what is over is not counted."""
        return str(self.count) if self.count <= queue.MOST_COUNTED else f"{queue.MOST_COUNTED}+"


@dataclass(frozen=True, slots=True)
class Frame:
    now: datetime
    first: list[Link]
    rest: list[Link]
    in_force: list[Grant]  # those that their targets have confirmed
    standing: list[StandingPower]
    emergencies: list[Activation]  # everybody's, drills included

    @property
    def ends_first(self) -> Grant | None:
        return self.in_force[0] if self.in_force else None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the rail before it is known whether this person sees it."""

    label: str
    name: str  # of the address
    icon: str
    pages: frozenset[str]  # names of the addresses under it
    verb: Verb | None = None


def _entry(label: str, name: str, icon: str, *pages: str, verb: Verb | None = None) -> Entry:
    return Entry(label, name, icon, frozenset({name, *pages}), verb)


GRANT = (
    "grant_detail",
    "grant_start",
    "grant_hand_back",
    "grant_renew",
    "grant_reveal",
    "grant_certificate",
)
POLICY = (
    "policy_version",
    "policy_propose",
    "policy_change",
    "policy_difference",
    "policy_new_role",
    "policy_eligible",
    "policy_caps",
    "policy_approve",
    "policy_reject",
    "policy_apply",
)
FIRST = [
    _entry("My access", "my_access", "key-round", "history", "calendar", *GRANT),
    _entry(
        "Request",
        "request_start",
        "circle-plus",
        "request_temporary",
        "request_jit",
        "request_several",
        "request_several_temporary",
        "request_several_jit",
        "request_clone",
    ),
    _entry(
        "Queue",
        "queue",
        "inbox",
        "decide_approve",
        "decide_deny",
        "decide_send_back",
        "queue_verdicts",
        "submission_detail",
        "my_decisions",
    ),
    _entry(
        "Reviews",
        "reviews",
        "clipboard-check",
        "review_detail",
        "incident_reviews",
        "incident_review",
        "incident_register",
        "follow_ups",
        "follow_up_complete",
    ),
]
REST = [
    _entry("Grants", "grants", "hourglass"),
    _entry("Roles", "roles", "layers", "role_detail"),
    _entry("Policy", "policy", "book-open", *POLICY),
    _entry("Tasks", "tasks", "list-checks", "task_confirm"),
    _entry("Notices", "notices", "bell"),
    _entry("Targets", "targets", "server", "target_detail", verb=Verb.TARGET_VIEW),
    _entry("Problems", "problems", "triangle-alert", verb=Verb.PROBLEM_VIEW),
    _entry("Overview", "overview", "chart-column", verb=Verb.OVERVIEW_VIEW),
    _entry("Record", "record", "scroll-text", "event_detail", verb=Verb.RECORD_VIEW),
    _entry("People", "people_factors", "users", "factors_reset", verb=Verb.FACTORS_VIEW),
    _entry("Admin", "admin:index", "database", verb=Verb.ADMIN_VIEW),
    _entry(
        "Emergency",
        "emergency",
        "siren",
        "emergency_decide",
        "emergency_activate",
        "emergency_account",
        "emergency_criterion",
        "activation_detail",
        "activation_acknowledge",
        "activation_end",
        "activation_hand_back",
        "activation_extend",
    ),
]


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Nothing is read unless the template shows it."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {"demo": settings.DEMO}
    signed_in = cast("PortalRequest", request)
    return {
        "demo": settings.DEMO,
        "shown_at": now_of(request),
        "frame": SimpleLazyObject(lambda: frame_of(signed_in)),
    }


def frame_of(request: PortalRequest) -> Frame:
    now = now_of(request)
    counts = {"queue": queue.queue_count(request.user, now), "reviews": reviews_waiting(request.user)}
    return Frame(
        now=now,
        first=[_link(request, entry, counts.get(entry.name, 0)) for entry in FIRST],
        rest=[_link(request, entry) for entry in REST if _sees(request, entry)],
        in_force=list(
            Grant.objects.entitling(now)
            .filter(person=request.user, live_at__isnull=False)
            .select_related("role", "scope")
            .order_by("ends_at")
        ),
        emergencies=list(
            Activation.objects.entitling(now)
            .select_related("person", "account", "role__target")
            .order_by("drill", "ends_at")
        ),
        standing=list(StandingPower.objects.filter(person=request.user, removed_at=None).order_by("power")),
    )


def seen_by(request: PortalRequest) -> list[Entry]:
    """The pages that lead to all others, as far as this person sees them."""
    return [entry for entry in (*FIRST, *REST) if _sees(request, entry)]


def _sees(request: PortalRequest, entry: Entry) -> bool:
    return entry.verb is None or bool(allowed(entry.verb, actor_of(request)))


def _link(request: PortalRequest, entry: Entry, count: int = 0) -> Link:
    match = request.resolver_match
    current = match is not None and match.view_name in entry.pages
    return Link(entry.label, reverse(entry.name), entry.icon, current, count)
