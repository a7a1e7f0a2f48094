"""Finding a role by what one wants to do, as the page lists it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import reverse

from jitportal.models import Person, Role
from jitportal.operations import finding
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.vocabulary import WHOLE_TARGET, Pathway
from jitportal.web.presenters.deciding import names_of

#: More than a person reads; what doesn't fit is found with another word.
SHOWN = 30
#: Of one role's scopes, and of the roles that one may not ask for.
NAMED = 4
REQUEST_FORMS = {Pathway.TEMPORARY: "request_temporary", Pathway.JIT: "request_jit"}


@dataclass(frozen=True, slots=True)
class Found:
    """One role as the finder lists it."""

    rules: RoleRules
    target: str
    scopes: Sequence[str]  # the names of the first few
    more_scopes: int
    owner: str  # a name, where it is shown
    url: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """``chosen``: those that are ticked, whatever is searched for. ``total``: how many there are beside them;
    not all are shown. ``others`` are those that aren't this person's.
    """

    words: str
    chosen: list[Found]
    familiar: list[Found]
    roles: list[Found]
    total: int
    others: list[Found]
    unknown: Sequence[str]

    @property
    def more(self) -> int:
        return self.total - len(self.familiar) - len(self.roles)


def find(person: Person, words: str, ticked: Sequence[str] = ()) -> Finding:
    said = finding.find(person, words)
    if said.document is None:
        return Finding(words, [], [], [], 0, [], [])
    others = list(said.others[:NAMED])
    names = names_of(rules.owner for rules in others)
    known = {rules.key: rules for rules in said.mine}
    chosen = {key: known[key] for key in ticked if key in known}
    familiar = [rules for rules in said.familiar if rules.key not in chosen]
    roles = [rules for rules in said.roles if rules.key not in chosen]
    return Finding(
        words=words,
        chosen=[replace(_found(rules, said.document), chosen=True) for rules in chosen.values()],
        familiar=[_found(rules, said.document) for rules in familiar],
        roles=[_found(rules, said.document) for rules in roles[:SHOWN]],
        total=len(familiar) + len(roles),
        others=[_found(rules, said.document, names.get(rules.owner, rules.owner)) for rules in others],
        unknown=said.unknown,
    )


def form_address(role: Role) -> str:
    """The address of the form on the role's own pathway; empty for break-glass."""
    return _address(role.key, Pathway(role.pathway))


def _address(key: str, pathway: Pathway) -> str:
    name = REQUEST_FORMS.get(pathway)
    return reverse(name, args=[key]) if name else ""


def _found(rules: RoleRules, document: PolicyDocument, owner: str = "") -> Found:
    scopes = [scope.name for scope in rules.scopes.values() if scope.key != WHOLE_TARGET]
    return Found(
        rules=rules,
        target=document.targets[rules.target].name,
        scopes=scopes[:NAMED],
        more_scopes=max(0, len(scopes) - NAMED),
        owner=owner,
        url=_address(rules.key, rules.pathway),
    )
