"""How people race: at once, each over a connection of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from datetime import timedelta
from itertools import count

from django.db import connection

from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    Person,
)
from jitportal.operations import (
    decisions,
    people,
    requests,
)
from jitportal.operations.asking import Ask
from jitportal.rules.errors import Conflict, JitportalError
from jitportal.rules.vocabulary import Verdict
from tests.operations import world

Act = Callable[[], object]
HOUR = timedelta(hours=1)
MANY = 8
numbers = count(1)


def together(acts: Sequence[Act]) -> list[object]:
    """Do all of it at once, each on a thread with a connection of its own; what each gave or raised."""
    outcomes: list[object] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(index: int, act: Act) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            outcomes[index] = act()
        except Exception as error:  # noqa: BLE001 - what it raised is what is looked at
            outcomes[index] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=copy_context().run, args=(run, index, act)) for index, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)
    return outcomes


def race(acts: Sequence[Act], winners: int = 1, losers_say: type[JitportalError] = Conflict) -> list[object]:
    """Exactly so many succeed, and all others hear clearly why they didn't; gives the outcomes."""
    outcomes = together(acts)
    lost = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [error for error in lost if not isinstance(error, losers_say)] == [], outcomes
    assert all(str(error).endswith(".") for error in lost), lost
    assert len(outcomes) - len(lost) == winners, outcomes
    return outcomes


def newcomer() -> Person:
    """Somebody new whom Mona manages, in team platform."""
    username = f"new{next(numbers)}"
    person = people.create_person(
        actor=system(), username=username, name=username.capitalize(), manager=world.person("mona")
    )
    people.join_team(actor=system(), person=person, team=world.team("platform"))
    return person


def deciding(request: AccessRequest, who: Sequence[str], verdict: Verdict = Verdict.APPROVE) -> list[Act]:
    """Clicks on forms that were all opened before."""
    seen = decisions.seen_digest(request)

    def click(person: Person) -> Act:
        stale = AccessRequest.objects.get(pk=request.pk)
        return lambda: decisions.decide(
            actor=person, request=stale, verdict=verdict, digest=seen, reason="So be it."
        )

    return [click(world.person(username)) for username in who]


def submitting(person: Person, ask: Ask) -> Act:
    return lambda: requests.submit(actor=person, ask=ask)


def now_of(request: AccessRequest) -> AccessRequest:
    return AccessRequest.objects.get(pk=request.pk)


def until(act: Callable[[], int], done: Callable[[], bool]) -> int:
    """Do it until it has done something, or somebody else was faster."""
    while not done():
        if number := act():
            return number
    return 0
