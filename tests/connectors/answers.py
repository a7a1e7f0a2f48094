"""Short ways to call a connector with one order, and to say what came back."""

from __future__ import annotations

from jitportal.connectors.base import Connector
from jitportal.rules.vocabulary import Holding, LeaseOrder, Presence, Refusal


def granted(connector: Connector, order: LeaseOrder) -> Holding:
    (answer,) = connector.grant([order])
    assert isinstance(answer, Holding), answer
    assert answer.presence is Presence.PRESENT, answer
    return answer


def revoked(connector: Connector, order: LeaseOrder) -> Holding:
    (answer,) = connector.revoke([order])
    assert isinstance(answer, Holding), answer
    assert answer.presence is Presence.ABSENT, answer
    return answer


def observed(connector: Connector, order: LeaseOrder) -> Holding:
    (holding,) = connector.observe([order])
    return holding


def refused(connector: Connector, order: LeaseOrder) -> Refusal:
    """The order is refused for good, with a sentence."""
    (answer,) = connector.grant([order])
    assert isinstance(answer, Refusal), answer
    assert answer.permanent
    assert answer.message.endswith(".")
    return answer


def superseded(answers: list[Holding | Refusal]) -> bool:
    (answer,) = answers
    return isinstance(answer, Refusal) and answer.superseded and not answer.permanent
