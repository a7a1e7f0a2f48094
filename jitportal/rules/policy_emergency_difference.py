"""What changes in break-glass, from one policy document to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from jitportal.rules.policy_changes import Change, Changes, Concern, added, moved
from jitportal.rules.policy_emergencies import CriterionRules, EmergencyAccountRules, ProbeRules
from jitportal.rules.policy_requirements import PathwayRules


def criteria_changes(
    old: Mapping[str, CriterionRules], new: Mapping[str, CriterionRules]
) -> Iterator[Change]:
    """Another wording, other evidence, another probe."""
    for key in sorted(old.keys() & new.keys()):
        before, after, changes = old[key], new[key], Changes(key)
        if (before.name, before.description) != (after.name, after.description):
            yield changes.neutral("the criterion is worded otherwise")
        if before.evidence != after.evidence:
            yield changes.either(not after.evidence, Concern.PROOF, "the evidence expected is another")
        if before.probe != after.probe:
            yield changes.either(after.probe is None, Concern.PROOF, _probe(before.probe, after.probe))
    for key in sorted(new.keys() - old.keys()):
        probe = new[key].probe
        if probe:
            yield Changes(key).neutral(f"the criterion is probed at {probe.url}")


def _probe(old: ProbeRules | None, new: ProbeRules | None) -> str:
    if new is None:
        return "the criterion is no longer probed"
    if old is None:
        return f"the criterion is now probed at {new.url}"
    if old.url != new.url:
        return f"the criterion is probed at {new.url}, not {old.url}"
    return "the criterion is probed otherwise"


def account_changes(
    old: Mapping[str, EmergencyAccountRules], new: Mapping[str, EmergencyAccountRules]
) -> Iterator[Change]:
    """Accounts that are new, gone, or kept otherwise."""
    for key in sorted(old.keys() | new.keys()):
        changes = Changes(key)
        if key not in old:
            account = new[key]
            yield changes.widens(Concern.REACH, f"new emergency account {account.login} on {account.target}")
        elif key not in new:
            yield changes.narrows(Concern.REACH, "the emergency account is retired")
        else:
            yield from _account(old[key], new[key], changes)


def _account(old: EmergencyAccountRules, new: EmergencyAccountRules, changes: Changes) -> Iterator[Change]:
    if (old.target, old.login) != (new.target, new.login):
        sentence = f"the emergency account is {new.login} on {new.target}, not {old.login} on {old.target}"
        yield changes.widens(Concern.REACH, sentence)
    for name in added(old.custodians, new.custodians):
        yield changes.widens(Concern.REACH, f"{name} now keeps the emergency account")
    for name in added(new.custodians, old.custodians):
        yield changes.narrows(Concern.REACH, f"{name} no longer keeps the emergency account")
    if old.drill_every_days != new.drill_every_days:
        sentence = moved("a drill is due, in days,", old.drill_every_days, new.drill_every_days)
        yield changes.either(new.drill_every_days > old.drill_every_days, Concern.PROOF, sentence)
    if old.rotate_every_days != new.rotate_every_days:
        seldom = (new.rotate_every_days or 10**6) > (old.rotate_every_days or 10**6)
        before, after = _days(old.rotate_every_days), _days(new.rotate_every_days)
        sentence = f"its rotation is due {after}, not {before}"
        yield changes.either(seldom, Concern.PROOF, sentence)
    if (old.credential_kind, old.credential_place) != (new.credential_kind, new.credential_place):
        yield changes.neutral("its credential is of another kind or in another place")
    if (old.name, old.reaches) != (new.name, new.reaches):
        yield changes.neutral("the emergency account is worded otherwise")


def _days(days: int | None) -> str:
    return f"every {days} days" if days else "at no set time"


def named_changes(old: PathwayRules, new: PathwayRules, changes: Changes) -> Iterator[Change]:
    """Who is told of each activation, and who may end one. One fewer is one who won't notice."""
    for name in added(old.webhooks, new.webhooks):
        yield changes.narrows(Concern.PROOF, f"receiver {name} is now called by webhook")
    for name in added(new.webhooks, old.webhooks):
        yield changes.widens(Concern.PROOF, f"receiver {name} is no longer called by webhook")
    for key, before_said in asdict(old.review_times).items():
        after_said = getattr(new.review_times, key)
        if after_said != before_said:
            # Reminded earlier, and escalated more often, is more watch; all else is more time.
            later = (after_said > before_said) != (key == "remind_hours_before")
            what = f"in reviews of emergencies, {key.replace('_', ' ')}"
            yield changes.either(later, Concern.PROOF, moved(what, before_said, after_said))
    for what, before, after in (
        ("told of each emergency", old.contacts, new.contacts),
        ("among those who may end an emergency", old.may_end, new.may_end),
    ):
        for prefix, earlier, later in (
            ("", before.people, after.people),
            ("team ", before.teams, after.teams),
        ):
            for name in added(earlier, later):
                yield changes.narrows(Concern.PROOF, f"{prefix}{name} is now {what}")
            for name in added(later, earlier):
                yield changes.widens(Concern.PROOF, f"{prefix}{name} is no longer {what}")
