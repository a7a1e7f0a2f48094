"""A worker that is killed, or stands still, at one step of its round.

    python -m tests.proofs.stalling_worker TARGET LANE STEP before|after SIGKILL|SIGSTOP

It goes round once, and sends itself the signal there. Run by ``test_killed_workers``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import django

#: Each step of a round, and the function that is wrapped for it: its module, and its name there. Those
#: named as writing are within the portal's transaction.
STEPS = {
    "claim": ("jitportal.operations.leases", "claim"),
    "claim's writing": ("jitportal.operations.claims", "change_many"),
    "check": ("jitportal.operations.leases", "check_grants"),
    "still claimed": ("jitportal.operations.leases", "still_claimed"),
    "grant": ("jitportal.connectors.postgres.connector", "PostgresConnector.grant"),
    "revoke": ("jitportal.connectors.postgres.connector", "PostgresConnector.revoke"),
    "revoke's cut": ("jitportal.connectors.postgres.leases", "cut"),
    "revoke's drop": ("jitportal.connectors.postgres.leases", "drop_logins"),
    "keep claims": ("jitportal.operations.leases", "keep_claims"),
    "observe": ("jitportal.connectors.postgres.connector", "PostgresConnector.observe"),
    "confirm": ("jitportal.operations.leases", "confirm"),
    "confirm's writing": ("jitportal.operations.confirming", "change_many"),
}
#: Claims run out sooner, so that nobody has to wait for it.
CLAIM = timedelta(seconds=1.5)
CALL_SECONDS = 1.0


def main(target_id: str, lane: str, step: str, when: str, sign: str) -> None:
    django.setup()
    shorten_claims()
    module, name = STEPS[step]
    holder: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        holder = getattr(holder, part)
    setattr(holder, last, stopping(getattr(holder, last), when, signal.Signals[sign]))
    from jitportal.operations import leases  # noqa: PLC0415 - the portal is set up by now

    leases.converge(target_id=int(target_id), lane=lane, worker="the one that stops")


def shorten_claims() -> None:
    from jitportal.operations import claims  # noqa: PLC0415 - the portal is set up by now

    vars(claims).update(CLAIM=CLAIM, CALL_SECONDS=CALL_SECONDS)


def stopping(step: Callable[..., object], when: str, sign: signal.Signals) -> Callable[..., object]:
    def stops(*args: object, **said: object) -> object:
        if when == "before":
            os.kill(os.getpid(), sign)
        done = step(*args, **said)
        if when == "after":
            os.kill(os.getpid(), sign)
        return done

    return stops


if __name__ == "__main__":
    main(*sys.argv[1:])
