"""How soon the record's page answers each kind of search among a million events, and what a file of it takes.

    .venv/bin/python bench/bench_record_pages.py [--events 1000000] [--rounds 7] [--keep FOLDER]
    .venv/bin/python scripts/on_private_postgres.py .venv/bin/python bench/bench_record_pages.py

Whole pages through the whole of Django, as an auditor gets them; ``bench_record_search.py`` measures the
search alone. Cold: on a connection that has read nothing yet, the first time that this is looked for. Then
warm. Beside each time by the clock stands the processor's, which says the same on a busy machine. The files
are read to their end; what they take of memory is the most that was in use at once above what was before.
With --keep (SQLite alone) the events stay, and the next run searches them again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from bench.whole_pages import Viewer
    from jitportal.models import Person

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = "/record/"


def main() -> None:
    said = arguments()
    with ExitStack() as held:
        folder = said.keep or held.enter_context(tempfile.TemporaryDirectory())
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        os.environ["JITPORTAL_LIMIT_SEARCHES"] = "0"
        os.environ["JITPORTAL_LIMIT_EXPORTS"] = "0"
        # Imported late: the settings read the environment that is made here.
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from bench.whole_pages import Viewer

        call_command("migrate", verbosity=0)
        prepare(said.events)
        print(f"{said.events} events on {connection.vendor}, {said.rounds} rounds, milliseconds")
        print(f"{'':34} {'cold':>8} {'its cpu':>8} {'p50':>8} {'p95':>8} {'cpu':>8} queries")
        viewer = Viewer(auditor())
        viewer.get("/record/?within=1h")  # what a process does once is no part of a search
        if not said.files_alone:
            worst = max(show(name, viewer, address, said.rounds) for name, address in searches())
            worst = max(worst, deep(viewer, said.rounds))
            print(f"slowest: {worst:.0f} ms of the processor")
        for kind in ("CSV", "JSON"):
            files(viewer, kind)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", default="", metavar="FOLDER")
    parser.add_argument("--files-alone", action="store_true", help="no searches, but the exports")
    return parser.parse_args()


def prepare(number: int) -> None:
    from bench import record_events
    from bench.planner import gather_statistics
    from jitportal.models import Event

    if Event.objects.count() < number:
        record_events.make(number)
        gather_statistics()


def auditor() -> Person:
    """Somebody who may read the record."""
    from jitportal.models import Person, StandingPower
    from jitportal.operations import clock
    from jitportal.rules.vocabulary import Power

    person, made = Person.objects.get_or_create(username="auditor", defaults={"name": "Auda Auditor"})
    if made:
        StandingPower.objects.create(
            person=person, power=Power.AUDITOR, reason="The bench.", given_at=clock.now()
        )
    return person


def searches() -> Iterator[tuple[str, str]]:
    """Each search by its name, with the page's address."""
    from bench.record_events import PEOPLE
    from jitportal.models import Role
    from jitportal.operations import clock

    now = clock.now()
    long_ago = {
        "since": f"{now - timedelta(days=507):%Y-%m-%dT%H:%M}",
        "until": f"{now - timedelta(days=500):%Y-%m-%dT%H:%M}",
    }
    wide = {"since": f"{now - timedelta(days=1000):%Y-%m-%dT%H:%M}"}
    target = Role.objects.get(key="role-1").target.key
    rare = f"person{PEOPLE - 1}"
    asked: dict[str, dict[str, str]] = {
        "no filter": {},
        "time: an hour": {"within": "1h"},
        "time: a week": {"within": "7d"},
        "time: a week long ago": long_ago,
        "time: nearly all": wide,
        "person: usual": {"person": "person3"},
        "person: rare": {"person": rare},
        "person: the system": {"person": "system"},
        "person: a name of a dozen": {"person": "Zoë Sato"},
        "role: usual": {"role": "role-1"},
        "role: rare": {"role": "role-139"},
        "target: usual": {"target": target},
        "target: rare": {"target": "target-0"},
        "kind: usual": {"verb": "grant.live"},
        "kind: rare": {"verb": "policy.applied"},
        "kind: long ago": {"verb": "pager.told"},
        "kind: never": {"verb": "zebra.crossed"},
        "kinds: usual": {"verb": "grant"},
        "word: in half of them": {"words": "production"},
        "word: rare": {"words": "zebra"},
        "word: long ago": {"words": "pager"},
        "word: never": {"words": "unheardof"},
        "words: two, usual": {"words": "orders production"},
        "words: two, never together": {"words": "signed live"},
        "phrase: a ticket": {"words": "INC-4321"},
        "phrase: usual": {"words": "change-orders"},
        "word: begun, usual": {"words": "prod*"},
        "word: begun, rare": {"words": "zeb*"},
        "word: begun, two letters": {"words": "pa*"},
        "words: begun, of many words": {"words": "42* 13*"},
        "person and role": {"person": "person3", "role": "role-1"},
        "person and kind": {"person": "person3", "verb": "request.denied"},
        "system and kind, never": {"person": "system", "verb": "request.approved"},
        "role and kind, never": {"role": "role-139", "verb": "manual_task.confirmed"},
        "target and word": {"target": target, "words": "pager"},
        "person, role and word": {"person": "person3", "role": "role-1", "words": "found"},
        "all filters": {
            "person": "person3",
            "role": "role-1",
            "target": target,
            "verb": "grant",
            "words": "live",
            **wide,
        },
        "usual word, a week long ago": {"words": "production", **long_ago},
        "rare word, a week": {"words": "zebra", "within": "7d"},
        "rare person, nearly all": {"person": rare, **wide},
        "usual kind, a week long ago": {"verb": "grant.live", **long_ago},
    }
    for name, filters in asked.items():
        yield name, f"{PAGE}?{urlencode(filters)}"


def show(name: str, viewer: Viewer, address: str, rounds: int) -> float:
    """Print one kind; the processor's milliseconds of the slower of cold and warm."""
    from django.db import connection

    from bench.stopwatch import p95_of, taken

    connection.close()
    connection.ensure_connection()
    cold = taken(viewer.opens(address), 1, cold=True)
    warm = taken(viewer.opens(address), rounds)
    print(
        f"{name:34} {cold.clock[0]:8.1f} {cold.processor[0]:8.1f} {warm.clock_half:8.1f} "
        f"{p95_of(warm.clock):8.1f} {warm.half:8.1f} {warm.queries:7}",
        flush=True,
    )
    return max(cold.processor[0], warm.half)


def deep(viewer: Viewer, rounds: int) -> float:
    """The same of pages far down, as the pager's links lead to them."""
    from jitportal.models import Event
    from jitportal.operations import clock
    from jitportal.web.paging import Position

    worst = 0.0
    for days in (500, 1080):
        last = Event.objects.filter(at__lt=clock.now() - timedelta(days=days)).order_by("-at", "-pk").first()
        assert last is not None
        after = str(Position(last.at, last.pk))
        for name, filters in {
            "no filter": {},
            "a usual word": {"words": "production"},
            "a usual person": {"person": "person3"},
            "a usual kind": {"verb": "grant.live"},
            "a rare word": {"words": "zebra"},
        }.items():
            address = f"{PAGE}?{urlencode({**filters, 'after': after})}"
            worst = max(worst, show(f"{name}, {days} days down", viewer, address, rounds))
    return worst


def files(viewer: Viewer, kind: str) -> None:
    """All that one export holds: its first byte, its last one, its size, and what it took of memory."""
    from bench.stopwatch import processor
    from jitportal.operations.record import MOST_ROWS

    for name, filters in {
        "no filter": "",
        "a usual word": "words=production",
        "a rare word": "words=zebra",
    }.items():
        before = memory(anew=True)
        began, used = time.perf_counter(), processor()
        answer = viewer.post(f"{PAGE}export/?{filters}", {"kind": kind})
        assert answer.status_code == 200, answer.status_code
        assert answer.streaming, "The file is no stream."
        pieces = iter(answer)
        size = len(next(pieces))
        first, first_used = time.perf_counter() - began, processor() - used
        size += sum(len(piece) for piece in pieces)
        whole, whole_used = time.perf_counter() - began, processor() - used
        most = memory() - before
        print(
            f"{kind:4} of {name:14} first byte {first * 1000:6.0f} ms (processor {first_used * 1000:5.0f})   "
            f"all {whole:5.1f} s (processor {whole_used:5.1f})   {size / 1e6:6.1f} MB compressed   "
            f"memory {most / 1000:5.1f} MB; at most {MOST_ROWS} events",
            flush=True,
        )


def memory(*, anew: bool = False) -> int:
    """The most that this process has held at once so far, in kB; ``anew``: from now on. Linux tells."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
