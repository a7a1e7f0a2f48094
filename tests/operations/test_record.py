"""Every verb leaves an event and an entry for each changed row, with its actor, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max

from jitportal.audit.context import AuditContext, bound
from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    AfterUseReview,
    Approval,
    Entry,
    Event,
    Grant,
    ManualTask,
    Notice,
    Person,
    PolicyVersion,
)
from jitportal.operations import (
    clock,
    notices,
)
from jitportal.rules.vocabulary import GrantStatus
from tests.operations import world
from tests.operations.acts import ACTS, Act, check_target, prepared

pytestmark = pytest.mark.usefixtures("small_portal")

CONTEXT = AuditContext(correlation_id="c0ffee", address="192.0.2.7")


def last(model: Any) -> int:
    return int(model.objects.aggregate(last=Max("id"))["last"] or 0)


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_a_verb_leaves_an_event_and_entries_with_actor_correlation_and_address(act: Act) -> None:
    verb = prepared(act)
    event_id, entry_id = last(Event), last(Entry)
    with world.at(clock.now() + act.later), bound(CONTEXT):
        verb()
    events = Event.objects.filter(pk__gt=event_id)
    told = events.filter(verb=act.event)
    assert told.exists(), [event.verb for event in events]
    assert {event.actor.username for event in told} == {act.who}
    assert {(event.correlation_id, event.address) for event in events} == {("c0ffee", "192.0.2.7")}
    entries = Entry.objects.filter(pk__gt=entry_id)
    assert {(entry.cid, entry.remote_addr) for entry in entries} == {("c0ffee", "192.0.2.7")}
    assert act.who in {entry.actor.username for entry in entries}
    assert {entry.actor.username for entry in entries} <= {act.who, act.beside}
    assert all(entry.changes for entry in entries)


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_a_verb_whose_event_can_not_be_written_changes_nothing(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb = prepared(act)
    before = last(Event), last(Entry), last(Notice), last(Approval), statuses()

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setattr(Event, "save", full)
    monkeypatch.setattr("jitportal.audit.events.record_many", full)
    monkeypatch.setattr("jitportal.operations.grants.record_many", full)
    monkeypatch.setattr("jitportal.operations.confirming.record_many", full)
    monkeypatch.setattr("jitportal.operations.problems.record_many", full)
    with world.at(clock.now() + act.later):
        try:
            verb()
        except RuntimeError as error:
            assert str(error) == "The disk is full."  # noqa: PT017 - the worker's own verbs log it instead
    after = last(Event), last(Entry), last(Notice), last(Approval), statuses()
    if act.event in ("grant.live", "grant.ended", "review.opened"):  # the claim is a transaction before
        assert (after[0], after[4]) == (before[0], before[4])
    else:
        assert after == before


def statuses() -> list[tuple[Any, ...]]:
    """Where everything stands."""
    return [
        *AccessRequest.objects.order_by("pk").values_list("pk", "status", "stage", "current"),
        *Grant.objects.order_by("pk").values_list("pk", "status", "starts_at", "stopped_at"),
        *AfterUseReview.objects.order_by("pk").values_list("pk", "status"),
        *ManualTask.objects.order_by("pk").values_list("pk", "done_at"),
        *PolicyVersion.objects.order_by("pk").values_list("pk", "status"),
        *Person.objects.order_by("pk").values_list("pk", "is_active", "manager"),
    ]


def test_every_step_of_a_story_has_its_entry_on_its_row() -> None:
    request = world.ask("rita", "writer")
    for username in ("mona", "dora", "dean"):
        world.approve(username, request)
    grant = Grant.objects.get(request=request)
    steps = [
        changes["status"][1]
        for changes in Entry.objects.filter(
            content_type=ContentType.objects.get_for_model(Grant), object_id=grant.pk
        )
        .order_by("id")
        .values_list("changes", flat=True)
        if "status" in changes
    ]
    assert steps == [GrantStatus.READY, GrantStatus.PROVISIONING]
    approvals = Entry.objects.filter(content_type=ContentType.objects.get_for_model(Approval))
    assert [entry.actor.username for entry in approvals.order_by("id")] == ["mona", "dora", "dean"]


def test_what_the_system_does_in_somebodys_click_is_the_systems() -> None:
    request = world.ask("rita", "quick", ticket="INC-1", minutes=5)
    for model, row in ((Approval, request.approvals.get()), (Grant, request.grant)):
        entries = Entry.objects.filter(
            content_type=ContentType.objects.get_for_model(model), object_id=row.pk
        )
        assert {entry.actor for entry in entries} == {system()}
    assert notices.TO_DECIDE not in Notice.objects.values_list("kind", flat=True)


def test_checking_a_target_is_an_event() -> None:
    verb = check_target()
    verb()
    assert Event.objects.get(verb="target.checked").actor == world.person("sven")
