"""A plan for the people as a reviewer reads it in a shell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jitportal.operations.people_sync import MOST_LEAVING, Loss
from jitportal.rules.people_plan import Difference, Entry, Plan, Step

HEADS = {
    Step.LEAVES: "Leaving",
    Step.RETURNS: "Returning",
    Step.NEW: "New",
    Step.CHANGES: "Changed",
}
_MARKS = {Step.LEAVES: "-", Step.RETURNS: "+", Step.NEW: "+", Step.CHANGES: "~"}


def plan_lines(plan: Plan, lost: Sequence[Loss]) -> Iterator[str]:
    """Who leaves first, with what each loses; the digest last."""
    if not plan.entries:
        yield "Nothing changes: the people are in step with the file."
        return
    losses = {loss.entry.username: loss.sentences for loss in lost}
    for step in Step:
        entries = plan.of(step)
        if entries:
            yield f"{HEADS[step]} ({len(entries)})"
            for entry in entries:
                yield from _entry_lines(entry, losses.get(entry.username, ()))
            yield ""
    if plan.new_teams:
        yield f"New teams: {', '.join(plan.new_teams)}"
        yield ""
    if leaving := len(plan.of(Step.LEAVES)):
        yield f"{leaving} of {plan.governed} people would leave ({plan.leaving_percent:.0f} %)."
        if plan.leaving_percent > MOST_LEAVING:
            yield f"That is more than {MOST_LEAVING:g} %: sync refuses it without --most-leaving."
    yield f"Digest of this plan: {plan.digest}"


def _entry_lines(entry: Entry, lost: Sequence[str]) -> Iterator[str]:
    why = " is missing in the file" if entry.missing else ""
    yield f"  {_MARKS[entry.step]} {entry.username} ({entry.name}){why}"
    if entry.taken_over:
        yield "      made by hand until now; from now on the file decides"
    for difference in entry.differences:
        if not (entry.step is Step.NEW and difference.what == "name"):
            yield f"      {_said(difference)}"
    if entry.joins:
        yield f"      joins {', '.join(entry.joins)}"
    if entry.leaves:
        yield f"      leaves {', '.join(entry.leaves)}"
    for sentence in lost:
        yield f"      ! {sentence}"


def _said(difference: Difference) -> str:
    before, after = difference.before or "nothing", difference.after or "nothing"
    return f"{difference.what}: {before} -> {after}" if difference.before else f"{difference.what}: {after}"
