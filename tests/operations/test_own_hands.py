"""An administrator alone can't make a puppet and approve what it asks for, whichever way it is tried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from jitportal.audit.context import acting
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Event, Notice, Person, StandingPower
from jitportal.operations import clock, decisions, people, policies, reviews
from jitportal.operations.directory import live_deciders
from jitportal.operations.facts import open_deciders
from jitportal.operations.rerouting import undecidable
from jitportal.rules.deciders import DeciderRules
from jitportal.rules.errors import NotAllowed
from jitportal.rules.vocabulary import Decider, Power
from tests.operations import world
from tests.operations.test_after_use_reviews import stated

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
BY_MANAGER = [DeciderRules(Decider.MANAGER)]
BY_DBA = [DeciderRules(Decider.TEAM, "dba")]
MONTH = timedelta(days=31)


@pytest.fixture
def admin(db: None) -> Person:
    """Sven, who alone holds the power to manage people, in a portal where a policy is in force."""
    world.settle()
    sven = world.person("sven")
    StandingPower.objects.create(
        person=sven, power=Power.ADMINISTRATOR, reason="For this test.", given_at=clock.now()
    )
    return sven


def puppet(admin: Person, username: str = "puppet", manager: Person | None = None) -> Person:
    made = people.create_person(
        actor=admin, username=username, name=username.title(), password=PASSWORD, manager=manager
    )
    people.join_team(actor=admin, person=made, team=world.team("platform"))
    return made


def deciders(requester: Person, rules: list[DeciderRules]) -> frozenset[str]:
    return live_deciders(rules, Person.objects.get(pk=requester.pk), owner="")


def as_their_manager(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    return puppet(admin, manager=admin), admin.username, BY_MANAGER


def as_manager_later(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    made = puppet(admin)
    people.set_manager(actor=admin, person=made, manager=admin)
    return made, admin.username, BY_MANAGER


def by_two_puppets(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    return puppet(admin, manager=puppet(admin, "boss")), "boss", BY_MANAGER


def own_request_by_a_puppet(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    people.set_manager(actor=admin, person=admin, manager=puppet(admin))
    return admin, "puppet", BY_MANAGER


def by_a_team_joined_by_oneself(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    people.join_team(actor=admin, person=admin, team=world.team("dba"))
    return world.person("rita"), admin.username, BY_DBA


def by_a_puppet_in_a_team(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    people.join_team(actor=admin, person=puppet(admin), team=world.team("dba"))
    return world.person("rita"), "puppet", BY_DBA


def as_the_manager_of_somebody_real(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    people.set_manager(actor=admin, person=world.person("rita"), manager=admin)
    return world.person("rita"), admin.username, BY_MANAGER


def by_somebody_brought_back(admin: Person) -> tuple[Person, str, list[DeciderRules]]:
    carl = world.person("carl")
    people.deactivate(actor=admin, person=carl, reason="Away.")
    people.reactivate(actor=admin, person=carl)
    people.set_manager(actor=system(), person=admin, manager=carl)
    return admin, "carl", BY_MANAGER


@pytest.mark.parametrize(
    "trick",
    [
        as_their_manager,
        as_manager_later,
        by_two_puppets,
        own_request_by_a_puppet,
        by_a_team_joined_by_oneself,
        by_a_puppet_in_a_team,
        as_the_manager_of_somebody_real,
        by_somebody_brought_back,
    ],
)
def test_one_pair_of_hands_is_never_two_people(
    trick: Callable[[Person], tuple[Person, str, list[DeciderRules]]], admin: Person
) -> None:
    requester, decider, rules = trick(admin)
    assert decider not in deciders(requester, rules)
    with clock.moved(by=MONTH):
        assert decider in deciders(requester, rules)


def test_what_the_set_up_and_the_system_did_counts_for_nobody(admin: Person) -> None:
    assert deciders(world.person("rita"), BY_MANAGER) == {"mona"}
    nora = people.create_person(actor=system(), username="nora", name="Nora", manager=world.person("mona"))
    assert deciders(nora, BY_MANAGER) == {"mona"}


def test_others_go_on_deciding_for_whoever_was_added_by_hand(admin: Person) -> None:
    assert deciders(puppet(admin, manager=world.person("mona")), BY_MANAGER) == {"mona"}


def test_a_verdict_on_ones_puppet_is_refused_and_the_page_says_why(admin: Person) -> None:
    people.set_manager(actor=admin, person=world.person("rita"), manager=admin)
    request: AccessRequest = world.ask("rita", "writer")
    assert admin.username not in open_deciders(request)
    with pytest.raises(NotAllowed):
        world.approve(admin.username, request)
    why = decisions.why_not(admin, request)
    assert "put either of you in place" in getattr(why, "reason", "")


def test_a_review_isnt_returned_by_whom_the_holder_was_given_to(admin: Person) -> None:
    review = stated()
    people.set_manager(actor=admin, person=world.person("rita"), manager=admin)
    with pytest.raises(NotAllowed, match="put either of you in place"):
        reviews.return_to_holder(actor=admin, review=review, note="More.")


def test_a_request_that_only_ones_own_hands_could_decide_is_said_at_once(admin: Person) -> None:
    people.set_manager(actor=admin, person=world.person("rita"), manager=admin)
    request: AccessRequest = world.ask("rita", "auditor")
    event = Event.objects.get(verb="request.nobody_decides", request=request)
    assert "made the other's account, or put either in place, within the last 30 days" in event.sentence
    told = Notice.objects.filter(kind="request.nobody_decides").values_list("recipient__username", flat=True)
    assert {"rita", "sven"} <= set(told)
    assert [one.request for one in undecidable(clock.now())] == [request]


def test_a_policy_isnt_approved_by_whom_the_proposer_can_sign_in_as(admin: Person) -> None:
    for username in ("sven", "sara"):
        world.empower(username, "policy-editor")
    version = policies.propose(actor=admin, text=world.POLICY + "\n# More.\n")
    sara = world.person("sara")
    with acting(admin):
        sara.set_password(PASSWORD)
        sara.save()
    with pytest.raises(NotAllowed, match="Somebody else has to decide"):
        policies.approve(actor=sara, version=version)
