"""Compiles reminders, escalations and the channels that are told: the nearest that says so counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jitportal.rules.durations import spoken
from jitportal.rules.nudges import NO_CHANNELS, NotifyRules, NudgeRules, Told
from jitportal.rules.policy_lines import Path, Report
from jitportal.rules.policy_mentions import Named
from jitportal.rules.policy_schema import Notify, Nudges
from jitportal.rules.policy_shapes import duration_key, minutes_of

Place = tuple[Nudges, Path]


def nudge_rules(places: Sequence[Place], lapse_after: int, report: Report) -> NudgeRules:
    """The rules of one stage, whose ``places`` are the stage, its role and the defaults, nearest first.

    Reports an escalation that tells nobody, and warns of what comes only after the request has lapsed.
    """
    remind, remind_at = _after("remind_after", places, report)
    escalate, escalate_at = _after("escalate_after", places, report)
    told = next(((section, path) for section, path in places if section.escalate_to is not None), None)
    if escalate is not None and told is None:
        report.problem(
            escalate_at, "This says when, and nothing says who is told then: add `escalate_to` beside it."
        )
    if told is not None and escalate is None and told[0] is not places[-1][0]:
        report.problem(
            (*told[1], "escalate_to"),
            "This says who is told, and nothing says when: add `escalate_after_minutes` (or hours, or days).",
        )
    for what, minutes, place in (("reminded", remind, remind_at), ("told", escalate, escalate_at)):
        if minutes is not None and minutes >= lapse_after:
            report.warn(
                place,
                f"A request lapses after {spoken(lapse_after)}, so nobody is ever {what} after "
                f"{spoken(minutes)}.",
            )
    who = tuple(told[0].escalate_to or ()) if told and escalate is not None else ()
    return NudgeRules(remind, escalate, who)


def refuse_nudges(section: Nudges, report: Report, path: Path) -> None:
    """Where nobody decides, nobody waits for a decision."""
    for stem in ("remind_after", "escalate_after"):
        if minutes_of(section, stem, path, report) is not None:
            report.problem((*path, duration_key(section, stem)), _NOBODY_WAITS)
    if section.escalate_to is not None:
        report.problem((*path, "escalate_to"), _NOBODY_WAITS)


def notify_rules(nearest: Notify, otherwise: NotifyRules = NO_CHANNELS) -> NotifyRules:
    """The channels that are told: for each occasion those of the nearest section that says so."""
    return NotifyRules(
        requests=otherwise.requests if nearest.requests is None else tuple(nearest.requests),
        grants=otherwise.grants if nearest.grants is None else tuple(nearest.grants),
        ends=otherwise.ends if nearest.ends is None else tuple(nearest.ends),
    )


def named_in_nudges(section: Nudges, path: Path) -> Iterator[Named]:
    """The teams and people that an escalation tells."""
    for index, told in enumerate(section.escalate_to or ()):
        if told.kind in (Told.TEAM, Told.PERSON):
            yield Named(told.name, (*path, "escalate_to", index, str(told.kind)), team=told.kind is Told.TEAM)


def channels_in(notify: Notify, path: Path) -> Iterator[Named]:
    """The channels that a section names."""
    for occasion in ("requests", "grants", "ends"):
        for index, name in enumerate(getattr(notify, occasion) or ()):
            yield Named(name, (*path, "notify", occasion, index))


_NOBODY_WAITS = "Nobody decides on a break-glass role before its use, so nobody is reminded. Take this out."


def _after(stem: str, places: Sequence[Place], report: Report) -> tuple[int | None, Path]:
    for section, path in places:
        minutes = minutes_of(section, stem, path, report)
        if minutes is not None:
            return minutes, (*path, duration_key(section, stem))
    return None, places[0][1]
