"""People kept in step with the company's directory, by a file: the plan first, then exactly that plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    Grant,
    Membership,
    Person,
    Role,
    StandingPower,
    Team,
)
from jitportal.models.people import SYSTEM_USERNAME
from jitportal.operations import clock, people, policies
from jitportal.operations.facts import require
from jitportal.operations.leaving import heir_of
from jitportal.operations.rerouting import decided_by
from jitportal.operations.time_zones import check_time_zone
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Conflict, PolicyRefuses
from jitportal.rules.people_file import Fault, FileKind, Listed, PeopleFileError, read
from jitportal.rules.people_plan import Entry, Known, Plan, Step, faults_of
from jitportal.rules.people_plan import plan as plan_of
from jitportal.rules.permissions import Verb

#: A file that would have more of its people leave, in percent, is more likely broken than right.
MOST_LEAVING = 20.0
#: The file's name for a column, and the model's.
_FIELDS = {"username": "username", "name": "name", "mail": "email"}


@dataclass(frozen=True, slots=True)
class Loss:
    """What one person would lose, as sentences: for whoever reads the plan."""

    entry: Entry
    sentences: tuple[str, ...]


def plan(text: str, kind: FileKind) -> Plan:
    """What the file would change. Writes nothing. Raises ``PeopleFileError`` with everything wrong in it."""
    listed = read(text, kind)
    known = _known()
    faults = [
        *faults_of(listed, known, frozenset({SYSTEM_USERNAME})),
        *_field_faults(listed, known),
    ]
    if faults:
        raise PeopleFileError(faults)
    return plan_of(listed, known, frozenset(Team.objects.values_list("key", flat=True)))


def losses(planned: Plan) -> list[Loss]:
    """What people would lose by the plan: access, requests, powers, roles that they could ask for."""
    rows = {
        person.username: person
        for person in Person.objects.filter(username__in=[entry.username for entry in planned.entries])
    }
    found = []
    for entry in planned.entries:
        person = rows.get(entry.username)
        if person is None or entry.step is Step.NEW:
            continue
        said = _lost_by_leaving(person) if entry.step is Step.LEAVES else _lost_with_teams(person, entry)
        if sentences := tuple(said):
            found.append(Loss(entry, sentences))
    return found


def sync(
    *, actor: Person, text: str, kind: FileKind, digest: str, most_leaving: float = MOST_LEAVING
) -> Plan:
    """Do what the plan showed, all of it or nothing. ``digest`` is that plan's.

    Raises ``PeopleFileError``, ``Conflict`` where the plan is another by now, and ``PolicyRefuses`` where
    more than ``most_leaving`` percent would leave, or whoever does it.
    """
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        lock_person(system().pk)  # one sync at a time
        planned = plan(text, kind)
        if not planned.entries:
            return planned
        _refuse(planned, actor, digest, most_leaving)
        _carry_out(planned, actor)
        return planned


def _refuse(planned: Plan, actor: Person, digest: str, most_leaving: float) -> None:
    if digest != planned.digest:
        raise Conflict(
            "The plan is another one than that with this digest: the file, or what is known of the people, "
            "has changed since. Look at the plan again."
        )
    leaving = planned.of(Step.LEAVES)
    if any(entry.username == actor.username for entry in leaving):
        raise PolicyRefuses(f"{actor} would leave by this, and can't do it. Let somebody else sync.")
    if planned.leaving_percent > most_leaving:
        raise PolicyRefuses(
            f"{len(leaving)} of {planned.governed} people would leave: {planned.leaving_percent:.0f} %, and "
            f"at most {most_leaving:g} % may. If the file is right, say so with --most-leaving."
        )


def _carry_out(planned: Plan, actor: Person) -> None:
    """Whoever comes to decide something comes before those who decide it now go: no request is said to be
    stuck on the way that isn't at the end.
    """
    for key in planned.new_teams:
        people.create_team(actor=actor, key=key, name=key)
    for entry in planned.of(Step.NEW):
        _create(entry, actor)
    kept = [entry for entry in planned.entries if entry.step is not Step.LEAVES]
    rows = {person.username: person for person in Person.objects.humans()}
    teams = {team.key: team for team in Team.objects.all()}
    for entry in planned.of(Step.RETURNS):
        people.reactivate(actor=actor, person=rows[entry.username])
    for entry in kept:
        _rename(entry, rows[entry.username], actor)
    for entry, key in [(one, key) for one in kept for key in one.joins]:
        people.join_team(actor=actor, person=rows[entry.username], team=teams[key])
    for entry in kept:
        # The plan as a whole has no circle of managers, though it may have one half done.
        if change := entry.difference("manager"):
            people.set_manager_locked(lock_person(rows[entry.username].pk), rows.get(change.after), actor)
    for entry, key in [(one, key) for one in kept for key in one.leaves]:
        people.leave_team(actor=actor, person=rows[entry.username], team=teams[key])
    _let_go(planned.of(Step.LEAVES), rows, actor)
    _take_over(kept)
    _say(planned, actor)


def _let_go(entries: Iterable[Entry], rows: Mapping[str, Person], actor: Person) -> None:
    for entry in entries:
        why = "Missing" if entry.missing else "Inactive"
        reason = f"{why} in the directory's file."
        people.deactivate(actor=actor, person=rows[entry.username], reason=reason)


def _create(entry: Entry, actor: Person) -> None:
    mail = entry.difference("mail")
    people.create_person(
        actor=actor,
        username=entry.username,
        name=entry.name,
        email=mail.after if mail else "",
        time_zone=entry.time_zone or "UTC",
    )


def _rename(entry: Entry, person: Person, actor: Person) -> None:
    if entry.step is Step.NEW:
        return
    name, mail = entry.difference("name"), entry.difference("mail")
    if name or mail:
        people.change_person(
            actor=actor,
            person=person,
            name=name.after if name else None,
            email=mail.after if mail else None,
        )


def _take_over(entries: Iterable[Entry]) -> None:
    named = [entry.username for entry in entries]
    for person in Person.objects.filter(username__in=named, from_directory=False).order_by("pk"):
        person.from_directory = True
        person.save(update_fields=["from_directory"])


def _say(planned: Plan, actor: Person) -> None:
    numbers = {step: len(planned.of(step)) for step in Step}
    record(
        verb="people.synced",
        actor=actor,
        sentence=(
            f"{actor} brought the people into step with the directory: {numbers[Step.NEW]} new, "
            f"{numbers[Step.CHANGES]} changed, {numbers[Step.RETURNS]} returned, "
            f"{numbers[Step.LEAVES]} left."
        ),
        now=clock.now(),
        data={"digest": planned.digest, **{str(step): number for step, number in numbers.items()}},
    )


def _known() -> dict[str, Known]:
    teams: dict[int, set[str]] = {}
    for person, key in Membership.objects.current().values_list("person_id", "team__key"):
        teams.setdefault(person, set()).add(key)
    return {
        person.username: Known(
            person.username,
            person.name,
            person.email,
            person.manager.username if person.manager else "",
            frozenset(teams.get(person.pk, ())),
            person.time_zone,
            person.is_active,
            person.from_directory,
        )
        for person in Person.objects.humans().select_related("manager")
    }


def _field_faults(listed: Sequence[Listed], known: Mapping[str, Known]) -> Iterator[Fault]:
    """What the models refuse, found beforehand and for all rows at once."""
    keys: dict[str, str | None] = {}
    for one in listed:
        if not one.active:
            continue
        person = Person(username=one.username, name=one.name, email=one.mail or "")
        fields = ("name", "email") if one.username in known else ("username", "name", "email")
        problems = people.shape_problems(person, *fields)
        for column, name in _FIELDS.items():
            for sentence in problems.get(name, []):
                yield Fault(one.line, column, sentence)
        for wrong_zone in check_time_zone(one.time_zone) if one.time_zone else []:
            yield Fault(one.line, "time_zone", wrong_zone.sentence)
        for key in sorted(one.teams or ()):
            if key not in keys:
                wrong = people.shape_problems(Team(key=key, name=key), "key", "name")
                keys[key] = next((sentence for said in wrong.values() for sentence in said), None)
            if problem := keys[key]:
                yield Fault(one.line, "teams", f"{key}: {problem}")


def _lost_by_leaving(person: Person) -> Iterator[str]:
    for grant in Grant.objects.filter(person=person, stopped_at__isnull=True).select_related("role", "scope"):
        state = "in force is revoked" if grant.starts_at else "to come is cancelled"
        yield f"{grant.role} ({grant.scope}) {state}"
    for request in AccessRequest.objects.open().filter(requester=person).select_related("role", "scope"):
        yield f"request {request.pk} for {request.role} ({request.scope}) is withdrawn"
    for power in StandingPower.objects.filter(person=person, removed_at__isnull=True):
        yield f"the standing power {power.power} is removed"
    if waiting := len(decided_by(person)):
        requests = "request that waits" if waiting == 1 else "requests that wait"
        yield f"{waiting} {requests} for them: others are asked"
    if reports := Person.objects.active().filter(manager=person).count():
        to = heir_of(person) or "nobody, unless the file names somebody"
        yield f"{reports} {'person' if reports == 1 else 'people'} whom they manage go to {to}"
    for role in Role.objects.filter(owner=person, retired_at__isnull=True).order_by("key"):
        yield f"role {role.key} is left without an owner who is here: change the policy"


def _lost_with_teams(person: Person, entry: Entry) -> Iterator[str]:
    if not entry.leaves:
        return
    version = policies.current_version()
    roles = policies.document_of(version).roles if version else {}
    before = people.person_facts(person).teams
    after = (before - set(entry.leaves)) | set(entry.joins)
    for key, rules in sorted(roles.items()):
        if person.username in rules.eligible_people or not rules.eligible_teams & before:
            continue
        if not rules.eligible_teams & after:
            yield f"role {key} can't be requested any more, and what isn't begun of it won't begin"
