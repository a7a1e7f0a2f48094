"""PostgreSQL keeps the contract, over a real server: with named logins, and with dynamic ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jitportal.connectors.base import Connector
from jitportal.rules.vocabulary import LeaseOrder
from tests.connectors.contract import ConnectorContract
from tests.connectors.postgres_target import PostgresTarget


class PostgresBench:
    """Nothing has to happen outside: the server does what it is told."""

    def __init__(self, target: PostgresTarget, *, dynamic: bool) -> None:
        self.connector: Connector = target.connector()
        self._target = target
        self._dynamic = dynamic
        self._role = target.role()

    def order(self, *, seconds: float = 600) -> LeaseOrder:
        if self._dynamic:
            return self._target.dynamic_order(self._role, seconds=seconds)
        return self._target.order(self._target.login(), self._role, seconds=seconds)

    def unknown(self) -> LeaseOrder:
        return replace(self.order(), entitlement="no_such_role")

    def bring_about(self, order: LeaseOrder) -> None:
        """Nothing."""


class TestNamedLogins(ConnectorContract):
    @pytest.fixture
    def bench(self, target: PostgresTarget) -> PostgresBench:
        return PostgresBench(target, dynamic=False)


class TestDynamicLogins(ConnectorContract):
    @pytest.fixture
    def bench(self, target: PostgresTarget) -> PostgresBench:
        return PostgresBench(target, dynamic=True)
