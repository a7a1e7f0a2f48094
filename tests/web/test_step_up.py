"""A fresh second factor for one act: asked for, bound to it, used once."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from jitportal.models import Delegation, Event, Notice, PolicyVersion, StepUpProof
from jitportal.operations import (
    clock,
    decisions,
    policies,
    revoking,
    step_up,
    submissions,
)
from jitportal.operations.submissions import Wish
from jitportal.rules.errors import InvalidInput, NotAllowed
from jitportal.rules.vocabulary import RequestStatus, StartMode, Verdict
from tests.web.second_factors import HALF_MINUTE, App, approval_of, browser_of, confirmed, field, words
from tests.web.world import World, approve, ask, elevate
from tests.web.world_policy import POLICY

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def world(settled_world: World, db: None, settings: LazySettings) -> World:
    settings.STEP_UP = True
    return settled_world.as_stored()


def test_a_code_passes_the_step_up_and_what_was_typed_stays(world: World) -> None:
    request, app, kai = ask(world, "rita", "cabinet"), App(world["kai"]), browser_of(world["kai"])
    address, said = approval_of(request)
    asked = kai.post(address, said)
    assert asked.status_code == 403
    for line in (
        "Approve Key cabinet (All of Office building) for Rita Test, for 20 minutes.",
        "Gives: cabinet on Office building.",
        "Starts: as soon as everybody has approved it.",
        "Stage: keepers.",
        "Their reason: \u201crita has work to do there.\u201d",
        f"Policy 1, revision 1 of request {request.pk}.",
    ):
        assert line in words(asked)
    assert request.approvals.count() == 0
    answer = confirmed(kai, asked, address, step_up_code=app.code())
    assert answer.status_code == 302
    approval = request.approvals.get()
    assert approval.reason == 'Looked "at" <it>.\nTwice.'
    proof = StepUpProof.objects.get()
    assert (proof.person, proof.method, proof.about["approval"]) == (world["kai"], "code", approval.digest)
    assert proof.used_at is not None
    event = Event.objects.get(verb="request.approved")
    assert event.data["step_up"] == {"proof": proof.pk, "digest": proof.digest, "by": "code"}


def test_a_wrong_code_is_asked_again_and_guessing_waits(world: World) -> None:
    request, app, kai = ask(world, "rita", "cabinet"), App(world["kai"]), browser_of(world["kai"])
    address, said = approval_of(request)
    asked = kai.post(address, said)
    for _ in range(8):  # what wasn't typed is no guess
        asked = confirmed(kai, asked, address, step_up_code=" ")
        assert "Type a code, or use a passkey." in words(asked)
    for _ in range(5):
        asked = confirmed(kai, asked, address, step_up_code="000000")
        assert asked.status_code == 422
        assert "That code isn&#x27;t right." in words(asked)
    asked = confirmed(kai, asked, address, step_up_code=app.code())
    assert "There were too many wrong codes. Try again in 10 seconds." in words(asked)
    assert field(asked, "minutes") == "20"
    assert request.approvals.count() == 0
    assert Event.objects.filter(verb="factor.guessed", person=world["kai"]).count() == 1
    assert Notice.objects.filter(kind="factor.guessed", recipient=world["kai"]).count() == 1
    with clock.moved(by=timedelta(seconds=11)):
        assert confirmed(kai, asked, address, step_up_code=app.code()).status_code == 302


def test_an_old_confirmation_counts_no_more(world: World) -> None:
    request, app, kai = ask(world, "rita", "cabinet"), App(world["kai"]), browser_of(world["kai"])
    address, said = approval_of(request)
    asked = kai.post(address, said)
    with clock.moved(by=timedelta(minutes=6)):
        late = confirmed(kai, asked, address, step_up_code=app.code())
        assert late.status_code == 422
        assert "That took too long" in words(late)
        assert not StepUpProof.objects.exists()
        assert confirmed(kai, late, address, step_up_code=app.code()).status_code == 302


def test_a_confirmation_and_a_code_count_once(world: World) -> None:
    first, second = ask(world, "rita", "cabinet"), ask(world, "oskar", "cabinet")
    app, kai = App(world["kai"]), browser_of(world["kai"])
    address, said = approval_of(first)
    asked, code = kai.post(address, said), app.code()
    assert confirmed(kai, asked, address, step_up_code=code).status_code == 302
    again = confirmed(kai, asked, address, step_up_code=app.code(HALF_MINUTE))
    assert again.status_code == 422
    assert "This confirmation has been used already" in words(again)
    address, said = approval_of(second)
    asked = kai.post(address, said)
    again = confirmed(kai, asked, address, step_up_code=code)
    assert "That code has been used already." in words(again)
    assert second.approvals.count() == 0


def test_a_confirmation_is_for_what_was_shown_and_nothing_else(world: World) -> None:
    first, second = ask(world, "rita", "cabinet"), ask(world, "oskar", "cabinet")
    app, kai = App(world["kai"]), browser_of(world["kai"])
    asked = kai.post(*approval_of(first))
    proof = {"step_up_token": field(asked, "step_up_token"), "step_up_code": app.code()}
    other = kai.post(*approval_of(second, **proof))
    assert other.status_code == 422
    assert "What you confirmed isn&#x27;t what is being decided now." in words(other)
    asked = kai.post(*approval_of(first))
    proof = {"step_up_token": field(asked, "step_up_token"), "step_up_code": app.code(HALF_MINUTE)}
    longer = kai.post(*approval_of(first, **proof, minutes="25"))
    assert longer.status_code == 422
    assert first.approvals.count() == second.approvals.count() == 0


def test_somebody_elses_confirmation_is_none(world: World) -> None:
    request, app = ask(world, "rita", "cabinet"), App(world["kai"])
    App(world["mona"])
    kai, mona = browser_of(world["kai"]), browser_of(world["mona"])
    address, said = approval_of(request)
    asked = kai.post(address, said)
    assert confirmed(kai, asked, address, step_up_code=app.code()).status_code == 302
    request.refresh_from_db()
    address, said = approval_of(request)
    asked = kai.post(*approval_of(ask(world, "oskar", "cabinet")))
    theirs = mona.post(
        address,
        {**said, "step_up_token": field(asked, "step_up_token"), "step_up_code": app.code(HALF_MINUTE)},
    )
    assert theirs.status_code == 403
    assert request.approvals.count() == 1
    own = StepUpProof.objects.get()
    with pytest.raises(step_up.StepUpNeeded, match="somebody else"):
        decisions.decide(
            actor=world["mona"],
            request=request,
            verdict=Verdict.APPROVE,
            digest=decisions.seen_digest(request),
            proof=own,
        )


def test_the_operation_asks_and_not_only_the_page(world: World) -> None:
    request = ask(world, "rita", "cabinet")
    App(world["kai"])
    seen = decisions.seen_digest(request)
    with pytest.raises(step_up.StepUpNeeded):
        decisions.decide(actor=world["kai"], request=request, verdict=Verdict.APPROVE, digest=seen)
    decisions.decide(actor=world["kai"], request=request, verdict=Verdict.DENY, digest=seen, reason="No.")
    request.refresh_from_db()
    assert request.status == RequestStatus.DENIED


def test_starting_a_role_of_high_risk_takes_one(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = False
    opens = clock.now()
    request = ask(
        world,
        "rita",
        "cabinet",
        start_mode=StartMode.ON_CLICK,
        opens_at=opens,
        closes_at=opens + timedelta(hours=2),
    )
    grant = approve(world, request, "kai", "mona").grant
    settings.STEP_UP = True
    app, rita = App(world["rita"]), browser_of(world["rita"])
    address = reverse("grant_start", args=[grant.pk])
    asked = rita.post(address)
    assert asked.status_code == 403
    assert "Start Key cabinet (All of Office building) on Office building for 30 minutes." in words(asked)
    grant.refresh_from_db()
    assert grant.starts_at is None
    assert confirmed(rita, asked, address, step_up_code=app.code()).status_code == 302
    grant.refresh_from_db()
    assert grant.starts_at is not None


def test_bringing_a_policy_into_force_takes_one(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = False
    for editor in ("paul", "polly"):
        elevate(world, editor, "policy-editor")
    version = policies.propose(actor=world["paul"], text=POLICY + "\n# A comment.\n", note="A comment.")
    policies.approve(actor=world["polly"], version=version)
    settings.STEP_UP = True
    _from_a_shell_too(world, version)
    app, polly = App(world["polly"]), browser_of(world["polly"])
    address = reverse("policy_apply", args=[version.number])
    page = polly.get(reverse("policy_version", args=[version.number]))
    assert "When you bring it into force, you confirm that with your second factor" in words(page)
    asked = polly.post(address)
    assert asked.status_code == 403
    for line in (
        "Proposed by Paul Test: \u201cA comment.\u201d",
        "Approved by Polly Test.",
        "It changes nothing that has a meaning",
        f"Its text: SHA-256 {version.digest}",
    ):
        assert line in words(asked)
    assert policies.current_version() != version
    assert confirmed(polly, asked, address, step_up_code=app.code()).status_code == 302
    assert policies.current_version() == version


def _from_a_shell_too(world: World, version: PolicyVersion) -> None:
    """Without a second factor, without a code, and with a wrong one it is refused there."""
    apply = ("policy", "apply", str(version.number), "--as", "paul")
    with pytest.raises(CommandError, match="you have none yet"):
        call_command(*apply)
    app = App(world["paul"])
    with pytest.raises(CommandError, match="add --code"):
        call_command(*apply)
    with pytest.raises(CommandError, match="That code isn't right"):
        call_command(*apply, "--code", "000000")
    with transaction.atomic():
        call_command(*apply, "--code", app.code(), stdout=StringIO())
        assert policies.current_version() == version
        transaction.set_rollback(True)
    assert policies.current_version() != version


def test_several_verdicts_at_once_leave_high_risk_out(world: World) -> None:
    request, app = ask(world, "rita", "cabinet"), App(world["kai"])
    seen = decisions.seen_digest(request)
    with pytest.raises(
        InvalidInput, match="Key cabinet, Rita Test: A role of high risk is approved by itself"
    ):
        submissions.submit(
            actor=world["kai"],
            token=UUID(int=1),
            wishes=[Wish(request, Verdict.APPROVE, seen, minutes=20)],
        )
    assert app.code()


def test_revoking_several_at_once_takes_one(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = False
    held = [elevate(world, username, "auditor") for username in ("auda", "adam")]
    settings.STEP_UP = True
    app, olga = App(world["olga"]), browser_of(world["olga"])
    address = reverse("revoke_of_role", args=["auditor"])
    assert browser_of(world["sam"]).get(address).status_code == 404
    page = olga.get(address)
    assert words(page).count("checked") == 2
    assert "When you revoke them, you confirm that with your second factor" in words(page)
    said = {"grants": [str(grant.pk) for grant in held], "reason": "An incident."}
    asked = olga.post(address, said)
    assert asked.status_code == 403
    assert "Revoke 2 grants." in words(asked)
    for grant in held:
        assert f"(All of This portal) of {grant.person}, grant {grant.pk}" in words(asked)
    assert "Your reason: \u201cAn incident.\u201d" in words(asked)
    kept = {
        "grants": said["grants"],
        "reason": "An incident.",
        "step_up_token": field(asked, "step_up_token"),
    }
    one = olga.post(address, {**kept, "grants": said["grants"][:1], "step_up_code": app.code()})
    assert one.status_code == 422  # what was confirmed is both, and no other choice
    done = olga.post(
        address,
        {
            **kept,
            "step_up_token": field(one, "step_up_token"),
            "grants": said["grants"][:1],
            "step_up_code": app.code(HALF_MINUTE),
        },
    )
    assert done.status_code == 302
    for grant in held:
        grant.refresh_from_db()
    assert [grant.end_reason for grant in held] == ["revoked", ""]
    event = Event.objects.get(verb="grants.revoked")
    assert event.data["grants"] == [held[0].pk]
    assert event.data["step_up"]["by"] == "code"


def test_nobody_revokes_what_isnt_theirs_among_several(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = False
    held = elevate(world, "auda", "auditor")
    with pytest.raises(NotAllowed):
        revoking.revoke_several(actor=world["sam"], grants=[held], reason="Mischief.")
    rows = {"grants": [str(held.pk)], "reason": "Mischief."}
    assert browser_of(world["sam"]).post(reverse("revoke_of_role", args=["auditor"]), rows).status_code == 404
    held.refresh_from_db()
    assert held.stopped_at is None


def test_naming_a_delegate_takes_one_and_both_are_told(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    ends = timezone.localtime(clock.now() + timedelta(days=2))
    said = {"to": "mona", "ends_at": f"{ends:%Y-%m-%dT%H:%M}", "reason": "On leave."}
    address = reverse("you_delegation")
    assert "When you name somebody, you confirm that with your second factor" in words(kai.get(address))
    asked = kai.post(address, said)
    assert asked.status_code == 403
    assert "Have Mona Test decide for you from now to" in words(asked)
    assert not Delegation.objects.exists()
    other = confirmed(kai, asked, address, step_up_code=app.code(), to="olga")
    assert other.status_code == 422
    asked = kai.post(address, said)
    done = confirmed(kai, asked, address, step_up_code=app.code(HALF_MINUTE))
    assert done.status_code == 302
    assert Delegation.objects.get().delegate == world["mona"]
    told = Notice.objects.filter(kind="delegation.made").values_list("recipient__username", flat=True)
    assert set(told) == {"kai", "mona"}
    assert Event.objects.get(verb="delegation.made").data["step_up"]["by"] == "code"
