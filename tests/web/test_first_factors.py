"""The first second factor: a session alone doesn't do to add it, and what was confirmed is what is added."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from jitportal.audit.system import system
from jitportal.models import Event, Person, StepUpProof
from jitportal.operations import clock, factors, one_time_codes, people
from jitportal.web.views.sign_on import SAID
from tests.provider.running import RunningProvider
from tests.web.second_factors import HALF_MINUTE, App, confirmed, field, key_on, words
from tests.web.signing_on import comes

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
PAGE = "/you/factors/codes/"


def with_password() -> tuple[Person, Client]:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    client = Client()
    assert client.post("/sign-in/", {"username": "ann", "password": PASSWORD}).status_code == 302
    return ann, client


def adds(client: Client) -> tuple[Any, dict[str, str]]:
    """Somebody types the right code of a new app; gives the answer, and what was sent."""
    page = client.get(PAGE)
    code = one_time_codes.code_at(key_on(page), clock.now())
    said = {"setup": field(page, "setup"), "code": code}
    return client.post(PAGE, said), said


@pytest.mark.parametrize("counts", [True, False], ids=["where it counts", "where it doesn't"])
def test_a_stolen_session_of_single_sign_on_adds_none(
    provider: RunningProvider, settings: Any, counts: bool
) -> None:
    settings.STEP_UP, settings.STEP_UP_BY_PROVIDER = True, counts
    rita = Client()
    comes(provider, rita)
    with clock.moved(by=timedelta(seconds=5)):  # they came before this was asked
        asked, _said = adds(rita)
        assert asked.status_code == 403
        assert "Show that it is you" in words(asked)
        too_early = confirmed(rita, asked, PAGE)
        assert "signed in again since this was asked" in words(too_early)
        by_code = confirmed(rita, asked, PAGE, step_up_code="123456")
        assert by_code.status_code == 422
        by_password = confirmed(rita, asked, PAGE, step_up_password="guess")
        assert by_password.status_code == 422
    assert not Authenticator.objects.exists()
    with clock.moved(by=timedelta(seconds=-5)):  # both clocks count in whole seconds here
        confirmed(rita, adds(rita)[0], "/you/step-up/")
    comes(provider, rita, again="1", next="/you/step-up/")
    added = confirmed(rita, rita.get("/you/step-up/"), PAGE)
    assert added.status_code == 200
    assert Authenticator.objects.filter(user__username="rita", type="totp").exists()
    assert StepUpProof.objects.get().method == "provider"
    sentences = Event.objects.filter(verb="factor.shown").values_list("sentence", flat=True)
    assert list(sentences) == ["Rita Provided confirmed a change of your second factors with single sign-on."]


def test_what_the_provider_said_of_somebody_else_or_another_provider_said_proves_nothing(
    provider: RunningProvider, settings: Any
) -> None:
    settings.STEP_UP, settings.STEP_UP_BY_PROVIDER = True, True
    rita = Client()
    comes(provider, rita)
    with clock.moved(by=timedelta(seconds=-5)):
        asked, _said = adds(rita)
    comes(provider, rita, again="1")
    said = rita.session[SAID]
    for forged in ({"subject": "another"}, {"issuer": "https://other.test"}, {"subject": None}):
        session = rita.session
        session[SAID] = {**said, **forged}
        session.save()
        answer = confirmed(rita, asked, PAGE)
        assert answer.status_code == 422
        assert "isn&#x27;t about you" in words(answer)
    assert not Authenticator.objects.exists()


def test_a_stolen_session_that_began_with_a_password_adds_none(db: None) -> None:
    _ann, client = with_password()
    asked, _said = adds(client)
    assert asked.status_code == 403
    assert "Your password" in words(asked)
    assert "step_up_code" not in words(asked)
    wrong = confirmed(client, asked, PAGE, step_up_password="wrong horse")
    assert wrong.status_code == 422
    assert "That password isn&#x27;t right." in words(wrong)
    assert "wrong horse" not in words(wrong)
    empty = confirmed(client, wrong, PAGE)
    assert "Type your password." in words(empty)
    assert not Authenticator.objects.exists()
    with clock.moved(by=timedelta(minutes=3)):  # typing it took a while: the code was right when it was typed
        shown = confirmed(client, empty, PAGE, step_up_password=PASSWORD)
    assert shown.status_code == 200
    assert Authenticator.objects.filter(type="totp").count() == 1
    assert StepUpProof.objects.get().method == "password"


def test_guesses_at_the_password_wait(db: None) -> None:
    _ann, client = with_password()
    asked, _said = adds(client)
    for _ in range(5):
        asked = confirmed(client, asked, PAGE, step_up_password="wrong horse")
    late = confirmed(client, asked, PAGE, step_up_password=PASSWORD)
    assert "Try again in 10 seconds." in words(late)
    assert not Authenticator.objects.exists()


def test_a_password_confirms_nothing_else(db: None) -> None:
    ann, client = with_password()
    app = App(ann)
    address = reverse("factor_remove", args=[app.factor.pk])
    asked = client.post(address)
    assert "step_up_password" not in words(asked)
    answer = confirmed(client, asked, address, step_up_password=PASSWORD)
    assert answer.status_code == 422
    assert "A password confirms nothing here but your first second factor." in words(answer)
    assert Authenticator.objects.filter(pk=app.factor.pk).exists()


def test_what_was_confirmed_is_what_is_added(db: None) -> None:
    """Whoever has the browser puts another app's key into the form that comes with the answer."""
    _ann, client = with_password()
    asked, _said = adds(client)
    other = client.get(PAGE)
    swapped = {
        "setup": field(other, "setup"),
        "code": one_time_codes.code_at(key_on(other), clock.now()),
        "step_up_token": field(asked, "step_up_token"),
        "step_up_password": PASSWORD,
    }
    answer = client.post(PAGE, swapped)
    assert answer.status_code == 422
    assert "What you confirmed isn&#x27;t what is being decided now." in words(answer)
    assert not Authenticator.objects.exists()


def test_the_code_that_added_an_app_counts_no_more(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test")
    secret, now = one_time_codes.new_secret(), clock.now()
    with clock.moved(to=now):
        code = one_time_codes.code_at(secret, now)
        factors.add_codes(actor=ann, secret=secret, code=code)
        client = Client()
        client.force_login(ann)
        address = reverse("you_recovery_codes")
        asked = client.post(address)
        again = confirmed(client, asked, address, step_up_code=code)
        assert "That code has been used already." in words(again)
        next_one = one_time_codes.code_at(secret, now + HALF_MINUTE)
        assert confirmed(client, again, address, step_up_code=next_one).status_code == 200


def test_guesses_at_the_sign_in_hold_up_nobody_who_is_signed_in(db: None) -> None:
    ann, client = with_password()
    app, thief = App(ann), Client()  # who has the password alone
    thief.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = thief.get("/sign-in/second-factor/")
    for _ in range(7):
        page = confirmed(thief, page, "/sign-in/second-factor/", step_up_code="000000")
    assert "There were too many wrong codes." in words(page)
    address = reverse("you_recovery_codes")
    assert confirmed(client, client.post(address), address, step_up_code=app.code()).status_code == 200
    # and the browser that she has signed in with before comes in
    client.post("/sign-out/")
    client.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = client.get("/sign-in/second-factor/")
    inside = confirmed(client, page, "/sign-in/second-factor/", step_up_code=app.code(HALF_MINUTE))
    assert inside.status_code == 302
