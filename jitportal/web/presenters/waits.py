"""How long people usually wait, in a sentence; nothing where too little is known."""

from __future__ import annotations

from datetime import timedelta

from jitportal.models import AccessRequest
from jitportal.operations.waits import MEASURED, Waits
from jitportal.rules.durations import spoken
from jitportal.rules.vocabulary import RequestStatus
from jitportal.rules.waiting import UsualWait, path_of_stored

_MINUTE = timedelta(minutes=1)


def usually(request: AccessRequest, waits: Waits) -> str:
    """How long requests on the path of this one wait; nothing where nobody is waited for."""
    if request.status != RequestStatus.PENDING:
        return ""
    path = path_of_stored(request.asked.stages)
    return wait_sentence(waits.get((request.role_id, path), UsualWait(0)))


def wait_sentence(wait: UsualWait) -> str:
    """ "Half are decided within 6 minutes, nine in ten within 40 minutes (23 decisions in 30 days)." """
    if wait.half is None or wait.most is None:
        counted = f"{wait.decisions or 'none'} in {MEASURED.days} days"
        return f"Too few decisions to say how long it takes ({counted})."
    counted = f"{wait.decisions} decisions in {MEASURED.days} days"
    if _within(wait.half) == _within(wait.most):
        return f"Nine in ten are decided within {_within(wait.most)} ({counted})."
    half, most = _within(wait.half), _within(wait.most)
    return f"Half are decided within {half}, nine in ten within {most} ({counted})."


def _within(duration: timedelta) -> str:
    """To the nearest minute; of hours the quarters count, of days the hours."""
    if duration < 1.5 * _MINUTE:
        return "a minute"
    minutes = round(duration / _MINUTE)
    step = 60 if minutes >= 24 * 60 else 15 if minutes >= 3 * 60 else 1
    return spoken(round(minutes / step) * step)
