"""Single sign-on with a real OpenID Connect provider on loopback: who comes in, and as whom."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from jitportal.audit.system import system
from jitportal.models import Event, Person, ProviderIdentity
from jitportal.operations import people
from jitportal.rules.sign_on import Linking
from jitportal.web.views.sign_on import SAID
from tests.provider.running import RunningProvider
from tests.web.signing_on import CALLBACK, RITA, RULES, changed, comes, teams, text, who

pytestmark = pytest.mark.django_db


def test_the_provider_signs_somebody_in_whom_nobody_knew(provider: RunningProvider) -> None:
    people.create_person(actor=system(), username="mona", name="Mona")
    provider.people(rita={**RITA, "manager": "Mona"})
    client = Client()
    assert "Sign in with Example" in text(client.get("/sign-in/"))
    answer = comes(provider, client, next="/calendar/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/calendar/")
    assert who(client) == "rita"
    rita = Person.objects.get(username="rita")
    assert (rita.name, rita.email, str(rita.manager)) == ("Rita Provided", "rita@example.test", "Mona")
    assert not rita.has_usable_password()
    assert teams("rita") == {"platform"}, "only what the mapping allows"
    identity = ProviderIdentity.objects.get(person=rita)
    assert identity.issuer == provider.issuer
    said = client.session[SAID]
    assert (said["subject"], said["acr"], said["amr"]) == (identity.subject, "mfa", ["pwd", "otp"])
    assert abs(said["auth_time"] - time.time()) < 60
    verbs = Event.objects.filter(person=rita).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [
        "person.created",
        "person.linked",
        "team.joined",
        "person.manager_set",
        "person.synced",
        "person.signed_in",
    ]


def test_another_name_of_the_portals_leads_to_the_one_that_the_provider_knows(
    provider: RunningProvider, settings: Any
) -> None:
    """A session that begins at one name is missing at the other."""
    settings.PRODUCTION = True
    moved = Client().get("/sign-in/provider/", {"next": "/calendar/"})
    assert moved.headers["Location"] == "http://127.0.0.1:8000/sign-in/provider/?moved=1&next=%2Fcalendar%2F"
    there = Client(headers={"host": "127.0.0.1:8000"}).get("/sign-in/provider/", {"moved": "1"})
    assert there.headers["Location"].startswith(provider.issuer)
    again = Client().get("/sign-in/provider/", {"moved": "1"})
    assert again.headers["Location"].startswith(provider.issuer), "once, and never in a circle"


def test_what_is_sent_to_the_provider_proves_that_the_answer_is_ours(provider: RunningProvider) -> None:
    client = Client()
    asked = [parse_qs(urlsplit(client.get("/sign-in/provider/").headers["Location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [CALLBACK]
    assert asked[0]["scope"] == ["openid profile email"]


def test_a_change_of_teams_comes_with_the_next_sign_in(provider: RunningProvider) -> None:
    comes(provider, Client())
    rita = Person.objects.get(username="rita")
    own = people.create_team(actor=system(), key="band", name="Band")
    people.join_team(actor=system(), person=rita, team=own)
    provider.people(rita={**RITA, "name": "Rita Married", "groups": ["/staff", "/dba"]})
    comes(provider, Client())
    assert teams("rita") == {"dba", "band"}, "a team that the mapping doesn't name is left alone"
    rita.refresh_from_db()
    assert rita.name == "Rita Married"
    assert {"team.left", "team.joined", "person.changed", "person.synced"} <= set(
        Event.objects.filter(person=rita).values_list("verb", flat=True)
    )
    before = Event.objects.count()
    comes(provider, Client())
    assert Event.objects.count() == before + 1, "the sign-in alone: nothing has changed"


def test_what_the_provider_doesnt_say_stays(provider: RunningProvider) -> None:
    comes(provider, Client())
    rita = Person.objects.get(username="rita")
    mona = people.create_person(actor=system(), username="mona", name="Mona")
    people.set_manager(actor=system(), person=rita, manager=mona)
    provider.people(rita={**RITA, "email": "not an address", "manager": "nobody-here"})
    comes(provider, Client())
    rita.refresh_from_db()
    assert (rita.email, rita.manager) == ("rita@example.test", mona)


def test_who_has_lost_the_needed_group_is_deactivated_at_once(provider: RunningProvider) -> None:
    first = Client()
    comes(provider, first)
    provider.people(rita={**RITA, "groups": ["/engineers"]})
    second = Client()
    answer = comes(provider, second)
    assert answer.status_code == 403
    assert "names none of the groups that may come in" in text(answer)
    assert not Person.objects.get(username="rita").is_active
    assert first.get("/calendar/").status_code == 302, "the session that was open has ended"
    assert teams("rita") == set()
    provider.people(rita=RITA)
    again = comes(provider, Client())
    assert again.status_code == 403
    assert "This account is deactivated" in text(again), "nobody comes back by themselves"


def test_a_claim_may_say_that_somebody_has_left(provider: RunningProvider, settings: Any) -> None:
    changed(settings, claims=replace(RULES, active="hr.active", needed=frozenset()))
    provider.people(rita={**RITA, "hr": {"active": True}})
    comes(provider, Client())
    provider.people(rita={**RITA, "hr": {"active": False}})
    assert comes(provider, Client()).status_code == 403
    assert not Person.objects.get(username="rita").is_active


def test_a_claim_that_is_missing_altogether_deactivates_nobody(provider: RunningProvider) -> None:
    """A provider that was set up wrong must not throw everybody out."""
    comes(provider, Client())
    provider.people(rita={key: value for key, value in RITA.items() if key != "groups"})
    answer = comes(provider, Client())
    assert answer.status_code == 403
    assert "didn&#x27;t say your groups" in text(answer)
    assert Person.objects.get(username="rita").is_active


def test_who_is_deactivated_at_the_provider_doesnt_get_here(provider: RunningProvider) -> None:
    provider.people(gone={**RITA, "preferred_username": "gone"})
    provider.deactivate("gone")
    there = Client().get("/sign-in/provider/")
    answer = provider.signs_in(there.headers["Location"], "gone")
    assert not answer.headers.get("location", "").startswith(CALLBACK)


def test_what_the_id_token_leaves_out_is_asked_for_apart(provider: RunningProvider) -> None:
    groups = RITA["groups"]
    provider.people(rita={**{key: RITA[key] for key in RITA if key != "groups"}, "apart": {"groups": groups}})
    client = Client()
    comes(provider, client)
    assert who(client) == "rita"
    provider.lie(userinfo={"sub": "99999"})
    other = Client()
    assert "about two people" in text(comes(provider, other))
    assert who(other) == ""


# whose account it is


def test_a_username_takes_over_no_local_account(provider: RunningProvider) -> None:
    people.create_person(actor=system(), username="rita", name="Local Rita", password="correct horse battery")
    client = Client()
    answer = comes(provider, client)
    assert answer.status_code == 403
    assert "is somebody&#x27;s already" in text(answer)
    assert who(client) == ""
    assert not ProviderIdentity.objects.exists()
    assert Event.objects.filter(verb="sign_in.refused", person__username="rita").exists()


@pytest.mark.parametrize(
    ("linking", "from_directory", "gets_in"),
    [
        (Linking.NOBODY, True, False),
        (Linking.DIRECTORY, False, False),
        (Linking.DIRECTORY, True, True),
        (Linking.ANYBODY, False, True),
    ],
)
def test_the_operator_says_whom_the_provider_may_speak_for(
    provider: RunningProvider, settings: Any, linking: Linking, from_directory: bool, gets_in: bool
) -> None:
    local = people.create_person(actor=system(), username="rita", name="Local Rita")
    local.from_directory = from_directory
    local.save(update_fields=["from_directory"])
    changed(settings, linking=linking)
    client = Client()
    comes(provider, client)
    assert (who(client) == "rita") is gets_in


def test_a_username_that_is_given_to_another_reaches_nobodys_account(
    provider: RunningProvider, settings: Any
) -> None:
    changed(settings, linking=Linking.ANYBODY)
    comes(provider, Client())
    provider.people(newcomer=RITA)  # the same username, of another person there
    client = Client()
    assert comes(provider, client, "newcomer").status_code == 403
    assert who(client) == ""


def test_nobody_becomes_the_system(provider: RunningProvider, settings: Any) -> None:
    system()
    changed(settings, linking=Linking.ANYBODY)
    provider.people(rita={**RITA, "preferred_username": "system"})
    client = Client()
    assert comes(provider, client).status_code == 403
    assert who(client) == ""


def test_another_username_at_the_provider_is_the_same_person(provider: RunningProvider) -> None:
    comes(provider, Client())
    provider.people(rita={**RITA, "preferred_username": "rita.married"})
    client = Client()
    comes(provider, client)
    assert who(client) == "rita"


def test_who_isnt_known_stays_out_where_the_operator_says_so(
    provider: RunningProvider, settings: Any
) -> None:
    changed(settings, makes_people=False)
    answer = comes(provider, Client())
    assert answer.status_code == 403
    assert "doesn&#x27;t know you yet" in text(answer)
    assert not Person.objects.filter(username="rita").exists()


@pytest.mark.page
@pytest.mark.parametrize("username", ["../admin", "rita smith", "", "x" * 100, "r\u202eita", 7, None])
def test_a_username_that_cant_be_one_is_refused(provider: RunningProvider, username: object) -> None:
    provider.people(rita={**RITA, "preferred_username": username})
    answer = comes(provider, Client())
    assert answer.status_code == 403
    assert Person.objects.humans().count() == 0
