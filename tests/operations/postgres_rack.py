"""The small portal's policy with a real PostgreSQL server in the place of its rack."""

from __future__ import annotations

from tests.connectors.postgres_target import PostgresTarget
from tests.operations import world

SECRET = "JITPORTAL_TARGET_RACK_PASSWORD"


def forget_leases(target: PostgresTarget) -> None:
    """The portal's database begins anew for each test and counts from one: the server would take its
    leases for orders that come late, and its logins for somebody else's.
    """
    made = target.superuser.execute("SELECT member::text FROM jit.lease WHERE dynamic AND dropped_at IS NULL")
    for (login,) in made.fetchall():
        target.superuser.execute(f"DROP ROLE IF EXISTS {login}".encode())  # regrole quotes it
    target.superuser.execute("TRUNCATE jit.lease CASCADE")


def policy(target: PostgresTarget, login: str, role: str) -> str:
    """Role ``door`` gives ``role`` to Rita's own ``login``; role ``made`` gives it to a login made for it."""
    settings = (
        f"{{host: 127.0.0.1, port: {target.server.port}, user: {target.portal}, "
        f"database: {target.database}, password_secret: {SECRET}}}"
    )
    return world.changed(
        (
            "      connector: manual\n      settings: {carriers: carl}\n",
            f"      connector: postgres\n      settings: {settings}\n      accounts: {{rita: {login}}}\n",
        ),
        ("allowed_for: [migration, door]", "allowed_for: [migration, door, made]"),
        ("entitlement: rack door", f"entitlement: {role}"),
        (
            "    door:\n",
            f"    made: {{target: rack, owner: otto, login: dynamic, entitlement: {role}, eligible: {{teams: [platform]}}}}\n    door:\n",
        ),
    )
