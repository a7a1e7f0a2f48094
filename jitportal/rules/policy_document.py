"""The policy document: YAML text in, the rules that everything is decided by out, or all that is wrong.

``load`` is pure: the same text gives the same document. What the words mean is in ``docs/policy.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache

from jitportal.rules.canonical import Plain, digest
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_emergencies import (
    CriterionRules,
    EmergencyAccountRules,
    borrowed_logins,
)
from jitportal.rules.policy_lines import (
    MOST_PROBLEMS,
    TOP,
    LineProblem,
    Mark,
    Path,
    PolicyDocumentError,
    Report,
    TooManyProblems,
    did_you_mean,
    shortened,
)
from jitportal.rules.policy_mentions import Mention
from jitportal.rules.policy_requirements import PathwayRules
from jitportal.rules.policy_sections import Sections, Unbound, compiled
from jitportal.rules.policy_targets import CONNECTORS, TargetRules
from jitportal.rules.policy_yaml import read
from jitportal.rules.vocabulary import Pathway

__all__ = [
    "CriterionRules",
    "EmergencyAccountRules",
    "LineProblem",
    "PathwayRules",
    "PolicyDocument",
    "PolicyDocumentError",
    "TargetRules",
    "Unbound",
    "directory_problems",
    "draft",
    "load",
    "unknown_channels",
    "unknown_names",
    "unknown_webhooks",
]


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A document that holds together. Nothing in it changes after loading.

    ``digest`` is the SHA-256 of the text, in hex; ``meaning`` that of what the text says, so that
    documents that differ in comments and layout alone have the same.
    """

    text: str
    digest: str
    meaning: str
    pathways: Mapping[Pathway, PathwayRules]
    targets: Mapping[str, TargetRules]
    roles: Mapping[str, RoleRules]
    criteria: Mapping[str, CriterionRules]
    accounts: Mapping[str, EmergencyAccountRules] = field(default_factory=dict)
    unbound: tuple[Unbound, ...] = ()
    warnings: tuple[LineProblem, ...] = ()
    mentions: tuple[Mention, ...] = field(default=(), repr=False, compare=False)
    channels: tuple[Mention, ...] = field(default=(), repr=False, compare=False)
    webhooks: tuple[Mention, ...] = field(default=(), repr=False, compare=False)
    role_places: Mapping[str, Mark] = field(default_factory=dict, repr=False, compare=False)
    #: For each target where it stands, under the empty key, and where each of its settings does.
    target_places: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict, repr=False, compare=False)
    account_places: Mapping[str, Mark] = field(default_factory=dict, repr=False, compare=False)

    @property
    def break_glass(self) -> PathwayRules | None:
        """What break-glass is allowed for and requires; None: this policy has no break-glass."""
        return self.pathways.get(Pathway.BREAK_GLASS)

    def roles_on(self, pathway: Pathway) -> dict[str, RoleRules]:
        """The pathway's roles that can be requested or activated: those that are bound."""
        return {key: role for key, role in self.roles.items() if role.pathway is pathway}


@lru_cache(maxsize=16)
def load(text: str, *, connectors: frozenset[str] = CONNECTORS) -> PolicyDocument:
    """The document that the text is.

    Raises ``PolicyDocumentError`` with everything that is wrong, each with its line. Line ends are
    brought to a single line feed first, because a browser's form sends others.
    """
    document, problems = draft(text, connectors=connectors)
    if problems:
        raise PolicyDocumentError(problems)
    return document


@lru_cache(maxsize=16)
def draft(
    text: str, *, connectors: frozenset[str] = CONNECTORS
) -> tuple[PolicyDocument, tuple[LineProblem, ...]]:
    """The document as far as the text could be read, and everything that is wrong with it.

    With problems the document is good for nothing but to look for more of them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    source = read(text)
    report = Report(source.marks, spoiled=source.spoiled)
    sections = Sections()
    if source.data is not None:
        with suppress(TooManyProblems):
            sections = compiled(source.data, connectors, report)
    problems = tuple(shortened([*source.problems, *report.problems]))
    document = PolicyDocument(
        text=text,
        digest="" if problems else hashlib.sha256(text.encode()).hexdigest(),
        meaning="" if problems else _meaning(sections),
        pathways=sections.pathways,
        targets=sections.targets,
        roles=sections.roles,
        criteria=sections.criteria,
        accounts=sections.accounts,
        unbound=tuple(sections.unbound),
        warnings=tuple(shortened(report.warnings)),
        mentions=tuple(sections.mentions),
        channels=tuple(sections.channels),
        webhooks=tuple(sections.webhooks),
        role_places={key: report.mark((TOP, "roles", key)) for key in sections.roles},
        account_places={
            key: report.mark((TOP, "emergency_accounts", key, "login")) for key in sections.accounts
        },
        target_places={key: _target_places(key, target, report) for key, target in sections.targets.items()},
    )
    return document, problems


def _target_places(key: str, target: TargetRules, report: Report) -> dict[str, Mark]:
    place: Path = (TOP, "targets", key)
    of_settings = {name: report.mark((*place, "settings", name)) for name in target.settings}
    return {"": report.mark((*place, "settings")), **of_settings}


def directory_problems(
    document: PolicyDocument, people: Collection[str], teams: Collection[str]
) -> list[LineProblem]:
    """Everything in the document that the directory (usernames, team keys) contradicts, by line."""
    return sorted(
        [
            *unknown_names(document, people, teams),
            *_borrowed_accounts(document, people),
            *_borrowed_logins(document, people),
        ]
    )


def unknown_names(
    document: PolicyDocument, people: Collection[str], teams: Collection[str]
) -> list[LineProblem]:
    """Each place where the document names a person or a team that isn't in the directory."""
    sentences: dict[tuple[str, bool], str] = {}
    problems: set[LineProblem] = set()
    for mention in document.mentions:
        known, what = (teams, "team") if mention.team else (people, "person")
        if mention.name in known or len(problems) > MOST_PROBLEMS:
            continue
        key = (mention.name, mention.team)
        if key not in sentences:
            sentences[key] = f"There is no {what} `{mention.name}`.{did_you_mean(mention.name, known)}"
        problems.add(LineProblem(mention.line, mention.column, mention.path, sentences[key]))
    return shortened(problems)


def unknown_channels(document: PolicyDocument, known: Collection[str]) -> list[LineProblem]:
    """Each place where the document names a channel that the operator hasn't set up for teams."""
    problems = []
    for mention in document.channels:
        if mention.name not in known:
            hint = did_you_mean(mention.name, known)
            sentence = f"The operator has set up no channel `{mention.name}` for teams.{hint}"
            problems.append(LineProblem(mention.line, mention.column, mention.path, sentence))
    return problems


def unknown_webhooks(document: PolicyDocument, known: Collection[str]) -> list[LineProblem]:
    """Each place where the document names a webhook's receiver that the operator hasn't set up."""
    problems = []
    for mention in document.webhooks:
        if mention.name not in known:
            hint = did_you_mean(mention.name, known)
            sentence = f"The operator has set up no webhook receiver `{mention.name}`.{hint}"
            problems.append(LineProblem(mention.line, mention.column, mention.path, sentence))
    return problems


def _borrowed_accounts(document: PolicyDocument, people: Collection[str]) -> list[LineProblem]:
    """Where one person's account on a target is what another person's would be by the template."""
    places = {mention.path: mention for mention in document.mentions}
    problems = []
    for key, target in document.targets.items():
        by_template = {target.account_for(other): other for other in people if other not in target.accounts}
        for username, account in target.accounts.items():
            place = places.get(f"targets.{key}.accounts.{username}")
            if place and account in by_template:
                sentence = (
                    f"`{account}` on {key} is {by_template[account]}'s account. Give {username} another."
                )
                problems.append(LineProblem(place.line, place.column, place.path, sentence))
    return problems


def _borrowed_logins(document: PolicyDocument, people: Collection[str]) -> list[LineProblem]:
    """Where an emergency account is what one person's own account would be."""
    found = borrowed_logins(document.accounts, document.targets, frozenset(people))
    return [
        LineProblem(place.line, place.column, f"emergency_accounts.{key}.login", sentence)
        for key, sentence in found
        for place in [document.account_places[key]]
    ]


def _meaning(sections: Sections) -> str:
    said = {
        "pathways": sections.pathways,
        "targets": sections.targets,
        "roles": sections.roles,
        "criteria": sections.criteria,
        "emergency_accounts": sections.accounts,
    }
    return digest({key: _plain(value) for key, value in said.items()})


def _plain(value: object) -> Plain:
    """The value as the canonical form has it: sets in order, enums as their values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, frozenset):
        return [_plain(one) for one in sorted(value)]
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, int) else None if value is None else str(value)
