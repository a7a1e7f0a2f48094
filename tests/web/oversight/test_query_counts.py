"""Each list with 1 and with 3 items against one literal count: what grows with its rows fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from jitportal.operations import clock, policies
from tests.undone import undone
from tests.web.oversight.conftest import As
from tests.web.world import World, approve, ask, converge, elevate
from tests.web.world_policy import POLICY

#: Savepoints are no queries of the page's; the test's own transaction makes them.
UNCOUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT set_config(", "SET LOCAL")


def waiting(world: World, number: int) -> None:
    """So many requests, each for another role or scope, with earlier uses and a holder behind them."""
    if number > 1:
        for username in ("rita", "gwen"):
            with clock.moved(by=timedelta(hours=-3)):
                approve(world, ask(world, username, "door"), "mona")
    wishes = [("rita", "door"), ("gwen", "cage"), ("gwen", "door")]
    for username, role in wishes[:number]:
        ask(world, username, role)


def holding(world: World, number: int) -> None:
    managers = {"rita": "mona", "gwen": "mona", "oskar": "otto"}
    for username, manager in list(managers.items())[:number]:
        converge(approve(world, ask(world, username, "door"), manager).grant)


def versions(world: World, number: int) -> None:
    for minutes in range(10, 10 + number):
        text = POLICY.replace("max_minutes: 60\n      risk: low", f"max_minutes: {minutes}\n      risk: low")
        policies.propose(actor=world["paul"], text=text, note=f"{minutes} minutes.")


def targeted(world: World, number: int) -> None:
    """So many targets more, through a policy of their own."""
    elevate(world, "polly", "policy-editor")
    more = "".join(
        f"    extra{one}:\n      name: Extra {one}\n      connector: manual\n" for one in range(number)
    )
    version = policies.propose(
        actor=world["paul"], text=POLICY.replace("\n  roles:\n", f"\n{more}\n  roles:\n")
    )
    policies.approve(actor=world["polly"], version=version)
    policies.apply(actor=world["polly"], version=version)


def late(world: World, number: int) -> None:
    with clock.moved(by=timedelta(minutes=-30)):
        holding(world, number)


Made = Callable[[World, int], None]

LISTS: list[tuple[str, str, Made, int]] = [
    ("mona", "/queue/", waiting, 29),
    ("gwen", "/request/jit/door/", waiting, 25),
    ("olga", "/tasks/", holding, 19),
    ("opal", "/problems/", late, 22),
    ("opal", "/targets/", targeted, 14),
    ("sam", "/roles/", holding, 14),
    ("sam", "/grants/", holding, 19),
    ("sam", "/roles/door/", holding, 26),
    ("root", "/grants/of-role/door/revoke/", holding, 21),
    ("paul", "/policy/", versions, 17),
    ("auda", "/record/", waiting, 22),
    ("auda", "/admin/jitportal/grant/", holding, 8),
    ("auda", "/admin/jitportal/accessrequest/", waiting, 8),
]


@pytest.fixture(scope="module")
def elevated(settled_world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Three who look at the lists by a power that they hold, made once for the module."""
    with django_db_blocker.unblock(), undone():
        for holder, role in (("paul", "policy-editor"), ("opal", "operator"), ("auda", "auditor")):
            elevate(settled_world, holder, role)
        yield settled_world


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("row", LISTS, ids=[row[1] for row in LISTS])
def test_a_longer_list_asks_no_more(
    elevated: World, world: World, as_: As, row: tuple[str, str, Made, int], number: int
) -> None:
    username, address, made, count = row
    made(world, number)
    client = as_(username)
    asked(client, address)  # what is read once in each process is read
    assert len(asked(client, address)) == count


def asked(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [one["sql"] for one in queries if not one["sql"].startswith(UNCOUNTED)]
