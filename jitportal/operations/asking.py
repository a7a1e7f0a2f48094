"""What somebody asks for, and what the policy says of it, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from jitportal.models import AccessRequest, Grant, Person, PolicyVersion
from jitportal.operations import policies
from jitportal.operations.directory import directory_for, person_facts
from jitportal.operations.overlap import wished_span
from jitportal.operations.stretches import used_minutes
from jitportal.rules.deciders import PersonFacts
from jitportal.rules.errors import Invalid, InvalidInput, PolicyRefuses
from jitportal.rules.policy import Decision, Outcome, RequestFacts, RoleRules, decide, eligibility_reason
from jitportal.rules.vocabulary import Pathway, StartMode
from jitportal.rules.windows import Window


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request form says. Moments are aware, and kept in UTC: Python adds to a moment of another zone
    by that zone's clocks, which makes an hour longer or shorter where they change. ``minutes`` is the wished
    length.
    """

    role_key: str
    pathway: Pathway
    scope: str
    start_mode: StartMode
    minutes: int
    justification: str
    ticket: str = ""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    renewal_of: Grant | None = None
    cloned_from: AccessRequest | None = None

    def __post_init__(self) -> None:
        for name in ("opens_at", "closes_at"):
            moment = getattr(self, name)
            if moment is not None:
                object.__setattr__(self, name, moment.astimezone(UTC))

    @property
    def window(self) -> Window:
        if self.start_mode is StartMode.SCHEDULED:
            return Window(self.start_mode, self.opens_at)
        if self.start_mode is StartMode.ON_CLICK:
            return Window(self.start_mode, self.opens_at, self.closes_at)
        return Window(self.start_mode)


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask that the policy in force lets through."""

    ask: Ask
    version: PolicyVersion
    rules: RoleRules
    decision: Decision


def consider(
    person: Person, ask: Ask, now: datetime
) -> tuple[PolicyVersion | None, RoleRules | None, Decision]:
    """What the policy in force says of the ask. Writes nothing, raises nothing."""
    version = policies.current_version()
    rules = policies.role_rules(version, ask.role_key)
    return version, rules, decide(request_facts(person, ask, rules, now), rules, now)


def request_facts(
    person: Person, ask: Ask, rules: RoleRules | None, now: datetime, known: PersonFacts | None = None
) -> RequestFacts:
    """The ask as the rules see it, with who asks and who could decide. ``known``: the person's facts, where
    the caller has read them already.
    """
    facts = known or person_facts(person)
    owner = rules.owner if rules else None
    deciders = [decider for stage in rules.stages for decider in stage.deciders] if rules else []
    return RequestFacts(
        requester=facts,
        pathway=ask.pathway,
        scope=ask.scope,
        window=ask.window,
        minutes=ask.minutes,
        justification=ask.justification,
        ticket=ask.ticket,
        directory=directory_for(deciders, [facts.manager, owner]),
        earlier_minutes=_used(person, ask, rules, now),
        owner_name=_owner_to_ask(facts, rules),
    )


def _owner_to_ask(facts: PersonFacts, rules: RoleRules | None) -> str:
    """The name of the role's owner, for whom isn't eligible; nobody else is told of them."""
    if rules is None or eligibility_reason(facts, rules) is not None:
        return ""
    return Person.objects.filter(username=rules.owner).values_list("name", flat=True).first() or ""


def considered(person: Person, ask: Ask, now: datetime) -> Asked:
    """The ask with what the policy says of it; raises ``InvalidInput`` with every reason to refuse."""
    version, rules, decision = consider(person, ask, now)
    if decision.outcome is Outcome.REFUSE or version is None or rules is None:
        raise InvalidInput([Invalid(problem.sentence, field=problem.field) for problem in decision.problems])
    return Asked(ask, version, rules, decision)


def _used(person: Person, ask: Ask, rules: RoleRules | None, now: datetime) -> int:
    """The minutes used of the stretch that the ask would belong to; 0 where it is refused anyway."""
    if rules is None or not 1 <= ask.minutes <= rules.max_minutes:
        return 0
    window = ask.window
    latest = now + timedelta(minutes=rules.horizon_minutes + rules.longest_window_minutes)
    if any(moment is not None and moment > latest for moment in (window.opens_at, window.closes_at)):
        return 0
    span = wished_span(window, ask.minutes, now, ask.renewal_of)
    return used_minutes(person.pk, ask.role_key, ask.scope, span, timedelta(minutes=rules.rest_minutes))


def reread(ask: Ask) -> Ask:
    """The ask with the grant that it renews as it is now: it may have ended while the form was filled in.

    Asked with the person locked.
    """
    if ask.renewal_of is None:
        return ask
    return replace(ask, renewal_of=Grant.objects.select_related("role", "scope").get(pk=ask.renewal_of.pk))


def check_renewal(person: Person, ask: Ask, now: datetime) -> None:
    """A renewal goes on from a grant of one's own that is in force, for the same role and scope."""
    if (ask.start_mode is StartMode.RENEWAL) != (ask.renewal_of is not None):
        raise PolicyRefuses("A renewal starts from a grant. Open the grant and choose Renew.")
    grant = ask.renewal_of
    if grant is None:
        return
    if grant.person_id != person.pk:
        raise PolicyRefuses("This grant isn't yours to renew.")
    if (grant.role.key, grant.scope.key) != (ask.role_key, ask.scope):
        raise PolicyRefuses("A renewal keeps the grant's role and scope. For another, make a new request.")
    if not grant.entitles(now):
        raise PolicyRefuses("This grant isn't in force any more. Make a new request instead.")
    if Grant.objects.filter(renewal_of=grant).exists():
        raise PolicyRefuses("This grant has been renewed already. Renew the later grant instead.")
