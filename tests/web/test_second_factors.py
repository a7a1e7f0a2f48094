"""Second factors: added, sealed at rest; asked for at sign-in, reset and removed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from jitportal.audit.system import system
from jitportal.models import Entry, Event, Notice, StepUpProof
from jitportal.operations import (
    clock,
    factors,
    factors_needed,
    one_time_codes,
    people,
    sealing,
)
from jitportal.operations.passkeys import Site
from jitportal.rules.errors import NotAllowed
from tests.web.routes import NAMED
from tests.web.second_factors import App, approval_of, browser_of, confirmed, field, key_on, words
from tests.web.soft_key import SoftKey
from tests.web.world import World, ask, elevate

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def world(settled_world: World, db: None, settings: LazySettings) -> World:
    settings.STEP_UP = True
    return settled_world.as_stored()


def recovery_codes_on(page: Any) -> list[str]:
    return re.findall(r"(?m)^(?:.*>)?(\d{4} \d{4})(?=$|<)", words(page))


def test_who_has_none_is_led_to_one_and_goes_on_with_what_they_typed(world: World) -> None:
    request, kai = ask(world, "rita", "cabinet"), browser_of(world["kai"])
    address, said = approval_of(request)
    refused = kai.post(address, said)
    assert refused.status_code == 403
    assert "you have none yet" in words(refused)
    page = kai.get(reverse("you_factor_codes"))
    secret = key_on(page)
    assert "<svg" in words(page)
    assert 'href="otpauth://totp/' in words(page)
    assert "<?xml" not in words(page)
    setup = field(page, "setup")
    wrong = kai.post(reverse("you_factor_codes"), {"setup": setup, "code": "000000"})
    assert wrong.status_code == 422
    assert key_on(wrong) == secret
    code = one_time_codes.code_at(secret, clock.now())
    shown = kai.post(reverse("you_factor_codes"), {"setup": setup, "code": code})
    assert shown.status_code == 200
    codes = recovery_codes_on(shown)
    assert len(codes) == 10
    asked = confirmed(kai, shown, address)
    assert asked.status_code == 403
    answer = confirmed(kai, asked, address, step_up_code=codes[3])
    assert answer.status_code == 302
    assert request.approvals.get().reason == said["reason"]
    assert StepUpProof.objects.get().method == "recovery_code"
    assert Notice.objects.filter(kind="factor.recovery_code", recipient=world["kai"]).exists()
    assert set(
        Event.objects.filter(person=world["kai"], verb__startswith="factor.").values_list("verb", flat=True)
    ) == {
        "factor.added",
        "factor.shown",
    }
    again = kai.post(*approval_of(ask(world, "oskar", "cabinet")))
    used = confirmed(kai, again, reverse("decide_approve", args=[request.pk]), step_up_code=codes[3])
    assert "That code isn&#x27;t right." in words(used)


def test_enrolment_is_enforced_before_any_decision(world: World, settings: LazySettings) -> None:
    settings.STEP_UP, settings.SECOND_FACTOR = False, True
    request, kai = ask(world, "rita", "cabinet"), browser_of(world["kai"])
    refused = kai.post(*approval_of(request))
    assert refused.status_code == 403
    assert "Deciding takes a second factor, and you have none yet." in words(refused)
    denied = kai.post(reverse("decide_deny", args=[request.pk]), approval_of(request)[1])
    assert denied.status_code == 403
    App(world["kai"])
    assert kai.post(*approval_of(request)).status_code == 302


def test_secrets_are_sealed_at_rest_and_other_keys_open_them_while_they_are_named(
    world: World, settings: LazySettings
) -> None:
    app = App(world["kai"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, CAST(data AS TEXT) FROM mfa_authenticator ORDER BY id")
        rows = dict(cursor.fetchall())
    assert app.secret not in rows["totp"]
    assert json.loads(rows["totp"])["secret"].startswith("gAAAA")
    assert json.loads(rows["recovery_codes"])["seed"].startswith("gAAAA")
    old = settings.SEALING_KEYS
    settings.SEALING_KEYS = ["another key, put before the old one", *old]
    assert one_time_codes.secret_of(app.factor) == app.secret
    call_command("seal_again")
    app.factor.refresh_from_db()
    settings.SEALING_KEYS = ["another key, put before the old one"]
    assert one_time_codes.secret_of(app.factor) == app.secret
    assert one_time_codes.recovery_codes_left(Authenticator.objects.get(type="recovery_codes")) == 10
    settings.SEALING_KEYS = ["another key alone"]
    with pytest.raises(sealing.Unreadable, match="JITPORTAL_SEALING_KEY_FALLBACKS"):
        one_time_codes.secret_of(app.factor)
    shown = browser_of(world["kai"]).get(reverse("you_factors"))
    assert shown.status_code == 422
    assert "can&#x27;t be read with the keys that are set" in words(shown)
    assert sealing.seal("one purpose", "word") != "word"
    with pytest.raises(sealing.Unreadable):
        sealing.unseal("another purpose", sealing.seal("one purpose", "word"))


def test_nothing_secret_of_a_factor_is_on_record_or_in_the_admin(world: World) -> None:
    app = App(world["kai"])
    sealed = Authenticator.objects.get(pk=app.factor.pk).data["secret"]
    said = str(list(Entry.objects.values_list("changes", "object_repr"))) + str(list(Event.objects.values()))
    assert app.secret not in said
    assert sealed not in said
    elevate(world, "auda", "auditor")
    shown = browser_of(world["auda"]).get(reverse("admin:mfa_authenticator_change", args=[app.factor.pk]))
    assert shown.status_code == 200
    assert sealed not in words(shown)


def test_who_has_no_app_is_asked_for_a_passkey_or_a_recovery_code(world: World) -> None:
    SoftKey(world["kai"], Site("testserver", "http://testserver"))
    spare, *_ = one_time_codes.recovery_codes(world["kai"])
    kai, (address, said) = browser_of(world["kai"]), approval_of(ask(world, "rita", "cabinet"))
    asked = kai.post(address, said)
    assert ">A recovery code</label>" in words(asked)
    assert "authenticator app" not in words(asked)
    wrong = confirmed(kai, asked, address, step_up_code="0000 0000")
    assert "isn&#x27;t one of the recovery codes that you have left" in words(wrong)
    assert confirmed(kai, wrong, address, step_up_code=spare).status_code == 302


def test_a_removal_takes_a_factor_and_is_told(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    address = reverse("factor_remove", args=[app.factor.pk])
    asked = kai.post(address)
    assert asked.status_code == 403
    assert "Remove an authenticator app" in words(asked)
    assert confirmed(kai, asked, address, step_up_code=app.code()).status_code == 302
    assert not Authenticator.objects.filter(user=world["kai"]).exists()  # recovery codes went with the last
    assert Notice.objects.filter(kind="factor.removed", recipient=world["kai"]).exists()


def test_nobody_removes_anothers_factor(world: World) -> None:
    app, mona = App(world["kai"]), browser_of(world["mona"])
    assert mona.post(reverse("factor_remove", args=[app.factor.pk])).status_code == 409
    assert Authenticator.objects.filter(pk=app.factor.pk).exists()


def test_new_recovery_codes_take_a_factor_and_void_the_old(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    address = reverse("you_recovery_codes")
    asked = kai.post(address)
    assert asked.status_code == 403
    shown = confirmed(kai, asked, address, step_up_code=app.code())
    codes = recovery_codes_on(shown)
    assert len(codes) == 10
    assert not set(codes) & set(app.recovery_codes)


def test_an_administrators_reset_is_recorded_told_and_ends_sessions(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    assert kai.get("/").status_code == 200
    with pytest.raises(NotAllowed):
        factors.reset(actor=world["mona"], person=world["kai"], reason="I want to.")
    call_command("reset_factors", "kai", reason="They lost their phone.")
    assert not Authenticator.objects.filter(pk=app.factor.pk).exists()
    event = Event.objects.get(verb="factor.reset")
    assert event.sentence == "The system reset the second factors of Kai Test: They lost their phone."
    assert Notice.objects.filter(kind="factor.reset", recipient=world["kai"]).exists()
    assert kai.get("/").status_code == 302


def test_an_administrator_resets_them_on_a_page_with_a_factor_of_their_own(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    elevate(world, "adam", "administrator")
    elevate(world, "auda", "auditor")
    own, adam, auda = App(world["adam"]), browser_of(world["adam"]), browser_of(world["auda"])
    address = reverse("factors_reset", args=["kai"])
    assert kai.get(address).status_code == 403
    assert auda.post(address, {"reason": "Mischief."}).status_code == 403
    found = adam.get(reverse("people_factors"), {"q": "kai"})
    assert address in words(found)
    assert address not in words(auda.get(reverse("people_factors"), {"q": "kai"}))
    empty = adam.post(address, {"reason": ""})
    assert empty.status_code == 422
    assert "When you remove them, you confirm that with your second factor" in words(empty)
    asked = adam.post(address, {"reason": "He lost his phone."})
    assert asked.status_code == 403
    assert "Remove every second factor of Kai Test (kai), and end their sessions." in words(asked)
    assert Authenticator.objects.filter(pk=app.factor.pk).exists()
    assert confirmed(adam, asked, address, step_up_code=own.code()).status_code == 302
    assert not Authenticator.objects.filter(user=world["kai"]).exists()
    event = Event.objects.get(verb="factor.reset")
    assert (event.actor, event.data["step_up"]["by"]) == (world["adam"], "code")
    assert Notice.objects.filter(kind="factor.reset", recipient=world["kai"]).exists()
    assert kai.get("/").status_code == 302
    assert adam.post(reverse("factors_reset", args=["adam"]), {"reason": "Mine."}).status_code == 403


def test_who_needs_one_and_has_none_is_listed_with_the_reason(world: World, settings: LazySettings) -> None:
    elevate(world, "auda", "auditor")
    App(world["mona"])
    shown = browser_of(world["auda"]).get(reverse("people_factors"))
    rows = {row.person.username: row.reasons for row in shown.context["needs"].lacking}
    assert rows == {
        "auda": [factors_needed.POWER],
        "gwen": [factors_needed.ASKS],
        "kai": [factors_needed.DECIDES],
        "olga": [factors_needed.REVIEWS],
        "oskar": [factors_needed.ASKS, factors_needed.EMERGENCY],
        "otto": [factors_needed.DECIDES],
        "rita": [factors_needed.ASKS, factors_needed.EMERGENCY],
        "root": [factors_needed.POWER],
        "sera": [factors_needed.DECIDES, factors_needed.REVIEWS],
    }
    assert shown.context["needs"].held == 1
    assert "1 other who needs one has it." in words(shown)
    settings.STEP_UP_BY_PROVIDER = True  # for all but an emergency, in which the provider may be down
    shown = browser_of(world["auda"]).get(reverse("people_factors"))
    assert [row.person.username for row in shown.context["needs"].lacking] == ["oskar", "rita"]


def test_who_comes_back_has_neither_the_password_nor_the_factors_of_before(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    App(ann)
    people.deactivate(actor=system(), person=ann, reason="Left.")
    people.reactivate(actor=system(), person=ann)
    ann.refresh_from_db()
    assert not ann.has_usable_password()
    assert not Authenticator.objects.exists()
    assert Client().post("/sign-in/", {"username": "ann", "password": PASSWORD}).status_code == 422


def test_signing_in_asks_for_the_second_factor_of_who_has_one(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    app, client = App(ann), Client()
    first = client.post("/sign-in/?next=/history/", {"username": "ann", "password": PASSWORD})
    assert first.headers["Location"] == "/sign-in/second-factor/"
    assert client.get("/").status_code == 302  # the password alone is no session
    page = client.get("/sign-in/second-factor/")
    assert page.status_code == 200
    assert "known_browser" not in client.cookies
    wrong = confirmed(client, page, "/sign-in/second-factor/", step_up_code="000000")
    assert wrong.status_code == 422
    assert client.get("/").status_code == 302
    right = confirmed(client, wrong, "/sign-in/second-factor/", step_up_code=app.code())
    assert right.headers["Location"] == "/history/"
    assert client.get("/").status_code == 200
    assert "known_browser" in client.cookies
    assert Event.objects.filter(verb="person.signed_in", person=ann).count() == 1
    again = Client()
    again.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = again.get("/sign-in/second-factor/")
    replayed = confirmed(again, page, "/sign-in/second-factor/", step_up_code=app.code())
    assert replayed.status_code == 422
    assert "That code has been used already." in words(replayed)
    assert "Code of your authenticator app, or a recovery code" in words(replayed)
    codes = app.recovery_codes
    confirmed(again, replayed, "/sign-in/second-factor/", step_up_code=codes[0])
    assert "That recovery code is used up; 9 are left." in words(again.get("/"))


def test_who_left_meanwhile_does_not_come_in(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    app, client = App(ann), Client()
    client.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = client.get("/sign-in/second-factor/")
    people.deactivate(actor=system(), person=ann, reason="Left.")
    answer = confirmed(client, page, "/sign-in/second-factor/", step_up_code=app.code())
    assert answer.headers["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


def test_a_session_without_the_password_step_shows_no_second_factor(db: None) -> None:
    assert Client().get("/sign-in/second-factor/").headers["Location"] == "/sign-in/"


def test_none_of_the_librarys_own_pages_is_there() -> None:
    """Nobody signs up, and nobody gets a password, an address or a second factor by pages that aren't ours."""
    theirs = ("account_", "mfa_", "socialaccount_", "usersessions_", "openid_connect_", "headless")
    assert [name for name in NAMED if name.startswith(theirs)] == []
    for path in (
        "accounts/signup/",
        "accounts/password/reset/",
        "accounts/2fa/",
        "accounts/login/",
        "accounts/",
    ):
        assert Client().get(f"/{path}").status_code in (302, 404)
        assert resolves_to_nothing(f"/{path}")


def resolves_to_nothing(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return True
    return False
