"""The portal's own powers keep the contract, over real grants."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

import pytest

from jitportal.connectors.base import Connector, TargetError, TargetSettings
from jitportal.connectors.portal.connector import PortalConnector
from jitportal.models import Grant, Lease, Target
from jitportal.operations import clock, targets
from jitportal.rules.vocabulary import GrantStatus, LeaseOrder, Pathway, Power, Presence, Refusal
from tests.connectors.contract import ConnectorContract, give, see
from tests.models import rows


class PortalBench:
    """The portal as its own target: what happens outside the connector is that grants start and stop."""

    def __init__(self) -> None:
        self.target: Target = rows.target(connector="portal")
        self.connector: Connector = targets.connector_for(self.target)
        self._right = rows.entitlement(target=self.target, name=Power.AUDITOR)

    def order(self, *, seconds: float = 600) -> LeaseOrder:
        lease = rows.lease(target=self.target, entitlement=Power.AUDITOR)
        until = clock.now() + timedelta(seconds=seconds)
        return LeaseOrder(lease.pk, lease.handle, 1, lease.account, lease.entitlement, until)

    def unknown(self) -> LeaseOrder:
        lease = rows.lease(target=self.target, entitlement="omnipotence")
        until = clock.now() + timedelta(minutes=10)
        return LeaseOrder(lease.pk, lease.handle, 1, lease.account, lease.entitlement, until)

    def bring_about(self, order: LeaseOrder) -> None:
        lease = Lease.objects.get(pk=order.lease_id)
        now = clock.now()
        for grant in Grant.objects.filter(lease=lease, status=GrantStatus.PROVISIONING):
            if order.until == grant.ends_at:
                return
            rows.stop(grant, stopped_at=now)
        if order.until is not None:
            self._start(lease, order)

    def _start(self, lease: Lease, order: LeaseOrder) -> None:
        assert order.until is not None
        starts_at = clock.now() - timedelta(milliseconds=1)
        minutes = ceil((order.until - starts_at) / timedelta(minutes=1))
        role = rows.role(target=self.target, pathway=Pathway.JIT)
        scope = rows.scope(role=role, entitlement=self._right)
        made = rows.grant(
            request=rows.approved(scope=scope, minutes=minutes),
            account=lease.account,
            opens_at=starts_at,
            minutes=minutes,
        )
        rows.start(made, lease=lease, starts_at=starts_at, ends_at=order.until)


@pytest.mark.django_db
class TestPortal(ConnectorContract):
    @pytest.fixture
    def bench(self) -> PortalBench:
        return PortalBench()

    def test_it_ends_by_the_clock_with_nobody_doing_anything(self, bench: PortalBench) -> None:
        order = bench.order(seconds=60)
        give(bench, order)
        with clock.moved(by=timedelta(seconds=59)):
            assert see(bench, order).presence is Presence.PRESENT
        with clock.moved(by=timedelta(seconds=61)):
            assert see(bench, order).presence is Presence.ABSENT

    def test_a_power_that_the_portal_does_not_have_is_refused(self, bench: PortalBench) -> None:
        (answer,) = bench.connector.grant([bench.unknown()])
        assert isinstance(answer, Refusal)
        assert answer.permanent
        assert "policy_editor" in answer.message


@pytest.mark.parametrize(("values", "reader"), [({}, None), ({"colour": "red"}, object())])
def test_settings_that_make_no_connector(values: dict[str, str], reader: object) -> None:
    with pytest.raises(TargetError) as refused:
        PortalConnector(TargetSettings("portal", values, str, reader))
    assert refused.value.permanent
