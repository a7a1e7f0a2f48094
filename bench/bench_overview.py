"""How soon the overview answers, where a hundred thousand requests were made in the last 90 days.

    .venv/bin/python bench/bench_overview.py [--requests 100000] [--rounds 10]
    .venv/bin/python scripts/on_private_postgres.py .venv/bin/python bench/bench_overview.py

Each figure by itself, then the whole page through the whole of Django: the first time that this process shows
it, and from then on. The rows are written past the operations, and with the guards taken off, into a database
of the bench's own. Beside each time by the clock stands the processor's, which says the same on a busy
machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    said = arguments()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        # Imported late: the settings read the environment that is made here.
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from bench import past
        from bench.planner import gather_statistics
        from bench.stopwatch import taken
        from jitportal.audit.guards import installing

        call_command("migrate", verbosity=0)
        installing.remove()
        prepare(said.requests)
        gather_statistics()
        print(f"{said.requests} requests in {past.DAYS} days on {connection.vendor}, {said.rounds} rounds")
        opens = page()
        print(f"{'the whole page, at first':26} {taken(opens, 1, cold=True)}", flush=True)
        print(f"{'the whole page':26} {taken(opens, said.rounds)}", flush=True)
        for name, act in figures().items():
            print(f"{name:26} {taken(act, said.rounds)}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    return parser.parse_args()


def prepare(number: int) -> None:
    """So many requests, of many people, for many roles."""
    from bench import record_events
    from bench.past import Past
    from jitportal.models import Entitlement, RoleScope, Target

    people, scopes = record_events.people(), []
    every_role = record_events.roles()
    # What is removed by hand isn't measured by the page: only one target's is.
    Target.objects.exclude(key="target-0").update(connector="postgres")
    for role in every_role:
        entitlement = Entitlement.objects.create(target=role.target, name=role.key)
        scopes.append(RoleScope.objects.create(role=role, key="all", name="All", entitlement=entitlement))
    Past(people, scopes).make(number, waiting=number // 100)


def figures() -> dict[str, Callable[[], object]]:
    from zoneinfo import ZoneInfo

    from jitportal.operations import clock, overview

    zone, now = ZoneInfo("Europe/Berlin"), clock.now()
    days = overview.last_days(now, zone)
    return {
        "now": lambda: overview.standing(now),
        "decisions": lambda: overview.decisions(days, zone),
        "waits": lambda: overview.waits(days, zone),
        "removal lags": lambda: overview.removal_lags(days, zone),
        "most-requested roles": lambda: overview.most_asked(days, zone),
    }


def page() -> Callable[[], object]:
    """The page, as the first administrator gets it."""
    from bench.whole_pages import Viewer
    from jitportal.models import Person
    from jitportal.operations import people

    people.first_administrator(username="root", name="Ruth Root", password="correct horse battery")
    return Viewer(Person.objects.get(username="root")).opens("/overview/")


if __name__ == "__main__":
    main()
