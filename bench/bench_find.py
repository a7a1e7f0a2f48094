"""How soon the page on which one finds a role answers, where a policy offers a thousand of them.

    .venv/bin/python bench/bench_find.py [--roles 1000] [--rounds 40]

Whole pages through the whole of Django, middleware, database and templates included, in one process, as
somebody who may request each of the roles. The baseline, in the same run, is a page of the same frame with
nothing on it: what is above it is what finding costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.models import Person

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SYSTEMS = [
    "orders",
    "billing",
    "payments",
    "search",
    "stock",
    "mail",
    "identity",
    "reports",
    "shop",
    "ledger",
]
VERBS = ["Read", "Change", "Restart", "Migrate", "Troubleshoot", "Administer", "Export", "Repair"]
PLACES = ["production", "staging", "the warehouse", "Europe", "America"]
SEARCHES = [
    "",
    "read orders in production",
    "billing",
    "restart search in europe",
    "stock_17",
    "migrating the stock database",
    "r",
    "zeppelin",
]


def main() -> None:
    said = arguments()
    # Imported late: the settings read the environment that is made here.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        os.environ["JITPORTAL_LIMIT_SEARCHES"] = "0"
        os.environ.pop("JITPORTAL_DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        person = prepare_portal(said.roles)
        print(f"{said.roles} roles, {said.rounds} rounds")
        show("baseline: an empty page", measured(person, "/history/", [""], said.rounds))
        show("find, whole page", measured(person, "/request/", SEARCHES, said.rounds))
        show("find, while one types", measured(person, "/request/", SEARCHES, said.rounds, live=True))


def measured(
    person: Person, path: str, searches: list[str], rounds: int, *, live: bool = False
) -> list[float]:
    """Seconds of each answer, the first round left out."""
    from django.conf import settings
    from django.test import Client, RequestFactory
    from django.test.client import ClientHandler

    client = Client()
    client.force_login(person)
    handler = ClientHandler()
    headers = {"HX-Request": "true"} if live else {}
    factory = RequestFactory(headers=headers)
    factory.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    taken: list[float] = []
    for number in range(rounds + 1):
        for words in searches:
            request = factory.generic("GET", path, QUERY_STRING=f"q={words.replace(' ', '+')}")
            began = time.perf_counter()
            answer = handler(request.environ)
            if number:
                taken.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.status_code
    return taken


def show(name: str, taken: list[float]) -> None:
    p90 = statistics.quantiles(taken, n=10)[-1]
    print(f"{name:28} p50 {statistics.median(taken) * 1000:6.1f} ms   p90 {p90 * 1000:6.1f} ms")


def prepare_portal(number: int) -> Person:
    """A policy of so many roles, and somebody who may request them all."""
    from jitportal.audit.system import system
    from jitportal.operations import people, policies

    actor = system()
    owner = people.create_person(actor=actor, username="olga", name="Olga Owner")
    person = people.create_person(actor=actor, username="ed", name="Ed Engineer", manager=owner)
    team = people.create_team(actor=actor, key="engineers", name="Engineers")
    people.join_team(actor=actor, person=person, team=team)
    policies.bootstrap(actor=actor, text="\n".join(policy(number)), note="Many roles.")
    return person


def policy(number: int) -> Iterator[str]:
    keys = [f"role-{index}" for index in range(number)]
    yield "elevation_policy:"
    yield "  jit_access:"
    yield f"    allowed_for: [{', '.join(keys)}]"
    yield "    requires: [manager_or_system_approval, max_duration_60_minutes]"
    yield "  targets:"
    for system in SYSTEMS:
        yield f"    {system}-db: {{name: {system.title()} database, connector: manual}}"
    yield "  roles:"
    for index, key in enumerate(keys):
        system = SYSTEMS[index % len(SYSTEMS)]
        verb, place = VERBS[index // 3 % len(VERBS)], PLACES[index // 7 % len(PLACES)]
        yield f"    {key}:"
        yield f"      name: {verb} {system} in {place}, part {index}"
        yield f"      description: {verb} what {system} holds in {place}, for incidents and planned work."
        yield f"      target: {system}-db"
        yield "      owner: olga"
        yield "      scopes:"
        for half in ("left", "right"):
            name = f"The {half} half of {system}"
            yield f"        {half}: {{name: {name}, entitlement: {system}_{index}_{half}}}"
        yield "      eligible: {teams: [engineers]}"
        yield "      max_minutes: 60"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roles", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    main()
