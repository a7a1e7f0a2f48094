"""Somebody with an authenticator app, and the pages between them and what takes a second factor."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from jitportal.models import AccessRequest, Person
from jitportal.operations import clock, decisions, factors, one_time_codes, step_up

HALF_MINUTE = timedelta(seconds=30)


class App:
    """An authenticator app: shows the code of each half minute, and never the same one twice."""

    def __init__(self, person: Person) -> None:
        self.secret = one_time_codes.new_secret()
        with step_up.told_as_a_story():  # with no password and no provider asked
            self.recovery_codes = factors.add_codes(
                actor=person, secret=self.secret, code=self.code(-HALF_MINUTE)
            )
        self.factor = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)

    def code(self, later: timedelta = timedelta()) -> str:
        return one_time_codes.code_at(self.secret, clock.now() + later)


def words(answer: Any) -> str:
    return str(answer.content.decode())


def field(answer: Any, name: str) -> str:
    """The value of a hidden field of the page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', words(answer))
    assert found, f"There is no field {name}."
    return unescape(found[1])


def key_on(page: Any) -> str:
    """The key that the page shows for an app."""
    found = re.search(r'<pre id="key">([A-Z2-7 ]+)</pre>', words(page))
    assert found
    return found[1].replace(" ", "")


def confirmed(client: Client, asked: Any, address: str, **answer: str) -> Any:
    """Send what the step-up page holds, with the answer."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', words(asked))
    kept = {name: unescape(value) for name, value in hidden if name != "csrfmiddlewaretoken"}
    return client.post(address, {**kept, **answer})


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def approval_of(request: AccessRequest, **changes: str) -> tuple[str, dict[str, str]]:
    said = {"digest": decisions.seen_digest(request), "reason": 'Looked "at" <it>.\nTwice.', "minutes": "20"}
    return reverse("decide_approve", args=[request.pk]), {**said, **changes}
