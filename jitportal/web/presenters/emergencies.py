"""Break-glass as its pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.models import (
    Activation,
    ActivationAlert,
    Criterion,
    EmergencyAccount,
    Event,
    Grant,
    Notice,
    Person,
    ProbeResult,
    Recording,
    WebhookDelivery,
)
from jitportal.operations import connecting, facts, policies, probes, targets
from jitportal.operations.directory import person_facts
from jitportal.operations.emergency_people import Desk, own_roles, population_of, security_contacts
from jitportal.operations.facts import visible_activations
from jitportal.operations.probes import Said
from jitportal.rules.emergencies import next_due, population_warning
from jitportal.rules.permissions import Relation, Verb, allowed
from jitportal.rules.policy import RoleRules, eligibility_reason
from jitportal.rules.post_incident import RESPONDERS_TURN
from jitportal.rules.vocabulary import ActivationStatus, EnforcementPlan, Pathway
from jitportal.web.http import PortalRequest, actor_of, now_of
from jitportal.web.live import AT_WORK, RUNNING, SETTLED, Live, live
from jitportal.web.presenters import acts, recordings, states, story
from jitportal.web.presenters.acts import Act
from jitportal.web.presenters.deciding import names_of
from jitportal.web.presenters.story import Step
from jitportal.web.presenters.targets import health_of

_ALERTS = ("emergency.opened", "emergency.unacknowledged")
#: On the desk; the register has all of them.
LATEST = 10
MOST_ALERTS = 200
#: A person who is led back to routine access is shown so many roles.
MOST_ROLES = 6


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who was alerted: how it reached them, and when they said so."""

    alert: ActivationAlert
    notices: Sequence[Notice]

    @property
    def latency(self) -> timedelta | None:
        at = self.alert.acknowledged_at
        return at - self.alert.raised_at if at else None


@dataclass(frozen=True, slots=True)
class ActivationPage:
    activation: Activation
    grant: Grant | None
    steps: list[Step]
    acts: list[Act]
    told: list[Told]
    deliveries: list[WebhookDelivery]
    own_alert: ActivationAlert | None
    plan: EnforcementPlan
    instructions: str
    presence: str
    removal_lag: timedelta | None
    extended_by: Activation | None
    sees_review: bool
    owes_statement: bool
    recordings: list[Recording]


@dataclass(frozen=True, slots=True)
class Kept:
    """An emergency account with what is due of it, and what is wrong with it."""

    account: EmergencyAccount
    people: list[Person]
    population: str  # what is wrong with the number of people; empty: nothing
    drill_due: datetime
    rotation_due: datetime | None
    drill_late: bool
    rotation_late: bool
    in_use: Activation | None
    blind: str  # why short sign-ins to it may not be seen; empty: they are, or its target can't tell

    @property
    def warnings(self) -> int:
        return bool(self.population) + self.drill_late + self.rotation_late + bool(self.blind)

    @property
    def custodians(self) -> list[str]:
        """Their names, as the policy orders them; who isn't here any more stays a username."""
        names = names_of(self.account.custodians)
        return [names.get(username, username) for username in self.account.custodians]


@dataclass(frozen=True, slots=True)
class Claimable:
    """A criterion with what its probe says now."""

    criterion: Criterion
    said: Said


@dataclass(frozen=True, slots=True)
class DeskPage:
    open: list[tuple[Activation, bool]]  # with whether the viewer may see its page
    sees: bool
    in_population: bool
    unheard: bool  # whether the policy names no security contact who is there
    accounts: list[Kept]
    criteria: list[Claimable]
    latest: list[Activation]


@dataclass(frozen=True, slots=True)
class Routine:
    """A role that may be asked for instead, with what its form is given."""

    role: RoleRules
    scope: str
    minutes: int


def of_activation(request: PortalRequest, activation: Activation) -> ActivationPage:
    subject = facts.relations(request.user, activation)
    grant = (
        Grant.objects.filter(activation=activation)
        .select_related("role__target", "scope", "lease__target", "person")
        .first()
    )
    holder = Relation.HOLDER in subject.relations
    return ActivationPage(
        activation=activation,
        grant=grant,
        steps=story.steps_of(Event.objects.filter(activation=activation)),
        acts=_acts(request, activation, grant),
        told=_told(activation),
        deliveries=list(
            WebhookDelivery.objects.filter(event__activation=activation).order_by("pk")[:MOST_ALERTS]
        ),
        own_alert=ActivationAlert.objects.filter(activation=activation, person=request.user).first(),
        plan=targets.plan_for(activation.role, activation.scope),
        instructions=connecting.instructions(grant) if grant is not None and holder else "",
        presence=story.presence_words(grant, now_of(request)) if grant is not None else "",
        removal_lag=story.removal_lag(grant) if grant is not None else None,
        extended_by=Activation.objects.filter(extension_of=activation).first(),
        sees_review=bool(facts.may(Verb.INCIDENT_VIEW, request.user, activation.review)),
        recordings=recordings.of_grant(request, grant) if grant is not None else [],
        owes_statement=holder and activation.review.status in RESPONDERS_TURN,
    )


def live_activation(request: PortalRequest, page: ActivationPage) -> Live:
    """What the page shows that can change by itself."""
    activation, grant = page.activation, page.grant
    badge = states.of_activation(activation, now_of(request)).text
    alerts = [
        (one.alert.pk, one.alert.acknowledged_at, [notice.sent_at for notice in one.notices])
        for one in page.told
    ]
    sent = [(one.pk, one.acknowledged_at, one.given_up_at) for one in page.deliveries]
    seen = (badge, len(page.steps), page.acts, page.presence, page.instructions, alerts, sent)
    if activation.status == ActivationStatus.ENDED:
        return live(SETTLED, *seen)
    unsettled = grant is not None and (grant.live_at is None or grant.stopped_at is not None)
    return live(AT_WORK if unsettled else RUNNING, *seen)


def desk(request: PortalRequest) -> DeskPage:
    now = now_of(request)
    subject = facts.relations(request.user, Desk())
    sees = bool(allowed(Verb.EMERGENCY_VIEW, actor_of(request), subject))
    visible = visible_activations(request.user, now)
    rows = Activation.objects.select_related("person", "account", "role__target", "criterion")
    going = rows.entitling(now).order_by("drill", "ends_at")
    seen = set(visible.filter(pk__in=[one.pk for one in going]).values_list("pk", flat=True))
    return DeskPage(
        open=[(one, one.pk in seen or sees) for one in going],
        sees=sees,
        in_population=bool(allowed(Verb.EMERGENCY_ACTIVATE, actor_of(request), subject)),
        unheard=sees and not security_contacts(),
        accounts=[kept(one, now) for one in _accounts()] if sees else [],
        criteria=criteria(now) if sees else [],
        latest=list(rows.filter(pk__in=visible.values("pk")).order_by("-pk")[:LATEST]),
    )


def kept(account: EmergencyAccount, now: datetime) -> Kept:
    people = population_of(account)
    drill = next_due(account.last_drilled_at, account.created_at, account.drill_every_days) or now
    rotation = next_due(account.last_rotated_at, account.created_at, account.rotate_every_days)
    return Kept(
        account=account,
        people=people,
        population=population_warning(len(people)),
        drill_due=drill,
        rotation_due=rotation,
        drill_late=drill <= now,
        rotation_late=rotation is not None and rotation <= now,
        in_use=Activation.objects.entitling(now).filter(account=account).select_related("person").first(),
        blind=_blind(account),
    )


def criteria(now: datetime) -> list[Claimable]:
    rows = Criterion.objects.offered().order_by("name", "pk")
    return [Claimable(one, probes.says(one, now)) for one in rows]


def results(criterion: Criterion) -> list[ProbeResult]:
    """What its probe said lately, the last first."""
    return list(criterion.results.order_by("-pk")[:50])


def account_names(roles: Sequence[RoleRules]) -> dict[str, str]:
    """The accounts that these roles use, by key."""
    keys = {key for role in roles for key in role.accounts}
    return dict(EmergencyAccount.objects.offered().filter(key__in=keys).values_list("key", "name"))


def routine_roles(person: Person) -> list[Routine]:
    """What this person may ask for instead: on the targets of break-glass first."""
    version = policies.current_version()
    if version is None:
        return []
    of_person = person_facts(person)
    roles = policies.document_of(version).roles_on(Pathway.JIT).values()
    near = {role.target for role in own_roles(person)}
    eligible = [role for role in roles if eligibility_reason(of_person, role) is not None]
    eligible.sort(key=lambda role: (role.target not in near, role.name))
    return [
        Routine(role, next(iter(role.scopes)), role.recommended_minutes) for role in eligible[:MOST_ROLES]
    ]


def _accounts() -> list[EmergencyAccount]:
    rows = EmergencyAccount.objects.offered().select_related("target__health")
    return list(rows.order_by("name", "pk"))


def _blind(account: EmergencyAccount) -> str:
    health = health_of(account.target)
    return health.sign_ins_problem if health is not None else ""


def _told(activation: Activation) -> list[Told]:
    rows = activation.alerts.select_related("person").order_by("acknowledged_at", "pk")[:MOST_ALERTS]
    sent: dict[int, list[Notice]] = {}
    notices = Notice.objects.filter(activation=activation, kind__in=_ALERTS).order_by("pk")
    for notice in notices:
        sent.setdefault(notice.recipient_id or 0, []).append(notice)
    return [Told(one, sent.get(one.person_id, [])) for one in rows]


def _acts(request: PortalRequest, activation: Activation, grant: Grant | None) -> list[Act]:
    """What the viewer may do with it in its present state; what isn't theirs isn't listed."""
    now = now_of(request)
    if grant is None or not activation.entitles(now):
        return []
    actor, subject = actor_of(request), facts.relations(request.user, activation)
    found = []
    for verb, name, label, icon, classes, early in acts.credential(grant):
        answer = allowed(verb, actor, subject)
        if answer:
            found.append(acts.act(name, grant.pk, label, answer, icon=icon, classes=classes, state=early))
    for verb, name, label, icon, classes in (
        (Verb.ACTIVATION_HAND_BACK, "activation_hand_back", "Hand back", "undo-2", ""),
        (Verb.ACTIVATION_EXTEND, "activation_extend", "Extend", "timer-reset", ""),
        (Verb.ACTIVATION_END, "activation_end", "End it", "ban", "button-danger"),
    ):
        answer = allowed(verb, actor, subject)
        if answer:
            found.append(acts.act(name, activation.pk, label, answer, icon=icon, classes=classes))
    return found
