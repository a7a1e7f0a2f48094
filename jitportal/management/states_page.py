"""The page ``docs/states.md``, written from the transition tables that the operations obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from jitportal.rules.lifecycle import TABLES, spoken_state

_HEAD = """\
# States, and the steps between them

Written by `manage.py states` from `jitportal/rules/lifecycle.py`: change the tables there, not this
page. An operation that tries any other step is refused, and so is a statement that goes round the
operations: the database's own triggers are made from the same tables.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([_HEAD, *(line for noun, table in TABLES.items() for line in _section(noun, table))])


def _section(noun: str, table: Mapping[StrEnum, frozenset[StrEnum]]) -> Iterator[str]:
    first = next(iter(table))
    yield f"## {noun[0].upper()}{noun[1:]}"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in table:
        if spoken_state(state) != str(state):
            yield f"    {state} : {spoken_state(state)}"
    yield f"    [*] --> {first}"
    for before, steps in table.items():
        for after in sorted(steps):
            yield f"    {before} --> {after}"
        if not steps:
            yield f"    {before} --> [*]"
    yield "```"
    yield ""
    yield "| From | To |"
    yield "|---|---|"
    for before, steps in table.items():
        said = ", ".join(sorted(_step(before, after) for after in steps))
        yield f"| {spoken_state(before)} | {said or 'nothing: this is final'} |"
    yield ""


def _step(before: StrEnum, after: StrEnum) -> str:
    return f"{spoken_state(after)} again" if before == after else spoken_state(after)
