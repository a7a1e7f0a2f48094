"""Looks for sign-ins of emergency accounts on targets that can tell, with or without an activation.

Two ways, since each sees what the other doesn't: the target's log has every sign-in, however short, where
there is a log; the open sessions are seen wherever the portal can look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from django.db.models import QuerySet

from jitportal.connectors.base import LogsSignIns, TargetError, Unreachable
from jitportal.models import EmergencyAccount, EmergencySignIn, Target, TargetHealth
from jitportal.operations import clock, sign_ins
from jitportal.operations.sign_ins import Seen
from jitportal.operations.targets import connector_for
from jitportal.rules.vocabulary import LoggedSignIn, OpenSession, ReviewStatus

#: How far back a log is read at first: what an account did before the portal knew it is nobody's.
FIRST_LOOK_BACK = timedelta(days=1)
#: The log tells the second in which a session began, and the server's list of sessions the moment.
SAME_MOMENT = timedelta(seconds=2)
LOST = "A part of the server's log was gone before the portal read it: short sign-ins may be missing."

Accounts = Mapping[str, EmergencyAccount]


@runtime_checkable
class Watches(Protocol):
    """A connector that can say which logins are in."""

    def sessions(self, logins: Sequence[str]) -> list[OpenSession]:
        """The open sessions of these logins. Raises ``TargetError``."""
        ...


def look(target: Target) -> int:
    """Report each sign-in of an emergency account that is seen for the first time; gives how many.

    A target that doesn't answer, or can't tell, is no news: whether it is well is asked elsewhere.
    """
    accounts = {row.login: row for row in EmergencyAccount.objects.offered().filter(target=target)}
    if not accounts:
        return 0
    try:
        connector = connector_for(target)
        # The log first: what is in it has a name for good, by which a session is known again below.
        logged = _read_log(target, connector, accounts) if isinstance(connector, LogsSignIns) else 0
        seen = connector.sessions(sorted(accounts)) if isinstance(connector, Watches) else []
    except TargetError:
        return 0
    now = clock.now()
    new = [one for one in seen if not _is_known(target, one, now)]
    for one in new:
        _report(
            target,
            accounts[one.login],
            Seen(
                login=one.login,
                at=one.since or now,
                reference=_reference(target, one, now),
                address=one.address,
                detail=f"Process {one.process} on {target.name}, seen by the portal itself.",
            ),
        )
    return logged + len(new)


def _read_log(target: Target, connector: LogsSignIns, accounts: Accounts) -> int:
    """Report what was logged since the last look; why it can't be read is kept for the account's page.

    The position is kept after the reports: a look that dies between is repeated, and reports nothing twice.
    """
    health, _ = TargetHealth.objects.get_or_create(target=target)
    since = min(row.created_at for row in accounts.values()) - SAME_MOMENT
    if not health.sign_ins_position:
        since = max(since, clock.now() - FIRST_LOOK_BACK)
    try:
        part = connector.sign_ins(sorted(accounts), since, health.sign_ins_position)
    except Unreachable:
        raise
    except TargetError as error:
        TargetHealth.objects.filter(pk=health.pk).update(sign_ins_problem=str(error))
        return 0
    new = [
        one
        for one in part.sign_ins
        if one.at >= accounts[one.login].created_at - SAME_MOMENT and not _is_reported(target, one)
    ]
    for one in new:
        _report(
            target,
            accounts[one.login],
            Seen(
                login=one.login,
                at=one.at,
                reference=f"{_process(target, one)}log-{one.session}",
                address=one.address,
                detail=f"Process {one.process} on {target.name} {one.detail}, by the server's own log.",
            ),
        )
    TargetHealth.objects.filter(pk=health.pk).update(
        sign_ins_position=dict(part.position), sign_ins_problem=LOST if part.lost else ""
    )
    return len(new)


def _report(target: Target, account: EmergencyAccount, seen: Seen) -> None:
    sign_ins.report(source=target.connector, account=account, seen=seen)


def _is_reported(target: Target, logged: LoggedSignIn) -> bool:
    """Whether the session was reported while it was open, before its line of the log was read.

    Where the server told when that one began, by the moment. Otherwise it was seen some time after it had
    begun, and no later sign-in of the same process number lies between.
    """
    seen = _of_process(target, logged).order_by("at")
    if seen.filter(at__range=(logged.at - SAME_MOMENT, logged.at + SAME_MOMENT)).exists():
        return True
    next_seen = seen.filter(at__gt=logged.at).first()
    return next_seen is not None and next_seen.reference.endswith(f":{next_seen.at:%Y-%m-%d}")


def _is_known(target: Target, one: OpenSession, now: datetime) -> bool:
    """Reported already; or, where its beginning isn't told, of a process that is still reviewed or that the
    log has named.
    """
    rows = _of_process(target, one)
    if rows.filter(reference=_reference(target, one, now)).exists():
        return True
    if one.since is not None:
        return rows.filter(at__range=(one.since - SAME_MOMENT, one.since + SAME_MOMENT)).exists()
    if rows.filter(review__isnull=False).exclude(review__status=ReviewStatus.CLOSED).exists():
        return True
    health = TargetHealth.objects.filter(target=target, sign_ins_problem="").exclude(sign_ins_position={})
    return health.exists() and rows.filter(reference__contains=":log-").exists()


def _of_process(target: Target, one: OpenSession | LoggedSignIn) -> QuerySet[EmergencySignIn]:
    return EmergencySignIn.objects.filter(
        source=target.connector, reference__startswith=_process(target, one)
    )


def _process(target: Target, one: OpenSession | LoggedSignIn) -> str:
    return f"{target.key}:{one.login}:{one.process}:"


def _reference(target: Target, one: OpenSession, now: datetime) -> str:
    """A target gives a process' number anew some day: the session's beginning tells them apart, or the day
    on which it was seen.
    """
    when = one.since.isoformat() if one.since is not None else f"{now:%Y-%m-%d}"
    return f"{_process(target, one)}{when}"
