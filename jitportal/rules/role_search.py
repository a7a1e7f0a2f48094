"""Finding roles by words: what one wants to do, not only what the role is called.

An index is made once for a policy document, and answers each search from memory. Case and accents don't
count, nor the ending that makes "orders" of "order"; a word may be unfinished, because one still types.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_targets import TargetRules

MOST_WORDS = 8
#: Roles that speak of less than this part of what the best one speaks of aren't shown.
LEAST_PART = 0.5
#: Where a word stands tells how much the role is about it.
NAME, KEY, SCOPE, PRIVILEGE, TARGET, DESCRIPTION = 1.0, 0.9, 0.8, 0.7, 0.6, 0.5
WHOLE, BEGINNING, INSIDE = 1.0, 0.8, 0.4
#: Shorter pieces than this stand inside too many words to mean anything.
LEAST_INSIDE = 3

_WORD = re.compile(r"[^\W_]+")
#: Endings that change a word's form and not its meaning, and how much of the word must stay.
_ENDINGS = (("ing", 4), ("ed", 4), ("es", 4), ("s", 3))
#: Words of a sentence that say nothing about a role.
_SMALL = frozenset(
    {"a", "an", "and", "as", "at", "be", "by", "for", "from", "i", "in", "into", "is", "it"}
    | {"me", "my", "of", "on", "or", "that", "the", "this", "to", "want", "with"}
)
#: What a kind of target is called by those who use it.
_KINDS = {"postgres": "PostgreSQL psql SQL database", "ssh": "SSH shell server host"}
#: Words for one intent: where nothing here says one of them, the others are looked for.
_KIN = tuple(
    frozenset(words.split())
    for words in (
        "read see view look show select query inspect",
        "change write update delete insert edit modify correct fix repair",
        "administer admin administrate administration administrator manage operate operator",
        "migrate migration alter schema ddl structure",
        "audit auditor review record log",
        "troubleshoot debug investigate diagnose incident",
    )
)
KINDRED = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """A role that was found. ``score`` orders the matches; they come best first."""

    key: str
    score: float


@dataclass(frozen=True, slots=True)
class Search:
    """``unknown``: the words, as typed, that no role speaks of."""

    matches: tuple[Match, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleIndex:
    """Each word of the roles, with the roles that hold it and how much they are about it."""

    words: Mapping[str, Mapping[str, float]]
    names: Mapping[str, str]


def folded(text: str) -> str:
    """The text as searches compare it: no case, no accents, no compatibility forms."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def indexed(roles: Iterable[RoleRules], targets: Mapping[str, TargetRules]) -> RoleIndex:
    """The index of these roles."""
    words: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for role in roles:
        names[role.key] = folded(role.name)
        for weight, text in _texts(role, targets):
            for word in _WORD.findall(folded(text)):
                known = words.setdefault(word, {})
                known[role.key] = max(weight, known.get(role.key, 0.0))
    return RoleIndex(words, names)


def search(index: RoleIndex, text: str, among: Collection[str]) -> Search:
    """Those of the roles ``among`` that speak of most of the words, best first."""
    typed = _wanted(text)
    found = {word: _speaking_of(index, folded(word), among) for word in typed}
    found = {word: roles or _kindred(index, folded(word), among) for word, roles in found.items()}
    unknown = tuple(word for word, roles in found.items() if not roles)
    worth = {word: _worth(len(roles), len(among)) for word, roles in found.items() if roles}
    spoken: dict[str, float] = {}
    scores: dict[str, float] = {}
    for word, value in worth.items():
        for key, strength in found[word].items():
            spoken[key] = spoken.get(key, 0.0) + value
            scores[key] = scores.get(key, 0.0) + value * strength
    least = max(spoken.values(), default=0.0) * LEAST_PART
    kept = [Match(key, score) for key, score in scores.items() if spoken[key] > least]
    kept.sort(key=lambda match: (-round(match.score, 6), index.names[match.key], match.key))
    return Search(tuple(kept), unknown)


def _texts(role: RoleRules, targets: Mapping[str, TargetRules]) -> Iterator[tuple[float, str]]:
    yield NAME, role.name
    yield KEY, role.key
    yield DESCRIPTION, role.description
    target = targets.get(role.target)
    yield TARGET, f"{role.target} {target.name if target else ''}"
    yield TARGET, _KINDS.get(target.connector, "") if target else ""
    for scope in role.scopes.values():
        yield SCOPE, f"{scope.name} {scope.key}"
        yield PRIVILEGE, scope.entitlement


def _wanted(text: str) -> list[str]:
    """The words that count, each once; the small ones count where there are no others."""
    typed = list(dict.fromkeys(_WORD.findall(text.casefold())))
    meant = [word for word in typed if word not in _SMALL]
    return (meant or typed)[:MOST_WORDS]


def _speaking_of(index: RoleIndex, wanted: str, among: Collection[str]) -> dict[str, float]:
    """The roles that speak of the word, and how much."""
    stem = _stem(wanted)
    found: dict[str, float] = {}
    for word, roles in index.words.items():
        how = _likeness(word, wanted, stem)
        if not how:
            continue
        for key, weight in roles.items():
            if key in among and how * weight > found.get(key, 0.0):
                found[key] = how * weight
    return found


def _kindred(index: RoleIndex, wanted: str, among: Collection[str]) -> dict[str, float]:
    """The roles that say the same intent in another word, and how much."""
    stem = _stem(wanted)
    found: dict[str, float] = {}
    for kin in _KIN:
        if wanted not in kin and stem not in {_stem(word) for word in kin}:
            continue
        for word in kin:
            if len(word) <= LEAST_INSIDE:  # it would stand inside words of another meaning
                continue
            for key, strength in _speaking_of(index, word, among).items():
                found[key] = max(KINDRED * strength, found.get(key, 0.0))
    return found


def _likeness(word: str, wanted: str, stem: str) -> float:
    if word == wanted or (word.startswith(stem) and _stem(word) == stem):
        return WHOLE
    if word.startswith(stem):
        return BEGINNING
    return INSIDE if len(wanted) >= LEAST_INSIDE and wanted in word else 0.0


def _stem(word: str) -> str:
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    return word


def _worth(speaking: int, roles: int) -> float:
    """A word that few roles speak of tells more than one that all of them hold."""
    return math.log(1 + roles / speaking)
