"""Who decides: in words before a request is made, by name while it waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from jitportal.models import AccessRequest, Approval, Person, RequestRevision
from jitportal.operations.delegated import counted
from jitportal.operations.directory import directory_for, person_facts
from jitportal.operations.facts import stage_rules
from jitportal.rules.deciders import deciders_of
from jitportal.rules.policy import DecidedStage, RoleRules, StageRules
from jitportal.rules.vocabulary import RequestStatus

#: Names shown before "and 4 others".
NAMED = 4


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage, as "Check: Ana Ortiz or Bo Lind decides."."""

    name: str
    sentence: str


def lines_of_rules(rules: RoleRules) -> list[StageLine]:
    """The stages as the policy has them, for whoever reads of the role."""
    return [StageLine(stage.name, _rule_sentence(stage, [])) for stage in rules.stages]


def lines_for(rules: RoleRules, person: Person) -> list[StageLine]:
    """The stages as the policy has them, with those who could decide on this person's requests."""
    facts = person_facts(person)
    deciders = [decider for stage in rules.stages for decider in stage.deciders]
    directory = directory_for(deciders, [facts.manager, rules.owner])
    eligible = [deciders_of(stage.deciders, facts, rules.owner, directory) for stage in rules.stages]
    names = names_of(username for several in eligible for username in several)
    return [
        StageLine(stage.name, _rule_sentence(stage, [names[username] for username in several]))
        for stage, several in zip(rules.stages, eligible, strict=True)
    ]


def lines_of_decision(stages: Iterable[DecidedStage]) -> list[StageLine]:
    """The stages as they would apply to one request, with the people by name."""
    stages = list(stages)
    names = names_of(username for stage in stages for username in stage.eligible)
    return [StageLine(stage.name, _decided_sentence(stage, names)) for stage in stages]


def names_of(usernames: Iterable[str]) -> dict[str, str]:
    wanted = set(usernames)
    return dict(Person.objects.filter(username__in=wanted).values_list("username", "name")) if wanted else {}


def listed(names: Sequence[str], *, last: str = "or") -> str:
    """ "Ana, Bo or Cy"; of many the first few, and how many more."""
    shown = sorted(names, key=str.casefold)
    if len(shown) > NAMED + 1:
        return f"{', '.join(shown[:NAMED])} {last} {len(shown) - NAMED} others"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _rule_sentence(stage: StageRules, names: Sequence[str]) -> str:
    """With the names of those who can decide, where they are known; else with what makes them so."""
    rules = ", ".join(rule.name for rule in stage.system_when)
    system = f" The system does where a rule matches: {rules}." if rules else ""
    who = names or [str(decider) for decider in stage.deciders]
    return f"{_people_sentence(stage.people, who)}{system}"


def _decided_sentence(stage: DecidedStage, names: dict[str, str]) -> str:
    if stage.system_rule:
        return f"The system approves at once: rule {stage.system_rule} matches."
    return _people_sentence(stage.people, [names.get(username, username) for username in stage.eligible])


def _people_sentence(people: int, names: Sequence[str]) -> str:
    if people == 1:
        return f"{listed(names)} decides."
    return f"{people} different people of these decide: {listed(names, last='and')}."


def waiting_rows(requests: QuerySet[AccessRequest]) -> QuerySet[AccessRequest]:
    """Open requests with all that ``who_decides`` reads, in a few queries however many there are."""
    given = Approval.objects.filter(by_system=False).select_related("person", "on_behalf_of")
    revisions = RequestRevision.objects.prefetch_related(Prefetch("approvals", given, to_attr="given"))
    return requests.select_related("role__target", "scope", "requester__manager").prefetch_related(
        Prefetch("current", revisions)
    )


def who_decides(requests: Sequence[AccessRequest], requester: Person) -> dict[int, str]:
    """Who can decide each of one person's open requests now, by the request's id, as a list of names."""
    pending = [one for one in requests if one.status == RequestStatus.PENDING and _open_stage(one)]
    if not pending:
        return {}
    rules = {one.pk: stage_rules(one) for one in pending}
    facts = person_facts(requester)
    owners = [owner for _, owner in rules.values()]
    deciders = [decider for ours, _ in rules.values() for decider in ours]
    directory = directory_for(deciders, [facts.manager, *owners])
    usernames = {
        one.pk: deciders_of(rules[one.pk][0], facts, rules[one.pk][1], directory) - _given(one)
        for one in pending
    }
    names = names_of(username for several in usernames.values() for username in several)
    return {pk: listed([names[username] for username in several]) for pk, several in usernames.items()}


def _open_stage(one: AccessRequest) -> bool:
    return one.current is not None and one.stage < len(one.current.stages)


def _given(one: AccessRequest) -> frozenset[str]:
    approvals: list[Approval] = getattr(one.current, "given", [])
    return counted(approvals)
