"""Status changes by the steps of ``rules.lifecycle`` alone: the triggers are made from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from django.db.models import Model

from jitportal.audit.guards.definitions import Guard, On, any_of, literal, new, old
from jitportal.models import (
    AccessRequest,
    Activation,
    AfterUseReview,
    Grant,
    PolicyVersion,
    PostIncidentReview,
)
from jitportal.rules.lifecycle import TABLES

#: Which model each table of ``lifecycle.TABLES`` is of; a table without one fails a test.
MODELS: Mapping[str, type[Model]] = {
    "request": AccessRequest,
    "grant": Grant,
    "after-use review": AfterUseReview,
    "activation": Activation,
    "post-incident review": PostIncidentReview,
    "policy version": PolicyVersion,
}

Steps = Mapping[StrEnum, frozenset[StrEnum]]


def guards() -> Iterator[Guard]:
    """For each table: a row begins in its first state, and goes on by its steps."""
    for noun, model in MODELS.items():
        table = TABLES[noun]
        first = next(iter(table))
        yield Guard(
            f"{model._meta.model_name}_begins",
            model,
            On.INSERT,
            f"A {noun} begins as {first.value.replace('_', ' ')}, and goes on from there.",
            _begins_elsewhere(first),
        )
        yield Guard(
            f"{model._meta.model_name}_steps",
            model,
            On.UPDATE,
            f"There is no such step in the life of a {noun}.",
            _no_such_step(table),
            ("status",),
        )


def _begins_elsewhere(first: StrEnum) -> str:
    return f"{new('status')} <> {literal(first.value)}"


def _no_such_step(table: Steps) -> str:
    steps = any_of(_steps_from(state, after) for state, after in table.items() if after)
    return f"{new('status')} <> {old('status')} AND NOT ({steps})"


def _steps_from(state: StrEnum, after: frozenset[StrEnum]) -> str:
    states = ", ".join(literal(value) for value in sorted(step.value for step in after))
    return f"({old('status')} = {literal(state.value)} AND {new('status')} IN ({states}))"
