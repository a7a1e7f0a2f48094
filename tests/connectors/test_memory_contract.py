"""The target in memory that the lifecycle's proofs run on keeps the same contract as the real ones."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from jitportal.connectors.base import Connector
from jitportal.rules.vocabulary import LeaseOrder
from tests.connectors.contract import Bench, ConnectorContract, now
from tests.operations.memory_target import UNKNOWN_ENTITLEMENT, MemoryConnector, MemoryTarget


class MemoryBench:
    def __init__(self) -> None:
        self.connector: Connector = MemoryConnector(MemoryTarget())
        self._numbers = count(1)

    def order(self, *, seconds: float = 600) -> LeaseOrder:
        number = next(self._numbers)
        until = now() + timedelta(seconds=seconds)
        return LeaseOrder(number, f"jit-{number}", 1, f"engineer{number}", "the door", until)

    def unknown(self) -> LeaseOrder:
        number = next(self._numbers)
        until = now() + timedelta(seconds=60)
        return LeaseOrder(number, f"jit-{number}", 1, "engineer", UNKNOWN_ENTITLEMENT, until)

    def bring_about(self, order: LeaseOrder) -> None:
        """Nothing has to happen outside this target."""


class TestMemory(ConnectorContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()
