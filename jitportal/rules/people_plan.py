"""What a file of people would change, worked out from the file and from who is known; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jitportal.rules.canonical import Plain, digest
from jitportal.rules.people_file import Fault, Listed


class Step(StrEnum):
    """What happens to a person, in the order in which a reviewer wants to see it."""

    LEAVES = "leaves"
    RETURNS = "returns"
    NEW = "new"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody as the portal knows them. ``brought``: an earlier file named them."""

    username: str
    name: str
    mail: str = ""
    manager: str = ""
    teams: frozenset[str] = frozenset()
    time_zone: str = "UTC"
    active: bool = True
    brought: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a person that becomes another."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What happens to one person. ``taken_over``: made by hand until now, and the file's from now on."""

    step: Step
    username: str
    name: str
    differences: tuple[Difference, ...] = ()
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    taken_over: bool = False
    missing: bool = False
    time_zone: str | None = None

    def difference(self, what: str) -> Difference | None:
        return next((one for one in self.differences if one.what == what), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that would happen. ``governed``: how many active people the file decides about."""

    entries: tuple[Entry, ...]
    new_teams: tuple[str, ...]
    governed: int

    def of(self, step: Step) -> list[Entry]:
        return [entry for entry in self.entries if entry.step is step]

    @property
    def leaving_percent(self) -> float:
        """How many of the people whom the file decides about would leave, in percent."""
        return 100 * len(self.of(Step.LEAVES)) / self.governed if self.governed else 0.0

    @property
    def digest(self) -> str:
        """The hash of everything that would be done: who syncs gives it, and it is compared."""
        return digest({"people": [_plain(entry) for entry in self.entries], "teams": list(self.new_teams)})


def plan(listed: Sequence[Listed], known: Mapping[str, Known], teams: frozenset[str]) -> Plan:
    """What the file changes. It has been found without faults: see ``faults_of``."""
    entries = [entry for one in listed if (entry := _entry(one, known.get(one.username))) is not None]
    named = {one.username for one in listed}
    entries += [
        Entry(Step.LEAVES, person.username, person.name, missing=True)
        for person in known.values()
        if person.brought and person.active and person.username not in named
    ]
    order = list(Step)
    entries.sort(key=lambda entry: (order.index(entry.step), entry.username))
    governed = [
        person for person in known.values() if person.active and (person.brought or person.username in named)
    ]
    wanted = {team for entry in entries for team in entry.joins}
    return Plan(tuple(entries), tuple(sorted(wanted - teams)), len(governed))


def faults_of(
    listed: Sequence[Listed], known: Mapping[str, Known], reserved: frozenset[str]
) -> Iterator[Fault]:
    """What the people make impossible: a manager who isn't there, a circle of managers, a reserved name."""
    named = {one.username: one for one in listed}
    staying = {one.username for one in listed if one.active}
    staying |= {
        person.username
        for person in known.values()
        if person.active and not person.brought and person.username not in named
    }
    for one in listed:
        if one.username in reserved:
            yield Fault(one.line, "username", f"{one.username} is the portal's own. Nobody can be it.")
        if not one.active or not one.manager:
            continue
        if one.manager == one.username:
            yield Fault(one.line, "manager", f"{one.username} can't be their own manager.")
        elif one.manager not in staying:
            yield Fault(
                one.line,
                "manager",
                f"{one.manager} isn't in the file as an active person, and isn't known otherwise.",
            )
    yield from _circles(listed, known)


def _circles(listed: Sequence[Listed], known: Mapping[str, Known]) -> Iterator[Fault]:
    """Each circle of managers once, at the first of its people whom the file names."""
    above = {person.username: person.manager for person in known.values()}
    above |= {one.username: one.manager for one in listed if one.manager is not None}
    done: set[str] = set()
    for one in listed:
        way: list[str] = []
        person = one.username
        while person and person not in done and person not in way:
            way.append(person)
            person = above.get(person, "")
        if person in way[:-1] or (person in way and len(way) > 1):
            round_ = way[way.index(person) :]
            if len(round_) > 1:
                yield Fault(
                    one.line, "manager", f"These manage each other in a circle: {', '.join(sorted(round_))}."
                )
        done.update(way)


def _entry(one: Listed, known: Known | None) -> Entry | None:
    if known is None:
        return _newcomer(one) if one.active else None
    if not one.active:
        return Entry(Step.LEAVES, known.username, known.name) if known.active else None
    before = known.teams if known.active else frozenset()
    wanted = before if one.teams is None else one.teams
    differences = tuple(_differences(one, known))
    entry = Entry(
        Step.CHANGES if known.active else Step.RETURNS,
        known.username,
        known.name,
        differences,
        tuple(sorted(wanted - before)),
        tuple(sorted(before - wanted)),
        taken_over=not known.brought,
    )
    nothing = not (differences or entry.joins or entry.leaves or entry.taken_over)
    return None if known.active and nothing else entry


def _newcomer(one: Listed) -> Entry:
    said = {"name": one.name, "mail": one.mail or "", "manager": one.manager or ""}
    differences = tuple(Difference(what, "", after) for what, after in said.items() if after)
    teams = tuple(sorted(one.teams or ()))
    return Entry(Step.NEW, one.username, one.name, differences, teams, time_zone=one.time_zone)


def _differences(one: Listed, known: Known) -> Iterable[Difference]:
    """A person's time zone is their own to change, so the file gives it to newcomers alone."""
    for what, before, after in (
        ("name", known.name, one.name),
        ("mail", known.mail, one.mail),
        ("manager", known.manager, one.manager),
    ):
        if after is not None and after != before:
            yield Difference(what, before, after)


def _plain(entry: Entry) -> Plain:
    return {
        "step": str(entry.step),
        "username": entry.username,
        "differences": [[one.what, one.before, one.after] for one in entry.differences],
        "joins": list(entry.joins),
        "leaves": list(entry.leaves),
        "taken_over": entry.taken_over,
        "time_zone": entry.time_zone,
    }
