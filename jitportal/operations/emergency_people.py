"""Who is what to break-glass: the population, those who are told, and those who may end it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jitportal.models import (
    AccessRequest,
    Activation,
    ActivationAlert,
    EmergencyAccount,
    Person,
    PolicyVersion,
    Role,
)
from jitportal.operations import policies, power_holders
from jitportal.operations.directory import live_deciders, person_facts
from jitportal.rules.deciders import DeciderRules, PersonFacts
from jitportal.rules.emergencies import may_activate
from jitportal.rules.permissions import Relation
from jitportal.rules.policy import RoleRules, eligibility_reason
from jitportal.rules.policy_requirements import NOBODY_NAMED, NamedPeople
from jitportal.rules.vocabulary import AlertCause, Decider, Pathway, Power, ProbeSays


@dataclass(frozen=True, slots=True)
class Desk:
    """Break-glass as a whole, as something that people have relations to."""


def population(rules: RoleRules) -> list[Person]:
    """The active people who may activate the role."""
    return people_of(NamedPeople(rules.eligible_people, rules.eligible_teams))


def people_of(named: NamedPeople) -> list[Person]:
    """The active people who are named, or who are in a team that is."""
    members = Q(memberships__team__key__in=named.teams, memberships__ended_at__isnull=True)
    rows = Person.objects.active().filter(Q(username__in=named.people) | members)
    return list(rows.distinct().order_by("name", "pk"))


def own_roles(person: Person) -> tuple[RoleRules, ...]:
    """The break-glass roles that this person may activate by the policy in force."""
    version = policies.current_version()
    return may_activate(person_facts(person), policies.document_of(version)) if version else ()


def security_contacts() -> list[Person]:
    """The active people whom the policy in force has alerted of each emergency."""
    version = policies.current_version()
    break_glass = policies.document_of(version).break_glass if version else None
    return people_of(break_glass.contacts) if break_glass else []


def population_of(account: EmergencyAccount) -> list[Person]:
    """The active people who may use the account, by the policy in force."""
    version = policies.current_version()
    roles = policies.document_of(version).roles_on(Pathway.BREAK_GLASS).values() if version else ()
    found = {one.pk: one for role in roles if account.key in role.accounts for one in population(role)}
    return sorted(found.values(), key=lambda person: person.name)


def desk_relations(person: Person) -> Iterator[Relation]:
    """What somebody is to break-glass as a whole."""
    version = policies.current_version()
    if version is None:
        return
    document, facts = policies.document_of(version), person_facts(person)
    roles = document.roles_on(Pathway.BREAK_GLASS).values()
    if may_activate(facts, document):
        yield Relation.POPULATION
    if any(role.owner == person.username for role in roles):
        yield Relation.ROLE_OWNER
    if any(person.username in account.custodians for account in document.accounts.values()):
        yield Relation.CUSTODIAN
    contacts = document.break_glass.contacts if document.break_glass else NOBODY_NAMED
    if contacts.includes(person.username, facts.teams):
        yield Relation.SECURITY


def account_relations(account: EmergencyAccount, person: Person) -> Iterator[Relation]:
    """What somebody is to one emergency account."""
    if person.username in account.custodians:
        yield Relation.CUSTODIAN
    if any(account.key in role.accounts for role in own_roles(person)):
        yield Relation.POPULATION
    yield from (one for one in desk_relations(person) if one in {Relation.SECURITY, Relation.ROLE_OWNER})


def role_relations(role: Role, person: Person) -> Iterator[Relation]:
    """Whether somebody is in the population of a break-glass role."""
    if role.pathway == Pathway.BREAK_GLASS and any(rules.key == role.key for rules in own_roles(person)):
        yield Relation.POPULATION


def activation_relations(activation: Activation, person: Person) -> Iterator[Relation]:
    """What somebody is to one use of break-glass, its responder, manager and owner aside."""
    alert = ActivationAlert.objects.filter(activation=activation, person=person).first()
    if alert is not None:
        yield Relation.ALERTED
        if alert.cause == AlertCause.SECURITY_CONTACT:
            yield Relation.SECURITY
    if person.username in activation.account.custodians:
        yield Relation.CUSTODIAN
    yield from role_relations(activation.role, person)
    if may_end(activation, person):
        yield Relation.REVOKER


def may_end(activation: Activation, person: Person) -> bool:
    """Whether the policy names somebody to end it: the one that it was made under, or the one in force."""
    facts = person_facts(person)
    return any(
        _ends(version, activation, facts)
        for version in (activation.policy_version, policies.current_version())
        if version is not None
    )


def named_enders(activation: Activation) -> list[Person]:
    """Those whom the policy in force names for ending emergencies, for whoever has to call one of them."""
    version = policies.current_version()
    section = policies.document_of(version).break_glass if version else None
    named = people_of(section.may_end) if section else []
    return [one for one in named if one.pk != activation.person_id]


def _ends(version: PolicyVersion, activation: Activation, facts: PersonFacts) -> bool:
    document = policies.document_of(version)
    named = document.break_glass.may_end if document.break_glass else NOBODY_NAMED
    if named.includes(facts.username, facts.teams):
        return True
    rules = document.roles.get(activation.role.key)
    if rules is None:
        return False
    enders = live_deciders(rules.revokers, activation.person, rules.owner, by_own_hands=True)
    return facts.username in enders


def to_alert(
    activation: Activation, contacts: NamedPeople, withdrawn: Iterable[Person]
) -> dict[int, tuple[Person, AlertCause]]:
    """Everybody who is alerted, each with the first cause that applies, the responder left out.

    Where the criterion's probe disagrees, or no security contact is there, the custodians and the
    administrators are told as well.
    ``withdrawn``: who would have decided on the request that it takes the place of.
    """
    found: dict[int, tuple[Person, AlertCause]] = {}
    security = [one for one in people_of(contacts) if one.pk != activation.person_id]
    loud = activation.probe_said == ProbeSays.DISAGREES or not security
    for cause, people in (
        (AlertCause.SECURITY_CONTACT, security),
        (AlertCause.ROLE_OWNER, [activation.role.owner] if activation.role.owner else []),
        (AlertCause.WOULD_DECIDE, [*withdrawn, *would_decide(activation)]),
        *(louder(activation, activation.opened_at) if loud else ()),
    ):
        for person in people:
            if person.pk != activation.person_id and person.is_active:
                found.setdefault(person.pk, (person, cause))
    return found


def louder(activation: Activation, now: datetime) -> Iterator[tuple[AlertCause, list[Person]]]:
    """Who hears of it beside those who are alerted anyway: custodians, and who administers the portal now."""
    custodians = Person.objects.active().filter(username__in=activation.account.custodians)
    yield AlertCause.CUSTODIAN, list(custodians.order_by("name"))
    yield AlertCause.ADMINISTRATOR, power_holders.holders([Power.ADMINISTRATOR], now)


def would_decide(activation: Activation) -> list[Person]:
    """Who would have approved routine access to the same target: the responder's manager, and whoever
    decides a stage of a role there that the responder may ask for.
    """
    version = activation.policy_version
    facts = person_facts(activation.person)
    deciders = {DeciderRules(Decider.MANAGER)}
    names: set[str] = set()
    for rules in policies.document_of(version).roles.values():
        ordinary = rules.pathway is not Pathway.BREAK_GLASS and rules.target == activation.role.target.key
        if ordinary and eligibility_reason(facts, rules) is not None:
            stages = {decider for stage in rules.stages for decider in stage.deciders}
            names |= live_deciders(stages, activation.person, rules.owner, by_own_hands=True)
    names |= live_deciders(deciders, activation.person, "", by_own_hands=True)
    return list(Person.objects.active().filter(username__in=names).order_by("name"))


def deciders_of_request(request: AccessRequest) -> list[Person]:
    """Everybody who could decide some stage of a request as it stands."""
    names: set[str] = set()
    for stage in request.asked.stages:
        rules = [DeciderRules(Decider(rule["kind"]), rule["team"]) for rule in stage["deciders"]]
        names |= live_deciders(rules, request.requester, stage["owner"], by_own_hands=True)
    return list(Person.objects.active().filter(username__in=names).order_by("name"))
