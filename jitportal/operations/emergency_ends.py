"""An activation follows its grant: stopped with it, and ended when its access was verified gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jitportal.models import Activation, Grant, Person
from jitportal.operations import post_incident
from jitportal.operations.emergency_alerts import tell_of_end
from jitportal.operations.emergency_telling import say
from jitportal.rules.lifecycle import check_transition, spoken_state
from jitportal.rules.vocabulary import ActivationStatus, EndReason


def follow_stops(grants: Iterable[Grant], actor: Person, now: datetime) -> None:
    """In the transaction that stops these grants: their activations stop, and the statements fall due."""
    for grant in grants:
        if grant.activation_id is not None:
            _stop(_locked(grant.activation_id), grant, actor, now)


def follow_ends(grants: Iterable[Grant], now: datetime) -> None:
    """In the transaction that writes these grants' ends down."""
    for grant in grants:
        if grant.activation_id is None:
            continue
        activation = _locked(grant.activation_id)
        check_transition("activation", activation.status, ActivationStatus.ENDED)
        activation.status, activation.ended_at = ActivationStatus.ENDED, now
        activation.save(update_fields=["status", "ended_at"])


def _stop(activation: Activation, grant: Grant, actor: Person, now: datetime) -> None:
    check_transition("activation", activation.status, ActivationStatus.ENDING)
    activation.status = ActivationStatus.ENDING
    activation.stopped_at, activation.stopped_by = grant.stopped_at, actor
    activation.end_reason, activation.end_note = grant.end_reason, grant.end_note
    activation.save(update_fields=["status", "stopped_at", "stopped_by", "end_reason", "end_note"])
    why = spoken_state(grant.end_reason)
    event = say(
        activation,
        verb="emergency.ended",
        actor=actor,
        sentence=f"Emergency access of {activation.person} with {activation.account} ended: {why}.",
        now=now,
        grant=grant,
        data={"reason": grant.end_reason, "note": grant.end_note, "drill": activation.drill},
    )
    post_incident.access_ended(activation=activation, actor=actor, now=now)
    if grant.end_reason != EndReason.EXTENDED:
        tell_of_end(activation, event, actor, now)


def _locked(pk: int) -> Activation:
    return (
        Activation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("person", "role__target", "role__owner", "scope", "account", "criterion")
        .select_related("policy_version", "stopped_by")
        .get(pk=pk)
    )
