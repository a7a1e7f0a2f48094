"""Alerts that nobody acknowledges: sent again, to more people, until somebody does, nobody need any more, or
a day has passed.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from jitportal.audit.system import system
from jitportal.models import Activation, Person
from jitportal.operations import clock
from jitportal.operations.emergency_people import louder
from jitportal.operations.emergency_telling import alert, call, mark_of, say, tell, what_to_do
from jitportal.operations.notice_details import isolated
from jitportal.operations.transaction import operation
from jitportal.rules.emergencies import alert_again_at
from jitportal.rules.vocabulary import EndReason, ReviewStatus

UNACKNOWLEDGED = "emergency.unacknowledged"
BATCH = 20


def due_now(now: datetime) -> Q:
    """The activations whose alert is due again."""
    return Q(alert_again_at__lte=now)


def alert_again() -> int:
    """Alert again where nobody has acknowledged in time, a batch in one transaction; returns of how many.

    Two workers never do the same: the row is locked, and its time moves with what was done.
    """
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = Activation.objects.filter(due_now(now)).select_for_update(
            skip_locked=True, of=("self",), no_key=True
        )
        named = ("person", "account", "role__target", "policy_version", "review")
        found = list(rows.select_related(*named)[:BATCH])
        for activation in found:
            if _needs_somebody(activation):
                _alert(activation, actor, now)
                activation.alert_again_at = alert_again_at(_raised_at(activation), now)
            else:
                activation.alert_again_at = None
            activation.save(update_fields=["alert_again_at"])
        return len(found)


def _needs_somebody(activation: Activation) -> bool:
    """Whether nobody has looked at it yet, in whatever way: whoever closed its review has, and what took its
    place has alerts of its own.
    """
    if activation.end_reason in (EndReason.EXTENDED, EndReason.GAVE_WAY):
        return False
    if activation.review.status == ReviewStatus.CLOSED:
        return False
    return not activation.alerts.filter(acknowledged_at__isnull=False).exists()


def _raised_at(activation: Activation) -> datetime:
    first = activation.alerts.order_by("raised_at").first()
    return first.raised_at if first is not None else activation.opened_at


def _what(activation: Activation) -> str:
    who, where = isolated(activation.person), f"{activation.account} on {activation.role.target}"
    if activation.after_the_fact:
        return f"That {who} used {where} while the portal was down was written down"
    return f"{who} activated {where}"


def _alert(activation: Activation, actor: Person, now: datetime) -> None:
    """The same people, and the account's custodians and the administrators with them."""
    alerted = {row.person_id: row.person for row in activation.alerts.select_related("person")}
    more = {
        person.pk: (person, cause)
        for cause, people in louder(activation, now)
        for person in people
        if person.pk not in alerted and person.pk != activation.person_id
    }
    added = alert(activation, more.values(), actor, now)
    people = [*(one for one in alerted.values() if one.is_active), *(one.person for one in added)]
    minutes = int((now - _raised_at(activation)).total_seconds() // 60)
    told = "1 person is" if len(people) == 1 else f"{len(people)} people are"
    event = say(
        activation,
        verb=UNACKNOWLEDGED,
        sentence=f"Nobody acknowledged the alert in {minutes} minutes: {told} alerted again.",
        actor=actor,
        now=now,
        data={"minutes": minutes},
    )
    tell(
        activation,
        people,
        kind=UNACKNOWLEDGED,
        occasion=now.isoformat(),
        subject=(
            f"{mark_of(activation)}Nobody has acknowledged: {isolated(activation.person)} and "
            f"{activation.account}"
        ),
        body=(
            f"{_what(activation)} {minutes} minutes ago, and nobody who was alerted has said that they have "
            f"seen it. {what_to_do(activation, now)}"
        ),
        actor=actor,
        now=now,
    )
    call(
        activation,
        kind=UNACKNOWLEDGED,
        more={"minutes": minutes},
        event=event,
        actor=actor,
        now=now,
        occasion=f"unacknowledged_{now:%Y%m%dT%H%M%S}",
    )
