"""What waited for somebody who leaves: handed on, asked anew, or said to be stuck."""

from __future__ import annotations

import pytest

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Event, Membership, Notice, Person
from jitportal.operations import clock, decisions, people, policies
from jitportal.operations.rerouting import NOBODY_DECIDES, undecidable
from jitportal.rules.vocabulary import RequestStatus
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def asked(request: AccessRequest) -> set[str]:
    """Who has been asked to decide, by notice."""
    rows = Notice.objects.filter(request=request, kind="request.to_decide", given_up_at__isnull=True)
    return set(rows.values_list("recipient__username", flat=True))


def deciders(request: AccessRequest) -> set[str]:
    request = AccessRequest.objects.get(pk=request.pk)
    return {person.username for person in decisions.deciders(request)}


def stuck() -> list[tuple[int, str]]:
    return [(left.request.pk, left.stage) for left in undecidable(clock.now())]


def test_a_managers_people_and_what_waits_for_the_manager_go_to_the_one_above() -> None:
    request = world.ask("rita", "auditor")
    assert asked(request) == {"mona"}
    world.deactivate("mona")
    reports = Person.objects.filter(username__in=["rita", "remy", "rosa"])
    assert {report.manager for report in reports} == {world.person("mark")}
    assert (
        "Mark manages Rita now"
        in Event.objects.get(verb="person.manager_set", person__username="rita").sentence
    )
    assert asked(request) == {"mark"}, "and Mona's unsent mail is dropped"
    assert stuck() == []
    world.approve("mark", request)
    request.refresh_from_db()
    assert request.status == RequestStatus.APPROVED


def test_managers_who_left_before_are_passed_over() -> None:
    Person.objects.filter(username="mona").update(manager=world.person("otto"))
    world.deactivate("otto")
    assert world.person("mona").manager == world.person("mark")
    world.deactivate("mark")
    assert world.person("mona").manager is None
    world.deactivate("mona")
    assert world.person("rita").manager is None


def test_a_request_that_nobody_can_decide_any_more_is_said_to_be_stuck() -> None:
    world.empower("sven", "operator")
    request = world.ask("rita", "auditor")
    world.deactivate("mark")
    assert stuck() == []
    world.deactivate("mona")
    assert stuck() == [(request.pk, request.asked.stages[0]["name"])]
    said = Event.objects.get(verb=NOBODY_DECIDES)
    assert said.request == request
    assert said.sentence.startswith("Mona was deactivated, and too few others can decide stage")
    told = Notice.objects.filter(kind=NOBODY_DECIDES).values_list("recipient__username", flat=True)
    assert set(told) == {"rita", "sven"}
    people.set_manager(actor=system(), person=world.person("rita"), manager=world.person("carl"))
    assert stuck() == []
    assert asked(request) == {"carl"}


def test_a_later_stage_that_is_left_short_is_said_at_once() -> None:
    request = world.ask("rita", "writer")
    world.leaves("dora", "dba")
    assert stuck() == []
    world.leaves("dean", "dba")
    assert stuck() == [(request.pk, "second")]
    world.joins("dean", "dba")
    assert stuck() == []


def test_one_person_counts_once_for_what_is_stuck_too() -> None:
    """Otto is left for both stages of Rita's request: he alone can't fill them."""
    request = world.ask("rita", "writer")
    world.joins("otto", "dba")
    world.leaves("dora", "dba")
    world.deactivate("mona")
    world.deactivate("mark")
    assert stuck() == []
    world.leaves("dean", "dba")
    assert stuck() == [(request.pk, "second")]


def test_a_verdict_of_somebody_who_left_stays() -> None:
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    world.deactivate("mona")
    assert deciders(request) == {"dora", "dean", "dina"}
    assert stuck() == []


def test_memberships_end_and_do_not_come_back() -> None:
    world.deactivate("dora")
    assert not Membership.objects.current().filter(person__username="dora").exists()
    assert "team.left" in world.verbs(person__username="dora")
    people.reactivate(actor=system(), person=world.person("dora"))
    assert people.person_facts(world.person("dora")).teams == frozenset()


def test_policy_editors_are_shown_the_lines_that_name_who_has_left() -> None:
    assert policies.overtaken() == []
    world.deactivate("otto")
    problems = policies.overtaken()
    assert {problem.path for problem in problems} >= {"roles.writer.owner", "roles.auditor.owner"}
    assert all("otto" in problem.sentence for problem in problems)
