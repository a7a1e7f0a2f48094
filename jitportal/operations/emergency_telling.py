"""What is said of an activation, and to whom: events, notices and webhooks that all name it the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jitportal.audit.bulk import insert_many
from jitportal.audit.events import record
from jitportal.models import AccessRequest, Activation, ActivationAlert, Event, Grant, Person, PolicyVersion
from jitportal.operations import notices, policies, webhooks
from jitportal.operations.notice_details import Detail
from jitportal.rules.policy_requirements import PathwayRules
from jitportal.rules.vocabulary import AlertCause, Pathway


def path_of(activation: Activation) -> str:
    """The activation's page."""
    return f"/emergency/activations/{activation.pk}/"


def rules_of(activation: Activation) -> PathwayRules:
    """Break-glass as the version says that the activation is pinned to; it was made under it."""
    return policies.document_of(activation.policy_version).pathways[Pathway.BREAK_GLASS]


def mark_of(activation: Activation) -> str:
    """What stands before every subject of a drill."""
    return "Drill: " if activation.drill else ""


def what_to_do(activation: Activation, now: datetime) -> str:
    """What an alert asks of whoever reads it."""
    end = ", and to end the access if it should not be" if activation.entitles(now) else ""
    return f"Open the page to acknowledge this alert{end}."


def alert(
    activation: Activation, people: Iterable[tuple[Person, AlertCause]], actor: Person, now: datetime
) -> list[ActivationAlert]:
    """Write down that these people are alerted; the notice that tells them is another row."""
    rows = [
        ActivationAlert(activation=activation, person=person, cause=cause, raised_at=now)
        for person, cause in people
    ]
    return insert_many(ActivationAlert, rows, actor) if rows else []


def say(
    activation: Activation,
    *,
    verb: str,
    sentence: str,
    actor: Person,
    now: datetime,
    data: dict[str, Any],
    grant: Grant | None = None,
    request: AccessRequest | None = None,
    policy_version: PolicyVersion | None = None,
) -> Event:
    """Write an event of the activation, about its person, role and target."""
    return record(
        verb=verb,
        actor=actor,
        sentence=sentence,
        now=now,
        person=activation.person,
        request=request,
        grant=grant,
        activation=activation,
        role=activation.role,
        target=activation.role.target,
        policy_version=policy_version,
        data=data,
    )


def tell(
    activation: Activation,
    recipients: Iterable[Person],
    *,
    kind: str,
    subject: str,
    body: str,
    actor: Person,
    now: datetime,
    occasion: str = "",
    details: Sequence[Detail] = (),
) -> None:
    """Tell people, with the way to the activation's page. ``occasion``: which of several of this kind."""
    notices.notify(
        recipients=recipients,
        kind=kind,
        key=f"{activation.pk}:{occasion}" if occasion else str(activation.pk),
        subject=subject,
        body=body,
        path=path_of(activation),
        now=now,
        actor=actor,
        activation=activation,
        details=details,
    )


def call(
    activation: Activation,
    *,
    kind: str,
    more: Mapping[str, Any],
    event: Event,
    actor: Person,
    now: datetime,
    occasion: str,
) -> None:
    """Tell the other systems that the policy names. ``occasion``: each is told once."""
    webhooks.enqueue(
        kind=kind,
        data={
            "activation": activation.pk,
            "drill": activation.drill,
            "person": activation.person.username,
            "account": activation.account.key,
            "target": activation.role.target.key,
            **more,
        },
        endpoints=rules_of(activation).webhooks,
        now=now,
        actor=actor,
        event=event,
        message=f"msg_activation_{activation.pk}_{occasion}",
    )
