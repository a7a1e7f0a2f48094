"""An approver's queue, and what each person sees of requests and grants."""

from __future__ import annotations

import pytest
from django.db import connection

from jitportal.audit.system import system
from jitportal.operations import clock, people, requests
from jitportal.operations.queue import queue_count, queue_for
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def queue(who: str) -> list[int]:
    return list(queue_for(world.person(who), clock.now()).values_list("pk", flat=True))


def test_the_oldest_comes_first_and_the_count_agrees() -> None:
    made = []
    for minutes, (who, role) in enumerate([("rita", "auditor"), ("remy", "auditor"), ("rosa", "door")]):
        with world.later(minutes=minutes):
            made.append(world.ask(who, role).pk)
    with world.later(minutes=10):
        assert queue("mona") == made
        assert queue_count(world.person("mona"), clock.now()) == 3


def test_ones_own_requests_are_not_in_it() -> None:
    world.joins("rita", "dba")
    own = world.ask("rita", "writer")
    world.approve("mona", own)
    theirs = world.ask("remy", "writer")
    world.approve("mona", theirs)
    assert queue("rita") == [theirs.pk]
    assert set(queue("dora")) == {own.pk, theirs.pk}


def test_it_follows_the_manager_and_the_team() -> None:
    request = world.ask("rita", "writer")
    assert queue("mona") == [request.pk]
    people.set_manager(actor=system(), person=world.person("rita"), manager=world.person("mark"))
    assert (queue("mona"), queue("mark")) == ([], [request.pk])
    world.approve("otto", request)
    world.leaves("dora", "dba")
    world.joins("eve", "dba")
    assert (queue("dora"), queue("eve")) == ([], [request.pk])


def test_what_one_has_decided_or_nobody_can_decide_is_not_in_it() -> None:
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    world.approve("dora", request)
    assert (queue("mona"), queue("dora"), queue("dean")) == ([], [], [request.pk])
    with world.at(request.lapses_at):
        assert queue("dean") == []
    requests.withdraw(actor=world.person("rita"), request=request)
    assert queue("dean") == []


def test_a_new_revision_is_in_it_again() -> None:
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    request.refresh_from_db()
    ask = world.asking("writer", minutes=5)
    requests.edit(actor=world.person("rita"), request=request, ask=ask, revision=1)
    assert queue("mona") == [request.pk]
    assert queue("dean") == []


def test_what_was_sent_back_waits_for_its_requester() -> None:
    request = world.ask("rita", "auditor")
    world.send_back("mona", request)
    assert queue("mona") == []


def test_a_later_stage_is_nobodys_until_it_opens() -> None:
    world.ask("rita", "writer")
    with world.later(seconds=1):
        assert queue("dora") == []


def test_the_count_ends_where_nobody_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitportal.operations.queue.MOST_COUNTED", 1)
    for who in ("rita", "remy", "rosa"):
        world.ask(who, "auditor")
    assert queue_count(world.person("mona"), clock.now()) == 2


def test_the_page_is_read_in_its_order_from_the_index() -> None:
    """However many wait: nothing is sorted. PostgreSQL chooses by how many there are."""
    if connection.vendor == "sqlite":
        plan = queue_for(world.person("mona"), clock.now())[:26].explain()
        assert "USING INDEX request_queue" in plan
        assert "TEMP B-TREE" not in plan
