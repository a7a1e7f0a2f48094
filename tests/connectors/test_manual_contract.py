"""Manual work keeps the contract, over the portal's real list of work and people who confirm it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.connectors.base import Connector, RoleOnTarget, TargetError, TargetSettings
from jitportal.connectors.manual.connector import ManualConnector
from jitportal.models import Lease, ManualTask
from jitportal.operations import clock, targets
from jitportal.rules.vocabulary import Enforcement, Holding, LeaseOrder, Pathway, Presence, Refusal
from tests.connectors.contract import ConnectorContract, give, see, unwanted
from tests.models import rows


class ManualBench:
    """What happens outside the connector is that a person does the work and confirms it."""

    def __init__(self) -> None:
        self.target = rows.target(connector="manual", settings={"instructions": "Ask at the front desk."})
        self.connector: Connector = targets.connector_for(self.target)
        self._carrier = rows.person()

    def order(self, *, seconds: float = 600) -> LeaseOrder:
        lease = rows.lease(target=self.target)
        until = clock.now() + timedelta(seconds=seconds)
        return LeaseOrder(lease.pk, lease.handle, 1, lease.account, lease.entitlement, until)

    def unknown(self) -> LeaseOrder:
        """Nothing is unknown to a list of work; it just stays undone."""
        return self.order()

    def bring_about(self, order: LeaseOrder) -> None:
        now = clock.now()
        Lease.objects.filter(pk=order.lease_id).update(claim=order.claim)
        for task in self.open_tasks(order):
            task.done_at, task.done_by = now, self._carrier
            task.save()

    def open_tasks(self, order: LeaseOrder) -> list[ManualTask]:
        tasks = ManualTask.objects.filter(lease=order.lease_id, done_at=None, dropped_at=None)
        return list(tasks)


@pytest.mark.django_db
class TestManual(ConnectorContract):
    @pytest.fixture
    def bench(self) -> ManualBench:
        return ManualBench()

    def test_it_waits_until_a_person_confirms(self, bench: ManualBench) -> None:
        order = bench.order()
        (asked,) = bench.connector.grant([order])
        assert isinstance(asked, Holding)
        assert asked.presence is Presence.WAITING
        assert see(bench, order).presence is Presence.WAITING
        bench.bring_about(order)
        assert see(bench, order).presence is Presence.PRESENT

    def test_it_is_not_gone_until_a_person_confirms(self, bench: ManualBench) -> None:
        order = bench.order()
        give(bench, order)
        (asked,) = bench.connector.revoke([unwanted(order)])
        assert isinstance(asked, Holding)
        assert asked.presence is Presence.WAITING
        bench.bring_about(unwanted(order))
        assert see(bench, unwanted(order)).presence is Presence.ABSENT

    def test_it_is_asked_for_once(self, bench: ManualBench) -> None:
        order = bench.order()
        for _ in range(3):
            bench.connector.grant([order])
        assert len(bench.open_tasks(order)) == 1

    def test_work_that_is_not_wanted_any_more_is_dropped(self, bench: ManualBench) -> None:
        order = bench.order()
        bench.connector.grant([order])
        (answer,) = bench.connector.revoke([unwanted(order)])
        assert isinstance(answer, Holding)
        assert answer.presence is Presence.ABSENT
        assert bench.open_tasks(order) == []

    def test_work_asked_for_by_an_old_claim_is_not_put_on_the_list(self, bench: ManualBench) -> None:
        order = bench.order()
        Lease.objects.filter(pk=order.lease_id).update(claim=5)
        (late,) = bench.connector.grant([replace(order, claim=4)])
        assert isinstance(late, Refusal)
        assert late.superseded
        assert bench.open_tasks(order) == []

    def test_it_is_honest_about_its_end(self, bench: ManualBench) -> None:
        plan = bench.connector.plan(RoleOnTarget("front door", Pathway.TEMPORARY, dynamic_login=False))
        assert plan.enforcement is Enforcement.PORTAL_ONLY
        assert plan.longest_residual is None
        assert "person" in plan.explanation

    def test_instructions_are_the_operator_s_own(self, bench: ManualBench) -> None:
        assert bench.connector.instructions(bench.order()) == "Ask at the front desk."
        assert bench.connector.holders() is None


@pytest.mark.parametrize(("values", "reader"), [({}, None), ({"colour": "red"}, object())])
def test_settings_that_make_no_connector(values: dict[str, str], reader: object) -> None:
    with pytest.raises(TargetError) as refused:
        ManualConnector(TargetSettings("desk", values, str, reader))
    assert refused.value.permanent
