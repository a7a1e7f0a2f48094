"""Problems, manual work and targets: what an operator sees and does."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client

from jitportal.audit.system import system
from jitportal.models import Grant, Heartbeat, Lease, ManualTask, Target
from jitportal.operations import clock, decisions, grants, leases, people, problems, webhook_sending, webhooks
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import GrantStatus
from jitportal.webhook_settings import WebhookEndpoint
from tests.operations.hooks import hook
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, carried_out, converge, elevate


@pytest.fixture
def opal(world: World, as_: As) -> Client:
    elevate(world, "opal", "operator")
    return as_("opal")


@pytest.fixture
def held(world: World) -> Grant:
    """Rita holds the door: it was given by hand."""
    grant = approve(world, ask(world, "rita", "door"), "mona").grant
    carried_out(world, grant)
    grant.refresh_from_db()
    assert grant.status == GrantStatus.ACTIVE
    return grant


def late(world: World, grant: Grant) -> None:
    """The grant was revoked, and nobody carries the removal out."""
    grants.revoke(actor=world["mona"], grant=grant, reason="Rita has moved on.")
    converge(grant)


def beat() -> None:
    now = clock.now()
    Heartbeat.objects.create(name="tests", started_at=now, beat_at=now)


def test_no_problem_is_said_so(opal: Client) -> None:
    beat()
    assert "Nothing is late, and nothing fails." in words(opal.get("/problems/"))


def test_a_worker_that_doesnt_run_is_the_first_problem(opal: Client) -> None:
    assert "Its pulse has never gone round." in words(opal.get("/problems/"))
    beat()
    with clock.moved(by=timedelta(minutes=5)):
        assert "Its pulse last went round" in words(opal.get("/problems/"))


def test_a_late_removal_shouts_with_its_state_and_who_was_told(
    world: World, opal: Client, held: Grant
) -> None:
    late(world, held)
    with clock.moved(by=timedelta(minutes=2)):
        converge(held)
        problems.page_late()
        page = words(opal.get("/problems/"))
    assert "<title>1 late removal \u2013 jitportal</title>" in page
    assert "1 removal is late." in page
    assert "Late removal" in page
    assert "door</span> should be gone from Office building" in page
    assert "Waits for a person" in page
    assert "Olga Test" in page  # the role's owner has been told
    assert "Rita Test" in page


def test_late_removals_come_before_what_is_slow_to_be_given(world: World, opal: Client, held: Grant) -> None:
    slow = approve(world, ask(world, "oskar", "door"), "otto").grant
    converge(slow)
    late(world, held)
    with clock.moved(by=timedelta(minutes=2)):
        page = words(opal.get("/problems/"))
    assert page.index("should be gone") < page.index("Being given")


def test_trying_again_makes_the_lease_due_at_once(world: World, opal: Client, held: Grant) -> None:
    late(world, held)
    lease = Lease.objects.get(target__key="building")
    with clock.moved(by=timedelta(minutes=2)):
        answer = opal.post(f"/leases/{lease.pk}/retry/", follow=True)
        now = clock.now()
    assert "Tried again now: door for rita on Office building." in words(answer)
    lease.refresh_from_db()
    assert lease.due_at is not None
    assert now - lease.due_at < timedelta(seconds=5)


def test_an_auditor_sees_problems_and_is_told_why_not_to_retry(world: World, as_: As, held: Grant) -> None:
    elevate(world, "auda", "auditor")
    late(world, held)
    with clock.moved(by=timedelta(minutes=2)):
        page = words(as_("auda").get("/problems/"))
    assert "Try again now" not in page
    assert "operator&#x27;s power" in page


def test_the_owner_of_a_role_has_its_manual_work_to_do(world: World, as_: As) -> None:
    converge(approve(world, ask(world, "rita", "door"), "mona").grant)
    olga, task = as_("olga"), ManualTask.objects.get()
    assert "door" in words(olga.get("/tasks/"))
    assert "Give door to rita" in words(olga.get(f"/tasks/{task.pk}/"))
    answer = olga.post(f"/tasks/{task.pk}/", {"note": "Badge 17 is switched on."}, follow=True)
    assert "Confirmed: door for rita is given." in words(answer)
    task.refresh_from_db()
    assert (task.done_by, task.note) == (world["olga"], "Badge 17 is switched on.")


def test_confirming_what_somebody_confirmed_is_a_conflict_and_keeps_the_note(world: World, as_: As) -> None:
    converge(approve(world, ask(world, "rita", "door"), "mona").grant)
    olga, task = as_("olga"), ManualTask.objects.get()
    olga.post(f"/tasks/{task.pk}/", {"note": "First."})
    answer = olga.post(f"/tasks/{task.pk}/", {"note": "Second, and late."})
    assert answer.status_code == 409
    assert "Olga Test has confirmed this already." in words(answer)
    assert "Second, and late." in words(answer)


def test_taking_away_comes_first_and_ones_own_is_anothers_to_confirm(
    world: World, as_: As, held: Grant
) -> None:
    elevate(world, "opal", "operator")
    converge(approve(world, ask(world, "oskar", "door"), "otto").grant)
    late(world, held)
    page = words(as_("opal").get("/tasks/"))
    assert page.index("Take away first") < page.index(">Give<")
    assert "Done lately" in page


def test_nobody_confirms_their_own_access(world: World, as_: As, held: Grant) -> None:
    late(world, held)
    task = ManualTask.objects.get(wanted=False)
    answer = as_("rita").post(f"/tasks/{task.pk}/", {"note": "Gone, I swear."})
    assert answer.status_code == 403
    assert "This is your own access." in words(answer)


def test_too_long_a_note_is_kept(world: World, as_: As) -> None:
    converge(approve(world, ask(world, "rita", "door"), "mona").grant)
    task = ManualTask.objects.get()
    answer = as_("olga").post(f"/tasks/{task.pk}/", {"note": "n" * 4001})
    assert answer.status_code == 422
    assert "n" * 4001 in words(answer)


def test_a_target_says_how_it_is_once_it_was_asked(world: World, opal: Client) -> None:
    assert "Nobody has asked it yet." in words(opal.get("/targets/building/"))
    page = words(opal.post("/targets/building/check/", follow=True))
    assert "Office building answered, and is well." in page
    assert "Opal Test checked Office building" in page
    assert "Well" in words(opal.get("/targets/"))


def test_a_target_that_cant_be_reached_says_so_and_never_breaks(world: World, opal: Client) -> None:
    Target.objects.filter(key="building").update(connector="postgres", settings={})
    page = words(opal.post("/targets/building/check/", follow=True))
    assert "has problems" in page
    assert "t answer" in page


def test_a_role_owner_sees_the_target_but_not_everybodys_grants_on_it(
    world: World, as_: As, held: Grant
) -> None:
    page = words(as_("olga").get("/targets/building/"))
    assert "Server room door" in page
    assert "Rita Test asked for" not in page


@pytest.mark.parametrize(
    "address", ["/targets/nowhere/", "/roles/nothing/", "/tasks/999/", "/tasks/" + "9" * 30 + "/"]
)
def test_what_isnt_there_is_not_found(world: World, opal: Client, address: str) -> None:
    assert opal.get(address).status_code == 404


def test_the_worker_clears_what_was_late(world: World, opal: Client, held: Grant) -> None:
    late(world, held)
    with clock.moved(by=timedelta(minutes=2)):
        carried_out(world, held)
        beat()
        assert "Nothing is late, and nothing fails." in words(opal.get("/problems/"))
        assert leases.due_targets(clock.now()) == []


def test_a_request_that_nobody_can_decide_is_a_problem(world: World, opal: Client) -> None:
    request = ask(world, "rita", "door")
    beat()
    assert "too few people" not in words(opal.get("/problems/"))
    for username in sorted(decider.username for decider in decisions.deciders(request)):
        people.deactivate(actor=system(), person=world[username], reason="Has left.")
        while heir := decisions.deciders(request):
            people.deactivate(actor=system(), person=heir[0], reason="Has left too.")
    said = words(opal.get("/problems/"))
    assert "Requests that too few people can decide" in said
    assert f"Request {request.pk}" in said


def test_a_target_shows_what_is_held_there_now(world: World, opal: Client, as_: As, held: Grant) -> None:
    page = words(opal.get("/targets/building/"))
    assert "Rita Test" in page
    assert "On the target: present" in page
    assert f"/grants/{held.pk}/" in page
    assert "1 grant now" in words(opal.get("/targets/"))
    with clock.moved(by=timedelta(minutes=31)):
        assert "Nobody holds anything there right now." in words(as_("olga").get("/targets/building/"))


def test_a_webhook_receiver_that_fails_or_wants_nothing_is_a_problem(opal: Client, settings: Any) -> None:
    beat()
    settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    with hook() as receiver:
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", receiver.address, (secret,))}
        receiver.manner = 500
        _alert_siem()
        page = words(opal.get("/problems/"))
        assert "Webhook receivers that don\u2019t take what they are sent" in page
        assert "It answered 500." in page
        receiver.manner = 410
        with clock.moved(by=timedelta(minutes=1)):
            _alert_siem()
    page = words(opal.get("/problems/"))
    assert "manage.py webhooks --enable siem" in page
    assert "Webhooks that were given up" in page
    assert "127.0.0.1" not in page


def _alert_siem() -> None:
    with operation(system()):
        webhooks.enqueue(
            kind="emergency.opened", data={}, endpoints=["siem"], now=clock.now(), actor=system()
        )
    webhook_sending.send_due()
