"""Versions of the policy: proposed by one, approved by another, applied whole or not at all."""

from __future__ import annotations

import pytest

from jitportal.audit.system import system
from jitportal.models import Event, Person, PolicyVersion, Role, RoleScope, Target
from jitportal.operations import people, policies
from jitportal.rules.errors import Conflict, Invalid, NotAllowed, TransitionError
from jitportal.rules.policy_document import PolicyDocumentError
from jitportal.rules.vocabulary import Pathway, PolicyStatus
from tests.operations import world

LOWER = world.changed(("max_total_minutes: 100", "max_total_minutes: 90"))
OTHER = world.changed(("max_total_minutes: 100", "max_total_minutes: 80"))

pytestmark = pytest.mark.usefixtures("small_portal")


@pytest.fixture
def editors(small_portal: None) -> tuple[Person, Person]:
    """Two people who hold the policy editor's power."""
    for username in ("sven", "sara"):
        world.empower(username, "policy-editor")
    return world.person("sven"), world.person("sara")


def approved(editors: tuple[Person, Person], text: str = LOWER) -> PolicyVersion:
    version = policies.propose(actor=editors[0], text=text, note="Less.")
    return policies.approve(actor=editors[1], version=version)


def test_a_change_takes_a_proposal_a_second_person_and_an_application(editors: tuple[Person, Person]) -> None:
    sven, sara = editors
    before = policies.current_version()
    version = policies.propose(actor=sven, text=LOWER, note=" Less. ")
    assert (version.number, version.base, version.note, version.status) == (
        2,
        before,
        "Less.",
        PolicyStatus.PROPOSED,
    )
    with pytest.raises(NotAllowed, match="You proposed"):
        policies.approve(actor=sven, version=version)
    with pytest.raises(NotAllowed, match="second person"):
        policies.apply(actor=sara, version=version)
    assert policies.current_version() == before
    policies.approve(actor=sara, version=version)
    policies.apply(actor=sven, version=version)
    assert policies.current_version() == version
    assert before is not None
    before.refresh_from_db()
    assert (before.status, before.superseded_at is None) == (PolicyStatus.SUPERSEDED, False)
    assert world.verbs(policy_version=version) == ["policy.proposed", "policy.approved", "policy.applied"]
    data = Event.objects.get(verb="policy.applied", policy_version=version).data
    assert data["changes"]
    assert not data["bootstrap"]


def test_it_takes_the_power_to_edit_policy() -> None:
    ada = people.first_administrator(username="ada", name="Ada", password="correct horse battery staple")
    world.empower("sara", "administrator")
    for actor in (ada, world.person("sven"), world.person("sara"), world.person("rita")):
        with pytest.raises(NotAllowed, match="policy editor"):
            policies.propose(actor=actor, text=LOWER)
    with pytest.raises(NotAllowed, match="never the system"):
        policies.propose(actor=system(), text=LOWER)


def test_every_step_needs_the_power_at_that_moment(editors: tuple[Person, Person]) -> None:
    version = policies.propose(actor=editors[0], text=LOWER)
    with world.later(minutes=61), pytest.raises(NotAllowed):
        policies.approve(actor=editors[1], version=version)
    version = policies.approve(actor=editors[1], version=version)
    with world.later(minutes=61), pytest.raises(NotAllowed):
        policies.apply(actor=editors[0], version=version)


def test_what_was_approved_against_another_version_is_stale(editors: tuple[Person, Person]) -> None:
    first, second = approved(editors, LOWER), approved(editors, OTHER)
    waiting = policies.propose(
        actor=editors[0],
        text=world.changed(("platform, security]}\n      max_total", "platform]}\n      max_total")),
    )
    policies.apply(actor=editors[0], version=first)
    with pytest.raises(Conflict, match="against another version"):
        policies.apply(actor=editors[0], version=second)
    with pytest.raises(Conflict, match="against another version"):
        policies.approve(actor=editors[1], version=waiting)
    policies.reject(actor=editors[1], version=second, reason="Overtaken.")
    assert PolicyVersion.objects.get(pk=second.pk).status == PolicyStatus.REJECTED


def test_a_version_is_decided_once(editors: tuple[Person, Person]) -> None:
    version = approved(editors)
    with pytest.raises(Conflict):
        policies.approve(actor=editors[1], version=version)
    policies.apply(actor=editors[0], version=version)
    for act in (policies.apply, policies.approve):
        with pytest.raises(Conflict):
            act(actor=editors[1], version=version)
    with pytest.raises(Conflict):
        policies.reject(actor=editors[0], version=version, reason="No.")


def test_bringing_it_into_force_twice_says_that_it_is(editors: tuple[Person, Person]) -> None:
    version = approved(editors)
    policies.apply(actor=editors[0], version=version)
    with pytest.raises(TransitionError, match="is in force and can't become in force"):
        policies.apply(actor=editors[1], version=version)


@pytest.mark.parametrize("reason", ["", " ", "\x00", "x" * 4001])
def test_turning_one_down_takes_a_reason(editors: tuple[Person, Person], reason: str) -> None:
    version = policies.propose(actor=editors[0], text=LOWER)
    with pytest.raises(Invalid):
        policies.reject(actor=editors[0], version=version, reason=reason)
    policies.reject(actor=editors[0], version=version, reason="On second thoughts.")


@pytest.mark.parametrize("note", ["\x00", "\ud800", "x" * 4001])
def test_a_note_that_is_no_text(editors: tuple[Person, Person], note: str) -> None:
    with pytest.raises(Invalid):
        policies.propose(actor=editors[0], text=LOWER, note=note)


def test_the_policy_in_force_is_no_proposal(editors: tuple[Person, Person]) -> None:
    with pytest.raises(Conflict, match="word for word"):
        policies.propose(actor=editors[0], text=world.POLICY)
    with pytest.raises(Conflict, match="word for word"):
        policies.propose(actor=editors[0], text=world.POLICY.replace("\n", "\r\n"))


@pytest.mark.parametrize("text", ["", "}{", "\x00", "elevation_policy: {}\n" * 2, "- \t", "\ud800"])
def test_a_malformed_document_is_no_proposal(editors: tuple[Person, Person], text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        policies.propose(actor=editors[0], text=text)
    assert PolicyVersion.objects.count() == 1


def test_a_document_that_the_history_forbids(editors: tuple[Person, Person]) -> None:
    other_pathway = world.changed(
        ("policy-editor, writer", "policy-editor"), ("[migration, door]", "[migration, door, writer]")
    )
    other_target = world.changed(
        (
            "      target: rack\n      owner: otto\n      entitlement: rack door",
            "      target: shelf\n      owner: otto\n      entitlement: rack door",
        ),
        ("    rack:\n", "    shelf: {connector: manual}\n    rack:\n"),
    )
    other_connector = world.changed(
        (
            "      connector: manual\n      settings: {carriers: carl}\n",
            "      connector: postgres\n      settings: {host: db.example}\n",
        )
    )
    for text, sentence in (
        (other_pathway, "never changes its pathway"),
        (other_target, "never changes its target"),
        (other_connector, "Give the new target another key"),
    ):
        with pytest.raises(PolicyDocumentError, match=sentence):
            policies.propose(actor=editors[0], text=text)


def test_somebody_named_in_it_may_have_left_before_it_is_applied(editors: tuple[Person, Person]) -> None:
    version = approved(
        editors,
        world.changed(
            (
                "eligible: {people: [eve], teams: [platform]}",
                "eligible: {people: [eve, dina], teams: [platform]}",
            )
        ),
    )
    world.deactivate("dina")
    with pytest.raises(PolicyDocumentError, match="dina"):
        policies.apply(actor=editors[0], version=version)
    assert policies.current_version() == PolicyVersion.objects.get(number=1)
    assert PolicyVersion.objects.get(pk=version.pk).status == PolicyStatus.APPROVED


def test_rows_follow_the_document_and_what_it_drops_is_retired(editors: tuple[Person, Person]) -> None:
    text = world.changed(
        ("allowed_for: [migration, door]", "allowed_for: [migration]"),
        ("        right: {entitlement: right door}\n", ""),
        (
            "      entitlement: operator\n      eligible: {teams: [platform, security]}",
            "      entitlement: operator\n      max_minutes: 20\n      recommended_minutes: 10\n      eligible: {teams: [platform, security]}",
        ),
    )
    text = text[: text.index("    door:\n")]
    policies.apply(actor=editors[0], version=approved(editors, text))
    assert Role.objects.get(key="door").retired_at is not None
    assert RoleScope.objects.get(key="right").retired_at is not None
    assert RoleScope.objects.get(key="left").retired_at is None
    assert Role.objects.get(key="operator").max_minutes == 20
    policies.apply(actor=editors[0], version=approved(editors, world.POLICY))
    assert Role.objects.get(key="door").retired_at is None
    assert RoleScope.objects.get(key="right").retired_at is None


def test_the_bootstrap_is_possible_once_and_says_so() -> None:
    version = PolicyVersion.objects.get()
    assert version.bootstrap
    event = Event.objects.get(verb="policy.applied", policy_version=version)
    assert (event.actor, event.data["bootstrap"]) == (system(), True)
    assert "without a second person" in event.sentence
    with pytest.raises(NotAllowed, match="second person"):
        policies.bootstrap(actor=system(), text=LOWER)


def test_a_plan_says_what_would_change_and_writes_nothing() -> None:
    assert policies.plan(LOWER)
    assert policies.plan(world.POLICY) == []
    with pytest.raises(PolicyDocumentError):
        policies.plan("no policy")
    assert PolicyVersion.objects.count() == 1


def test_no_role_serves_two_pathways() -> None:
    assert {role.pathway for role in Role.objects.filter(key__in=["migration", "door"])} == {
        Pathway.TEMPORARY
    }
    with pytest.raises(PolicyDocumentError):
        policies.plan(world.changed(("[migration, door]", "[migration, door, quick]")))
    assert Target.objects.count() == 2
