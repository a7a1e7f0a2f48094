"""Alerts of break-glass: rows, notices and webhooks, written in the transaction that they tell of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jitportal.models import Activation, ActivationAlert, Event, Person
from jitportal.operations import clock
from jitportal.operations.emergency_people import people_of, to_alert
from jitportal.operations.emergency_telling import alert, call, mark_of, rules_of, say, tell, what_to_do
from jitportal.operations.facts import require
from jitportal.operations.notice_details import Detail, isolated
from jitportal.operations.transaction import operation
from jitportal.rules.durations import spoken
from jitportal.rules.emergencies import alert_again_at
from jitportal.rules.errors import Conflict
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import ProbeSays

OPENED, ENDED, ANNOUNCED = "emergency.opened", "emergency.ended", "emergency.drill_announced"


def announce_drill(activation: Activation, actor: Person, now: datetime) -> None:
    """Forewarn security: what comes next is a drill."""
    tell(
        activation,
        [one for one in people_of(rules_of(activation).contacts) if one.pk != actor.pk],
        kind=ANNOUNCED,
        subject=f"A drill begins: {activation.account}",
        body=(
            f"{isolated(activation.person)} practises emergency access with {activation.account}. "
            "The alert that follows belongs to it: acknowledge it as you would a real one."
        ),
        actor=actor,
        now=now,
    )


def raise_alerts(
    activation: Activation, withdrawn: Iterable[Person], event: Event, actor: Person, now: datetime
) -> list[ActivationAlert]:
    """Alert everybody who must hear of it, by mail or chat, and other systems by webhook."""
    contacts = rules_of(activation).contacts
    if activation.drill:
        announce_drill(activation, actor, now)
    told = to_alert(activation, contacts, withdrawn)
    alerts = alert(activation, told.values(), actor, now)
    activation.alert_again_at = alert_again_at(now, now)
    activation.save(update_fields=["alert_again_at"])
    tell(
        activation,
        [person for person, _ in told.values()],
        kind=OPENED,
        subject=_subject(activation),
        body=_body(activation, now),
        actor=actor,
        now=now,
        details=_details(activation),
    )
    call(
        activation,
        kind=OPENED,
        more=_data(activation),
        event=event,
        actor=actor,
        now=now,
        occasion="opened",
    )
    return alerts


def tell_of_end(activation: Activation, event: Event, actor: Person, now: datetime) -> None:
    """Everybody who was alerted hears of the end, and the responder where somebody else ended it."""
    people = [alert.person for alert in activation.alerts.select_related("person")]
    if activation.stopped_by_id != activation.person_id:
        people.append(activation.person)
    why = spoken_state(activation.end_reason)
    tell(
        activation,
        [person for person in people if person.pk != actor.pk],
        kind=ENDED,
        subject=f"{mark_of(activation)}{activation.account} has ended: {why}",
        body=" ".join(
            part
            for part in (
                f"Emergency access of {isolated(activation.person)} has ended: {why}.",
                activation.end_note,
            )
            if part
        ),
        actor=actor,
        now=now,
    )
    call(
        activation,
        kind=ENDED,
        more={
            **_data(activation),
            "stopped_at": activation.stopped_at,
            "end_reason": activation.end_reason,
            "stopped_by": activation.stopped_by.username if activation.stopped_by else "",
        },
        event=event,
        actor=actor,
        now=now,
        occasion="ended",
    )


def acknowledge(*, actor: Person, activation: Activation) -> ActivationAlert:
    """Whoever was alerted says that they have seen it. Raises ``Conflict`` the second time."""
    with operation(actor):
        require(Verb.ALERT_ACKNOWLEDGE, actor, activation)
        raised = (
            ActivationAlert.objects.select_for_update(of=("self",), no_key=True)
            .select_related("activation__role__target", "activation__person", "activation__account")
            .get(activation=activation, person=actor)
        )
        if raised.acknowledged_at is not None:
            raise Conflict("You have acknowledged this alert already.")
        now = clock.now()
        raised.acknowledged_at = max(now, raised.raised_at)
        raised.save(update_fields=["acknowledged_at"])
        seconds = (raised.acknowledged_at - raised.raised_at).total_seconds()
        say(
            raised.activation,
            verb="emergency.acknowledged",
            sentence=f"{actor} acknowledged the alert after {seconds:.0f} s.",
            actor=actor,
            now=now,
            data={"seconds": round(seconds, 1), "cause": raised.cause},
        )
        return raised


def _subject(activation: Activation) -> str:
    who = isolated(activation.person)
    if activation.after_the_fact:
        return f"Emergency access without the portal: {who} used {activation.account}"
    if activation.probe_said == ProbeSays.DISAGREES and not activation.drill:
        return f"Emergency access AGAINST ITS PROBE: {who} uses {activation.account}"
    return f"{mark_of(activation)}Emergency access: {who} uses {activation.account}"


def _body(activation: Activation, now: datetime) -> str:
    who = isolated(activation.person)
    if activation.after_the_fact:
        return (
            f"{who} used {activation.account} on {activation.role.target} from "
            f"{activation.opened_at:%d %B %H:%M} to {activation.ends_at:%d %B %H:%M} UTC, while the portal "
            f"was down. It was written down afterwards, and its review is open. {what_to_do(activation, now)}"
        )
    parts = [
        f"{who} has emergency access to {activation.role.target} with {activation.account} for "
        f"{spoken(activation.minutes)}, until {activation.ends_at:%H:%M} UTC. Nobody approved it beforehand."
    ]
    if activation.drill:
        parts.insert(0, "This is a drill.")
    if activation.extension_of_id:
        parts.append(f"It extends activation {activation.extension_of_id}.")
    if activation.probe_said == ProbeSays.DISAGREES:
        parts.append(f"The probe of {activation.criterion} disagrees: {activation.probe_detail}")
    parts.append(what_to_do(activation, now))
    return " ".join(parts)


def _details(activation: Activation) -> list[Detail]:
    return [
        Detail("Who", activation.person.name),
        Detail("Account", f"{activation.account} on {activation.role.target}"),
        Detail("Criterion", activation.criterion.name),
        Detail("Probe", spoken_state(activation.probe_said)),
        *([Detail("Incident", activation.incident, typed=True)] if activation.incident else []),
        Detail("Until", at=activation.ends_at),
        Detail("What is broken", activation.broken, typed=True),
        Detail(
            "What was done" if activation.after_the_fact else "Expected activities",
            activation.expected,
            typed=True,
        ),
    ]


def _data(activation: Activation) -> dict[str, Any]:
    return {
        "role": activation.role.key,
        "scope": activation.scope.key,
        "criterion": activation.criterion.key,
        "probe_said": activation.probe_said,
        "incident": activation.incident,
        "opened_at": activation.opened_at,
        "ends_at": activation.ends_at,
        "extension_of": activation.extension_of_id,
        "after_the_fact": activation.after_the_fact,
    }
