"""Looks for sessions of emergency accounts on targets that can tell, with or without an activation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from jitportal.connectors.base import TargetError
from jitportal.models import EmergencyAccount, EmergencySignIn, Target
from jitportal.operations import clock, sign_ins
from jitportal.operations.sign_ins import Seen
from jitportal.operations.targets import connector_for
from jitportal.rules.vocabulary import OpenSession, ReviewStatus


@runtime_checkable
class Watches(Protocol):
    """A connector that can say which logins are in."""

    def sessions(self, logins: Sequence[str]) -> list[OpenSession]:
        """The open sessions of these logins. Raises ``TargetError``."""
        ...


def look(target: Target) -> int:
    """Report each session of an emergency account that is seen for the first time; gives how many.

    A target that doesn't answer, or can't tell, is no news: whether it is well is asked elsewhere.
    """
    accounts = {row.login: row for row in EmergencyAccount.objects.offered().filter(target=target)}
    if not accounts:
        return 0
    try:
        connector = connector_for(target)
        if not isinstance(connector, Watches):
            return 0
        seen = connector.sessions(sorted(accounts))
    except TargetError:
        return 0
    now = clock.now()
    new = [one for one in seen if not _is_known(target, one, now)]
    for one in new:
        sign_ins.report(
            source=target.connector,
            account=accounts[one.login],
            seen=Seen(
                login=one.login,
                at=one.since or now,
                reference=_reference(target, one, now),
                address=one.address,
                detail=f"Process {one.process} on {target.name}, seen by the portal itself.",
            ),
        )
    return len(new)


def _is_known(target: Target, one: OpenSession, now: datetime) -> bool:
    """Reported already; or, where its beginning isn't told, of a process that is still reviewed."""
    rows = EmergencySignIn.objects.filter(source=target.connector)
    if rows.filter(reference=_reference(target, one, now)).exists():
        return True
    if one.since is not None:
        return False
    same = rows.filter(reference__startswith=f"{target.key}:{one.login}:{one.process}:")
    return same.filter(review__isnull=False).exclude(review__status=ReviewStatus.CLOSED).exists()


def _reference(target: Target, one: OpenSession, now: datetime) -> str:
    """A target gives a process' number anew some day: the session's beginning tells them apart, or the day
    on which it was seen.
    """
    when = one.since.isoformat() if one.since is not None else f"{now:%Y-%m-%d}"
    return f"{target.key}:{one.login}:{one.process}:{when}"
