"""What the people's part and the workers' part of the lifecycle's machine stand on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st

from jitportal.models import Target
from jitportal.operations.claims import GRANT, REMOVAL, Claimed
from jitportal.operations.leases import Answer
from jitportal.rules.errors import JitportalError
from tests.operations.memory_target import Fault, MemoryTarget

MINUTES = st.sampled_from([1, 5, 30, 60])
LANES = st.sampled_from([GRANT, REMOVAL])
STEPS = st.sampled_from(
    [
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=16),
        timedelta(seconds=31),
        timedelta(minutes=1),
        timedelta(minutes=6),
        timedelta(minutes=29, seconds=45),
        timedelta(hours=1),
        timedelta(days=2),
    ]
)
FAULTS = st.lists(st.sampled_from(Fault), max_size=2)
WHICH = st.integers(0, 5)

Draw = Callable[..., Any]


@dataclass
class Worker:
    """A worker between the steps of a round: it may stand still there, or never come back."""

    lane: str
    claimed: list[Claimed]
    answers: list[Answer] | None = None
    error: str = ""


class Stage:
    """The state of one example, and how its parts act."""

    fences: ClassVar[bool] = True
    target: ClassVar[MemoryTarget]

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Worker] = []
        self.offset = timedelta()
        self.moved = ExitStack()
        #: Decision forms that somebody has opened: who, the request, and the digest in the form.
        self.forms: list[tuple[str, int, str]] = []

    def attempt(self, verb: Any, **said: Any) -> Any:
        """Refusals are welcome; anything else that is raised is a bug."""
        try:
            return verb(**said)
        except JitportalError as refusal:
            self.clear(refusal)
            return None

    def clear(self, refusal: JitportalError) -> None:
        assert refusal.sentence.endswith("."), refusal.sentence

    def rack(self) -> Target:
        return Target.objects.select_related("health").get(key="rack")

    def pick(self, rows: Any, which: int) -> Any:
        found = list(rows.order_by("-pk")[:6])
        return found[which % len(found)] if found else None
