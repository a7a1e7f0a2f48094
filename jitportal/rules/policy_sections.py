"""Compiles the sections of a policy document together: who refers to whom, and what contradicts what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_emergencies import (
    CriterionRules,
    EmergencyAccountRules,
    account_rules,
    check_use,
    compare_accounts,
    criterion_rules,
    named_in_account,
    named_in_break_glass,
)
from jitportal.rules.policy_lines import TOP, Path, Report, did_you_mean, nearest
from jitportal.rules.policy_mentions import Mention, Named, named_in_role, named_in_target, teams_deciding
from jitportal.rules.policy_nudges import channels_in, named_in_nudges, notify_rules
from jitportal.rules.policy_requirements import (
    LARGEST_CAP,
    SECTIONS,
    NamedPeople,
    PathwayRules,
    Requirement,
    pathway_rules,
)
from jitportal.rules.policy_roles import Surroundings, role_rules
from jitportal.rules.policy_scalars import slug_problem
from jitportal.rules.policy_schema import (
    BreakGlassSection,
    Criterion,
    Defaults,
    Eligible,
    EmergencyAccount,
    Nudges,
    PathwaySection,
    Role,
    Shape,
    Target,
)
from jitportal.rules.policy_shapes import as_mapping, shaped
from jitportal.rules.policy_targets import TargetRules, compare_targets, target_rules
from jitportal.rules.policy_yaml import Data
from jitportal.rules.post_incident import Deadlines
from jitportal.rules.vocabulary import Pathway

ROLES, TARGETS, CRITERIA, DEFAULTS = "roles", "targets", "criteria", "defaults"
ACCOUNTS = "emergency_accounts"
_KEYS = frozenset({*SECTIONS.values(), ROLES, TARGETS, CRITERIA, DEFAULTS, ACCOUNTS})
#: What a role that is on no pathway is checked against, so that its other mistakes show too.
_SOME_PATHWAY = PathwayRules(
    Pathway.JIT,
    allowed_for=(),
    roles=(),
    requires=(),
    max_minutes=LARGEST_CAP[Pathway.TEMPORARY],
    words=frozenset({Requirement.MANAGER_OR_SYSTEM_APPROVAL}),
)
_Section = TypeVar("_Section", bound=Shape)


@dataclass(frozen=True, slots=True)
class Unbound:
    """A name that a pathway lists and nothing binds yet: it loads, and can't be requested."""

    name: str
    pathway: Pathway
    criterion: bool
    line: int


@dataclass(slots=True)
class Sections:
    """What the document says, compiled."""

    pathways: dict[Pathway, PathwayRules] = field(default_factory=dict)
    targets: dict[str, TargetRules] = field(default_factory=dict)
    roles: dict[str, RoleRules] = field(default_factory=dict)
    criteria: dict[str, CriterionRules] = field(default_factory=dict)
    accounts: dict[str, EmergencyAccountRules] = field(default_factory=dict)
    unbound: list[Unbound] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    channels: list[Mention] = field(default_factory=list)
    webhooks: list[Mention] = field(default_factory=list)


def compiled(data: Data, connectors: frozenset[str], report: Report) -> Sections:
    """The sections, as far as they can be read; ``report`` then holds everything that is wrong."""
    return _Compiler(data, connectors, report).compiled()


class _Compiler:
    def __init__(self, data: Data, connectors: frozenset[str], report: Report) -> None:
        self.report = report
        self.connectors = connectors
        self.policy = self._policy(data)
        self.sections = Sections()

    def compiled(self) -> Sections:
        self._pathways()
        self._criteria()
        targets = self._targets()
        self._accounts(targets)
        self._roles(targets)
        check_use(self.sections.roles, self.sections.accounts, self.report, (TOP, ROLES))
        self._emergency_entitlements()
        self._unbound()
        return self.sections

    def _policy(self, data: Data) -> Mapping[str, Data]:
        document = as_mapping(data, (), self.report)
        if document is None:
            return {}
        self._refuse_unknown(document, frozenset({TOP}), ())
        if TOP not in document:
            self.report.problem((), f"The document's key `{TOP}` is missing. Everything stands below it.")
            return {}
        policy = as_mapping(document[TOP], (TOP,), self.report)
        if policy is None:
            return {}
        self._refuse_unknown(policy, _KEYS, (TOP,))
        if not set(SECTIONS.values()) & set(policy):
            names = ", ".join(f"`{name}`" for name in SECTIONS.values())
            self.report.problem((TOP,), f"No pathway is here. Add one of: {names}.")
        return policy

    def _refuse_unknown(self, mapping: Mapping[str, Data], known: frozenset[str], path: Path) -> None:
        for key in mapping:
            if key not in known:
                hint = did_you_mean(key, known)
                self.report.problem((*path, key), f"`{key[:80]}` isn't a key that belongs here.{hint}")

    def _each(self, name: str, shape: type[_Section]) -> Iterator[tuple[str, _Section | None, Path]]:
        """The section's entries, each in its shape; None for one that can't be read at all."""
        if name not in self.policy:
            return
        entries = as_mapping(self.policy[name], (TOP, name), self.report) or {}
        for key, data in entries.items():
            path = (TOP, name, key)
            problem = slug_problem(key)
            if problem:
                self.report.problem(path, problem)
            yield key, shaped(shape, data, path, self.report), path

    def _pathways(self) -> None:
        for pathway, name in SECTIONS.items():
            if name in self.policy:
                emergency = pathway is Pathway.BREAK_GLASS
                shape = BreakGlassSection if emergency else PathwaySection
                section = shaped(shape, self.policy[name], (TOP, name), self.report)
                if section is not None:
                    self._pathway(pathway, section, (TOP, name))

    def _pathway(self, pathway: Pathway, section: PathwaySection, path: Path) -> None:
        names = "criteria" if pathway is Pathway.BREAK_GLASS else "roles"
        for key, what in (("allowed_for", names), ("requires", "requirements")):
            if getattr(section, key) is None:
                self.report.problem((*path, key), f"`{key}` is missing: list the {what}, or write `[]`.")
        for named in channels_in(section.notify, path):
            self.sections.channels.append(self._found(named))
        emergency = section if isinstance(section, BreakGlassSection) else None
        allowed_for = section.allowed_for or []
        self.sections.pathways[pathway] = pathway_rules(
            pathway,
            allowed_for=allowed_for,
            roles=emergency.roles if emergency else allowed_for,
            requires=section.requires or [],
            notify=notify_rules(section.notify),
            report=self.report,
            path=path,
        )
        if emergency:
            self._break_glass(pathway, emergency, path)

    def _break_glass(self, pathway: Pathway, section: BreakGlassSection, path: Path) -> None:
        """Who is told of each activation, and who can end one."""
        self.sections.pathways[pathway] = replace(
            self.sections.pathways[pathway],
            contacts=_people(section.security_contacts),
            may_end=_people(section.may_end),
            webhooks=tuple(section.webhooks),
            review_times=Deadlines(**section.review_times.model_dump()),
        )
        contacts = section.security_contacts
        if section.roles and not (contacts.people or contacts.teams):
            self.report.warn(
                path,
                "`security_contacts` is missing: custodians and administrators would be alerted of each "
                "emergency in their place. Name who is to hear of it.",
            )
        for named in named_in_break_glass(section, path):
            self._mention(named)
        for index, name in enumerate(section.webhooks):
            self.sections.webhooks.append(self._found(Named(name, (*path, "webhooks", index))))

    def _accounts(self, targets: Mapping[str, TargetRules | None]) -> None:
        for key, section, path in self._each(ACCOUNTS, EmergencyAccount):
            if section is None:
                continue
            self.sections.accounts[key] = account_rules(key, section, targets, self.report, path)
            for named in named_in_account(section, path):
                self._mention(named)
        compare_accounts(self.sections.accounts, self.report, (TOP, ACCOUNTS))

    def _criteria(self) -> None:
        emergency = self.sections.pathways.get(Pathway.BREAK_GLASS)
        listed = emergency.allowed_for if emergency else ()
        for key, section, path in self._each(CRITERIA, Criterion):
            found = section or Criterion()
            self.sections.criteria[key] = criterion_rules(key, found, self.report, path)
            if key not in listed:
                sentence = "break_glass doesn't list this criterion under `allowed_for`: it can't be used."
                self.report.warn(path, sentence)

    def _targets(self) -> dict[str, TargetRules | None]:
        known: dict[str, TargetRules | None] = {}
        for key, section, path in self._each(TARGETS, Target):
            known[key] = target_rules(key, section, self.connectors, self.report, path) if section else None
            for named in named_in_target(section, path) if section else ():
                self._mention(named)
        self.sections.targets = {key: target for key, target in known.items() if target}
        compare_targets(self.sections.targets, self.report, (TOP, TARGETS))
        return known

    def _roles(self, targets: Mapping[str, TargetRules | None]) -> None:
        placed = self._placed()
        around = Surroundings(targets, self._defaults(), (TOP, DEFAULTS), self.report)
        for key, section, path in self._each(ROLES, Role):
            if key not in placed:
                self._unplaced(key, path)
            if section is None:
                continue
            self._mention_all(section, path)
            pathway = self.sections.pathways[placed[key]] if key in placed else _SOME_PATHWAY
            role = role_rules(key, section, pathway, around, path)
            if key in placed:
                self.sections.roles[key] = role
        used = {role.target for role in self.sections.roles.values()}
        for key in self.sections.targets:
            if key not in used:
                self.report.warn((TOP, TARGETS, key), "No role is on this target.")

    def _defaults(self) -> Defaults:
        path = (TOP, DEFAULTS)
        section = (
            shaped(Defaults, self.policy[DEFAULTS], path, self.report) if DEFAULTS in self.policy else None
        )
        for named in teams_deciding((section and section.revokers) or (), (*path, "revokers")):
            self._mention(named)
        for named in named_in_nudges(section or Defaults(), path):
            self._mention(named)
        return section or Defaults()

    def _placed(self) -> dict[str, Pathway]:
        """The pathway of each name that one lists; reports names on two."""
        placed: dict[str, Pathway] = {}
        for pathway, rules in self.sections.pathways.items():
            for index, name in enumerate(rules.roles):
                first = placed.setdefault(name, pathway)
                if first is not pathway:
                    self.report.problem(
                        (*_list_of(pathway), index),
                        f"`{name}` is on {SECTIONS[first]} too. A role is on one pathway: make two roles.",
                    )
        return placed

    def _unplaced(self, key: str, path: Path) -> None:
        if any(self.report.is_spoiled(_list_of(pathway)) for pathway in SECTIONS):
            return
        entries = self.policy[ROLES]
        bound = set(entries) if isinstance(entries, dict) else set()
        dangling = {name for rules in self.sections.pathways.values() for name in rules.roles} - bound
        self.report.problem(
            path,
            f"`{key[:80]}` is on no pathway. List it under `allowed_for` of jit_access or temporary_access, "
            f"or under `roles` of break_glass.{nearest(key, dangling)}",
        )

    def _emergency_entitlements(self) -> None:
        """What break-glass gives belongs to no role of another pathway."""
        emergency: dict[tuple[str, str], str] = {}
        others: list[RoleRules] = []
        for role in self.sections.roles.values():
            if role.pathway is Pathway.BREAK_GLASS:
                emergency |= {(role.target, scope.entitlement): role.key for scope in role.scopes.values()}
            else:
                others.append(role)
        for role in others:
            for entitlement in {scope.entitlement for scope in role.scopes.values()} - {""}:
                owner = emergency.get((role.target, entitlement))
                if owner:
                    self.report.problem(
                        (TOP, ROLES, role.key),
                        f"`{entitlement}` on {role.target} belongs to the break-glass role `{owner}`, and so "
                        "to no role of another pathway. Make a separate entitlement on the target.",
                    )

    def _unbound(self) -> None:
        for pathway, rules in self.sections.pathways.items():
            self._unbound_in(pathway, rules.roles, _list_of(pathway), criterion=False)
            if pathway is Pathway.BREAK_GLASS:
                place = (TOP, SECTIONS[pathway], "allowed_for")
                self._unbound_in(pathway, rules.allowed_for, place, criterion=True)

    def _unbound_in(self, pathway: Pathway, names: tuple[str, ...], path: Path, *, criterion: bool) -> None:
        bound = self.sections.criteria if criterion else self.sections.roles
        for index, name in enumerate(names):
            if name not in bound:
                line = self.report.mark((*path, index)).line
                self.sections.unbound.append(Unbound(name, pathway, criterion, line))

    def _mention_all(self, role: Role, path: Path) -> None:
        """Everybody whom the role names, and every channel."""
        for named in named_in_role(role, path):
            self._mention(named)
        for stage, place in ((role, path), *_stages(role, path)):
            for named in named_in_nudges(stage, place):
                self._mention(named)
        for named in channels_in(role.notify, path):
            if not self.report.is_spoiled(named.path):
                self.sections.channels.append(self._found(named))

    def _mention(self, named: Named) -> None:
        if not self.report.is_spoiled(named.path):  # what stands in for it there names nobody
            self.sections.mentions.append(self._found(named))

    def _found(self, named: Named) -> Mention:
        place = self.report.at(named.path, "")
        return Mention(named.name, named.team, place.line, place.column, place.path)


def _people(named: Eligible) -> NamedPeople:
    return NamedPeople(frozenset(named.people), frozenset(named.teams))


def _stages(role: Role, path: Path) -> Iterator[tuple[Nudges, Path]]:
    for index, stage in enumerate(role.stages or []):
        yield stage, (*path, "stages", index)


def _list_of(pathway: Pathway) -> Path:
    """Where the pathway's section lists its roles."""
    return (TOP, SECTIONS[pathway], ROLES if pathway is Pathway.BREAK_GLASS else "allowed_for")
