"""What changes in who has to approve a role, from one policy document to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jitportal.rules.durations import spoken
from jitportal.rules.policy import StageRules, SystemRules
from jitportal.rules.policy_changes import Change, Changes, Concern, moved
from jitportal.rules.vocabulary import Decider


def stage_changes(old: Sequence[StageRules], new: Sequence[StageRules], changes: Changes) -> Iterator[Change]:
    """Stages are the same where their names are, or where all else is."""
    before, after = {stage.name: stage for stage in old}, {stage.name: stage for stage in new}
    pairs = [(before[name], after[name]) for name in after if name in before]
    gone = [stage for stage in old if stage.name not in after]
    come = [stage for stage in new if stage.name not in before]
    for stage in list(come):
        same = next((one for one in gone if replace(one, name=stage.name) == stage), None)
        if same:
            gone.remove(same)
            come.remove(stage)
            yield changes.neutral(f"stage {same.name} is now called {stage.name}")
    for stage in gone:
        yield changes.widens(Concern.APPROVAL, f"stage {stage.name} is removed ({spoken_stage(stage)})")
    for stage in come:
        yield changes.narrows(Concern.APPROVAL, f"stage {stage.name} is added ({spoken_stage(stage)})")
        yield from _system_changes(replace(stage, system_when=()), stage, changes)
    for one, other in pairs:
        yield from _stage_change(one, other, changes)
    kept = [stage.name for stage in new if stage.name in before]
    if kept != [stage.name for stage in old if stage.name in after]:
        yield changes.neutral("the stages come in another order")


def spoken_stage(stage: StageRules) -> str:
    """Who decides the stage, in words."""
    if stage.people > 1:
        return f"{stage.people} different people from {' or '.join(map(str, stage.deciders))}"
    return " or ".join(
        f"one of {decider}" if decider.kind is Decider.TEAM else str(decider) for decider in stage.deciders
    )


def _stage_change(old: StageRules, new: StageRules, changes: Changes) -> Iterator[Change]:
    if old.people != new.people:
        yield changes.either(
            new.people < old.people,
            Concern.APPROVAL,
            moved(f"stage {new.name}: the number of people who approve", old.people, new.people),
        )
    for decider in sorted(set(new.deciders) - set(old.deciders), key=str):
        yield changes.widens(Concern.APPROVAL, f"stage {new.name}: {decider} may now approve")
    for decider in sorted(set(old.deciders) - set(new.deciders), key=str):
        yield changes.narrows(Concern.APPROVAL, f"stage {new.name}: {decider} may no longer approve")
    yield from _system_changes(old, new, changes)
    yield from _nudge_changes(old, new, changes)


def _nudge_changes(old: StageRules, new: StageRules, changes: Changes) -> Iterator[Change]:
    """Reminders and escalations: they let nobody decide, so they neither widen nor narrow."""
    before, after = old.nudges, new.nudges
    if before.remind_after != after.remind_after:
        when = f"after {spoken(after.remind_after)}" if after.remind_after else "no longer"
        yield changes.neutral(f"stage {new.name}: those who decide are reminded {when}")
    if (before.escalate_after, before.escalate_to) != (after.escalate_after, after.escalate_to):
        if after.escalate_after is None:
            yield changes.neutral(f"stage {new.name}: nobody else is told any more when it waits for long")
        else:
            who = " and ".join(map(str, after.escalate_to))
            sentence = f"stage {new.name}: {who} are told when it waits for {spoken(after.escalate_after)}"
            yield changes.neutral(sentence)


def _system_changes(old: StageRules, new: StageRules, changes: Changes) -> Iterator[Change]:
    before = {rule.name: rule for rule in old.system_when}
    after = {rule.name: rule for rule in new.system_when}
    for name, rule in after.items():
        earlier = before.get(name)
        if earlier is None:
            sentence = f"stage {new.name}: the system may approve under the new rule {name} ({_spoken(rule)})"
            yield changes.widens(Concern.APPROVAL, sentence)
        elif earlier != rule:
            yield changes.either(
                not _narrower(earlier, rule),
                Concern.APPROVAL,
                f"stage {new.name}: the system's rule {name} is now {_spoken(rule)} (was {_spoken(earlier)})",
            )
    for name in before:
        if name not in after:
            sentence = f"stage {new.name}: the system may no longer approve under rule {name}"
            yield changes.narrows(Concern.APPROVAL, sentence)


def _narrower(old: SystemRules, new: SystemRules) -> bool:
    """Whether the new rule matches nothing that the old one didn't."""
    return (
        (old.max_minutes is None or (new.max_minutes is not None and new.max_minutes <= old.max_minutes))
        and old.ticket_pattern in {"", new.ticket_pattern}
        and (not old.teams or (bool(new.teams) and new.teams <= old.teams))
        and (not old.scopes or (bool(new.scopes) and new.scopes <= old.scopes))
    )


def _spoken(rule: SystemRules) -> str:
    conditions = [
        f"up to {spoken(rule.max_minutes)}" if rule.max_minutes is not None else "",
        f"a ticket like {rule.ticket_pattern}" if rule.ticket_pattern else "",
        f"team {' or '.join(sorted(rule.teams))}" if rule.teams else "",
        f"scope {' or '.join(sorted(rule.scopes))}" if rule.scopes else "",
    ]
    return ", ".join(filter(None, conditions))
