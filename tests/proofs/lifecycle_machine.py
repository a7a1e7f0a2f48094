"""Everything that people, the clock, workers and a target can do, in any order."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jitportal.operations import (
    clock,
)
from tests.operations.memory_target import MemoryTarget
from tests.proofs.invariants import Watch
from tests.proofs.lifecycle_emergencies import Emergencies
from tests.proofs.lifecycle_people import People
from tests.proofs.lifecycle_workers import Workers

#: What may happen next, and how often it does.
WEIGHTS = {
    "obtain": 5,
    "submit": 4,
    "approve_all": 5,
    "open_form": 2,
    "post_form": 2,
    "renew": 5,
    "edit": 2,
    "withdraw": 1,
    "click": 3,
    "hand_back": 2,
    "revoke": 2,
    "review": 1,
    "break_glass": 3,
    "extend_emergency": 2,
    "end_emergency": 2,
    "leave_or_come_back": 1,
    "come_back": 2,
    "leave_or_join_the_team": 1,
    "time_passes": 8,
    "pulse": 6,
    "page": 1,
    "converge": 6,
    "claim": 4,
    "call": 5,
    "finish": 5,
    "kill": 1,
    "arrive_late": 2,
    "log_in": 1,
    "weather": 1,
    "settle": 2,
}
ACTIONS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]


class Lifecycle(People, Emergencies, Workers, RuleBasedStateMachine):
    """Its steps may be refused, never break; the invariants hold after each."""

    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).target = MemoryTarget(fences=self.fences)
        self.rollback = transaction.atomic()
        self.rollback.__enter__()
        self.watch = Watch()
        self.watch.begin()
        self.watch.check(clock.now(), self.target)

    def teardown(self) -> None:
        self.moved.close()
        transaction.set_rollback(True)
        self.rollback.__exit__(None, None, None)

    @rule(data=st.data(), action=st.sampled_from(ACTIONS))
    def act(self, data: st.DataObject, action: str) -> None:
        """One of them. A single rule, because hypothesis would leave most of many rules out of an example."""
        getattr(self, action)(data.draw)

    @invariant()
    def everything_holds(self) -> None:
        type(self).steps += 1
        self.watch.check(clock.now(), self.target)


class UnfencedLifecycle(Lifecycle):
    """A target that carries out whatever arrives."""

    fences = False
