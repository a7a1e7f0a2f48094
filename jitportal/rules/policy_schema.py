"""The shape of the policy document, section by section. Nothing here is compared with anything else.

No key is required by the shape: what is missing is said where the sections are compiled, so that one
mistake doesn't hide the next.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from jitportal.rules.policy_scalars import (
    Characters,
    Days,
    Deciders,
    Failures,
    Flag,
    Line,
    Lines,
    LoginKind,
    Minutes,
    Pattern,
    ProbeSeconds,
    RiskWord,
    Seats,
    Setting,
    Settings,
    Slug,
    Slugs,
    Status,
    Template,
    Text,
    ToldList,
    Username,
    Usernames,
    as_list,
)


class Shape(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class Notify(Shape):
    """The channels that are told, by the names that the operator gave them."""

    requests: Slugs | None = None
    grants: Slugs | None = None
    ends: Slugs | None = None


class PathwaySection(Shape):
    allowed_for: Slugs | None = None
    requires: Lines | None = None
    notify: Notify = Notify()


class Nudges(Shape):
    """What happens while a stage waits: who is reminded, and who is told."""

    remind_after_minutes: Minutes | None = None
    remind_after_hours: Minutes | None = None
    remind_after_days: Minutes | None = None
    escalate_after_minutes: Minutes | None = None
    escalate_after_hours: Minutes | None = None
    escalate_after_days: Minutes | None = None
    escalate_to: ToldList | None = None


class WaitingTimes(Nudges):
    """How long things may wait; each in minutes, hours or days."""

    lapse_after_minutes: Minutes | None = None
    lapse_after_hours: Minutes | None = None
    lapse_after_days: Minutes | None = None
    window_minutes: Minutes | None = None
    window_hours: Minutes | None = None
    window_days: Minutes | None = None
    horizon_minutes: Minutes | None = None
    horizon_hours: Minutes | None = None
    horizon_days: Minutes | None = None


class Durations(WaitingTimes):
    """How long a grant may last, and how long things may wait."""

    max_minutes: Minutes | None = None
    max_hours: Minutes | None = None
    max_days: Minutes | None = None
    recommended_minutes: Minutes | None = None
    recommended_hours: Minutes | None = None
    recommended_days: Minutes | None = None
    max_total_minutes: Minutes | None = None
    max_total_hours: Minutes | None = None
    max_total_days: Minutes | None = None


class Eligible(Shape):
    people: Usernames = []
    teams: Slugs = []


class ReviewTimes(Shape):
    """How long each step of a post-incident review may take."""

    statement_hours: Days = 24
    determination_days: Days = 2
    remediation_days: Days = 5
    second_sign_off_days: Days = 2
    remind_hours_before: Days = 4
    escalate_every_hours: Days = 24
    override_hours: Days = 24


class BreakGlassSection(PathwaySection):
    roles: Slugs = []
    review_times: ReviewTimes = ReviewTimes()
    security_contacts: Eligible = Eligible()
    may_end: Eligible = Eligible()
    webhooks: Slugs = []


class SystemApproval(Shape):
    name: Line = ""
    max_minutes: Minutes | None = None
    ticket_pattern: Pattern = ""
    teams: Slugs = []
    scopes: Slugs = []


SystemApprovals = Annotated[list[SystemApproval], BeforeValidator(as_list)]


class Stage(Nudges):
    name: Line = ""
    decides: Deciders = []
    people: Seats = 1
    system_approval: SystemApprovals = []


class Justification(Shape):
    least: Characters | None = None


class Ticket(Shape):
    required: Flag | None = None
    pattern: Pattern = ""
    hint: Line = ""


class Scope(Shape):
    name: Line = ""
    entitlement: Line = ""
    options: dict[Slug, Setting] = {}


class Role(Durations):
    name: Line = ""
    description: Text = ""
    target: Slug = ""
    owner: Username = ""
    entitlement: Line = ""
    scopes: dict[Slug, Scope] | None = None
    eligible: Eligible = Eligible()
    stages: Annotated[list[Stage], BeforeValidator(as_list)] | None = None
    system_approval: SystemApprovals = []
    justification: Justification = Justification()
    ticket: Ticket = Ticket()
    risk: RiskWord | None = None
    revokers: Deciders | None = None
    login: LoginKind = "named"
    review_after_use: Flag | None = None
    notify: Notify = Notify()
    options: dict[Slug, Setting] = {}
    accounts: Slugs | None = None


class Target(Shape):
    name: Line = ""
    connector: Line = ""
    settings: dict[Slug, Setting] = {}
    accounts: dict[Username, Line] = {}
    account_template: Template = "{username}"
    declared: Lines = []


class Probe(Shape):
    kind: Line = ""
    url: Line = ""
    expect_status: Status = 200
    failures: Failures = 3
    every_seconds: ProbeSeconds = 30
    match: dict[Line, Settings] = {}
    token_secret: Line = ""


class Criterion(Shape):
    name: Line = ""
    description: Text = ""
    evidence: Text = ""
    probe: Probe | None = None


class Credential(Shape):
    kind: Line = ""
    place: Line = ""


class EmergencyAccount(Shape):
    name: Line = ""
    target: Slug = ""
    login: Line = ""
    reaches: Text = ""
    custodians: Usernames = []
    credential: Credential = Credential()
    rotate_every_days: Days | None = None
    drill_every_days: Days = 90


class Defaults(WaitingTimes):
    """What roles take that don't say otherwise."""

    justification: Justification = Justification()
    ticket: Ticket = Ticket()
    risk: RiskWord | None = None
    revokers: Deciders | None = None
