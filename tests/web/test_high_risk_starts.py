"""No grant of high risk starts without its holder's fresh second factor: at the click, or when they ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.urls import reverse
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import AccessRequest, Event, Grant, StepUpProof
from jitportal.operations import clock, grants, policies, requests, risks, step_up, submissions, ways_in
from jitportal.operations.asking import Ask
from jitportal.operations.step_up import StepUpNeeded
from jitportal.rules.errors import InvalidInput
from jitportal.rules.vocabulary import GrantStatus, Pathway, RequestStatus, StartMode, Verdict
from tests.undone import undone
from tests.web.second_factors import HALF_MINUTE, App, approval_of, browser_of, confirmed, words
from tests.web.world import World, approve, ask, elevate, settled
from tests.web.world_policy import POLICY

pytestmark = [pytest.mark.django_db, pytest.mark.page]

#: The door is of high risk, and the system approves whoever names a ticket.
RISKY = POLICY.replace(
    """      max_minutes: 60
      risk: medium

    cage:""",
    """      max_minutes: 60
      risk: high
      system_approval: [{name: with a ticket, ticket_pattern: "CHG-[0-9]+"}]

    cage:""",
)


#: The word that lets the portal's own second factors alone count.
OWN = ", own_second_factor"
RISKY = RISKY.replace("max_duration_60_minutes]", f"max_duration_60_minutes{OWN}]", 1)


@pytest.fixture(scope="module")
def settled_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    assert RISKY != POLICY
    with django_db_blocker.unblock(), undone():
        yield settled(RISKY)


@pytest.fixture
def world(settled_world: World, db: None, settings: LazySettings) -> World:
    settings.STEP_UP = True
    return settled_world.as_stored()


def typed(**values: str) -> dict[str, str]:
    return {
        "scope": "all",
        "minutes_number": "30",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": "The fan of rack 4 is loud.",
        "ticket": "CHG-42",
        **values,
    }


def page_of(role: str) -> str:
    return reverse("request_jit" if role == "door" else "request_temporary", args=[role])


def test_what_the_system_approves_takes_the_requesters_factor(world: World) -> None:
    rita = browser_of(world["rita"])
    refused = rita.post(page_of("door"), typed())
    assert refused.status_code == 403
    assert "you have none yet" in words(refused)
    app = App(world["rita"])
    asked = rita.post(page_of("door"), typed())
    assert asked.status_code == 403
    for said in (
        "Ask for Server room door (All of Office building) for 30 minutes, which starts by itself.",
        "Start: at once: the system approves it.",
        "Target: Office building.",
        "Your reason: \u201cThe fan of rack 4 is loud.\u201d",
        "Ticket: \u201cCHG-42\u201d",
    ):
        assert said in words(asked)
    assert not AccessRequest.objects.exists()
    assert not Grant.objects.exists()
    made = confirmed(rita, asked, page_of("door"), step_up_code=app.code())
    assert made.status_code == 302
    grant = Grant.objects.get()
    assert grant.starts_at is not None
    proof = StepUpProof.objects.get(act="grant.start")
    assert Event.objects.get(verb="request.submitted").data["step_up"]["proof"] == proof.pk
    again = confirmed(rita, asked, page_of("door"), step_up_code=app.code(HALF_MINUTE))
    assert again.status_code == 422


def test_the_forms_say_beforehand_that_a_second_factor_will_be_asked(world: World) -> None:
    rita, form = browser_of(world["rita"]), page_of("door")
    at_once = "When you send this, you confirm it with your second factor: the role is of high risk"
    lacking = "You have none yet: <a"
    shown = words(rita.get(form))
    assert at_once in shown
    assert lacking in shown
    App(world["rita"])
    assert lacking not in words(rita.get(form))
    now = timezone.localtime(clock.now()).replace(tzinfo=None)
    clicked = {
        "start_mode": "on_click",
        "opens_at": f"{now:%Y-%m-%dT%H:%M}",
        "closes_at": f"{now + timedelta(minutes=50):%Y-%m-%dT%H:%M}",
    }
    shown = words(rita.post(form, typed(**clicked, look="1")))
    assert at_once not in shown
    assert "When you start it, you confirm that with your second factor" in shown
    assert "with your second factor" not in words(rita.get(page_of("cage")))


def test_what_is_confirmed_is_what_is_asked(world: World) -> None:
    app, rita = App(world["rita"]), browser_of(world["rita"])
    asked = rita.post(page_of("door"), typed())
    longer = confirmed(rita, asked, page_of("door"), step_up_code=app.code(), minutes_number="60")
    assert longer.status_code == 422
    assert "What you confirmed isn&#x27;t what is being decided now." in words(longer)
    assert not AccessRequest.objects.exists()


def wish(role: str = "door", **values: Any) -> Ask:
    return Ask(
        **{
            "role_key": role,
            "pathway": Pathway.JIT,
            "scope": "all",
            "start_mode": StartMode.AT_ONCE,
            "minutes": 30,
            "justification": "The fan of rack 4 is loud.",
            **values,
        }
    )


def test_every_way_to_start_by_itself_takes_one_and_a_click_takes_it_then(world: World) -> None:
    App(world["rita"])
    rita, later = world["rita"], clock.now() + timedelta(hours=1)
    ways: list[dict[str, Any]] = [{}, {"start_mode": StartMode.SCHEDULED, "opens_at": later}]
    for how in ways:
        with pytest.raises(StepUpNeeded):
            requests.submit(actor=rita, ask=wish(**how))
    held = approve(world, ask(world, "rita", "door", ticket="CHG-1")).grant
    renewal = wish(start_mode=StartMode.RENEWAL, renewal_of=held)
    with pytest.raises(StepUpNeeded):
        requests.submit(actor=rita, ask=renewal)
    window: dict[str, Any] = {
        "start_mode": StartMode.ON_CLICK,
        "opens_at": later,
        "closes_at": later + timedelta(hours=1),
    }
    clicked = requests.submit(actor=rita, ask=wish(**window))
    with pytest.raises(StepUpNeeded):  # edited so that it starts by itself
        requests.edit(
            actor=rita, request=clicked, ask=wish(opens_at=later, start_mode=StartMode.SCHEDULED), revision=1
        )
    assert requests.submit(actor=rita, ask=wish("cage", scope="left")).pk  # of low risk


def test_a_role_that_has_become_one_of_high_risk_doesnt_start_by_itself(world: World) -> None:
    cage = ask(world, "rita", "cage")
    later = clock.now() + timedelta(hours=1)
    planned = ask(world, "oskar", "cage", start_mode=StartMode.SCHEDULED, opens_at=later)
    grant = approve(world, planned, "otto").grant
    _make_risky(world)
    app, address = App(world["mona"]), approval_of(cage)[0]
    mona = browser_of(world["mona"])
    asked = mona.post(*approval_of(cage))
    refused = confirmed(mona, asked, address, step_up_code=app.code())
    assert refused.status_code == 422
    assert "has become a role of high risk since it was asked for" in words(refused)
    cage.refresh_from_db()
    assert cage.status == RequestStatus.PENDING
    with clock.moved(to=later):
        assert grants.start_due() == 0
    grant.refresh_from_db()
    assert (grant.status, grant.end_reason) == (GrantStatus.ENDED, "failed")


def test_a_newer_policy_spares_nobody_the_factor_for_what_was_asked_before(world: World) -> None:
    now = clock.now()
    window: dict[str, Any] = {
        "start_mode": StartMode.ON_CLICK,
        "opens_at": now,
        "closes_at": now + timedelta(hours=1),
    }
    request = requests.submit(actor=world["rita"], ask=wish(**window))
    _apply(world, RISKY.replace("risk: high", "risk: low").replace(OWN, ""), "Doors are cheap.")
    app = App(world["mona"])
    request.role.refresh_from_db()
    assert request.role.risk == "low"
    address, said = approval_of(request)
    mona = browser_of(world["mona"])
    assert "When you approve it, you confirm that with your second factor" in words(mona.get(address))
    asked = mona.post(address, said)
    assert asked.status_code == 403
    assert "Confirm" in words(asked)
    among_others = submissions.Wish(request, Verdict.APPROVE, said["digest"], minutes=20)
    with pytest.raises(InvalidInput, match="second factor for that alone"):
        submissions.submit(actor=world["mona"], token=uuid4(), wishes=[among_others])
    request.refresh_from_db()
    assert request.status == RequestStatus.PENDING
    assert confirmed(mona, asked, address, step_up_code=app.code()).status_code == 302
    App(world["rita"])
    grant = Grant.objects.get(request=request)
    with pytest.raises(StepUpNeeded) as needed:
        grants.start(actor=world["rita"], grant=grant)
    assert needed.value.own
    start = browser_of(world["rita"]).get(reverse("grant_start", args=[grant.pk]))
    assert "When you start it, you confirm that with your second factor" in words(start)
    assert ways_in.is_dear(grant)
    assert risks.grant_wants_own_factor(grant)
    cheap = approve(world, ask(world, "oskar", "door"), "otto")
    assert not ways_in.is_dear(cheap.grant)
    assert not risks.grant_wants_own_factor(cheap.grant)


def _make_risky(world: World) -> None:
    _apply(world, RISKY.replace("risk: low", "risk: high"), "Cages are dear.")


def _apply(world: World, text: str, note: str) -> None:
    assert text != RISKY
    with step_up.told_as_a_story():
        for editor in ("paul", "polly"):
            elevate(world, editor, "policy-editor")
        version = policies.propose(actor=world["paul"], text=text, note=note)
        policies.approve(actor=world["polly"], version=version)
        policies.apply(actor=world["polly"], version=version)


def test_several_at_once_leave_it_out(world: World) -> None:
    App(world["rita"])
    said = {
        **typed(),
        "role": ["door", "cage"],
        "door-scope": "all",
        "cage-scope": "left",
        **{f"{role}-minutes_number": "20" for role in ("door", "cage")},
        **{f"{role}-minutes_unit": "minutes" for role in ("door", "cage")},
    }
    answer = browser_of(world["rita"]).post(reverse("request_several_jit"), said)
    assert words(answer).count("takes a second factor for that alone") > 1, "refused, and said beforehand"
    assert [one.role.key for one in AccessRequest.objects.all()] == ["cage"]
