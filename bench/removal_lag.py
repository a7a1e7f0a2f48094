"""What is measured of removals: grants that end one after another, and many that end at once.

Shared by ``bench_removal_lag.py`` and the proofs. It works on whichever portal database Django is
configured for; the portal's worker runs in a process of its own, and a real PostgreSQL server is the target.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from django.db.models import QuerySet
from psycopg import sql

from jitportal.audit.system import system
from jitportal.management.postgres_binaries import needed_binaries
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.management.target_scripts import run_with_psql, script
from jitportal.models import Grant, Person, Target
from jitportal.operations import clock, people, policies
from jitportal.operations.requests import Ask, submit
from jitportal.operations.targets import connector_for
from jitportal.rules.vocabulary import LeaseOrder, Pathway, StartMode

#: The secret that names the password of the portal's login on the target: an environment variable.
SECRET = "JITPORTAL_TARGET_MEASURED_PASSWORD"
PASSWORD = "password-of-everybody-who-is-measured"
PORTAL_LOGIN = "jitportal"
ROLE = "app_ro"
#: The connector is given so many leases in one call, as the worker does.
BATCH = 250

POLICY = """
elevation_policy:
  jit_access:
    allowed_for: [orders-read]
    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]
  targets:
    orders-db:
      name: Orders database
      connector: postgres
      settings:
        host: 127.0.0.1
        port: {port}
        database: postgres
        user: {portal}
        password_secret: {secret}
        expiry: {expiry}
  roles:
    orders-read:
      name: Read orders
      description: Read orders.
      target: orders-db
      owner: maya
      entitlement: {role}
      eligible: {{teams: [platform]}}
      max_minutes: 60
      recommended_minutes: 1
      system_approval: [{{name: measured, ticket_pattern: "INC-[0-9]+"}}]
"""


@dataclass(frozen=True, slots=True)
class Lags:
    """From the end of each grant to its verified absence, in seconds, on the portal's one clock.

    ``never_live`` were not yet on the target when their end came: their removal removed nothing.
    """

    seconds: tuple[float, ...]
    never_live: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """The nearest rank: 99 of 100 are no slower."""
        return sorted(self.seconds)[math.ceil(len(self.seconds) * 0.99) - 1]

    @property
    def longest(self) -> float:
        return max(self.seconds)

    def __str__(self) -> str:
        said = f"{len(self.seconds):5} grants   p50 {self.median:6.3f} s   p99 {self.p99:6.3f} s   "
        said += f"max {self.longest:6.3f} s"
        return f"{said}   {self.never_live} were never live" if self.never_live else said


def prepare_server(server: PrivatePostgres, number: int) -> None:
    """Install the connector's script as an operator does, and make so many engineers' logins."""
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ROLE)))
        superuser.execute(f"CREATE TABLE data_{ROLE} AS SELECT 42 AS answer")
        superuser.execute(f"GRANT SELECT ON data_{ROLE} TO {ROLE}")
        for login in (PORTAL_LOGIN, *(f"engineer{index}" for index in range(number))):
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), PASSWORD)
            superuser.execute(made)
    variables = {"portal": PORTAL_LOGIN, "prefix": "jit"}
    run_with_psql(script("postgres"), url=server.dsn(), variables=variables, psql=needed_binaries() / "psql")
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        superuser.execute("SELECT jit.manage_role(%s, '8 hours')", [ROLE])


def prepare_portal(server: PrivatePostgres, number: int, *, expiry: str = "none") -> list[Person]:
    """Make so many engineers, their manager and the policy, in an empty portal."""
    actor = system()
    team = people.create_team(actor=actor, key="platform", name="Platform")
    maya = people.create_person(actor=actor, username="maya", name="Maya")
    engineers = []
    for index in range(number):
        engineer = people.create_person(
            actor=actor, username=f"engineer{index}", name=f"Engineer {index}", manager=maya
        )
        people.join_team(actor=actor, person=engineer, team=team)
        engineers.append(engineer)
    text = POLICY.format(port=server.port, portal=PORTAL_LOGIN, secret=SECRET, role=ROLE, expiry=expiry)
    policies.bootstrap(actor=actor, text=text)
    return engineers


def ask(person: Person, minutes: int = 1, renewal_of: Grant | None = None) -> Grant:
    """A request that the policy's rule approves at once."""
    request = submit(
        actor=person,
        ask=Ask(
            role_key="orders-read",
            pathway=Pathway.JIT,
            scope="all",
            start_mode=StartMode.RENEWAL if renewal_of else StartMode.AT_ONCE,
            renewal_of=renewal_of,
            minutes=minutes,
            justification="Measuring how long a removal takes.",
            ticket="INC-1",
        ),
    )
    return Grant.objects.get(request=request)


def ask_in_turn(engineers: list[Person]) -> list[int]:
    """Grants of a minute that begin, and end, one after another; their keys."""
    made = []
    for engineer in engineers:
        made.append(ask(engineer).pk)
        time.sleep(0.1)
    return made


def ask_at_once(engineers: list[Person], minutes: int) -> list[int]:
    """Grants that all end within the same second, however long it takes to make them; their keys.

    Those that are made later are made on an earlier clock, so the minutes have to leave time to make
    them all. No worker may be running, or an operation that waits for it would be late.
    """
    start = clock.now().replace(microsecond=0) + timedelta(seconds=1)
    made = []
    for engineer in engineers:
        with clock.moved(to=start):
            made.append(ask(engineer, minutes).pk)
    ends = [end for end in _of(made).values_list("ends_at", flat=True) if end]
    apart = _between(min(ends), max(ends))
    if apart >= 1:
        raise RuntimeError(f"They end within {apart:.1f} s, not one: the machine is too busy to measure on.")
    return made


def lags(made: list[int], patience: float = 180.0) -> Lags:
    """Wait until these grants are verified absent: so many seconds after the last has ended at the most.

    Raises TimeoutError.
    """
    ends = max(end for end in _of(made).values_list("ends_at", flat=True) if end)
    while missing := _of(made).filter(verified_absent_at=None).count():
        if clock.now() > ends + timedelta(seconds=patience):
            raise TimeoutError(
                f"{missing} of {len(made)} grants were not gone {patience:.0f} s after the end"
            )
        time.sleep(0.5)
    rows = list(_of(made).order_by("pk").values_list("ends_at", "live_at", "verified_absent_at"))
    return Lags(tuple(_between(end, gone) for end, _, gone in rows), sum(live is None for _, live, _ in rows))


def baseline(number: int) -> float:
    """The connector alone: take the whole burst away in batches, and ask again; in seconds."""
    connector = connector_for(Target.objects.get(key="orders-db"))
    until = clock.now() + timedelta(minutes=5)
    given = [
        LeaseOrder(index, f"jit-baseline{index}", 1, f"engineer{index}", ROLE, until)
        for index in range(number)
    ]
    taken = [
        LeaseOrder(order.lease_id, order.handle, 2, order.account, order.entitlement, None) for order in given
    ]
    for batch in range(0, number, BATCH):
        connector.grant(given[batch : batch + BATCH])
    began = time.monotonic()
    for batch in range(0, number, BATCH):
        connector.revoke(taken[batch : batch + BATCH])
        connector.observe(taken[batch : batch + BATCH])
    return time.monotonic() - began


def _of(made: list[int]) -> QuerySet[Grant]:
    return Grant.objects.filter(pk__gte=min(made), pk__lte=max(made))


def _between(end: datetime | None, gone: datetime | None) -> float:
    assert end is not None
    assert gone is not None
    return (gone - end).total_seconds()
