"""Django's admin: every model, to look at and not to touch."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jitportal.models import Entry, Event, Person
from jitportal.web import admin
from jitportal.web.admin_models import site
from tests.web.oversight.conftest import As, words
from tests.web.routes import NAMED
from tests.web.world import World, approve, ask, elevate


@pytest.fixture
def auda(world: World, as_: As) -> Client:
    elevate(world, "auda", "auditor")
    return as_("auda")


def test_every_installed_model_is_registered_or_excepted_with_a_reason() -> None:
    installed = {model._meta.label for model in apps.get_models()}
    registered = {model._meta.label for model in site._registry}
    assert installed - registered == set(admin.UNREGISTERED)
    assert all(reason.strip() for reason in admin.UNREGISTERED.values())


def test_nothing_that_unpickles_or_schedules_is_registered() -> None:
    assert not [model for model in site._registry if model._meta.app_label == "django_q"]


def test_no_address_of_it_adds_deletes_signs_in_or_changes_a_password() -> None:
    names = {name.removeprefix("admin:") for name in NAMED if name.startswith("admin:")}
    assert "index" in names
    assert not {name for name in names if name.endswith(("_add", "_delete"))}
    assert not names & admin.LEFT_OUT


def test_a_person_is_shown_without_the_password(auda: Client, world: World) -> None:
    page = words(auda.get(f"/admin/jitportal/person/{world['root'].pk}/change/"))
    assert "Ruth Root" in page
    stored = Person.objects.get(username="root").password
    assert stored not in page
    assert "assword" not in page
    assert stored not in words(auda.get(f"/admin/jitportal/person/{world['root'].pk}/history/"))


def test_no_list_and_no_row_gives_a_sessions_key_away(auda: Client) -> None:
    keys = list(Session.objects.values_list("session_key", flat=True))
    page = words(auda.get("/admin/sessions/session/"))
    assert not [key for key in keys if key in page]
    assert auda.get(f"/admin/sessions/session/{keys[0]}/change/").status_code == 403
    assert auda.get(f"/admin/sessions/session/{keys[0]}/history/").status_code == 403


def test_a_row_shows_its_history_from_the_record(auda: Client, world: World) -> None:
    grant = approve(world, ask(world, "rita", "door"), "mona").grant
    page = words(auda.get(f"/admin/jitportal/grant/{grant.pk}/history/"))
    assert "Server room door (" in page  # the event
    assert "provisioning" in page  # the difference


def test_there_is_nothing_to_press(auda: Client, world: World) -> None:
    change = words(auda.get(f"/admin/jitportal/person/{world['rita'].pk}/change/"))
    listed = words(auda.get("/admin/jitportal/person/"))
    for page in (change, listed):
        assert 'name="_save"' not in page
        assert "deletelink" not in page
        assert 'name="action"' not in page


@pytest.mark.parametrize("model", [Event, Entry])
def test_a_list_of_the_record_counts_no_further_than_it_pages(
    auda: Client, model: type[Event | Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MOST_COUNTED", 3)
    with CaptureQueriesContext(connection) as queries:
        page = words(auda.get(f"/admin/jitportal/{model.__name__.lower()}/"))
    counts = [one["sql"] for one in queries if "COUNT(" in one["sql"] and model._meta.db_table in one["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)
    assert "3 " in page


@pytest.mark.parametrize("pk", ["999999", "nonsense", "9" * 40])
def test_a_row_that_isnt_there_is_not_found(auda: Client, pk: str) -> None:
    assert auda.get(f"/admin/jitportal/grant/{pk}/change/").status_code == 404
    assert auda.get(f"/admin/jitportal/grant/{pk}/history/").status_code == 404


def test_an_expired_elevation_is_refused_in_words(world: World, as_: As) -> None:
    answer = as_("edda").get("/admin/")
    assert answer.status_code == 403
    assert "auditor&#x27;s power" in words(answer)
