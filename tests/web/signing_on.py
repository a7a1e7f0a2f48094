"""Somebody who comes by single sign-on, through the real provider on loopback, and what is known of them then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client

from jitportal.models import Membership, Person
from jitportal.rules.sign_on import ClaimRules
from tests.provider.running import RunningProvider, way_back

CALLBACK = "http://127.0.0.1:8000/sign-in/provider/callback/"
RULES = ClaimRules(
    manager="manager",
    teams={"/engineers": "platform", "/dba": "dba"},
    needed=frozenset({"/staff"}),
)
RITA = {
    "preferred_username": "Rita",
    "name": "Rita Provided",
    "email": "rita@example.test",
    "groups": ["/staff", "/engineers", "/elsewhere"],
}


def changed(settings: Any, **how: Any) -> None:
    settings.SIGN_ON = replace(settings.SIGN_ON, **how)


def comes(
    provider: RunningProvider, client: Client, username: str = "rita", **query: str
) -> HttpResponseBase:
    """The whole way: to the provider, in there, and back."""
    there = client.get("/sign-in/provider/", query)
    assert there.status_code == 302, there.content
    return client.get(way_back(provider.signs_in(there.headers["Location"], username)))


def text(answer: HttpResponseBase) -> str:
    return getattr(answer, "content", b"").decode()


def who(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return Person.objects.get(pk=key).username if key else ""


def teams(username: str) -> set[str]:
    rows = Membership.objects.current().filter(person__username=username)
    return set(rows.values_list("team__key", flat=True))
