"""What changes in one role, from one policy document to the next."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.durations import spoken
from jitportal.rules.policy import RoleRules, ScopeRules
from jitportal.rules.policy_changes import Change, Changes, Concern, added, moved, values_changed
from jitportal.rules.policy_stage_difference import spoken_stage, stage_changes
from jitportal.rules.vocabulary import Pathway, Risk

_PATHWAYS = {
    Pathway.JIT: "just-in-time",
    Pathway.TEMPORARY: "temporary",
    Pathway.BREAK_GLASS: "break-glass",
}
_RISKS = list(Risk)


def new_role(role: RoleRules) -> Change:
    """A role that is offered for the first time, in one sentence."""
    people = [*sorted(role.eligible_people), *(f"team {team}" for team in sorted(role.eligible_teams))]
    approval = "; ".join(map(spoken_stage, role.stages)) or "no approval"
    return Changes(role.key).widens(
        Concern.ELIGIBILITY,
        f"new {_PATHWAYS[role.pathway]} role on {role.target}, {role.risk} risk, up to "
        f"{spoken(role.max_minutes)}, for {', '.join(people) or 'nobody'}, approved by {approval}",
    )


def new_role_changes(role: RoleRules) -> Iterator[Change]:
    """The role itself, and by itself whatever lets the system approve it."""
    yield new_role(role)
    for stage in role.stages:
        if stage.system_when:
            names = " and ".join(rule.name for rule in stage.system_when)
            sentence = f"stage {stage.name}: the system may approve under {names}"
            yield Changes(role.key).widens(Concern.APPROVAL, sentence)


def role_changes(old: RoleRules, new: RoleRules) -> Iterator[Change]:
    """Every difference that means something, as sentences."""
    changes = Changes(new.key)
    yield from stage_changes(old.stages, new.stages, changes)
    yield from _reach(old, new, changes)
    yield from _eligibility(old, new, changes)
    yield from _durations(old, new, changes)
    yield from _proof(old, new, changes)
    yield from _words(old, new, changes)
    yield from _channels(old, new, changes)
    for name in added(old.accounts, new.accounts):
        yield changes.widens(Concern.REACH, f"it may use emergency account {name}")
    for name in added(new.accounts, old.accounts):
        yield changes.narrows(Concern.REACH, f"it may no longer use emergency account {name}")


def _channels(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    """Who reads along: one channel less may be nobody who notices."""
    for what, before, after in (
        ("requests", old.notify.requests, new.notify.requests),
        ("access that begins", old.notify.grants, new.notify.grants),
        ("its ends", old.notify.ends, new.notify.ends),
    ):
        for name in added(before, after):
            yield changes.narrows(Concern.PROOF, f"channel {name} is now told of {what}")
        for name in added(after, before):
            yield changes.widens(Concern.PROOF, f"channel {name} is no longer told of {what}")


def _reach(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    if old.pathway is not new.pathway:
        sentence = f"the pathway changes from {_PATHWAYS[old.pathway]} to {_PATHWAYS[new.pathway]}"
        yield changes.widens(Concern.REACH, sentence)
    if old.target != new.target:
        yield changes.widens(Concern.REACH, f"the target changes from {old.target} to {new.target}")
    if old.dynamic_login is not new.dynamic_login:
        kinds = {True: "one made for each grant", False: "the holder's own"}
        yield changes.neutral(f"the login is now {kinds[new.dynamic_login]}, not {kinds[old.dynamic_login]}")
    for key in added(old.scopes, new.scopes):
        entitlement = new.scopes[key].entitlement
        yield changes.widens(Concern.REACH, f"scope {key} is added, which gives {entitlement}")
    for key in added(new.scopes, old.scopes):
        yield changes.narrows(Concern.REACH, f"scope {key} is removed")
    for key in sorted(old.scopes.keys() & new.scopes.keys()):
        yield from _scope(old.scopes[key], new.scopes[key], changes)


def _scope(old: ScopeRules, new: ScopeRules, changes: Changes) -> Iterator[Change]:
    if old.entitlement != new.entitlement:
        sentence = f"scope {new.key} gives {new.entitlement}, not {old.entitlement}"
        yield changes.widens(Concern.REACH, sentence)
    before = {key: value for key, value in old.options.items() if key != "login"}
    after = {key: value for key, value in new.options.items() if key != "login"}
    for key, what in values_changed(before, after):
        yield changes.widens(Concern.REACH, f"scope {new.key}: option {key} {what}")
    if old.name != new.name:
        yield changes.neutral(f"scope {new.key} is now called {new.name}")


def _eligibility(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    for word, before, after in (
        ("", old.eligible_people, new.eligible_people),
        ("team ", old.eligible_teams, new.eligible_teams),
    ):
        for name in added(before, after):
            yield changes.widens(Concern.ELIGIBILITY, f"{word}{name} may now request it")
        for name in added(after, before):
            yield changes.narrows(Concern.ELIGIBILITY, f"{word}{name} may no longer request it")


def _durations(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    for what, before, after in (
        ("the longest", old.max_minutes, new.max_minutes),
        ("the longest with renewals", old.max_total_minutes, new.max_total_minutes),
        ("the window to start in", old.longest_window_minutes, new.longest_window_minutes),
        ("how far ahead it can be planned", old.horizon_minutes, new.horizon_minutes),
        ("the time in which it can be decided", old.lapse_after_minutes, new.lapse_after_minutes),
    ):
        if before != after:
            yield changes.either(after > before, Concern.LENGTH, moved(what, before, after, spoken))
    if old.recommended_minutes != new.recommended_minutes:
        before, after = old.recommended_minutes, new.recommended_minutes
        yield changes.neutral(moved("the recommended time", before, after, spoken))


def _proof(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    if old.least_justification != new.least_justification:
        before, after = old.least_justification, new.least_justification
        sentence = moved("the least justification, in characters,", before, after)
        yield changes.either(after < before, Concern.PROOF, sentence)
    yield from _ticket(old, new, changes)
    if old.review_after_use is not new.review_after_use:
        now = "is" if new.review_after_use else "is no longer"
        yield changes.either(not new.review_after_use, Concern.PROOF, f"each use {now} reviewed afterwards")
    if old.risk is not new.risk:
        lower = _RISKS.index(new.risk) < _RISKS.index(old.risk)
        yield changes.either(lower, Concern.PROOF, f"the risk changes from {old.risk} to {new.risk}")
    for decider in _gone(old.revokers, new.revokers):
        yield changes.widens(Concern.PROOF, f"{decider} may no longer revoke it")
    for decider in _gone(new.revokers, old.revokers):
        yield changes.narrows(Concern.PROOF, f"{decider} may now revoke it")


def _ticket(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    if old.ticket_required is not new.ticket_required:
        now = "is now" if new.ticket_required else "is no longer"
        yield changes.either(not new.ticket_required, Concern.PROOF, f"a ticket {now} required")
    if old.ticket_pattern != new.ticket_pattern:
        before, after = old.ticket_pattern or "anything", new.ticket_pattern or "anything"
        sentence = f"a ticket has to look like {after}, not {before}"
        yield changes.either(bool(old.ticket_pattern), Concern.PROOF, sentence)


def _gone(old: tuple[DeciderRules, ...], new: tuple[DeciderRules, ...]) -> list[DeciderRules]:
    return sorted(set(old) - set(new), key=str)


def _words(old: RoleRules, new: RoleRules, changes: Changes) -> Iterator[Change]:
    if old.owner != new.owner:
        yield changes.widens(Concern.APPROVAL, f"the owner changes from {old.owner} to {new.owner}")
    if old.name != new.name:
        yield changes.neutral(f"it is now called {new.name}")
    for what, before, after in (
        ("description", old.description, new.description),
        ("hint for the ticket", old.ticket_hint, new.ticket_hint),
    ):
        if before != after:
            yield changes.neutral(f"the {what} is another")
