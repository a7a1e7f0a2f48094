"""Single sign-on: what proves nothing is refused with a page, and a fresh sign-in passes a step-up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jitportal.models import Event, Person, StepUpProof
from jitportal.operations import clock, decisions
from jitportal.operations.provider import ProviderTrouble, discover, redeem
from jitportal.rules.limits import Limit
from jitportal.rules.sign_on import Linking
from jitportal.sign_on_settings import SignOn
from tests.provider.running import CLIENT, SECRET, RunningProvider, way_back
from tests.web.second_factors import App, approval_of, confirmed, field
from tests.web.signing_on import RITA, changed, comes, text, who
from tests.web.world import ask, settled
from tests.web.world_policy import POLICY

pytestmark = pytest.mark.django_db


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


def test_a_code_that_was_stolen_is_useless_without_the_verifier(
    provider: RunningProvider, settings: Any
) -> None:
    """The thief begins a sign-in of their own, and puts Rita's code into it."""
    ritas, thief = Client(), Client()
    back = way_back(provider.signs_in(ritas.get("/sign-in/provider/").headers["Location"], "rita"))
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(thief.get("/sign-in/provider/").headers["Location"]).query)["state"][0]
    answer = thief.get("/sign-in/provider/callback/", {"code": code, "state": state})
    assert answer.status_code in {400, 503}
    assert who(thief) == ""
    begun = ritas.get("/sign-in/provider/").headers["Location"]
    said = {name: values[0] for name, values in parse_qs(urlsplit(begun).query).items()}
    code = parse_qs(urlsplit(way_back(provider.signs_in(begun, "rita"))).query)["code"][0]
    signs_on = settings.SIGN_ON
    with pytest.raises(ProviderTrouble):  # though the thief knows the nonce, too
        redeem(
            discover(signs_on), code=code, back=said["redirect_uri"], nonce=said["nonce"], verifier="a" * 43
        )


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


def test_a_network_of_one_owner_counts_as_one_at_single_sign_on(
    provider: RunningProvider, settings: Any
) -> None:
    settings.LIMITS = {**settings.LIMITS, "sign_on": Limit(2, 60)}

    def begins(address: str) -> int:
        return Client().get("/sign-in/provider/", REMOTE_ADDR=address).status_code

    assert [begins(f"2001:db8::{number}") for number in (1, 2, 3)] == [302, 302, 429]
    assert begins("2001:db8:0:1::1") == 302


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


def test_the_policy_says_where_the_providers_sign_in_counts(provider: RunningProvider, settings: Any) -> None:
    """``own_second_factor`` on the pathway: fresh or not, and however sure, it doesn't count there."""
    word = "[manager_approval, max_duration_14_days, own_second_factor]"
    changed_policy = POLICY.replace("[manager_approval, max_duration_14_days]", word)
    assert changed_policy != POLICY
    world = settled(changed_policy)
    request = ask(world, "rita", "cabinet")
    changed(settings, linking=Linking.ANYBODY)
    provider.people(kai={**RITA, "preferred_username": "kai", "name": "Kai Test"})
    settings.STEP_UP, settings.STEP_UP_BY_PROVIDER = True, True
    kai = Client()
    comes(provider, kai, "kai")
    none = kai.post(*approval_of(request))
    assert none.status_code == 403
    assert "you have none yet" in text(none)
    app = App(world["kai"])
    with clock.moved(by=timedelta(seconds=-5)):
        asked = kai.post(*approval_of(request))
    assert "Confirm with Example" not in text(asked)
    comes(provider, kai, "kai", again="1")
    refused = confirmed(kai, asked, approval_of(request)[0], step_up_provider="1")
    assert refused.status_code == 422
    assert "doesn&#x27;t count here" in text(refused)
    assert confirmed(kai, refused, approval_of(request)[0], step_up_code=app.code()).status_code == 302
    assert StepUpProof.objects.get(act="request.approve").method == "code"
