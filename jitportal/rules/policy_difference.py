"""What a new policy document changes, as sentences that a reviewer wants to read, and as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from jitportal.rules.durations import spoken
from jitportal.rules.policy_changes import (
    Change,
    Changes,
    Concern,
    Direction,
    added,
    most_dangerous_first,
    moved,
    values_changed,
)
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.policy_emergency_difference import account_changes, criteria_changes, named_changes
from jitportal.rules.policy_requirements import APPROVALS, SECTIONS, PathwayRules, Requirement
from jitportal.rules.policy_role_difference import new_role_changes, role_changes
from jitportal.rules.policy_targets import TargetRules
from jitportal.rules.vocabulary import Pathway

__all__ = ["Change", "Concern", "Direction", "difference", "text_difference"]


def difference(old: PolicyDocument | None, new: PolicyDocument) -> list[Change]:
    """Every change that means something, the most dangerous first. None: there was no policy."""
    return most_dangerous_first(_all(old, new))


def text_difference(old: str, new: str, *, old_name: str = "in force", new_name: str = "proposed") -> str:
    """The texts line by line, as a unified difference; empty when they are equal."""
    lines = unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), fromfile=old_name, tofile=new_name
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _all(old: PolicyDocument | None, new: PolicyDocument) -> Iterator[Change]:
    yield from _pathways(old.pathways if old else {}, new.pathways)
    yield from _targets(old.targets if old else {}, new.targets)
    yield from criteria_changes(old.criteria if old else {}, new.criteria)
    yield from account_changes(old.accounts if old else {}, new.accounts)
    yield from _unbound(old, new)
    before = old.roles if old else {}
    for key in sorted(before.keys() | new.roles.keys()):
        if key not in before:
            yield from new_role_changes(new.roles[key])
        elif key not in new.roles:
            yield Changes(key).narrows(Concern.ELIGIBILITY, "the role is retired")
        else:
            yield from role_changes(before[key], new.roles[key])


def _pathways(old: Mapping[Pathway, PathwayRules], new: Mapping[Pathway, PathwayRules]) -> Iterator[Change]:
    for pathway, section in SECTIONS.items():
        before, after, changes = old.get(pathway), new.get(pathway), Changes(section)
        if before is None and after is not None:
            yield changes.neutral(f"the pathway is new, with a cap of {spoken(after.max_minutes)}")
        elif before is not None and after is None:
            yield changes.narrows(Concern.ELIGIBILITY, "the pathway is gone")
        if before is not None and after is not None:
            yield from _pathway(before, after, changes)
        if pathway is Pathway.BREAK_GLASS:
            yield from _usable_criteria(before, after, changes)


def _pathway(old: PathwayRules, new: PathwayRules, changes: Changes) -> Iterator[Change]:
    if old.max_minutes != new.max_minutes:
        rises = new.max_minutes > old.max_minutes
        sentence = moved("the cap", old.max_minutes, new.max_minutes, spoken)
        yield changes.either(rises, Concern.LENGTH, sentence)
    if old.approvals != new.approvals:
        sentence = f"the approval required changes from {_listed(old)} to {_listed(new)}"
        weaker = not set(old.approvals) <= set(new.approvals)
        yield changes.either(weaker, Concern.APPROVAL, sentence)
    yield from named_changes(old, new, changes)
    others = set(Requirement) - set(APPROVALS)
    for word in sorted((old.words - new.words) & others):
        if word is Requirement.FULL_AUDIT_LOG:
            yield changes.neutral(f"{word} isn't written down any more (the log is always full)")
        else:
            yield changes.widens(Concern.PROOF, f"{word} is no longer required")
    for word in sorted((new.words - old.words) & others):
        yield changes.narrows(Concern.PROOF, f"{word} is now required")


def _listed(rules: PathwayRules) -> str:
    return " and ".join(rules.approvals) or "none"


def _usable_criteria(
    old: PathwayRules | None, new: PathwayRules | None, changes: Changes
) -> Iterator[Change]:
    before, after = old.allowed_for if old else (), new.allowed_for if new else ()
    for name in added(before, after):
        yield changes.widens(Concern.ELIGIBILITY, f"criterion {name} now allows break-glass")
    for name in added(after, before):
        yield changes.narrows(Concern.ELIGIBILITY, f"criterion {name} no longer allows break-glass")


def _unbound(old: PolicyDocument | None, new: PolicyDocument) -> Iterator[Change]:
    earlier = {(name.name, name.pathway, name.criterion) for name in old.unbound} if old else set()
    for name in new.unbound:
        if (name.name, name.pathway, name.criterion) not in earlier:
            what = "criterion" if name.criterion else "role"
            sentence = f"{SECTIONS[name.pathway]} names it, and no {what} is written down for it yet"
            yield Changes(name.name).neutral(sentence)


def _targets(old: Mapping[str, TargetRules], new: Mapping[str, TargetRules]) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        changes = Changes(key)
        if key not in old:
            yield changes.neutral(f"new target, reached through {new[key].connector}")
        elif key not in new:
            yield changes.narrows(Concern.REACH, "the target is retired")
        else:
            yield from _target(old[key], new[key], changes)


def _target(old: TargetRules, new: TargetRules, changes: Changes) -> Iterator[Change]:
    """Where a grant arrives: whoever changes that changes what every role on the target gives."""
    if old.connector != new.connector:
        sentence = f"the connector changes from {old.connector} to {new.connector}"
        yield changes.widens(Concern.REACH, sentence)
    for key, what in values_changed(old.settings, new.settings):
        yield changes.widens(Concern.REACH, f"setting {key} {what}")
    for username, what in values_changed(old.accounts, new.accounts):
        yield changes.widens(Concern.REACH, f"the account of {username} {what}")
    if old.account_template != new.account_template:
        sentence = f"accounts are named {new.account_template}, not {old.account_template}"
        yield changes.widens(Concern.REACH, sentence)
    for login in added(old.declared, new.declared):
        sentence = f"standing rights of {login} are declared, and no longer count as drift"
        yield changes.widens(Concern.PROOF, sentence)
    for login in added(new.declared, old.declared):
        yield changes.narrows(Concern.PROOF, f"standing rights of {login} are no longer declared")
    if old.name != new.name:
        yield changes.neutral(f"it is now called {new.name}")
