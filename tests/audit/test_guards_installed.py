"""The guards stand after every migration, what is wrong with them is said, and only a flush lifts them."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, IntegrityError, connection, migrations, models, transaction
from pytest_django import Settings

from jitportal.audit import guards
from jitportal.audit.guards import installing
from jitportal.audit.guards.catalogue import catalogue
from jitportal.models import Entry, Event, Role, Team
from tests.models import rows
from tests.models.refusals import guards_here, sql

pytestmark = pytest.mark.django_db

ON_EVENT = "jitportal_guard_event_no_delete"
POSTGRESQL = pytest.mark.postgresql


def drop(trigger: str, table: str) -> None:
    sql(f'DROP TRIGGER "{trigger}"' + (f' ON "{table}"' if connection.vendor == "postgresql" else ""))


def migrate_signals(app_label: str) -> None:
    """What ``migrate`` sends before it applies a migration of this app."""
    plan = [(migrations.Migration("9999_next", app_label), False)]
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=plan)


def test_all_stand_and_installing_again_makes_none() -> None:
    assert guards.problems() == []
    assert guards.install() == []


def test_names_fit_both_databases_and_are_of_one_guard_each() -> None:
    names = [guard.trigger for guard in catalogue()]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 63


def test_each_sentence_is_one() -> None:
    for guard in catalogue():
        assert guard.sentence[0].isupper()
        assert guard.sentence.endswith(".")


def test_a_missing_guard_is_named_and_made_again() -> None:
    drop(ON_EVENT, "jitportal_event")
    assert guards.problems() == [f"{ON_EVENT} is missing."]
    assert guards.install() == [ON_EVENT]
    assert guards.problems() == []


def test_an_altered_guard_is_named_and_made_again() -> None:
    drop(ON_EVENT, "jitportal_event")
    if connection.vendor == "sqlite":
        sql(f'CREATE TRIGGER "{ON_EVENT}" BEFORE DELETE ON "jitportal_event" WHEN 0 BEGIN SELECT 1; END')
    else:
        sql(
            f'CREATE TRIGGER "{ON_EVENT}" BEFORE DELETE ON "jitportal_event" FOR EACH ROW WHEN (false) '
            "EXECUTE FUNCTION jitportal_guard_refuse('Never.')"
        )
    assert guards.problems() == [f"{ON_EVENT} reads otherwise than it should."]
    assert guards.install() == [ON_EVENT]
    assert guards.problems() == []


def test_a_guard_that_is_no_longer_wanted_is_dropped() -> None:
    stale = "jitportal_guard_of_yesterday"
    if connection.vendor == "sqlite":
        sql(
            f'CREATE TRIGGER "{stale}" BEFORE INSERT ON "jitportal_team" BEGIN SELECT RAISE(ABORT, "No."); END'
        )
    else:
        sql(
            f'CREATE TRIGGER "{stale}" BEFORE INSERT ON "jitportal_team" FOR EACH ROW '
            "EXECUTE FUNCTION jitportal_guard_refuse('No.')"
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.team()
    guards.install()
    rows.team()


@POSTGRESQL
def test_a_guard_that_is_switched_off_is_named_and_made_again() -> None:
    sql(f'ALTER TABLE jitportal_event DISABLE TRIGGER "{ON_EVENT}"')
    assert guards.problems() == [f"{ON_EVENT} is switched off."]
    assert guards.install() == [ON_EVENT]
    assert guards.problems() == []


@POSTGRESQL
def test_an_altered_function_is_named_and_made_again() -> None:
    sql(
        "CREATE OR REPLACE FUNCTION jitportal_guard_refuse() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'"
    )
    assert guards.problems() == ["The function jitportal_guard_refuse reads otherwise than it should."]
    guards.install()
    assert guards.problems() == []


@POSTGRESQL
def test_a_missing_exclusion_constraint_is_named() -> None:
    sql("ALTER TABLE jitportal_grant DROP CONSTRAINT grant_no_overlap")
    assert guards.problems() == ["The constraint grant_no_overlap is missing: a migration makes it."]


@POSTGRESQL
def test_a_temporary_table_does_not_stand_in_for_the_portals() -> None:
    """Functions look names up where the portal's tables are, and never first among temporary ones."""
    request = rows.approved(minutes=30)
    sql("CREATE TEMPORARY TABLE jitportal_accessrequest AS SELECT * FROM public.jitportal_accessrequest")
    sql("UPDATE pg_temp.jitportal_accessrequest SET minutes = 60")
    with (
        pytest.raises(IntegrityError, match="A grant is what its approved request asks"),
        transaction.atomic(),
    ):
        rows.grant(request=request, minutes=60)


def test_the_command_fails_until_it_has_mended_them() -> None:
    drop(ON_EVENT, "jitportal_event")
    with pytest.raises(CommandError, match=f"{ON_EVENT} is missing"):
        call_command("guards", "--check")
    out = StringIO()
    call_command("guards", stdout=out)
    assert out.getvalue() == "1 guard installed.\n"
    call_command("guards", "--check", stdout=out)
    call_command("guards", stdout=out)
    assert out.getvalue().endswith("Every guard stands.\nEvery guard stands already.\n")


def test_the_system_check_of_the_database_warns() -> None:
    assert run_checks(tags=[Tags.database], databases=["default"]) == []
    drop(ON_EVENT, "jitportal_event")
    (warning,) = run_checks(tags=[Tags.database], databases=["default"])
    assert warning.id == "jitportal.W001"
    assert ON_EVENT in warning.msg


def test_a_migration_of_another_app_leaves_them_standing() -> None:
    migrate_signals("sessions")
    assert guards.problems() == []


def test_a_half_migrated_database_gets_none() -> None:
    migrate_signals("jitportal")
    assert len(guards.problems()) >= len(guards_here())
    sql("ALTER TABLE jitportal_heartbeat RENAME TO somewhere")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert guards.problems() == []
    migrate_signals("jitportal")
    sql("ALTER TABLE jitportal_notice RENAME COLUMN path TO address")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert len(guards.problems()) >= len(guards_here())


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_changes_a_guarded_table_passes_and_leaves_them_standing() -> None:
    """SQLite rebuilds the table, and would refuse since triggers of other tables name it."""
    narrow = Role._meta.get_field("pathway")
    wide = models.CharField(max_length=40)
    wide.set_attributes_from_name("pathway")
    wide.model = Role
    for before, after in ((narrow, wide), (wide, narrow)):
        migrate_signals("jitportal")
        with connection.schema_editor() as editor:
            editor.alter_field(Role, before, after)
        assert guards.problems() != []
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        assert guards.problems() == []


@pytest.mark.django_db(transaction=True)
def test_only_removal_is_lifted_and_only_for_a_while() -> None:
    event = rows.event()
    with guards.lifted():
        with pytest.raises(IntegrityError, match="The record is kept"):
            Event.objects.filter(pk=event.pk).update(sentence="Nobody asked.")
        Event.objects.filter(pk=event.pk).delete()
    assert guards.problems() == []
    with pytest.raises(IntegrityError, match="History is kept"):
        sql("DELETE FROM jitportal_person")


@pytest.mark.django_db(transaction=True)
def test_an_error_while_they_are_lifted_puts_them_back() -> None:
    with pytest.raises(ZeroDivisionError), guards.lifted():
        raise ZeroDivisionError
    assert guards.problems() == []


@pytest.mark.django_db(transaction=True)
def test_a_flush_by_hand_is_refused() -> None:
    rows.team(key="kept")
    with pytest.raises(CommandError, match="couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert Team.objects.filter(key="kept").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [{}, pytest.param({"truncate": True}, marks=POSTGRESQL)])
def test_auditlogs_own_command_empties_nothing(options: dict[str, bool]) -> None:
    rows.team()
    with pytest.raises(IntegrityError, match="The record is kept"):
        call_command("auditlogflush", yes=True, stdout=StringIO(), **options)
    assert Entry.objects.exists()


def test_they_are_never_lifted_in_production(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(RuntimeError, match="never in production"), guards.lifted():
        pass
    assert guards.problems() == []
    assert installing.problems() == []
