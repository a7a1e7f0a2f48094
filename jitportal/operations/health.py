"""What is known of a target's health, and what follows from it. Observation, kept out of the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.connectors.base import Connector, TargetError
from jitportal.models import Target, TargetHealth
from jitportal.operations import clock
from jitportal.rules.vocabulary import MAX_SKEW, Health

#: The wait before a target that gave no answer is called again, in seconds; the last goes on.
BACKOFF = (1, 2, 4, 8, 15)
#: A check older than this is made anew before anything is granted there.
FRESH = timedelta(seconds=60)


def note_call(target: Target, unreachable: TargetError | None) -> bool:
    """After a call: a target that gave no answer is left alone for a while, and one that did is well.

    True where it answers again after it didn't.
    """
    health = _health(target)
    now = clock.now()
    if unreachable is None:
        if health.failures:
            TargetHealth.objects.filter(pk=health.pk).update(
                failures=0, failing_since=None, backoff_until=None, reachable=True
            )
        return bool(health.failures)
    wait = timedelta(seconds=BACKOFF[min(health.failures, len(BACKOFF) - 1)])
    TargetHealth.objects.filter(pk=health.pk).update(
        failures=health.failures + 1,
        failing_since=health.failing_since or now,
        backoff_until=now + wait,
        reachable=False,
        problems=[str(unreachable)],
    )
    return False


def note_check(target: Target, health: Health, now: datetime) -> TargetHealth:
    """Keep what a check found."""
    row = _health(target)
    row.checked_at, row.reachable, row.rights = now, health.reachable, health.rights
    row.expiry_armed = health.expiry_armed
    row.skew_milliseconds = round(health.skew.total_seconds() * 1_000) if health.skew is not None else None
    row.problems = list(health.problems)
    row.save(
        update_fields=["checked_at", "reachable", "rights", "expiry_armed", "skew_milliseconds", "problems"]
    )
    return row


def grants_refused(target: Target, connector: Connector) -> str:
    """Why nothing may be granted on the target now; empty where it may. Removals always go ahead."""
    row = _health(target)
    now = clock.now()
    if row.checked_at is None or now - row.checked_at > FRESH or not row.rights or _skewed(row):
        row = note_check(target, connector.check(portal_now=clock.now), now)
    if _skewed(row):
        return (
            f"The clock of {target.name} is {(row.skew_milliseconds or 0) / 1000:+.1f} s from the portal's, "
            f"and {MAX_SKEW.total_seconds():.0f} s is the most. Set its clock right; this is tried again."
        )
    if row.reachable and not row.rights:
        return " ".join(row.problems) or f"The portal has no rights on {target.name}."
    return ""


def check_grants(target: Target, connector: Connector) -> None:
    """Raise ``TargetError`` where nothing may be granted on the target now."""
    if refusal := grants_refused(target, connector):
        raise TargetError(refusal)


def _skewed(row: TargetHealth) -> bool:
    return row.skew_milliseconds is not None and abs(row.skew_milliseconds) > MAX_SKEW.total_seconds() * 1_000


def _health(target: Target) -> TargetHealth:
    row, _ = TargetHealth.objects.get_or_create(target=target)
    return row
