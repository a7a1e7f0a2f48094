"""Roles as everybody may read them: the rules in words, and who holds each of them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from jitportal.models import Grant, Person, Role, RoleScope, Team
from jitportal.operations import policies, targets
from jitportal.operations.facts import visible_grants
from jitportal.operations.waits import usual_waits
from jitportal.rules.deciders import DeciderRules
from jitportal.rules.durations import spoken
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_excerpt import Excerpt, role_excerpt
from jitportal.rules.vocabulary import Decider, EnforcementPlan
from jitportal.rules.waiting import UsualWait, path_of_rules
from jitportal.web.presenters.deciding import StageLine, lines_of_rules, listed, names_of
from jitportal.web.presenters.waits import wait_sentence

MOST_ROLES = 200
MOST_HOLDERS = 100


@dataclass(frozen=True, slots=True)
class RoleRow:
    role: Role
    holders: int


@dataclass(frozen=True, slots=True)
class Roles:
    """``more``: not all are shown; a word narrows the list."""

    rows: Sequence[RoleRow]
    more: bool


@dataclass(frozen=True, slots=True)
class ScopeLine:
    scope: RoleScope
    plan: EnforcementPlan


@dataclass(frozen=True, slots=True)
class HolderLine:
    """Who holds the role by the clock. ``visible``: the viewer may open the grant, and so read why."""

    grant: Grant
    visible: bool


@dataclass(frozen=True, slots=True)
class RolePage:
    """``rules`` is None where the policy in force doesn't offer the role any more."""

    role: Role
    rules: RoleRules | None
    eligible: Sequence[str]
    stages: Sequence[StageLine]
    caps: Sequence[tuple[str, str]]
    wanted: Sequence[str]
    revokers: str
    scopes: Sequence[ScopeLine]
    holders: Sequence[HolderLine]
    more_holders: int
    wait: str
    excerpt: Excerpt | None


def roles_now(words: str, now: datetime) -> Roles:
    """The roles on offer whose name, key, description or target has every word; holders counted."""
    found = Role.objects.offered().select_related("target", "owner").filter(*_each_word(words))
    rows = list(found.order_by("target__name", "name", "pk")[: MOST_ROLES + 1])
    held = Grant.objects.in_force(now).filter(role__in=[row.pk for row in rows]).order_by()
    counted = dict(held.values_list("role_id").annotate(people=Count("person", distinct=True)))
    return Roles([RoleRow(row, counted.get(row.pk, 0)) for row in rows[:MOST_ROLES]], len(rows) > MOST_ROLES)


def _each_word(words: str) -> list[Q]:
    return [
        Q(name__icontains=word)
        | Q(key__icontains=word)
        | Q(description__icontains=word)
        | Q(target__name__icontains=word)
        for word in words.split()[:8]
    ]


def role_page(role: Role, viewer: Person, now: datetime) -> RolePage:
    version = policies.current_version()
    rules = policies.role_rules(version, role.key)
    scopes = role.scopes.filter(retired_at__isnull=True).select_related("entitlement").order_by("name")
    held = Grant.objects.in_force(now).filter(role=role).select_related("person", "scope")
    return RolePage(
        role=role,
        rules=rules,
        eligible=_eligible(rules) if rules else [],
        stages=lines_of_rules(rules) if rules else [],
        caps=_caps(rules) if rules else [],
        wanted=_wanted(rules) if rules else [],
        revokers=_revokers(rules.revokers) if rules else "",
        scopes=[ScopeLine(scope, targets.plan_for(role, scope)) for scope in scopes],
        holders=holder_lines(held, viewer, now),
        more_holders=max(0, held.count() - MOST_HOLDERS),
        wait=_wait(role, rules, now) if rules and rules.stages else "",
        excerpt=role_excerpt(policies.document_of(version), role.key) if version and rules else None,
    )


def _wait(role: Role, rules: RoleRules, now: datetime) -> str:
    """How long it takes where people decide; what the system approves at once isn't counted."""
    path = path_of_rules(rules.stages)
    return wait_sentence(usual_waits({role.pk}, now).get((role.pk, path), UsualWait(0)))


def holder_lines(held: QuerySet[Grant], viewer: Person, now: datetime) -> list[HolderLine]:
    """These grants, the first to end first."""
    grants = list(held.order_by("ends_at", "pk")[:MOST_HOLDERS])
    visible = set(
        visible_grants(viewer, now).filter(pk__in=[grant.pk for grant in grants]).values_list("pk", flat=True)
    )
    return [HolderLine(grant, grant.pk in visible) for grant in grants]


def _eligible(rules: RoleRules) -> list[str]:
    names = names_of(rules.eligible_people)
    teams = Team.objects.filter(key__in=rules.eligible_teams).order_by("name").values_list("name", flat=True)
    return [*(f"team {name}" for name in teams), *sorted(names.values(), key=str.casefold)]


def _caps(rules: RoleRules) -> list[tuple[str, str]]:
    caps = [
        ("Lasts at most", spoken(rules.max_minutes)),
        ("Recommended", spoken(rules.recommended_minutes)),
        ("With renewals at most", spoken(rules.max_total_minutes)),
        ("A request lapses after", spoken(rules.lapse_after_minutes)),
        ("Can be planned ahead", spoken(rules.horizon_minutes)),
    ]
    return [*caps, ("A window to start in lasts at most", spoken(rules.longest_window_minutes))]


def _wanted(rules: RoleRules) -> list[str]:
    """What has to be said, before and after."""
    wanted = [f"A reason of at least {rules.least_justification} characters."]
    if rules.ticket_required:
        wanted.append(f"A ticket. {rules.ticket_hint}".strip())
    if rules.review_after_use:
        wanted.append("After its use, a short review: the holder says what was done, somebody else reads it.")
    return wanted


def _revokers(revokers: Sequence[DeciderRules]) -> str:
    keys = [one.team for one in revokers if one.kind is Decider.TEAM]
    names = dict(Team.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}
    words = {Decider.MANAGER: "the holder's manager", Decider.ROLE_OWNER: "the role's owner"}
    said = [words.get(one.kind) or f"team {names.get(one.team, one.team)}" for one in revokers]
    return listed([*said, "an administrator"])
