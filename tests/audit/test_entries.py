"""What auditlog records of a single change, and of which models."""

from __future__ import annotations

import pytest
from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.auth import user_logged_in
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from jitportal.audit.registration import EXEMPT, UNRECORDED, uncovered
from jitportal.models import Entry, Person
from tests.models import rows


def entries_of(row: models.Model) -> list[Entry]:
    return list(Entry.objects.get_for_object(row).order_by("id"))


def test_every_installed_model_is_audited_or_exempt_with_a_reason() -> None:
    assert uncovered() == []
    assert run_checks(tags=["models"]) == []
    assert all(reason.endswith(".") for reason in EXEMPT.values())


def test_no_exempt_model_is_audited_all_the_same() -> None:
    exempt = [model for model in apps.get_models() if model._meta.label in EXEMPT]
    assert not [model for model in exempt if auditlog.contains(model)]


@isolate_apps("jitportal")
def test_a_model_that_nobody_registered_is_found() -> None:
    class Forgotten(models.Model):
        class Meta:
            app_label = "jitportal"

        def __str__(self) -> str:
            return "forgotten"

    assert uncovered([Forgotten]) == ["jitportal.Forgotten"]


def test_the_tables_of_many_to_many_fields_are_covered_by_their_fields() -> None:
    through = {Person.groups.through, Person.user_permissions.through, Group.permissions.through}
    assert through <= set(apps.get_models(include_auto_created=True))
    assert uncovered(through) == []


@pytest.mark.django_db
def test_an_entry_of_a_new_row_holds_its_columns_and_no_reverse_relations() -> None:
    person = rows.person(name="Ada")
    (entry,) = entries_of(person)
    changes = entry.changes_dict
    assert entry.action == Entry.Action.CREATE
    assert changes["name"] == [None, "Ada"]
    assert set(changes) <= {field.name for field in Person._meta.concrete_fields}


@pytest.mark.django_db
def test_a_password_never_stands_in_an_entry() -> None:
    person = rows.person()
    person.set_password("correct horse battery staple")
    person.save()
    text = str([entry.changes for entry in entries_of(person)])
    assert "password" not in text
    assert person.password not in text
    assert UNRECORDED["jitportal.Person"] == {"password", "last_login"}


@pytest.mark.django_db
def test_signing_in_leaves_no_entry() -> None:
    person = rows.person()
    user_logged_in.send(sender=Person, request=None, user=person)
    person.refresh_from_db()
    assert person.last_login is not None
    assert len(entries_of(person)) == 1


@pytest.mark.django_db
def test_a_change_of_groups_leaves_an_entry() -> None:
    person, group = rows.person(), Group.objects.create(name="Readers")
    person.groups.set([group])
    assert entries_of(person)[-1].changes == {
        "groups": {"type": "m2m", "operation": "add", "objects": ["Readers"]}
    }
    assert entries_of(group)[0].action == Entry.Action.CREATE
