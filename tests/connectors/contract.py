"""What every connector promises, whatever it connects to: one suite, run over each.

A subclass gives the fixture ``bench``: the connector with a real target behind it, and how the world
around it is brought to what an order wants (a person carries out manual work; a grant entitles).
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from jitportal.connectors.base import CALL_SECONDS, Connector, RoleOnTarget, TargetError
from jitportal.rules.vocabulary import (
    Enforcement,
    Health,
    Holding,
    LeaseOrder,
    Pathway,
    Presence,
    Refusal,
)


def now() -> datetime:
    return datetime.now(UTC)


class Bench(Protocol):
    """A connector, and the target behind it."""

    connector: Connector

    def order(self, *, seconds: float = 600) -> LeaseOrder:
        """An order for a lease that nobody has asked for before, wanted for so long."""
        ...

    def unknown(self) -> LeaseOrder:
        """An order for an entitlement that the target doesn't have."""
        ...

    def bring_about(self, order: LeaseOrder) -> None:
        """What has to happen outside the connector, after it was called, for the order to be so."""
        ...


def at(order: LeaseOrder, seconds: float, *, claim: int = 0) -> LeaseOrder:
    return replace(order, until=now() + timedelta(seconds=seconds), claim=claim or order.claim + 1)


def unwanted(order: LeaseOrder) -> LeaseOrder:
    return replace(order, until=None, claim=order.claim + 1)


def give(bench: Bench, order: LeaseOrder) -> Holding:
    """Grant it until the target holds it, as the portal goes on asking."""
    bench.connector.grant([order])
    bench.bring_about(order)
    (answer,) = bench.connector.grant([order])
    assert isinstance(answer, Holding), answer
    return answer


def take(bench: Bench, order: LeaseOrder) -> Holding:
    bench.connector.revoke([order])
    bench.bring_about(order)
    (answer,) = bench.connector.revoke([order])
    assert isinstance(answer, Holding), answer
    return answer


def see(bench: Bench, order: LeaseOrder) -> Holding:
    (holding,) = bench.connector.observe([order])
    return holding


class ConnectorContract:
    """Inherit it, and give ``bench``."""

    def test_what_is_granted_is_there(self, bench: Bench) -> None:
        order = bench.order()
        given = give(bench, order)
        assert (given.handle, given.presence) == (order.handle, Presence.PRESENT)
        assert see(bench, order).presence is Presence.PRESENT
        assert given.until is None or given.until == order.until

    def test_before_it_is_asked_for_nothing_is_there(self, bench: Bench) -> None:
        assert see(bench, bench.order()).presence is Presence.ABSENT

    def test_granting_again_changes_nothing(self, bench: Bench) -> None:
        order = bench.order()
        assert give(bench, order) == give(bench, order)

    @pytest.mark.parametrize("seconds", [1200, 60])
    def test_granting_with_another_end_moves_it(self, bench: Bench, seconds: float) -> None:
        order = bench.order(seconds=600)
        give(bench, order)
        moved = at(order, seconds)
        given = give(bench, moved)
        assert given.presence is Presence.PRESENT
        assert given.until is None or given.until == moved.until

    def test_what_is_revoked_is_gone(self, bench: Bench) -> None:
        order = bench.order()
        give(bench, order)
        taken = take(bench, unwanted(order))
        assert (taken.handle, taken.presence, taken.until, taken.open_sessions) == (
            order.handle,
            Presence.ABSENT,
            None,
            0,
        )
        assert see(bench, unwanted(order)).presence is Presence.ABSENT

    def test_revoking_what_is_absent_succeeds(self, bench: Bench) -> None:
        order = unwanted(bench.order())
        assert take(bench, order).presence is Presence.ABSENT
        assert take(bench, order).presence is Presence.ABSENT

    def test_what_was_revoked_can_be_granted_again(self, bench: Bench) -> None:
        order = bench.order()
        give(bench, order)
        take(bench, unwanted(order))
        again = at(order, 600, claim=order.claim + 2)
        assert give(bench, again).presence is Presence.PRESENT

    def test_an_order_that_comes_late_gives_nothing(self, bench: Bench) -> None:
        order = bench.order()
        give(bench, order)
        take(bench, unwanted(order))
        (answer,) = bench.connector.grant([order])
        if isinstance(answer, Refusal):
            assert answer.superseded
        else:
            assert answer.presence is Presence.ABSENT
        assert see(bench, unwanted(order)).presence is Presence.ABSENT

    def test_one_bad_order_spoils_no_other(self, bench: Bench) -> None:
        orders = [bench.order(), bench.unknown(), bench.order()]
        bench.connector.grant(orders)
        for order in (orders[0], orders[2]):
            bench.bring_about(order)
        first, bad, last = bench.connector.grant(orders)
        for sound in (first, last):
            assert isinstance(sound, Holding)
            assert sound.presence is Presence.PRESENT
        assert [answer.handle for answer in (first, bad, last)] == [order.handle for order in orders]
        if isinstance(bad, Refusal):
            assert (bad.permanent, bad.superseded) == (True, False)
            assert bad.message.endswith(".")
        else:
            assert bad.presence is not Presence.PRESENT

    def test_an_empty_batch_is_nothing_to_do(self, bench: Bench) -> None:
        assert bench.connector.grant([]) == []
        assert bench.connector.revoke([]) == []
        assert bench.connector.observe([]) == []

    def test_looking_changes_nothing(self, bench: Bench) -> None:
        given, never = bench.order(), bench.order()
        give(bench, given)
        first = bench.connector.observe([given, never])
        assert first == bench.connector.observe([given, never])
        assert [holding.presence for holding in first] == [Presence.PRESENT, Presence.ABSENT]

    def test_holders_are_named_with_their_lease_or_it_says_that_it_cannot(self, bench: Bench) -> None:
        order = bench.order()
        give(bench, order)
        holders = bench.connector.holders()
        if holders is None:
            return
        (mine,) = [holder for holder in holders if holder.handle == order.handle]
        assert (mine.account, mine.entitlement, mine.declared) == (order.account, order.entitlement, False)
        take(bench, unwanted(order))
        left = bench.connector.holders()
        assert left is not None
        assert not [holder for holder in left if holder.account == order.account]

    def test_a_check_reports_and_never_raises(self, bench: Bench) -> None:
        health = bench.connector.check(portal_now=now)
        assert isinstance(health, Health)
        assert health.usable
        assert all(problem.endswith((".", ")")) for problem in health.problems)

    def test_the_plan_says_who_ends_it(self, bench: Bench) -> None:
        entitlement = bench.order().entitlement
        for dynamic in (False, True):
            plan = bench.connector.plan(RoleOnTarget(entitlement, Pathway.JIT, dynamic))
            assert plan.explanation.endswith(".")
            if plan.enforcement is Enforcement.TARGET_CUTS:
                assert plan.longest_residual is not None
            else:
                assert plan.longest_residual is None

    def test_instructions_are_text(self, bench: Bench) -> None:
        assert isinstance(bench.connector.instructions(bench.order()), str)

    def test_a_secret_is_revealed_or_it_says_why_not(self, bench: Bench) -> None:
        order = bench.order()
        give(bench, order)
        if bench.connector.reveals and order.options:
            secret = bench.connector.reveal(order)
            assert secret.login == order.account
            assert secret.password not in repr(secret)
            return
        with pytest.raises(TargetError) as refused:
            bench.connector.reveal(order)
        assert refused.value.permanent
        assert str(refused.value).endswith(".")

    def test_each_call_ends_in_time(self, bench: Bench) -> None:
        order = bench.order()
        for call in (bench.connector.grant, bench.connector.observe, bench.connector.revoke):
            started = time.monotonic()
            call([order])
            assert time.monotonic() - started < CALL_SECONDS
