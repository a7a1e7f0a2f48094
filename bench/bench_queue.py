"""How soon an approver's queue answers with 5,000 requests pending, and how many bytes all of it has.

    .venv/bin/python bench/bench_queue.py [--pending 5000] [--rounds 20]

Whole pages through the whole of Django, middleware, database (SQLite) and templates included, in one process.
The baseline, in the same run, is the same page of somebody with nothing to decide. Beside each time stands
the processor's, which says the same on a busy machine. The bytes are those of the page and of each file that
it loads, compressed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.models import Person, RoleScope

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROLES, SCOPES = 10, 20
LOADED = re.compile(r'(?:href|src)="/static/([^"]+)"')
PAGES = {
    "the first page": "",
    "a page in the middle": "after={middle}",
    "filtered by who asks": "who=Person+17",
    "filtered by role and risk": "role=role-3&risk=medium",
    "all that one may see": "show=all",
    "a form open in the pane": "verdict=approve&chosen={chosen}",
}


def main() -> None:
    said = arguments()
    # Imported late: the settings read the environment that is made here.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        os.environ.pop("JITPORTAL_DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        approver, idle = prepare_portal(said.pending)
        print(f"{said.pending} pending, {said.rounds} rounds")
        show("baseline: an empty queue", measured(idle, "", said.rounds)[0])
        for name, query in PAGES.items():
            taken, page = measured(approver, query.format(**places(said.pending)), said.rounds)
            show(name, taken)
            if not query:
                show_bytes(page)


def places(pending: int) -> dict[str, str]:
    """Where the middle of the queue is, and a request in it."""
    from jitportal.models import AccessRequest
    from jitportal.web.paging import Position

    middle = AccessRequest.objects.order_by("created_at")[pending // 2]
    return {"middle": str(Position(middle.created_at, middle.pk)), "chosen": str(middle.pk)}


def measured(person: Person, query: str, rounds: int) -> tuple[list[tuple[float, float]], bytes]:
    """Seconds of each answer, by the clock and of the processor, the first left out; and the page."""
    from django.conf import settings
    from django.test import Client, RequestFactory
    from django.test.client import ClientHandler

    client = Client()
    client.force_login(person)
    handler, factory = ClientHandler(), RequestFactory()
    factory.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    taken: list[tuple[float, float]] = []
    page = b""
    for number in range(rounds + 1):
        request = factory.generic("GET", "/queue/", QUERY_STRING=query)
        began, used = time.perf_counter(), time.process_time()
        answer = handler(request.environ)
        if number:
            taken.append((time.perf_counter() - began, time.process_time() - used))
        assert answer.status_code == 200, answer.status_code
        page = bytes(getattr(answer, "content", b""))
    return taken, page


def show(name: str, taken: list[tuple[float, float]]) -> None:
    clock, processor = ([1000 * one for one in several] for several in zip(*taken, strict=True))
    p90 = statistics.quantiles(clock, n=10)[-1]
    p50, own = statistics.median(clock), statistics.median(processor)
    print(f"{name:28} p50 {p50:6.1f} ms   p90 {p90:6.1f} ms   processor {own:6.1f} ms")


def show_bytes(page: bytes) -> None:
    from django.contrib.staticfiles import finders

    files = sorted(set(LOADED.findall(page.decode())))
    found = [finders.find(name) for name in files]
    sizes = [len(gzip.compress(Path(str(path)).read_bytes())) for path in found]
    whole = len(gzip.compress(page)) + sum(sizes)
    print(f"{'all of the first page':28} {whole / 1000:.1f} kB compressed, in {len(files) + 1} files")


def prepare_portal(number: int) -> tuple[Person, Person]:
    """So many requests that wait for one person; and somebody for whom nothing waits.

    The first request is made as any is; the others are rows like it, put in at once: asking is not what is
    measured, and five thousand times it would take minutes.
    """
    from jitportal.audit.system import system
    from jitportal.models import Person, RoleScope
    from jitportal.operations import people, policies, requests
    from jitportal.operations.requests import Ask
    from jitportal.rules.vocabulary import Pathway, StartMode

    actor = system()
    boss = people.create_person(actor=actor, username="mona", name="Mona Manager")
    idle = people.create_person(actor=actor, username="ida", name="Ida Idle")
    team = people.create_team(actor=actor, key="engineers", name="Engineers")
    first = people.create_person(actor=actor, username="first", name="First Person", manager=boss)
    people.join_team(actor=actor, person=first, team=team)
    policies.bootstrap(actor=actor, text="\n".join(policy()), note="The queue.")
    why = "The nightly export fails since Tuesday, and I look for the rows that stop it. " * 3
    ask = Ask("role-0", Pathway.JIT, "scope-0", StartMode.AT_ONCE, 30, why)
    request = requests.submit(actor=first, ask=ask)
    count = max(1, number // (ROLES * SCOPES))
    others = Person.objects.bulk_create(
        Person(username=f"p{one}", name=f"Person {one} Longer-Familyname", manager=boss)
        for one in range(count)
    )
    scopes = list(RoleScope.objects.select_related("role").order_by("pk"))
    multiply(request.pk, [(person, scope) for person in others for scope in scopes][:number])
    return boss, idle


def multiply(pk: int, wanted: list[tuple[Person, RoleScope]]) -> None:
    """The same request by other people, for other scopes."""
    from django.db.models import OuterRef, Subquery

    from jitportal.models import AccessRequest, RequestRevision, StageDecider

    model = AccessRequest.objects.select_related("current").get(pk=pk)
    made = AccessRequest.objects.bulk_create(
        AccessRequest(
            requester=person,
            role=scope.role,
            scope=scope,
            pathway=model.pathway,
            minutes=model.minutes,
            created_at=model.created_at + timedelta(milliseconds=index),
            wanted_at=model.created_at + timedelta(milliseconds=index),
            lapses_at=model.lapses_at,
        )
        for index, (person, scope) in enumerate(wanted)
    )
    fields = ("number", "policy_version_id", "start_mode", "minutes", "justification", "ticket", "stages")
    same = {
        name: getattr(model.asked, name) for name in (*fields, "reasons", "document", "digest", "created_at")
    }
    revisions = RequestRevision.objects.bulk_create(RequestRevision(request=one, **same) for one in made)
    StageDecider.objects.bulk_create(
        StageDecider(
            revision=one, stage=row.stage, kind=row.kind, team_id=row.team_id, person_id=row.person_id
        )
        for one in revisions
        for row in model.asked.deciders.all()
    )
    own = RequestRevision.objects.filter(request=OuterRef("pk")).values("pk")
    AccessRequest.objects.filter(current=None).update(current=Subquery(own))


def policy() -> Iterator[str]:
    keys = [f"role-{index}" for index in range(ROLES)]
    yield "elevation_policy:"
    yield "  jit_access:"
    yield f"    allowed_for: [{', '.join(keys)}]"
    yield "    requires: [manager_or_system_approval, max_duration_60_minutes]"
    yield "  targets:"
    yield "    building: {name: Office building, connector: manual}"
    yield "  roles:"
    for index, key in enumerate(keys):
        yield f"    {key}:"
        yield f"      name: Enter room {index} of the office building"
        yield "      target: building"
        yield "      owner: mona"
        yield "      risk: medium"
        yield "      scopes:"
        for one in range(SCOPES):
            name = f"Door {one} of room {index}"
            yield f"        scope-{one}: {{name: {name}, entitlement: door_{index}_{one}}}"
        yield "      eligible: {teams: [engineers]}"
        yield "      max_minutes: 60"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
