"""Fencing: an order of a worker that stalled, and wakes up late, changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.connectors.base import Superseded, TargetError
from jitportal.rules.vocabulary import LeaseOrder, Presence
from tests.connectors.answers import granted, observed, refused, revoked, superseded
from tests.connectors.postgres_target import PostgresTarget, is_cut, now


def later(order: LeaseOrder, claim: int) -> LeaseOrder:
    return replace(order, claim=claim)


def gone(order: LeaseOrder, claim: int) -> LeaseOrder:
    return replace(order, claim=claim, until=None)


def test_an_old_grant_after_the_removal_is_refused(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role(), claim=3)
    granted(connector, order)
    revoked(connector, gone(order, 4))
    assert superseded(connector.grant([order]))
    assert observed(connector, order).presence is Presence.ABSENT


def test_an_old_grant_is_refused_though_the_removal_found_nothing(target: PostgresTarget) -> None:
    """The grant stalled before it reached the server, and the removal overtook it."""
    connector = target.connector()
    order = target.order(target.login(), target.role(), claim=3)
    revoked(connector, gone(order, 4))
    assert superseded(connector.grant([order]))
    assert not target.is_member(order.account, order.entitlement)


def test_an_old_grant_is_refused_though_the_later_one_was_refused(target: PostgresTarget) -> None:
    connector, login, role = target.connector(), target.name("late_login"), target.role()
    order = target.order(login, role, claim=3)
    refused(connector, later(order, 4))
    target.login(login)
    assert superseded(connector.grant([order]))


def test_an_old_removal_takes_nothing_and_cuts_nobody(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role(), claim=3)
    granted(connector, order)
    session = target.session(order.account)
    assert superseded(connector.revoke([gone(order, 2)]))
    assert not is_cut(session)


def test_an_old_grant_does_not_move_the_end(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role(), claim=3)
    granted(connector, order)
    assert superseded(connector.grant([replace(order, claim=2, until=now() + timedelta(minutes=50))]))
    assert observed(connector, order).until == order.until


def test_the_same_claim_may_try_again(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role(), claim=3)
    assert granted(connector, order) == granted(connector, order)
    assert revoked(connector, gone(order, 3)) == revoked(connector, gone(order, 3))


def test_one_late_order_spoils_no_other_of_its_batch(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    late, sound = (target.order(target.login(), role, claim=3) for _ in range(2))
    revoked(connector, gone(late, 4))
    first, second = connector.grant([late, sound])
    assert superseded([first])
    assert observed(connector, sound) == second


def test_a_late_reveal_sets_no_password(target: PostgresTarget) -> None:
    connector = target.connector()
    order = replace(target.dynamic_order(target.role()), claim=3)
    granted(connector, order)
    granted(connector, later(order, 4))
    with pytest.raises(Superseded):
        connector.reveal(order)
    revoked(connector, gone(order, 5))
    with pytest.raises(TargetError) as too_late:
        connector.reveal(later(order, 6))
    assert too_late.value.permanent


def test_a_claim_is_remembered_by_handle_alone(target: PostgresTarget) -> None:
    """Handles are the portal's: one of another prefix is not taken, and says why."""
    connector = target.connector()
    order = target.order(target.login(), target.role(), handle="other-1")
    assert "JITPORTAL_INSTANCE" in refused(connector, order).message
    assert observed(connector, order).presence is Presence.UNKNOWN
