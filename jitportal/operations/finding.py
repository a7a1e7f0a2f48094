"""Finding a role among those that somebody may ask for. Reads alone, and nearly all of it from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jitportal.models import AccessRequest, Person, PolicyVersion
from jitportal.operations import policies
from jitportal.operations.directory import person_facts
from jitportal.rules.policy import RoleRules, eligibility_reason
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.role_search import RoleIndex, indexed, search
from jitportal.rules.vocabulary import Pathway

#: So many of one's latest requests are looked at to put what one asks for often first.
LATEST = 40
FAMILIAR = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """``mine``: all that this person may ask for. ``familiar``: asked for before, and so listed first where
    nothing is searched for. ``others``: roles that the words speak of too, and that this person may not ask
    for. ``unknown``: words that nothing here speaks of.
    """

    document: PolicyDocument | None
    mine: Sequence[RoleRules]
    familiar: Sequence[RoleRules]
    roles: Sequence[RoleRules]
    others: Sequence[RoleRules]
    unknown: Sequence[str]


def find(person: Person, words: str) -> Finding:
    """The roles that the words speak of, best first; every role without words.

    Break-glass has its own entrance, and is never offered here.
    """
    version = policies.current_version()
    if version is None:
        return Finding(None, [], [], [], [], [])
    document = policies.document_of(version)
    facts = person_facts(person)
    offered = {
        key: rules for key, rules in document.roles.items() if rules.pathway is not Pathway.BREAK_GLASS
    }
    mine = {key for key, rules in offered.items() if eligibility_reason(facts, rules)}
    if not words.strip():
        familiar = [offered[key] for key in _asked_before(person) if key in mine][:FAMILIAR]
        known = {rules.key for rules in familiar}
        rest = sorted((offered[key] for key in mine - known), key=lambda rules: rules.name.casefold())
        return Finding(document, [offered[key] for key in mine], familiar, rest, [], [])
    index = _index(version.text)
    said = search(index, words, mine)
    roles = [offered[match.key] for match in said.matches]
    others: list[RoleRules] = []
    if not roles:
        others = [offered[match.key] for match in search(index, words, offered.keys() - mine).matches]
    return Finding(document, [offered[key] for key in mine], [], roles, others, said.unknown)


def _asked_before(person: Person) -> list[str]:
    """The keys of the roles that this person asked for lately, most often first."""
    rows = AccessRequest.objects.filter(requester=person).order_by("-created_at")
    keys = list(rows.values_list("role__key", flat=True)[:LATEST])
    return sorted(dict.fromkeys(keys), key=lambda key: -keys.count(key))


@lru_cache(maxsize=4)
def _index(text: str) -> RoleIndex:
    """Made once for a document in each process: its text never changes."""
    document = policies.document_of(PolicyVersion(text=text))
    return indexed(document.roles.values(), document.targets)
