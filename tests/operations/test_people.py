"""People and teams: who may change them, what is refused, and what leaving ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jitportal.audit.system import system
from jitportal.models import Event, Grant, Membership, Notice, Person, StandingPower, Team
from jitportal.operations import clock, decisions, grants, people
from jitportal.operations.facts import may
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import EndReason, GrantStatus, Power, RequestStatus, Verdict
from tests.operations import world

PASSWORD = "correct horse battery staple"
HOUR = timedelta(hours=1)

in_the_small_portal = pytest.mark.usefixtures("small_portal")


@pytest.fixture
def settled_portal(db: None) -> None:
    """Made anew for each: other tests here begin with an empty portal."""
    world.settle()


def first() -> Person:
    return people.first_administrator(username="ada", name="Ada", email="ada@example.test", password=PASSWORD)


def add(**said: Any) -> Person:
    return people.create_person(
        **{"actor": system(), "username": "nora", "name": "Nora", "email": "nora@example.test", **said}
    )


# The first administrator


@pytest.mark.django_db
def test_the_first_administrator_is_made_once_with_a_standing_power_and_recorded() -> None:
    ada = first()
    assert ada.check_password(PASSWORD)
    assert not ada.is_superuser
    assert people.powers_of(ada, clock.now()) == {Power.ADMINISTRATOR: None}
    assert world.verbs(person=ada) == ["person.created", "power.standing_given"]
    with pytest.raises(Conflict, match="first administrator already"):
        people.first_administrator(username="bob", name="Bob", password=PASSWORD)
    assert not Person.objects.filter(username="bob").exists()
    assert may(Verb.PERSON_MANAGE, ada)
    assert not may(Verb.POLICY_PROPOSE, ada)


@pytest.mark.django_db
def test_a_first_administrator_with_a_weak_password_is_not_made() -> None:
    with pytest.raises(InvalidInput) as refusal:
        people.first_administrator(username="ada", name="Ada", password="ada")
    assert {problem.field for problem in refusal.value.problems} == {"password"}
    assert not Person.objects.humans().exists()
    first()


@pytest.mark.django_db
def test_a_standing_power_is_removed_once_by_its_holder_or_an_administrator() -> None:
    ada = first()
    power = StandingPower.objects.get()
    with pytest.raises(NotAllowed):
        people.remove_standing_power(actor=add(), standing_power=power)
    people.remove_standing_power(actor=ada, standing_power=power)
    assert people.powers_of(ada, clock.now()) == {}
    with pytest.raises(Conflict, match="removed already"):
        people.remove_standing_power(actor=ada, standing_power=power)
    with pytest.raises(Conflict, match="has been a first"):
        people.first_administrator(username="bob", name="Bob", password=PASSWORD)


# Adding people and teams


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"username": "Nora"}, "username"),
        ({"username": "system"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "n" * 64}, "username"),
        ({"username": "no ra\x00"}, "username"),
        ({"name": " "}, "name"),
        ({"name": "N" * 201}, "name"),
        ({"name": "No\x00ra"}, "name"),
        ({"name": "No\ud800ra"}, "name"),
        ({"email": "nora"}, "email"),
        ({"email": "nora@example.test\nBcc: all@example.test"}, "email"),
        ({"email": "n" * 250 + "@example.test"}, "email"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"password": "nora"}, "password"),
    ],
)
def test_somebody_who_can_not_be_added(said: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add(**said)
    assert field in {problem.field for problem in refusal.value.problems}
    assert not Person.objects.humans().exists()


@pytest.mark.django_db
def test_a_username_is_given_once() -> None:
    add()
    with pytest.raises(InvalidInput, match="username already"):
        add()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "name"), [("a b", "A"), ("", "A"), ("a" * 64, "A"), ("a", ""), ("a", "\x00")]
)
def test_a_team_that_can_not_be_added(key: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        people.create_team(actor=system(), key=key, name=name)
    assert not Team.objects.exists()


@in_the_small_portal
def test_only_administrators_manage_people() -> None:
    sven, eve, dba = world.person("sven"), world.person("eve"), world.team("dba")
    for attempt in (
        lambda: add(actor=sven),
        lambda: people.create_team(actor=sven, key="new", name="New"),
        lambda: people.join_team(actor=sven, person=eve, team=dba),
        lambda: people.leave_team(actor=sven, person=world.person("dora"), team=dba),
        lambda: people.set_manager(actor=sven, person=eve, manager=sven),
        lambda: people.deactivate(actor=sven, person=eve, reason="No."),
        lambda: people.reactivate(actor=sven, person=eve),
    ):
        with pytest.raises(NotAllowed, match="administrators"):
            attempt()
    world.empower("sven", "administrator")
    people.join_team(actor=sven, person=eve, team=dba)
    assert Event.objects.get(verb="team.joined", person=eve).actor == sven


@in_the_small_portal
def test_teams_are_joined_and_left_once_at_a_time() -> None:
    world.joins("eve", "dba")
    with pytest.raises(Conflict, match="in team Dba already"):
        world.joins("eve", "dba")
    world.leaves("eve", "dba")
    with pytest.raises(Conflict, match="isn't in team"):
        world.leaves("eve", "dba")
    world.joins("eve", "dba")
    assert Membership.objects.filter(person__username="eve").count() == 2
    with pytest.raises(Conflict, match="team dba already"):
        people.create_team(actor=system(), key="dba", name="Again")


@in_the_small_portal
def test_nobody_comes_to_manage_themselves() -> None:
    mark, mona, rita = (world.person(who) for who in ("mark", "mona", "rita"))
    for manager in (mark, mona, rita):
        with pytest.raises(Invalid, match="manage themselves") as refusal:
            people.set_manager(actor=system(), person=mark, manager=manager)
        assert refusal.value.field == "manager"
    people.set_manager(actor=system(), person=rita, manager=None)
    assert world.person("rita").manager is None


# Leaving


@in_the_small_portal
def test_leaving_ends_everything_at_once() -> None:
    live = world.live("rita", "auditor")
    starting = world.granted("rita", "operator")
    ready = world.approve_all(world.submit("rita", world.scheduled("writer", HOUR, scope="left")))
    pending = world.ask("rita", "writer", scope="right")
    sent_back = world.ask("rita", "migration")
    world.send_back("mona", sent_back)
    world.deactivate("rita")
    ended = [world.now_of(grant) for grant in (live, starting, ready)]
    assert {grant.end_reason for grant in ended} == {EndReason.REVOKED}
    assert not Grant.objects.entitling(clock.now()).filter(person__username="rita").exists()
    for request in (pending, sent_back):
        request.refresh_from_db()
        assert request.status == RequestStatus.WITHDRAWN
    assert not Notice.objects.filter(recipient__username="rita", kind="grant.revoked").exists()
    world.work()
    assert world.now_of(live).status == GrantStatus.ENDED
    with world.later(hours=2):
        assert grants.start_due() == 0


@in_the_small_portal
def test_leaving_takes_a_reason_and_happens_once() -> None:
    rita = world.person("rita")
    for reason in ("", " ", "\x00"):
        with pytest.raises(Invalid):
            people.deactivate(actor=system(), person=rita, reason=reason)
    world.deactivate("rita")
    with pytest.raises(Conflict, match="deactivated already"):
        world.deactivate("rita")
    with pytest.raises(Invalid, match="system can't"):
        people.deactivate(actor=system(), person=system(), reason="No.")


@in_the_small_portal
def test_leaving_just_after_a_grant_ran_out() -> None:
    grant = world.live("rita", "auditor")
    with world.later(minutes=31):
        world.deactivate("rita")
        world.work()
    assert world.now_of(grant).end_reason == EndReason.EXPIRED


@in_the_small_portal
def test_coming_back_brings_nothing_back() -> None:
    ada = first()
    world.deactivate("ada")
    assert not may(Verb.PERSON_MANAGE, ada), "her page was still open"
    people.reactivate(actor=system(), person=ada)
    assert people.powers_of(ada, clock.now()) == {}
    with pytest.raises(Conflict, match="active already"):
        people.reactivate(actor=system(), person=ada)
    assert world.verbs(person=ada)[2:] == [
        "person.deactivated",
        "power.standing_removed",
        "person.reactivated",
    ]


@in_the_small_portal
def test_whoever_has_left_acts_no_more_with_a_page_that_was_open() -> None:
    world.empower("sven", "administrator")
    sven, mona = world.person("sven"), world.person("mona")
    request = world.ask("rita", "auditor")
    seen = decisions.seen_digest(request)
    world.deactivate("sven")
    world.deactivate("mona")
    with pytest.raises(NotAllowed, match="deactivated"):
        people.create_team(actor=sven, key="his", name="His")
    with pytest.raises(NotAllowed, match="deactivated"):
        world.decide("mona", request, Verdict.DENY, digest=seen, reason="No.")
    assert mona.is_active, "as it was read"
