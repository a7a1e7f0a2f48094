"""How soon the record answers a search, where it holds a million events.

    .venv/bin/python bench/bench_record_search.py [--events 1000000] [--rounds 15]
    .venv/bin/python scripts/on_private_postgres.py .venv/bin/python bench/bench_record_search.py

Each filter alone, with a value that is usual, one that is rare, one that was usual long ago and one that
never was; then filters together. What is measured is the search, and fetching the page's 50 events. The
baseline, in the same run, is the newest page of all: no search can be quicker than that. Exits with 1 where
the slowest kind of search has a p95 over --most milliseconds.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.audit.search import Place, Wanted

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = 50


def main() -> int:
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

        from bench import record_events
        from bench.planner import gather_statistics

        call_command("migrate", verbosity=0)
        began = time.perf_counter()
        record_events.make(said.events)
        written = time.perf_counter() - began
        gather_statistics()
        print(f"{said.events} events on {connection.vendor}, written in {written:.0f} s; {size()}")
        writing(said.rounds)
        worst = max(measured(name, wanted, said.rounds) for name, wanted in searches().items())
        worst = max(worst, deep(said.rounds))
        print(f"slowest p95 {worst:.1f} ms")
        return 0 if worst <= said.most else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--most", type=float, default=100.0, help="milliseconds")
    return parser.parse_args()


def size() -> str:
    """How large the database is."""
    from django.db import connection

    question = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if connection.vendor == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    with connection.cursor() as cursor:
        cursor.execute(question)
        return f"{cursor.fetchone()[0] / 1e6:.0f} MB"


def searches() -> dict[str, Wanted]:
    """Each search by its name."""
    from bench.record_events import PEOPLE
    from jitportal.audit.search import Wanted
    from jitportal.audit.system import system
    from jitportal.models import Person, Role
    from jitportal.operations import clock

    now = clock.now()
    person = {name: Person.objects.get(username=name).pk for name in ("person3", f"person{PEOPLE - 1}")}
    usual, rare = person.values()
    role = {key: Role.objects.get(key=key) for key in ("role-1", "role-139")}
    days = [now - timedelta(days=number) for number in (0, 7, 500, 507)]
    return {
        "baseline: nothing": Wanted(),
        "time: a week": Wanted(since=days[1], until=days[0]),
        "time: a week long ago": Wanted(since=days[3], until=days[2]),
        "person: the system": Wanted(people=(system().pk,)),
        "person: usual": Wanted(people=(usual,)),
        "person: rare": Wanted(people=(rare,)),
        "person: fifty of one name": Wanted(people=tuple(range(usual, usual + 50))),
        "role: usual": Wanted(role=role["role-1"].pk),
        "role: rare": Wanted(role=role["role-139"].pk),
        "target: usual": Wanted(target=role["role-1"].target_id),
        "kind: usual": Wanted(verb="grant.live"),
        "kind: rare": Wanted(verb="policy.applied"),
        "kind: long ago": Wanted(verb="pager.told"),
        "kind: never": Wanted(verb="zebra.crossed"),
        "kinds: usual": Wanted(verb="grant"),
        "kinds: rare": Wanted(verb="policy"),
        "kinds: long ago": Wanted(verb="pager"),
        "word: in half of them": Wanted(words="production"),
        "word: rare": Wanted(words="zebra"),
        "word: long ago": Wanted(words="pager"),
        "word: never": Wanted(words="unheard-of"),
        "word: begun, in half of them": Wanted(words="prod*"),
        "word: begun, rare": Wanted(words="zeb*"),
        "words: a shop": Wanted(words="shop 4321"),
        "words: a ticket": Wanted(words="INC-4321"),
        "words: usual together": Wanted(words="orders production live"),
        "words: never together": Wanted(words="zebra handed"),
        "words: usual, never together": Wanted(words="signed live"),
        "role and kind: never together": Wanted(role=role["role-139"].pk, verb="manual_task.confirmed"),
        "person and kind": Wanted(people=(usual,), verb="request.denied"),
        "system and kind, never": Wanted(people=(system().pk,), verb="request.approved"),
        "person, role and word": Wanted(people=(usual,), role=role["role-1"].pk, words="found"),
        "word in a week long ago": Wanted(words="production", since=days[3], until=days[2]),
        "rare word in a week": Wanted(words="zebra", since=days[1], until=days[0]),
    }


def measured(name: str, wanted: Wanted, rounds: int) -> float:
    """Print how long the first page takes; its p95 in milliseconds."""
    return timed(name, lambda: page(wanted), rounds)


def deep(rounds: int) -> float:
    """The same of a page in the middle of many."""
    from jitportal.audit.search import Wanted
    from jitportal.operations import clock

    middle = (clock.now() - timedelta(days=500), 1)
    usual = timed("a page in the middle", lambda: page(Wanted(words="production"), middle), rounds)
    return max(usual, timed("a page of all, there", lambda: page(Wanted(), middle), rounds))


def page(wanted: Wanted, before: Place | None = None) -> int:
    from jitportal.audit.search import find
    from jitportal.models import Event

    found = find(wanted, before=before, size=PAGE + 1, seconds=60)
    return len(list(Event.objects.filter(pk__in=found).select_related("actor", "role", "target", "person")))


def writing(rounds: int) -> None:
    """What it costs to write one event in a transaction of its own, with the index as it stands."""
    from django.db import transaction

    from jitportal.audit.events import record
    from jitportal.audit.system import system
    from jitportal.operations import clock

    def write() -> int:
        with transaction.atomic():
            record(verb="person.signed_in", actor=system(), sentence="Zoë Sato signed in.", now=clock.now())
        return 1

    timed("writing one event", write, 20 * rounds)


def timed(name: str, act: Callable[[], int], rounds: int) -> float:
    """The baseline shows how busy the machine is; ``own`` is this process's time of the processor alone."""
    taken, own, found = [], [], 0
    for _ in range(rounds):
        began, own_began = time.perf_counter(), time.process_time()
        found = act()
        taken.append((time.perf_counter() - began) * 1000)
        own.append((time.process_time() - own_began) * 1000)
    p95 = sorted(taken)[math.ceil(len(taken) * 0.95) - 1]
    print(
        f"{name:32} {found:4} found   p50 {statistics.median(taken):7.1f} ms   p95 {p95:7.1f} ms", flush=True
    )
    return p95


if __name__ == "__main__":
    sys.exit(main())
