"""The common changes of a policy, made in its text: a new role, who may ask for one, and how long it lasts.

Each takes a document that loads and gives the text with exactly that change. Raises ``Invalid`` where the
change can't be, and ``CannotEdit`` where the text's layout leaves no place for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.durations import MINUTES_IN
from jitportal.rules.errors import Invalid
from jitportal.rules.policy_document import PolicyDocumentError, load
from jitportal.rules.policy_lines import TOP, Path
from jitportal.rules.policy_requirements import SECTIONS, cap_word, is_cap
from jitportal.rules.policy_sections import ROLES
from jitportal.rules.policy_text import PolicyText, Value
from jitportal.rules.vocabulary import Decider, Pathway, Risk

#: The caps of a role that the form changes, by the stems of their keys.
CAPS = ("max", "recommended", "max_total")


@dataclass(frozen=True, slots=True)
class NewScope:
    key: str
    entitlement: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class NewRole:
    """A role as the form asks for it; ``stages`` empty: the approval that its pathway requires."""

    key: str
    pathway: Pathway
    target: str
    owner: str
    max_minutes: int
    name: str = ""
    description: str = ""
    entitlement: str = ""
    scopes: Sequence[NewScope] = ()
    people: Sequence[str] = ()
    teams: Sequence[str] = ()
    stages: Sequence[DeciderRules] = ()
    risk: Risk | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who comes to be eligible for a role, and who no longer is."""

    add_people: Sequence[str] = ()
    add_teams: Sequence[str] = ()
    remove_people: Sequence[str] = ()
    remove_teams: Sequence[str] = ()


def with_role(text: str, role: NewRole) -> str:
    """The text with a role more, on its pathway's list and described at the end of the roles."""
    document = PolicyText(text)
    if document.holds((TOP, ROLES, role.key)):
        raise Invalid(f"There is a role `{role.key}` already. Give this one another key.", field="key")
    listed = (TOP, SECTIONS[role.pathway], "allowed_for")
    if not document.lists(listed, role.key):  # a name can be allowed before anything describes it
        document.append(listed, [role.key])
    if not document.holds((TOP, ROLES)):
        document.set((TOP, ROLES), {role.key: _described(role)})
    else:
        document.set((TOP, ROLES, role.key), _described(role))
    return document.text


def with_eligibility(text: str, role: str, change: Eligibility) -> str:
    """The text with other people and teams eligible for the role."""
    document = PolicyText(text)
    for key, add, remove in (
        ("people", change.add_people, change.remove_people),
        ("teams", change.add_teams, change.remove_teams),
    ):
        path = (TOP, ROLES, role, "eligible", key)
        if remove:
            document.remove(path, remove)
        if add and document.holds(path):
            document.append(path, add)
        elif add and document.holds(path[:-1]):
            document.set(path, list(add))
        elif add:
            document.set(path[:-1], {key: list(add)})
    return document.text


def with_caps(text: str, role: str, caps: Mapping[str, int]) -> str:
    """The text in which these caps of the role, by their stems, are so many minutes.

    A cap that says nothing itself follows from another: where it would move along, it is written down.
    """
    document = PolicyText(text)
    path: Path = (TOP, ROLES, role)
    said = {stem for stem in caps if stem == "max" or _kept_unit(document, path, stem)}
    for stems in (said, caps.keys() - said):
        try:
            rules = load(document.text).roles[role]
        except PolicyDocumentError:
            break  # the new caps contradict something: the check says what, at its line
        now = dict(
            zip(CAPS, (rules.max_minutes, rules.recommended_minutes, rules.max_total_minutes), strict=True)
        )
        for stem in CAPS:
            if stem in stems and now[stem] != caps[stem]:
                _cap(document, path, stem, caps[stem])
    return document.text


def with_pathway_cap(text: str, pathway: Pathway, minutes: int) -> str:
    """The text in which no grant on the pathway lasts longer than so many minutes."""
    document = PolicyText(text)
    path: Path = (TOP, SECTIONS[pathway], "requires")
    unit, number = _in_unit(minutes, "days" if pathway is Pathway.TEMPORARY else "minutes")
    word = cap_word(number, unit)
    said = load(text).pathways[pathway].requires
    place = next((index for index, one in enumerate(said) if is_cap(one)), None)
    if place is None:
        document.append(path, [word])
    else:
        document.set((*path, place), word)
    return document.text


def _kept_unit(document: PolicyText, path: Path, stem: str) -> str | None:
    """The unit in which the role says this cap; None: it doesn't."""
    return next((unit for unit in MINUTES_IN if document.holds((*path, f"{stem}_{unit}"))), None)


def _cap(document: PolicyText, path: Path, stem: str, minutes: int) -> None:
    kept = _kept_unit(document, path, stem)
    unit, number = _in_unit(minutes, kept or "minutes")
    if kept and kept != unit:
        document.rename((*path, f"{stem}_{kept}"), f"{stem}_{unit}", number)
    else:
        document.set((*path, f"{stem}_{unit}"), number)


def _in_unit(minutes: int, kept: str) -> tuple[str, int]:
    """In the unit that stands there already where it says it in whole numbers; else the largest that does."""
    if minutes % MINUTES_IN[kept] == 0:
        return kept, minutes // MINUTES_IN[kept]
    unit = next(unit for unit in reversed(MINUTES_IN) if minutes % MINUTES_IN[unit] == 0)
    return unit, minutes // MINUTES_IN[unit]


def _described(role: NewRole) -> dict[str, Value]:
    unit, number = _in_unit(role.max_minutes, "days" if role.pathway is Pathway.TEMPORARY else "minutes")
    said: dict[str, Value] = {
        "name": role.name,
        "description": role.description,
        "target": role.target,
        "owner": role.owner,
        "entitlement": role.entitlement,
        "scopes": {scope.key: _scope(scope) for scope in role.scopes},
        "eligible": {
            key: list(names) for key, names in (("people", role.people), ("teams", role.teams)) if names
        },
        "stages": [_stage(decider) for decider in role.stages],
        f"max_{unit}": number,
        "risk": str(role.risk or ""),
    }
    return {key: value for key, value in said.items() if value}


def _scope(scope: NewScope) -> dict[str, Value]:
    return {**({"name": scope.name} if scope.name else {}), "entitlement": scope.entitlement}


def _stage(decider: DeciderRules) -> dict[str, Value]:
    if decider.kind is Decider.TEAM:
        return {"name": decider.team, "decides": {"team": decider.team}}
    return {
        "name": "owner" if decider.kind is Decider.ROLE_OWNER else "manager",
        "decides": str(decider.kind.value),
    }
