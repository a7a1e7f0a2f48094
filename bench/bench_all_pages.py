"""What each page costs the server in a busy portal: its time, and how many questions it asks the database.

    .venv/bin/python bench/bench_all_pages.py [--pending 5000] [--roles 1000] [--people 500] [--rounds 9]
    .venv/bin/python scripts/on_private_postgres.py .venv/bin/python bench/bench_all_pages.py

Whole pages through the whole of Django, middleware, database and templates included, in one process, as the
person whom the page is for. The same is asked for in a portal with a hundredth of everything (--small), to
see which pages grow with it. Beside each time by the clock stands the processor's, which says the same on a
busy machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.busy_portal import Cast
    from jitportal.models import Person

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    said = arguments()
    with ExitStack() as held:
        folder = said.keep or held.enter_context(tempfile.TemporaryDirectory())
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        os.environ["JITPORTAL_LIMIT_SEARCHES"] = "0"
        # Imported late: the settings read the environment that is made here.
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from bench import busy_portal
        from bench.stopwatch import taken
        from bench.whole_pages import Viewer

        call_command("migrate", verbosity=0)
        share = 100 if said.small else 1
        cast = busy_portal.kept() or busy_portal.make(
            roles=said.roles // share,
            number_of_people=said.people // share,
            pending=said.pending // share,
            past=said.past // share,
        )
        print(f"{said.pending // share} pending, {said.roles // share} roles, {said.people // share} people")
        print(f"on {connection.vendor}, {said.rounds} rounds")
        viewers = {person.pk: Viewer(person) for person in (cast.engineer, cast.manager, cast.administrator)}
        for name, who, address in pages(cast):
            opens = viewers[who.pk].opens(address)
            print(f"{name:34} {taken(opens, said.rounds)}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=5_000)
    parser.add_argument("--roles", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--past", type=int, default=20_000, help="requests of the last 90 days")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--small", action="store_true", help="a hundredth of all that")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="on SQLite; the next run finds it there")
    return parser.parse_args()


def pages(cast: Cast) -> list[tuple[str, Person, str]]:
    """Name, who looks, and where."""
    from jitportal.models import AccessRequest, Event, Grant, Lease
    from jitportal.operations import clock

    engineer, manager, root = cast.engineer, cast.manager, cast.administrator
    own = AccessRequest.objects.filter(requester=engineer).pending().latest("pk").pk
    over = AccessRequest.objects.filter(requester=engineer).decided().latest("pk").pk
    held = Grant.objects.entitling(clock.now()).filter(person=engineer).latest("pk").pk
    event = Event.objects.filter(request=own).latest("pk").pk
    several = "&".join(f"role=role-{number}" for number in range(5))
    return [
        ("baseline: an empty page", root, "/history/"),
        ("my access", engineer, "/"),
        ("history", engineer, "/history/"),
        ("calendar", engineer, "/calendar/"),
        ("find a role", engineer, "/request/"),
        ("find a role by words", engineer, "/request/?q=restart+search+in+europe"),
        ("request form", engineer, "/request/jit/role-1/"),
        ("form of several roles", engineer, f"/request/several/jit/?{several}"),
        ("one's own request", engineer, f"/requests/{own}/"),
        ("a request of the past", engineer, f"/requests/{over}/"),
        ("ask again", engineer, f"/requests/{over}/clone/"),
        ("a grant in force", engineer, f"/grants/{held}/"),
        ("renew it", engineer, f"/grants/{held}/renew/"),
        ("notices", engineer, "/notices/"),
        ("oneself", engineer, "/you/"),
        ("go to", engineer, "/go/?q=restart"),
        ("roles", engineer, "/roles/"),
        ("roles by a word", engineer, "/roles/?q=europe"),
        ("a role", engineer, "/roles/role-1/"),
        ("policy", engineer, "/policy/"),
        ("calendar, as manager", manager, "/calendar/"),
        ("my access, as manager", manager, "/"),
        ("queue", manager, "/queue/"),
        ("queue, all that one may see", manager, "/queue/?show=all"),
        ("a request that waits", manager, f"/requests/{own}/"),
        ("its approval", manager, f"/requests/{own}/approve/"),
        ("my decisions", manager, "/queue/decisions/"),
        ("notices, as manager", manager, "/notices/"),
        ("reviews", manager, "/reviews/"),
        ("tasks", manager, "/tasks/"),
        ("a role, as its owner", manager, "/roles/role-1/"),
        ("revoke all of a role", root, "/grants/of-role/role-1/revoke/"),
        ("revoke all of a person", root, f"/grants/of-person/{engineer.username}/revoke/"),
        ("targets", root, "/targets/"),
        ("a target", root, "/targets/orders-db/"),
        ("problems", root, "/problems/"),
        ("overview", root, "/overview/"),
        ("record", root, "/record/"),
        ("an event", root, f"/record/{event}/"),
        ("propose a policy", root, "/policy/propose/"),
        ("a policy's version", root, "/policy/1/"),
        ("new role", root, "/policy/roles/new/"),
        ("who is eligible", root, "/policy/roles/role-1/eligible/"),
        ("caps of a role", root, "/policy/roles/role-1/caps/"),
        ("people's factors", root, "/people/factors/"),
        ("emergency", root, "/emergency/"),
        ("admin", root, "/admin/"),
        ("admin: requests", root, f"/admin/{AccessRequest._meta.app_label}/accessrequest/"),
        ("admin: grants", root, f"/admin/{AccessRequest._meta.app_label}/grant/"),
        ("admin: leases", root, f"/admin/{AccessRequest._meta.app_label}/{Lease._meta.model_name}/"),
        ("admin: people", root, f"/admin/{AccessRequest._meta.app_label}/person/"),
        ("admin: entries", root, f"/admin/{AccessRequest._meta.app_label}/entry/"),
    ]


if __name__ == "__main__":
    main()
