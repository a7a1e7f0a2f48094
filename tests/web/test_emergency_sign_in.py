"""With single sign-on, passwords are for the emergency population alone, at an address of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.http.response import HttpResponseBase
from django.test import Client
from standardwebhooks import Webhook

from jitportal.audit.system import system
from jitportal.models import Event, Person
from jitportal.operations import people, sending, webhook_sending
from jitportal.sign_on_settings import SignOn
from jitportal.webhook_settings import WebhookEndpoint
from tests.operations.hooks import hook
from tests.provider.house import PASSWORD, settle

pytestmark = pytest.mark.django_db
ADDRESS = "203.0.113.7"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def portal(settings: Any) -> None:
    settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", "http://127.0.0.1:9/", (SECRET,))}
    settle()
    settings.SIGN_ON = SignOn("https://idp.example.test", "jitportal", "secret", name="Example")


def tries(
    username: str, password: str = PASSWORD, door: str = "/sign-in/emergency/", client: Client | None = None
) -> HttpResponseBase:
    said = {"username": username, "password": password}
    return (client or Client()).post(door, said, REMOTE_ADDR=ADDRESS)


def text(answer: HttpResponseBase) -> str:
    return getattr(answer, "content", b"").decode()


@pytest.mark.parametrize("username", ["erin", "rita"])
def test_the_usual_door_takes_no_password_of_anybody(username: str) -> None:
    client = Client()
    page = text(client.get("/sign-in/"))
    assert 'type="password"' not in page
    answer = tries(username, door="/sign-in/", client=client)
    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("username", ["erin", "olli"])
def test_the_population_comes_in_and_the_watchers_hear_of_it(
    username: str, mailoutbox: list[EmailMessage]
) -> None:
    client = Client()
    assert tries(username, client=client).status_code == 302
    assert "_auth_user_id" in client.session
    person = Person.objects.get(username=username)
    (event,) = Event.objects.filter(verb="sign_in.emergency")
    assert (event.person, event.address) == (person, ADDRESS)
    sending.send_due()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["otto@example.test", "sue@example.test"]
    assert f"Emergency sign-in of {person}" in mailoutbox[0].subject
    tries(username)
    assert Event.objects.filter(verb="sign_in.emergency").count() == 2, "each use"


def test_everybody_else_is_sent_to_single_sign_on(mailoutbox: list[EmailMessage]) -> None:
    client = Client()
    answer = tries("rita", client=client)
    assert answer.status_code == 422
    assert "or the policy doesn&#x27;t name you for emergencies" in text(answer)
    assert "_auth_user_id" not in client.session
    assert Event.objects.filter(verb="sign_in.refused", person__username="rita").exists()
    assert not Event.objects.filter(verb="sign_in.emergency").exists()


def told(username: str, password: str) -> str:
    """What the page says of it."""
    found = re.search(
        r'<section class="errors-summary.*?</section>', text(tries(username, password)), re.DOTALL
    )
    assert found, "it was let in, or nothing was said"
    return found[0]


def test_whoever_guesses_learns_nothing_of_who_may_nor_of_a_password() -> None:
    assert told("erin", "wrong") == told("rita", "wrong") == told("rita", PASSWORD) == told("nobody", "wrong")


def test_it_has_a_rate_limit_of_its_own(settings: Any) -> None:
    settings.SIGN_ON = None
    for _ in range(4):
        assert tries("erin", "wrong", door="/sign-in/").status_code == 422
    settings.SIGN_ON = SignOn("https://idp.example.test", "jitportal")
    statuses = [tries("erin", "wrong").status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429], "fewer tries than at the usual door, and counted by themselves"


def test_who_leaves_the_population_is_out_at_once() -> None:
    olli = Person.objects.get(username="olli")
    team = olli.memberships.get().team
    people.leave_team(actor=system(), person=olli, team=team)
    assert tries("olli").status_code == 422


def test_without_single_sign_on_there_is_no_such_door(settings: Any) -> None:
    settings.SIGN_ON = None
    assert Client().get("/sign-in/emergency/").status_code == 404
    assert tries("erin", door="/sign-in/").status_code == 302


@pytest.fixture
def siem(settings: Any) -> Iterator[Any]:
    settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    with hook() as receiver:
        settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", receiver.address, (SECRET,))}
        yield receiver


def test_a_webhook_tells_of_it(siem: Any) -> None:
    tries("erin")
    assert webhook_sending.send_due() == 1
    (call,) = siem.calls
    said = Webhook(SECRET).verify(call.body, call.headers)
    assert (said["type"], said["data"]["username"]) == ("sign_in.emergency", "erin")
