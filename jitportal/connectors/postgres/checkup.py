"""What ``check`` asks the server, and the sentences for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from jitportal.connectors.base import TargetError, Unreachable
from jitportal.connectors.postgres.connection import Connection, Deadline, Server
from jitportal.rules.vocabulary import MAX_SKEW, Health

#: The version of the installation script that this connector speaks to (``jit.version()``).
SCRIPT_VERSION = 3
#: The sweep beats about once a second; later than this, it stands still.
BEAT_SECONDS = 10.0
CLOCK_READINGS = 3


def check(server: Server, portal_now: Callable[[], datetime]) -> Health:
    """Never raises: what goes wrong is in the answer."""
    reached = False
    try:
        with server.connect(Deadline()) as connection:
            reached = True
            return _look(server, connection, portal_now)
    except TargetError as error:
        return Health(
            reachable=reached and not isinstance(error, Unreachable),
            rights=False,
            expiry_armed=False,
            skew=None,
            problems=(str(error),),
        )


def _look(server: Server, connection: Connection, portal_now: Callable[[], datetime]) -> Health:
    skew = _skew(connection, portal_now)
    row = connection.execute("SELECT jit.health()").fetchone()
    facts: dict[str, Any] = row[0] if row else {}
    armed, expiry_problems = _expiry(server, facts)
    problems = [*_rights_problems(server, facts), *expiry_problems, *_lease_problems(facts)]
    if abs(skew) > MAX_SKEW:
        problems.append(
            f"The server's clock is {abs(skew).total_seconds():.1f} seconds "
            f"{'ahead of' if skew > timedelta(0) else 'behind'} the portal's: set both by NTP. Until then "
            "nothing is granted."
        )
    return Health(
        reachable=True,
        rights=facts["version"] == SCRIPT_VERSION,
        expiry_armed=armed,
        skew=skew,
        problems=tuple(problems),
    )


def _skew(connection: Connection, portal_now: Callable[[], datetime]) -> timedelta:
    """The server's clock less the portal's at the middle of the round trip; the shortest of a few."""
    readings: list[tuple[timedelta, timedelta]] = []
    for _ in range(CLOCK_READINGS):
        before = portal_now()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        after = portal_now()
        if row:
            readings.append((after - before, row[0] - (before + (after - before) / 2)))
    return min(readings)[1]


def _rights_problems(server: Server, facts: dict[str, Any]) -> list[str]:
    user = server.settings.user
    problems = list(facts["broken_roles"])
    if facts["version"] != SCRIPT_VERSION:
        problems.append(
            f"The server has version {facts['version']} of the installation script, and the portal needs "
            f"{SCRIPT_VERSION}: run the script of `manage.py target_script postgres` again."
        )
    if not facts["managed_roles"]:
        problems.append(
            "No role may be given there yet: a superuser runs SELECT jit.manage_role('the role', '1 hour')."
        )
    if facts["portal_danger"]:
        problems.append(
            f"The portal's login {user} {facts['portal_danger']}: ALTER ROLE {user} NOSUPERUSER NOCREATEROLE "
            "NOREPLICATION NOBYPASSRLS."
        )
    if facts["portal_roles"]:
        problems.append(
            f"The portal's login {user} is a member of {', '.join(facts['portal_roles'])}, which it does "
            "not need: revoke that."
        )
    return problems


def _expiry(server: Server, facts: dict[str, Any]) -> tuple[bool, list[str]]:
    """Whether the server's own sweep runs, and what keeps it from it."""
    cron, silent = facts["cron"], facts["seconds_since_sweep"]
    beats = silent is not None and silent < BEAT_SECONDS
    armed = beats and cron["scheduled"] and cron["active"]
    declared = server.settings.expiry == "pg_cron"
    where = f"the database {server.settings.database}"
    if armed and not declared:
        return True, ["The server ends access by itself: say so with the setting expiry: pg_cron."]
    if armed or not declared:
        return armed, []
    if not cron["installed"]:
        return False, [
            f"Access would not end there without the portal: pg_cron is not in {where}. Install it, CREATE "
            "EXTENSION pg_cron, and run the installation script again; or set expiry: none."
        ]
    if not cron["scheduled"] or not cron["active"]:
        return False, [
            f"Access would not end there without the portal: pg_cron's job “jit sweep” in {where} is "
            "missing or switched off. Run the installation script again."
        ]
    return False, [
        "Access would not end there without the portal: the sweep "
        + ("has not run yet" if silent is None else f"last ran {silent:.0f} seconds ago")
        + ". It begins within a minute; if not, look at cron.job_run_details, max_worker_processes and "
        "cron.use_background_workers."
    ]


def _lease_problems(facts: dict[str, Any]) -> list[str]:
    problems = list(facts["problems"])
    if facts["overdue"]:
        problems.append(f"{facts['overdue']} leases ran out more than 10 seconds ago and are still there.")
    return problems
