"""What a pathway ``requires``: the vocabulary, and what its words mean for the roles on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jitportal.rules.durations import MINUTES_IN, spoken
from jitportal.rules.nudges import NO_CHANNELS, NotifyRules
from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.post_incident import USUAL, Deadlines
from jitportal.rules.vocabulary import Pathway


class Requirement(StrEnum):
    """The words; a longest duration is ``max_duration_<n>_minutes`` (or hours, or days)."""

    MANAGER_OR_SYSTEM_APPROVAL = "manager_or_system_approval"
    MANAGER_APPROVAL = "manager_approval"
    OWNER_APPROVAL = "owner_approval"
    FULL_AUDIT_LOG = "full_audit_log"  # always on: saying it is welcome, leaving it out changes nothing
    TICKET = "ticket"
    AFTER_USE_REVIEW = "after_use_review"
    OWN_SECOND_FACTOR = "own_second_factor"  # signing in again at the provider doesn't count
    NAMED_EMERGENCY_ACCOUNT = "named_emergency_account"
    SESSION_RECORDING = "session_recording"
    POST_INCIDENT_REVIEW = "post_incident_review"


APPROVALS = (
    Requirement.MANAGER_OR_SYSTEM_APPROVAL,
    Requirement.MANAGER_APPROVAL,
    Requirement.OWNER_APPROVAL,
)
_DURATION = re.compile(r"max_duration_([0-9]{1,6})_(minute|hour|day)s?", re.ASCII)
_DURATION_EXAMPLE = "max_duration_60_minutes"

#: The names of the pathways' sections in the document.
SECTIONS: dict[Pathway, str] = {
    Pathway.JIT: "jit_access",
    Pathway.TEMPORARY: "temporary_access",
    Pathway.BREAK_GLASS: "break_glass",
}
#: The words each pathway knows besides its longest duration. Temporary access is approved by people;
#: nobody approves break-glass before its use.
WORDS: dict[Pathway, frozenset[Requirement]] = {
    Pathway.JIT: frozenset(
        {*APPROVALS, Requirement.FULL_AUDIT_LOG, Requirement.TICKET, Requirement.OWN_SECOND_FACTOR}
    ),
    Pathway.TEMPORARY: frozenset(
        {
            Requirement.MANAGER_APPROVAL,
            Requirement.OWNER_APPROVAL,
            Requirement.FULL_AUDIT_LOG,
            Requirement.TICKET,
            Requirement.AFTER_USE_REVIEW,
            Requirement.OWN_SECOND_FACTOR,
        }
    ),
    Pathway.BREAK_GLASS: frozenset(
        {
            Requirement.NAMED_EMERGENCY_ACCOUNT,
            Requirement.SESSION_RECORDING,
            Requirement.POST_INCIDENT_REVIEW,
            Requirement.FULL_AUDIT_LOG,
            Requirement.OWN_SECOND_FACTOR,
        }
    ),
}
_APPROVAL_ADVICE = {
    Pathway.TEMPORARY: "People approve temporary access: say `manager_approval` or `owner_approval`.",
    Pathway.BREAK_GLASS: "Nobody approves break-glass before its use; it is reviewed afterwards.",
}
#: The longest grant where the document doesn't say, and the longest that it can say, in minutes.
DEFAULT_CAP = {Pathway.JIT: 60, Pathway.TEMPORARY: 14 * 24 * 60, Pathway.BREAK_GLASS: 60}
LARGEST_CAP = {Pathway.JIT: 7 * 24 * 60, Pathway.TEMPORARY: 366 * 24 * 60, Pathway.BREAK_GLASS: 7 * 24 * 60}


@dataclass(frozen=True, slots=True)
class NamedPeople:
    """People by their usernames, and teams by their keys."""

    people: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()

    def includes(self, username: str, teams: frozenset[str]) -> bool:
        """Whether somebody in these teams is among them."""
        return username in self.people or bool(teams & self.teams)


NOBODY_NAMED = NamedPeople()


@dataclass(frozen=True, slots=True)
class PathwayRules:
    """One pathway's section: what it lists, what it requires, and its cap in minutes.

    ``allowed_for`` names roles, but for break-glass criteria; ``roles`` are the pathway's roles in
    either case. Names that nothing binds are among them. Of break-glass alone: ``contacts`` are told of
    each activation, ``may_end`` can end one, the receivers under ``webhooks`` are called, and
    ``review_times`` are the deadlines of its reviews.
    """

    pathway: Pathway
    allowed_for: tuple[str, ...]
    roles: tuple[str, ...]
    requires: tuple[str, ...]
    max_minutes: int
    words: frozenset[Requirement] = field(default_factory=frozenset)
    notify: NotifyRules = NO_CHANNELS
    contacts: NamedPeople = NOBODY_NAMED
    may_end: NamedPeople = NOBODY_NAMED
    webhooks: tuple[str, ...] = ()
    review_times: Deadlines = USUAL

    def needs(self, word: Requirement) -> bool:
        return word in self.words

    @property
    def approvals(self) -> tuple[Requirement, ...]:
        """The approvals that it requires, in the order in which they are asked for."""
        return tuple(word for word in APPROVALS if word in self.words)


def is_cap(word: str) -> bool:
    """Whether the word says the pathway's longest grant."""
    return _DURATION.fullmatch(word) is not None


def cap_word(number: int, unit: str) -> str:
    """The word for so many minutes, hours or days."""
    return f"max_duration_{number}_{unit}"


def pathway_rules(
    pathway: Pathway,
    *,
    allowed_for: Sequence[str],
    roles: Sequence[str],
    requires: Sequence[str],
    notify: NotifyRules,
    report: Report,
    path: Path,
) -> PathwayRules:
    """The section's rules; reports words that are unknown, belong elsewhere, or contradict others."""
    words: set[Requirement] = set()
    caps: list[int] = []
    for index, word in enumerate(requires):
        place = (*path, "requires", index)
        duration = _DURATION.fullmatch(word)
        if duration:
            caps += _cap(pathway, int(duration[1]) * MINUTES_IN[f"{duration[2]}s"], caps, report, place)
        elif word in WORDS[pathway]:
            words.add(Requirement(word))
        else:
            report.problem(place, _misplaced(word, pathway))
    if {Requirement.MANAGER_OR_SYSTEM_APPROVAL, Requirement.MANAGER_APPROVAL} <= words:
        report.problem(
            (*path, "requires"),
            "`manager_or_system_approval` and `manager_approval` contradict each other. Keep one.",
        )
        words.discard(Requirement.MANAGER_APPROVAL)
    return PathwayRules(
        pathway=pathway,
        allowed_for=tuple(allowed_for),
        roles=tuple(roles),
        requires=tuple(requires),
        max_minutes=caps[0] if caps else DEFAULT_CAP[pathway],
        words=frozenset(words),
        notify=notify,
    )


def _cap(pathway: Pathway, minutes: int, earlier: list[int], report: Report, place: Path) -> list[int]:
    if earlier:
        report.problem(place, "A longest duration is given twice. Keep one.")
    elif not 1 <= minutes <= LARGEST_CAP[pathway]:
        report.problem(
            place, f"The longest duration is between 1 minute and {spoken(LARGEST_CAP[pathway])} here."
        )
    else:
        return [minutes]
    return []


def _misplaced(word: str, pathway: Pathway) -> str:
    """Why the word can't stand in this pathway's section."""
    section = SECTIONS[pathway]
    elsewhere = [SECTIONS[other] for other, words in WORDS.items() if word in words]
    if not elsewhere:
        known = [*WORDS[pathway], _DURATION_EXAMPLE]
        return f"`{word[:80]}` isn't a requirement.{did_you_mean(word, known)}"
    advice = _APPROVAL_ADVICE.get(pathway) if word in APPROVALS else None
    return (
        f"`{word}` can't be required of {section}, only of {' and '.join(elsewhere)}. "
        f"{advice or 'Take it out.'}"
    )
