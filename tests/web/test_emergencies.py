"""The pages of break-glass: who is led where, what is kept of what was typed, and the fresh second factor."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from jitportal.models import Activation, Event, Person, StepUpProof
from jitportal.operations import emergencies
from jitportal.rules.vocabulary import RequestStatus
from tests.web.second_factors import App, confirmed, words
from tests.web.world import CLAIM, World, ask

pytestmark = pytest.mark.django_db

FORM = "/emergency/activate/"
SAID = {
    "criterion": CLAIM.criterion,
    "incident": CLAIM.incident,
    "broken": CLAIM.broken,
    "expected": CLAIM.expected,
    "use": f"{CLAIM.role_key} {CLAIM.scope} {CLAIM.account}",
    "minutes_number": "20",
    "minutes_unit": "minutes",
}
DECIDED = {"broken": CLAIM.broken, "incident": "INC-7", "criterion": "outage"}


@pytest.fixture
def world(settled_world: World, db: None) -> World:
    return settled_world.as_stored()


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_four_questions_lead_back_to_routine_access_with_what_was_typed(world: World) -> None:
    rita = browser_of(world["rita"])
    routine = {**DECIDED, "reachable": "yes", "waits": "yes", "enough": "yes"}
    page = words(rita.post("/emergency/decide/", routine))
    assert "Routine access will do" in page
    assert "Ask for Server room door" in page
    assert f'name="justification" value="{CLAIM.broken}"' in page
    assert "Go to the emergency form" not in page
    unfinished = rita.post("/emergency/decide/", {"broken": CLAIM.broken})
    assert unfinished.status_code == 422
    assert CLAIM.broken in words(unfinished)


def test_they_lead_to_the_form_where_nothing_else_serves_with_what_was_typed(world: World) -> None:
    rita = browser_of(world["rita"])
    page = words(
        rita.post("/emergency/decide/", {**DECIDED, "reachable": "no", "waits": "no", "enough": "no"})
    )
    assert "Go to the emergency form" in page
    form = rita.post(FORM, {**DECIDED, "look": "1"})
    assert form.status_code == 200
    assert CLAIM.broken in words(form)
    assert not Activation.objects.exists()


def test_a_drill_begins_with_the_account_that_led_to_it(world: World) -> None:
    rita = browser_of(world["rita"])
    page = words(rita.get(f"/emergency/accounts/{CLAIM.account}/"))
    assert f"/emergency/activate/?drill=1&account={CLAIM.account}" in page.replace("&amp;", "&")
    drill = words(rita.get(FORM, {"drill": "1", "account": CLAIM.account}))
    assert "This is a drill: nothing has to be broken." in drill
    assert re.search(rf'value="{SAID["use"]}"[^>]* checked', drill)
    assert "nothing has to be broken" not in words(rita.get(FORM))


def test_what_was_typed_stays_whatever_is_wrong(world: World) -> None:
    emergencies.activate(actor=world["oskar"], claim=CLAIM)
    rita = browser_of(world["rita"])
    taken = rita.post(FORM, SAID)
    assert taken.status_code == 409
    assert "Oskar Test has activated The red lever already" in words(taken)
    for text in (CLAIM.broken, CLAIM.expected, CLAIM.incident):
        assert text in words(taken)
    for changes in ({"minutes_number": "61"}, {"broken": "x"}, {"use": "no such thing"}, {"use": "a b c"}):
        answer = rita.post(FORM, {**SAID, **changes})
        assert answer.status_code == 422
        assert CLAIM.expected in words(answer)
    assert Activation.objects.count() == 1


def test_a_request_that_waits_shows_the_form_to_the_population_alone(world: World) -> None:
    own = ask(world, "rita", "door")
    address = reverse("request_detail", args=[own.pk])
    link = f"{FORM}?request={own.pk}"
    assert link in words(browser_of(world["rita"]).get(address))
    assert link not in words(browser_of(world["mona"]).get(address))
    assert browser_of(world["oskar"]).get(link).status_code == 404
    assert browser_of(world["mona"]).get(link).status_code == 403
    rita = browser_of(world["rita"])
    assert own.asked.justification in words(rita.get(link))
    assert rita.get(f"{FORM}?request=abc").status_code == 404
    made = rita.post(link, SAID)
    assert made.status_code == 302
    own.refresh_from_db()
    assert own.status == RequestStatus.WITHDRAWN
    assert Activation.objects.get().from_request == own
    assert rita.get(link).status_code == 404


def test_a_temporary_request_has_no_link(world: World) -> None:
    own = ask(world, "rita", "cabinet")
    page = words(browser_of(world["rita"]).get(reverse("request_detail", args=[own.pk])))
    assert FORM not in page


def test_it_takes_a_fresh_second_factor_for_exactly_this(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = True
    app, rita = App(world["rita"]), browser_of(world["rita"])
    asked = rita.post(FORM, SAID)
    assert asked.status_code == 403
    assert "Emergency access to Office building with The red lever for 20 minutes" in words(asked)
    assert not Activation.objects.exists()
    assert confirmed(rita, asked, FORM, step_up_code=app.code()).status_code == 302
    activation = Activation.objects.get()
    assert activation.authenticator.startswith("code, ")
    assert activation.address == "127.0.0.1"
    proof = StepUpProof.objects.get()
    assert proof.about["broken"] == CLAIM.broken
    assert Event.objects.get(verb="emergency.opened").data["step_up"]["proof"] == proof.pk


def test_the_banner_tells_everybody_and_leads_strangers_no_further(world: World) -> None:
    activation = emergencies.activate(actor=world["rita"], claim=CLAIM)
    address = reverse("activation_detail", args=[activation.pk])
    for who in ("sam", "oskar", "mona"):
        page = words(browser_of(world[who]).get("/"))
        assert "Rita Test" in page
        assert "uses The red lever on Office building" in page
    sam = browser_of(world["sam"])
    assert address not in words(sam.get("/emergency/"))
    assert sam.get(address).status_code == 404
    emergencies.end(actor=world["mona"], activation=activation, reason="The doors open again.")
    assert "uses The red lever" not in words(sam.get("/"))
    over = browser_of(world["rita"]).get(reverse("activation_extend", args=[activation.pk]))
    assert over.status_code == 409


def test_an_account_warns_of_what_is_due_and_of_a_population_of_one(world: World) -> None:
    page = words(browser_of(world["rita"]).get("/emergency/accounts/lever/"))
    assert "alone can use" not in page
    assert re.search(r"<dt>Custodians</dt>\s*<dd>\s*<span dir=\"auto\">Kai Test</span>\s*</dd>", page)
    Person.objects.filter(pk=world["oskar"].pk).update(is_active=False, deactivated_at="2026-01-01T00:00Z")
    page = words(browser_of(world["rita"]).get("/emergency/accounts/lever/"))
    assert "One person alone can use this account." in page
