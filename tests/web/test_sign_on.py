"""Single sign-on with a real OpenID Connect provider on loopback, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jitportal.audit.system import system
from jitportal.models import Event, Membership, Person, ProviderIdentity, StepUpProof
from jitportal.operations import clock, decisions, people
from jitportal.rules.sign_on import ClaimRules, Linking
from jitportal.sign_on_settings import SignOn
from jitportal.web.views.sign_on import SAID
from tests.provider.running import CLIENT, SECRET, RunningProvider, provider_running, way_back
from tests.web.second_factors import confirmed, field
from tests.web.world import ask, settled

pytestmark = pytest.mark.django_db
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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    with provider_running(tmp_path_factory.mktemp("provider"), CALLBACK) as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider, settings: Any) -> RunningProvider:
    cache.clear()
    running.lie()
    running.people(rita=RITA)
    settings.SIGN_ON = SignOn(running.issuer, CLIENT, SECRET, name="Example", claims=RULES)
    return running


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


# what is no proof


@pytest.mark.page
@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"nonce": "another"}},
        {"without": ["nonce"]},
        {"claims": {"iss": "https://evil.test"}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": ["jitportal", "another"], "azp": "another"}},
        {"claims": {"exp": 1_700_000_000}},
        {"without": ["exp"]},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 7}},
        {"without": ["sub"]},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"another_key": True},
        {"kid": "unknown"},
    ],
    ids=str,
)
def test_a_token_that_proves_nothing_is_refused_with_a_page(
    provider: RunningProvider, lie: dict[str, Any]
) -> None:
    provider.lie(**lie)
    client = Client()
    answer = comes(provider, client)
    assert answer.status_code in {400, 403}
    assert "You aren\u2019t signed in" in text(answer)
    assert who(client) == ""
    assert Person.objects.humans().count() == 0


@pytest.mark.page
@pytest.mark.parametrize("how", ["no state", "wrong state", "another browser", "twice", "no code", "issuer"])
def test_an_answer_that_wasnt_asked_for_is_refused(provider: RunningProvider, how: str) -> None:
    client = Client()
    there = client.get("/sign-in/provider/")
    back = way_back(provider.signs_in(there.headers["Location"], "rita"))
    path, _, query = back.partition("?")
    said = {name: values[0] for name, values in parse_qs(query).items()}
    if how == "no state":
        said.pop("state")
    elif how == "wrong state":
        said["state"] = "x" * 16
    elif how == "another browser":
        client = Client()
    elif how == "twice":
        client.get(path, said)
        client.post("/sign-out/")
    elif how == "no code":
        said.pop("code")
    elif how == "issuer":
        said["iss"] = "https://evil.test"
    answer = client.get(path, said)
    assert answer.status_code == 400
    assert "You aren\u2019t signed in" in text(answer)
    assert who(client) == ""


def test_a_code_that_was_stolen_is_useless_without_the_verifier(provider: RunningProvider) -> None:
    """The thief begins a sign-in of their own, and puts Rita's code into it."""
    ritas, thief = Client(), Client()
    back = way_back(provider.signs_in(ritas.get("/sign-in/provider/").headers["Location"], "rita"))
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(thief.get("/sign-in/provider/").headers["Location"]).query)["state"][0]
    answer = thief.get("/sign-in/provider/callback/", {"code": code, "state": state})
    assert answer.status_code in {400, 503}
    assert who(thief) == ""


@pytest.mark.page
@pytest.mark.parametrize("code", ["access_denied", "server_error", "<script>", "x" * 500])
def test_a_refusal_of_the_provider_is_a_page(provider: RunningProvider, code: str) -> None:
    client = Client()
    state = parse_qs(urlsplit(client.get("/sign-in/provider/").headers["Location"]).query)["state"][0]
    answer = client.get("/sign-in/provider/callback/", {"error": code, "state": state})
    assert answer.status_code == 400
    assert "<script>" not in text(answer)


@pytest.mark.parametrize(
    "lie", [{"down": 502}, {"down": 200}, {"configuration": {"issuer": "https://evil.test"}}]
)
def test_a_provider_that_is_down_or_another_gives_a_clear_page(
    provider: RunningProvider, lie: dict[str, Any]
) -> None:
    provider.lie(**lie)
    answer = Client().get("/sign-in/provider/")
    assert answer.status_code == 503
    assert "Single sign-on doesn\u2019t work now" in text(answer)
    assert "/sign-in/emergency/" in text(answer)


def test_a_provider_that_isnt_there_gives_a_clear_page(provider: RunningProvider, settings: Any) -> None:
    changed(settings, issuer="http://127.0.0.1:1")
    answer = Client().get("/sign-in/provider/")
    assert answer.status_code == 503
    assert "Nothing answers there." in text(answer)


def test_a_provider_that_gave_no_answer_is_left_alone_for_a_while(
    provider: RunningProvider, settings: Any
) -> None:
    """One that hangs must not hold every thread that serves pages."""
    issuer = settings.SIGN_ON.issuer
    changed(settings, issuer="http://127.0.0.1:1")
    Client().get("/sign-in/provider/")
    changed(settings, issuer=issuer)
    assert Client().get("/sign-in/provider/").status_code == 503
    cache.clear()
    assert Client().get("/sign-in/provider/").status_code == 302


@pytest.mark.page
@given(
    st.dictionaries(st.sampled_from(["state", "code", "error", "iss", "next", "again"]), st.text(max_size=60))
)
@hypothesis_settings(max_examples=60)
def test_whatever_is_sent_to_the_way_back_is_refused_with_a_page(said: dict[str, str]) -> None:
    with override_settings(SIGN_ON=SignOn("http://127.0.0.1:1", CLIENT, SECRET)):
        answer = Client().get("/sign-in/provider/callback/", said)
    assert answer.status_code == 400
    assert "You aren\u2019t signed in" in text(answer)


def test_a_provider_that_goes_down_on_the_way_signs_nobody_in(provider: RunningProvider) -> None:
    client = Client()
    there = client.get("/sign-in/provider/")
    back = way_back(provider.signs_in(there.headers["Location"], "rita"))
    provider.lie(down=503)
    assert client.get(back).status_code == 503
    assert who(client) == ""


def test_signing_in_by_the_provider_leads_to_no_other_host(provider: RunningProvider) -> None:
    client = Client()
    answer = comes(provider, client, next="https://evil.test/")
    assert answer.headers["Location"] == "/"


# once more, for a step-up


def test_the_provider_is_asked_to_have_them_sign_in_anew(provider: RunningProvider) -> None:
    client = Client()
    comes(provider, client)
    key = client.session.session_key
    began = Event.objects.filter(verb="person.signed_in").count()
    there = client.get("/sign-in/provider/", {"again": "1", "next": "/calendar/"}).headers["Location"]
    asked = parse_qs(urlsplit(there).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    answer = client.get(way_back(provider.signs_in(there, "rita")))
    assert answer.headers["Location"] == "/calendar/"
    assert (client.session.session_key, who(client)) == (key, "rita")
    assert Event.objects.filter(verb="person.signed_in").count() == began, "no second session"


@pytest.mark.parametrize("lie", [{"claims": {"auth_time": 1_700_000_000}}, {"without": ["auth_time"]}])
def test_an_old_sign_in_at_the_provider_is_no_new_one(provider: RunningProvider, lie: dict[str, Any]) -> None:
    client = Client()
    comes(provider, client)
    provider.lie(**lie)
    answer = comes(provider, client, again="1")
    assert answer.status_code == 400
    assert "didn&#x27;t have you sign in anew" in text(answer)


def test_somebody_else_at_the_provider_proves_nothing_for_me(provider: RunningProvider) -> None:
    provider.people(remy={**RITA, "preferred_username": "remy", "name": "Remy"})
    client = Client()
    comes(provider, client)
    answer = comes(provider, client, "remy", again="1")
    assert answer.status_code == 400
    assert who(client) == "rita"


def test_signing_in_again_at_the_provider_passes_a_step_up_where_it_counts(
    provider: RunningProvider, settings: Any
) -> None:
    world = settled()
    request = ask(world, "rita", "cabinet")
    changed(settings, linking=Linking.ANYBODY)
    provider.people(kai={**RITA, "preferred_username": "kai", "name": "Kai Test"})
    settings.STEP_UP, settings.STEP_UP_BY_PROVIDER = True, True
    kai = Client()
    assert comes(provider, kai, "kai").status_code == 302
    address = reverse("decide_approve", args=[request.pk])
    said = {"digest": decisions.seen_digest(request), "reason": "Looked at it.", "minutes": "20"}
    with clock.moved(by=timedelta(seconds=5)):  # they came before this was asked
        asked = kai.post(address, said)
        assert asked.status_code == 403
        with_them = {**said, "step_up_token": field(asked, "step_up_token"), "step_up_provider": "1"}
        too_early = kai.post(address, with_them)
        assert too_early.status_code == 422
        assert "signed in again since this was asked" in text(too_early)
        assert confirmed(kai, too_early, "/you/step-up/").headers["Location"] == "/you/step-up/"
        assert "Sign in there again" in text(kai.get("/you/step-up/"))
    with clock.moved(by=timedelta(seconds=-5)):  # both clocks count in whole seconds here
        confirmed(kai, kai.post(address, said), "/you/step-up/")
    assert comes(provider, kai, "kai", again="1", next="/you/step-up/").headers["Location"] == "/you/step-up/"
    page = kai.get("/you/step-up/")
    assert "Approve Key cabinet" in text(page)
    settings.STEP_UP_ACR = ["very sure"]
    weak = confirmed(kai, page, address)
    assert "without the factor that is needed here" in text(weak)
    settings.STEP_UP_ACR = []
    assert confirmed(kai, page, address).status_code == 302
    proof = StepUpProof.objects.get(act="request.approve")
    assert (proof.method, proof.claims["issuer"]) == ("provider", provider.issuer)
    assert request.approvals.get().reason == "Looked at it."
    assert confirmed(kai, page, address).status_code in (409, 422)  # once
