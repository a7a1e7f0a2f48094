"""From the end of a grant to its verified absence on a real PostgreSQL server.

    .venv/bin/python bench/bench_removal_lag.py [--grants 200] [--burst 1000] [--database sqlite|postgres]

Two runs of the whole portal, with its real worker in a process of its own: grants whose ends are spread
over time (p50 and p99), and as many as ``--burst`` that end in the same second (the time until the last is
verified). The baseline, in the same run, is the connector alone, called with the whole burst at once: no
portal can be faster than that. The server's own sweep is left out, so that what is measured is the portal.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.management.private_postgres import PrivatePostgres
    from jitportal.models import Person

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

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
        user: jitportal
        password_secret: JITPORTAL_TARGET_BENCH_PASSWORD
  roles:
    orders-read:
      name: Read orders
      description: Read orders.
      target: orders-db
      owner: maya
      entitlement: app_ro
      eligible: {{teams: [platform]}}
      max_minutes: 60
      recommended_minutes: 1
      system_approval: [{{name: bench, ticket_pattern: "INC-[0-9]+"}}]
"""


def main() -> None:
    said = arguments()
    # Imported late: the settings read the environment that is made here.
    from jitportal.management.private_postgres import PrivatePostgres

    with tempfile.TemporaryDirectory() as folder, PrivatePostgres(durable=False) as server:
        Path(folder).chmod(0o755)
        prepare_environment(said.database, folder, server)
        import django

        django.setup()
        people = prepare(server, max(said.grants, said.burst))
        worker = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "worker"], stderr=(Path(folder) / "log").open("w")
        )
        try:
            time.sleep(3)
            report("spread", spread(people[: said.grants]))
            report("burst", burst(people[: said.burst]))
        finally:
            worker.terminate()
            worker.wait(timeout=30)
        baseline(said.burst)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=200)
    parser.add_argument("--burst", type=int, default=1_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    return parser.parse_args()


def prepare_environment(database: str, folder: str, server: PrivatePostgres) -> None:
    """The portal's own database is on the same kind of server as the target, and apart from it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
    os.environ["JITPORTAL_DATA_DIR"] = folder
    os.environ["JITPORTAL_TARGET_BENCH_PASSWORD"] = "bench-password-of-the-portal"
    os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
    if database == "postgres":
        os.environ["JITPORTAL_DATABASE_URL"] = server.create_database("portal")


def prepare(server: PrivatePostgres, number: int) -> list[Person]:
    """Install the connector's script, make the logins, and load people and the policy."""
    import psycopg
    from django.core.management import call_command
    from psycopg import sql

    from jitportal.audit.system import system
    from jitportal.connectors.postgres.connector import PostgresConnector
    from jitportal.operations import people, policies

    script = Path(sys.modules[PostgresConnector.__module__].__file__ or "").parent / "install.sql"
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        session.execute("CREATE ROLE app_ro NOLOGIN")
        session.execute(
            sql.SQL("CREATE ROLE jitportal LOGIN PASSWORD {}").format(
                sql.Literal(os.environ["JITPORTAL_TARGET_BENCH_PASSWORD"])
            )
        )
        for index in range(number):
            session.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(f"engineer{index}")))
    subprocess.run(
        ["psql", server.dsn(), "-q", "-v", "portal=jitportal", "-v", "prefix=jit", "-f", str(script)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        session.execute("SELECT jit.manage_role('app_ro', '8 hours')")
    call_command("migrate", verbosity=0)
    actor = system()
    team = people.create_team(actor=actor, key="platform", name="Platform")
    maya = people.create_person(actor=actor, username="maya", name="Maya")
    made = []
    for index in range(number):
        person = people.create_person(
            actor=actor, username=f"engineer{index}", name=f"Engineer {index}", manager=maya
        )
        people.join_team(actor=actor, person=person, team=team)
        made.append(person)
    policies.bootstrap(actor=actor, text=POLICY.format(port=server.port))
    return made


def ask(person: Person) -> None:
    """A request for one minute that the policy's rule approves at once."""
    from jitportal.operations.requests import Ask, submit
    from jitportal.rules.vocabulary import Pathway, StartMode

    submit(
        actor=person,
        ask=Ask(
            role_key="orders-read",
            pathway=Pathway.JIT,
            scope="all",
            start_mode=StartMode.AT_ONCE,
            minutes=1,
            justification="Measuring how long a removal takes.",
            ticket="INC-1",
        ),
    )


def spread(people: list[Person]) -> list[float]:
    """Grants that end one after another; the lag of each, in seconds."""
    for person in people:
        ask(person)
        time.sleep(0.1)
    return lags(len(people), seconds=150)


def burst(people: list[Person]) -> list[float]:
    """Grants that all end within the same second, whatever it took to make them."""
    from jitportal.models import Grant
    from jitportal.operations import clock

    before = Grant.objects.count()
    began = time.monotonic()
    start = clock.now().replace(microsecond=0) + timedelta(seconds=1)
    for index, person in enumerate(people):
        with clock.moved(to=start + timedelta(microseconds=900 * index)):
            ask(person)
    print(f"made {len(people)} grants in {time.monotonic() - began:.1f} s")
    return lags(before + len(people), seconds=240)[before:]


def lags(expected: int, seconds: float) -> list[float]:
    """Wait until so many grants have ended; end to verified absence, in seconds, in order of making."""
    from jitportal.models import Grant

    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        done = Grant.objects.filter(verified_absent_at__isnull=False).count()
        if done >= expected:
            break
        time.sleep(0.5)
    rows = Grant.objects.order_by("pk").values_list("ends_at", "live_at", "verified_absent_at")
    missing = [row for row in rows if row[2] is None]
    if missing:
        raise SystemExit(f"{len(missing)} of {expected} grants were not verified absent in {seconds:.0f} s")
    never = sum(1 for row in rows if row[1] is None)
    if never:
        print(f"{never} grants were never live: the machine was too slow to provision them in a minute")
    return [(gone - end).total_seconds() for end, _, gone in rows if end and gone]


def report(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name:8} {len(ordered):5} grants   p50 {statistics.median(ordered):6.3f} s   p99 {p99:6.3f} s   "
        f"max {ordered[-1]:6.3f} s"
    )


def baseline(number: int) -> None:
    """The connector alone: give and take the whole burst in batches, and ask again."""
    from jitportal.models import Target
    from jitportal.operations import clock
    from jitportal.operations.targets import connector_for
    from jitportal.rules.vocabulary import LeaseOrder

    connector = connector_for(Target.objects.get(key="orders-db"))
    until = clock.now() + timedelta(minutes=5)
    given = [
        LeaseOrder(index, f"jit-baseline{index}", 1, f"engineer{index}", "app_ro", until)
        for index in range(number)
    ]
    taken = [
        LeaseOrder(order.lease_id, order.handle, 2, order.account, order.entitlement, None) for order in given
    ]
    for batch in range(0, number, 250):
        connector.grant(given[batch : batch + 250])
    began = time.monotonic()
    for batch in range(0, number, 250):
        connector.revoke(taken[batch : batch + 250])
        connector.observe(taken[batch : batch + 250])
    took = time.monotonic() - began
    print(f"baseline {number:5} leases   the connector alone, in batches of 250: {took:.3f} s")


if __name__ == "__main__":
    main()
