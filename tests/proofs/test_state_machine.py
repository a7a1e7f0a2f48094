"""Requests, approvals, grants, leases and a target under everything that can happen, in any order."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.operations import world
from tests.operations.memory_target import put_in
from tests.proofs.lifecycle_machine import Lifecycle, UnfencedLifecycle
from tests.proofs.lifecycle_policy import POLICY

MANY = 10_000
QUIET = settings(suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(params=[Lifecycle, UnfencedLifecycle], ids=["fencing", "unfenced"])
def machine(
    request: pytest.FixtureRequest, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Lifecycle]]:
    """The machine over a settled portal; what a run does is rolled back after it."""
    logging.disable(logging.CRITICAL)
    world.settle(POLICY)
    chosen: type[Lifecycle] = request.param
    chosen.steps = 0
    put_in(monkeypatch, lambda: chosen.target)
    yield chosen
    logging.disable(logging.NOTSET)


def test_the_invariants_hold(machine: type[Lifecycle]) -> None:
    run_state_machine_as_test(machine, settings=settings(QUIET, max_examples=4, stateful_step_count=40))
    assert machine.steps >= 100


@pytest.mark.proof
def test_the_invariants_hold_for_ten_thousand_steps(machine: type[Lifecycle]) -> None:
    chosen = settings(QUIET, max_examples=50, stateful_step_count=60, derandomize=False)
    while machine.steps < MANY:
        run_state_machine_as_test(machine, settings=chosen)
    print(f"{machine.__name__}: {machine.steps} steps")  # noqa: T201 - the figure that the proof reports
