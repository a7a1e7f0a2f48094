"""What the policy says of one claim to break-glass. Nobody approves it; it has to be whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.rules.deciders import PersonFacts
from jitportal.rules.durations import spoken
from jitportal.rules.plain_text import is_plain, words_problem
from jitportal.rules.policy import Problem, RoleRules, eligibility_reason
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.vocabulary import Pathway

#: "x" explains nothing to whoever is woken by it.
LEAST_WORDS = 15
LONGEST_INCIDENT = 100
#: A population of fewer can't stand in for one another; one of more isn't limited.
FEWEST, MOST = 2, 8


@dataclass(frozen=True, slots=True)
class Claim:
    """What the emergency form says."""

    role_key: str
    scope: str
    account: str
    criterion: str
    incident: str
    broken: str
    expected: str
    minutes: int
    drill: bool = False


#: When an alert that nobody acknowledges goes out again: after so many minutes, then at longer and longer
#: intervals, for so long.
ALERT_AGAIN_MINUTES = (5, 10, 20, 40, 60)
ALERT_AGAIN_FOR = timedelta(days=1)


def alert_again_at(raised_at: datetime, now: datetime) -> datetime | None:
    """When an alert of that moment goes out next, after ``now``; None: not any more."""
    at, number = raised_at, 0
    while at <= now:
        at += timedelta(minutes=ALERT_AGAIN_MINUTES[min(number, len(ALERT_AGAIN_MINUTES) - 1)])
        number += 1
    return at if at - raised_at <= ALERT_AGAIN_FOR else None


def same_incident(one: str, other: str) -> bool:
    """Whether two references name the same incident, however they were typed; nothing names none."""
    return bool(one.strip()) and "".join(one.split()).casefold() == "".join(other.split()).casefold()


def may_activate(person: PersonFacts, document: PolicyDocument) -> tuple[RoleRules, ...]:
    """The break-glass roles that this person is in the population of, and that have an account."""
    return tuple(
        role
        for role in document.roles_on(Pathway.BREAK_GLASS).values()
        if role.accounts and eligibility_reason(person, role) is not None
    )


def usable_criteria(document: PolicyDocument) -> tuple[str, ...]:
    """The keys of the criteria that break-glass lists, and that are described."""
    listed = document.break_glass.allowed_for if document.break_glass else ()
    return tuple(key for key in listed if key in document.criteria)


def claim_problems(person: PersonFacts, claim: Claim, document: PolicyDocument) -> list[Problem]:
    """Everything that is wrong with the claim, each with its field."""
    role = document.roles.get(claim.role_key)
    if role is None or role not in may_activate(person, document):
        return [Problem("role", "You aren't among those who may activate this role. Choose another.")]
    return [
        *_choices(claim, role, document),
        *_length(claim, role),
        *_incident(claim, document),
        *_words("broken", claim.broken, "Say what is broken"),
        *_words("expected", claim.expected, "Say what you expect to do"),
    ]


def _choices(claim: Claim, role: RoleRules, document: PolicyDocument) -> Iterator[Problem]:
    if claim.scope not in role.scopes:
        yield Problem("scope", f"{role.name} has no such scope. Choose one of those listed.")
    if claim.account not in role.accounts or claim.account not in document.accounts:
        yield Problem("account", f"{role.name} doesn't use this account. Choose one of those listed.")
    if claim.criterion not in usable_criteria(document):
        yield Problem("criterion", "Choose the criterion that holds. Without one there is no break-glass.")


def _length(claim: Claim, role: RoleRules) -> Iterator[Problem]:
    if claim.minutes < 1:
        yield Problem("minutes", "Ask for at least one minute.")
    elif claim.minutes > role.max_minutes:
        yield Problem(
            "minutes",
            f"{role.name} lasts {spoken(role.max_minutes)} at most. Take that; you can extend it later.",
        )


def _incident(claim: Claim, document: PolicyDocument) -> Iterator[Problem]:
    said = claim.incident.strip()
    criterion = document.criteria.get(claim.criterion)
    if len(said) > LONGEST_INCIDENT:
        yield Problem("incident", f"A reference has at most {LONGEST_INCIDENT} characters.")
    elif not is_plain(said) or any(ord(sign) < 32 for sign in said):
        yield Problem("incident", "The reference holds characters that aren't text. Type it again.")
    elif not said and criterion and criterion.probe and criterion.probe.on_claim:
        yield Problem("incident", f"{criterion.name} needs the incident's reference.")


def _words(field: str, text: str, needed: str) -> Iterator[Problem]:
    text = text.strip()
    problem = words_problem(text)
    if problem:
        yield Problem(field, problem)
    elif len(text) < LEAST_WORDS:
        yield Problem(field, f"{needed}, in at least {LEAST_WORDS} characters (now {len(text)}).")


def next_due(last: datetime | None, since: datetime, every_days: int | None) -> datetime | None:
    """When a drill or a rotation is due next; None: never."""
    return (last or since) + timedelta(days=every_days) if every_days else None


def population_warning(people: int) -> str:
    """What is wrong with a population of so many, as a sentence; empty: nothing."""
    if people == 0:
        return "Nobody can use this account. Name the people in the policy before an emergency does."
    if people < FEWEST:
        return "One person alone can use this account. Name a second, who can when the first can't."
    if people > MOST:
        return (
            f"{people} people can use this account. More than {MOST} are no limited population: name fewer."
        )
    return ""
