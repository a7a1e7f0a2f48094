"""Who acts: nested, restored, per thread, and the system where nobody does."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import pytest

from jitportal.audit.context import AuditContext, acting, bound, correlation_id, current
from jitportal.audit.events import draft, record, record_many
from jitportal.audit.system import system
from jitportal.models import Entry, Event, Person
from tests.models import rows
from tests.models.rows import NOW

WEB = AuditContext(actor_id=None, correlation_id="from-the-web", address="192.0.2.7")


def last_entry() -> Entry:
    entry = Entry.objects.order_by("-id")[0]
    assert isinstance(entry, Entry)
    return entry


def test_nothing_bound_stands_for_the_system() -> None:
    assert current() == AuditContext(actor_id=None, correlation_id="", address=None)
    assert correlation_id() == ""


def test_bound_contexts_nest_and_are_restored_by_an_error_too() -> None:
    with bound(WEB):
        with bound(AuditContext(correlation_id="inner")):
            assert correlation_id() == "inner"
        with pytest.raises(ZeroDivisionError), bound(AuditContext(correlation_id="inner")):
            raise ZeroDivisionError
        assert current() == WEB
    assert current() == AuditContext()


def test_a_long_correlation_id_from_outside_is_cut() -> None:
    assert AuditContext(correlation_id="x" * 300).correlation_id == "x" * 64


def test_another_thread_starts_with_nothing_bound() -> None:
    seen: list[AuditContext] = []
    with bound(WEB):
        thread = Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [AuditContext()]


@pytest.mark.django_db
def test_acting_replaces_the_actor_alone_and_the_outer_actor_comes_back() -> None:
    ada, bob = rows.person(name="Ada"), rows.person(name="Bob")
    with bound(WEB), acting(ada):
        with acting(bob):
            rows.team(key="of-bob")
            assert last_entry().actor == bob
        rows.team(key="of-ada")
        entry = last_entry()
    assert (entry.actor, entry.cid, entry.remote_addr) == (ada, "from-the-web", "192.0.2.7")
    assert current() == AuditContext()


@pytest.mark.django_db
def test_acting_alone_keeps_what_is_written_together() -> None:
    ada = rows.person()
    with acting(ada):
        rows.team()
        event = record(verb="team.created", actor=ada, sentence="Ada made a team.", now=NOW)
    assert len(event.correlation_id) == 32
    assert last_entry().cid == event.correlation_id
    with acting(ada):
        assert correlation_id() != event.correlation_id


@pytest.mark.django_db
def test_without_an_actor_it_is_the_systems() -> None:
    rows.team()
    assert last_entry().actor == system()


@pytest.mark.django_db
def test_entries_carry_the_operations_own_moment_where_it_said_so() -> None:
    then = datetime(2025, 1, 1, tzinfo=UTC)
    ada = rows.person()
    with acting(ada, at=then), acting(system()):
        rows.team()
    assert last_entry().timestamp == then


@pytest.mark.django_db
def test_the_system_is_one_row_that_nobody_signs_in_to() -> None:
    row = system()
    assert row == system()
    assert str(row) == "The system"
    assert not row.has_usable_password()
    assert Person.objects.filter(is_system=True).count() == 1
    assert row not in Person.objects.active()


@pytest.mark.django_db(transaction=True)
def test_the_system_comes_back_after_a_flush() -> None:
    """A committing test before may have emptied the tables, the migration's row with them."""
    rows.team()
    assert last_entry().actor.is_system
    assert not Entry.objects.filter(object_repr="The system").exists()


@pytest.mark.django_db
def test_an_event_takes_its_correlation_id_and_address_from_the_context() -> None:
    ada = rows.person()
    with bound(WEB), acting(ada):
        event = record(
            verb="team.created", actor=ada, sentence="Ada made a team.", now=NOW, data={"key": "dba"}
        )
    event.refresh_from_db()
    assert (event.verb, event.at, event.actor, event.data) == ("team.created", NOW, ada, {"key": "dba"})
    assert (event.correlation_id, event.address) == ("from-the-web", "192.0.2.7")


@pytest.mark.django_db
def test_events_are_written_many_at_once() -> None:
    ada = rows.person()
    drafts = [
        draft(verb="grant.expired", actor=ada, sentence=f"Grant {number} ended.", now=NOW)
        for number in range(3)
    ]
    with bound(WEB):
        written = record_many(drafts)
    stored = Event.objects.filter(pk__in=[event.pk for event in written])
    assert sorted(event.sentence for event in stored) == [f"Grant {number} ended." for number in range(3)]
    assert {(event.correlation_id, event.address) for event in stored} == {("from-the-web", "192.0.2.7")}


@pytest.mark.parametrize("verb", ["submitted", "Request.Submitted", "request submitted", "request.", ""])
def test_an_event_has_a_dotted_verb(verb: str) -> None:
    with pytest.raises(ValueError, match="is no event's verb"):
        draft(verb=verb, actor=Person(), sentence="Something happened.", now=NOW)


def test_an_event_has_a_sentence() -> None:
    with pytest.raises(ValueError, match="needs a sentence"):
        draft(verb="request.submitted", actor=Person(), sentence=" ", now=NOW)
