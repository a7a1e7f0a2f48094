"""Second factors: added, sealed at rest, asked for at sign-in and for one act each, and removed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from pytest_django.plugin import DjangoDbBlocker

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Entry, Event, Notice, Person, PolicyVersion, StepUpProof
from jitportal.operations import (
    clock,
    decisions,
    factors,
    one_time_codes,
    people,
    policies,
    revoking,
    sealing,
    step_up,
    submissions,
)
from jitportal.operations.submissions import Wish
from jitportal.rules.errors import InvalidInput, NotAllowed
from jitportal.rules.vocabulary import RequestStatus, StartMode, Verdict
from tests.undone import undone
from tests.web.routes import NAMED
from tests.web.second_factors import HALF_MINUTE, App, confirmed, field, words
from tests.web.world import POLICY, World, approve, ask, elevate, settled

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def settled_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield settled()


@pytest.fixture
def world(settled_world: World, db: None, settings: LazySettings) -> World:
    settings.STEP_UP = True
    return settled_world.as_stored()


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def one_time_codes_secret(page: Any) -> str:
    """The key that the page shows for an app."""
    found = re.search(r'<pre id="key">([A-Z2-7 ]+)</pre>', words(page))
    assert found
    return found[1].replace(" ", "")


def recovery_codes_on(page: Any) -> list[str]:
    return re.findall(r"(?m)^(?:.*>)?(\d{4} \d{4})(?=$|<)", words(page))


def approval_of(request: AccessRequest, **changes: str) -> tuple[str, dict[str, str]]:
    said = {"digest": decisions.seen_digest(request), "reason": 'Looked "at" <it>.\nTwice.', "minutes": "20"}
    return reverse("decide_approve", args=[request.pk]), {**said, **changes}


def test_a_code_passes_the_step_up_and_what_was_typed_stays(world: World) -> None:
    request, app, kai = ask(world, "rita", "cabinet"), App(world["kai"]), browser_of(world["kai"])
    address, said = approval_of(request)
    asked = kai.post(address, said)
    assert asked.status_code == 403
    assert "Approve Key cabinet (All of Office building) for Rita Test, for 20 minutes." in words(asked)
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


def test_who_has_none_is_led_to_one_and_goes_on_with_what_they_typed(world: World) -> None:
    request, kai = ask(world, "rita", "cabinet"), browser_of(world["kai"])
    address, said = approval_of(request)
    refused = kai.post(address, said)
    assert refused.status_code == 403
    assert "you have none yet" in words(refused)
    page = kai.get(reverse("you_factor_codes"))
    secret = one_time_codes_secret(page)
    assert "<svg" in words(page)
    assert "<?xml" not in words(page)
    setup = field(page, "setup")
    wrong = kai.post(reverse("you_factor_codes"), {"setup": setup, "code": "000000"})
    assert wrong.status_code == 422
    assert one_time_codes_secret(wrong) == secret
    code = one_time_codes.code_at(secret, clock.now())
    shown = kai.post(reverse("you_factor_codes"), {"setup": setup, "code": code})
    assert shown.status_code == 200
    codes = recovery_codes_on(shown)
    assert len(codes) == 10
    asked = confirmed(kai, shown, address)
    assert asked.status_code == 403
    answer = confirmed(kai, asked, address, step_up_code=codes[3])
    assert answer.status_code == 302
    assert request.approvals.get().reason == said["reason"]
    assert StepUpProof.objects.get().method == "recovery_code"
    assert Notice.objects.filter(kind="factor.recovery_code", recipient=world["kai"]).exists()
    assert set(
        Event.objects.filter(person=world["kai"], verb__startswith="factor.").values_list("verb", flat=True)
    ) == {
        "factor.added",
        "factor.shown",
    }
    again = kai.post(*approval_of(ask(world, "oskar", "cabinet")))
    used = confirmed(kai, again, reverse("decide_approve", args=[request.pk]), step_up_code=codes[3])
    assert "That code isn&#x27;t right." in words(used)


def test_enrolment_is_enforced_before_any_decision(world: World, settings: LazySettings) -> None:
    settings.STEP_UP, settings.SECOND_FACTOR = False, True
    request, kai = ask(world, "rita", "cabinet"), browser_of(world["kai"])
    refused = kai.post(*approval_of(request))
    assert refused.status_code == 403
    assert "Deciding takes a second factor, and you have none yet." in words(refused)
    denied = kai.post(reverse("decide_deny", args=[request.pk]), approval_of(request)[1])
    assert denied.status_code == 403
    App(world["kai"])
    assert kai.post(*approval_of(request)).status_code == 302


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
    asked = polly.post(address)
    assert asked.status_code == 403
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


def test_secrets_are_sealed_at_rest_and_other_keys_open_them_while_they_are_named(
    world: World, settings: LazySettings
) -> None:
    app = App(world["kai"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, CAST(data AS TEXT) FROM mfa_authenticator ORDER BY id")
        rows = dict(cursor.fetchall())
    assert app.secret not in rows["totp"]
    assert json.loads(rows["totp"])["secret"].startswith("gAAAA")
    assert json.loads(rows["recovery_codes"])["seed"].startswith("gAAAA")
    old = settings.SEALING_KEYS
    settings.SEALING_KEYS = ["another key, put before the old one", *old]
    assert one_time_codes.secret_of(app.factor) == app.secret
    call_command("seal_again")
    app.factor.refresh_from_db()
    settings.SEALING_KEYS = ["another key, put before the old one"]
    assert one_time_codes.secret_of(app.factor) == app.secret
    assert one_time_codes.recovery_codes_left(Authenticator.objects.get(type="recovery_codes")) == 10
    settings.SEALING_KEYS = ["another key alone"]
    with pytest.raises(sealing.Unreadable, match="JITPORTAL_SEALING_KEY_FALLBACKS"):
        one_time_codes.secret_of(app.factor)
    shown = browser_of(world["kai"]).get(reverse("you_factors"))
    assert shown.status_code == 422
    assert "can&#x27;t be read with the keys that are set" in words(shown)
    assert sealing.seal("one purpose", "word") != "word"
    with pytest.raises(sealing.Unreadable):
        sealing.unseal("another purpose", sealing.seal("one purpose", "word"))


def test_nothing_secret_of_a_factor_is_on_record_or_in_the_admin(world: World) -> None:
    app = App(world["kai"])
    sealed = Authenticator.objects.get(pk=app.factor.pk).data["secret"]
    said = str(list(Entry.objects.values_list("changes", "object_repr"))) + str(list(Event.objects.values()))
    assert app.secret not in said
    assert sealed not in said
    elevate(world, "auda", "auditor")
    shown = browser_of(world["auda"]).get(reverse("admin:mfa_authenticator_change", args=[app.factor.pk]))
    assert shown.status_code == 200
    assert sealed not in words(shown)


def test_a_removal_takes_a_factor_and_is_told(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    address = reverse("factor_remove", args=[app.factor.pk])
    asked = kai.post(address)
    assert asked.status_code == 403
    assert "Remove an authenticator app" in words(asked)
    assert confirmed(kai, asked, address, step_up_code=app.code()).status_code == 302
    assert not Authenticator.objects.filter(user=world["kai"]).exists()  # recovery codes went with the last
    assert Notice.objects.filter(kind="factor.removed", recipient=world["kai"]).exists()


def test_nobody_removes_anothers_factor(world: World) -> None:
    app, mona = App(world["kai"]), browser_of(world["mona"])
    assert mona.post(reverse("factor_remove", args=[app.factor.pk])).status_code == 409
    assert Authenticator.objects.filter(pk=app.factor.pk).exists()


def test_new_recovery_codes_take_a_factor_and_void_the_old(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    address = reverse("you_recovery_codes")
    asked = kai.post(address)
    assert asked.status_code == 403
    shown = confirmed(kai, asked, address, step_up_code=app.code())
    codes = recovery_codes_on(shown)
    assert len(codes) == 10
    assert not set(codes) & set(app.recovery_codes)


def test_an_administrators_reset_is_recorded_told_and_ends_sessions(world: World) -> None:
    app, kai = App(world["kai"]), browser_of(world["kai"])
    assert kai.get("/").status_code == 200
    with pytest.raises(NotAllowed):
        factors.reset(actor=world["mona"], person=world["kai"], reason="I want to.")
    call_command("reset_factors", "kai", reason="They lost their phone.")
    assert not Authenticator.objects.filter(pk=app.factor.pk).exists()
    event = Event.objects.get(verb="factor.reset")
    assert event.sentence == "The system reset the second factors of Kai Test: They lost their phone."
    assert Notice.objects.filter(kind="factor.reset", recipient=world["kai"]).exists()
    assert kai.get("/").status_code == 302


def test_signing_in_asks_for_the_second_factor_of_who_has_one(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    app, client = App(ann), Client()
    first = client.post("/sign-in/?next=/history/", {"username": "ann", "password": PASSWORD})
    assert first.headers["Location"] == "/sign-in/second-factor/"
    assert client.get("/").status_code == 302  # the password alone is no session
    page = client.get("/sign-in/second-factor/")
    assert page.status_code == 200
    assert "known_browser" not in client.cookies
    wrong = confirmed(client, page, "/sign-in/second-factor/", step_up_code="000000")
    assert wrong.status_code == 422
    assert client.get("/").status_code == 302
    right = confirmed(client, wrong, "/sign-in/second-factor/", step_up_code=app.code())
    assert right.headers["Location"] == "/history/"
    assert client.get("/").status_code == 200
    assert "known_browser" in client.cookies
    assert Event.objects.filter(verb="person.signed_in", person=ann).count() == 1
    again = Client()
    again.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = again.get("/sign-in/second-factor/")
    replayed = confirmed(again, page, "/sign-in/second-factor/", step_up_code=app.code())
    assert replayed.status_code == 422
    assert "That code has been used already." in words(replayed)


def test_who_left_meanwhile_does_not_come_in(db: None) -> None:
    ann = people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    app, client = App(ann), Client()
    client.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    page = client.get("/sign-in/second-factor/")
    people.deactivate(actor=system(), person=ann, reason="Left.")
    answer = confirmed(client, page, "/sign-in/second-factor/", step_up_code=app.code())
    assert answer.headers["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


def test_a_session_without_the_password_step_shows_no_second_factor(db: None) -> None:
    assert Client().get("/sign-in/second-factor/").headers["Location"] == "/sign-in/"


def test_revoking_several_at_once_takes_one(world: World, settings: LazySettings) -> None:
    settings.STEP_UP = False
    held = [elevate(world, username, "auditor") for username in ("auda", "adam")]
    settings.STEP_UP = True
    app, olga = App(world["olga"]), browser_of(world["olga"])
    address = reverse("revoke_of_role", args=["auditor"])
    assert browser_of(world["sam"]).get(address).status_code == 404
    page = olga.get(address)
    assert words(page).count("checked") == 2
    said = {"grants": [str(grant.pk) for grant in held], "reason": "An incident."}
    asked = olga.post(address, said)
    assert asked.status_code == 403
    assert "Revoke 2 grants: Auditor of this portal of Adam Test" in words(asked) or "of Auda Test" in words(
        asked
    )
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


def test_none_of_the_librarys_own_pages_is_there() -> None:
    """Nobody signs up, and nobody gets a password, an address or a second factor by pages that aren't ours."""
    theirs = ("account_", "mfa_", "socialaccount_", "usersessions_", "openid_connect_", "headless")
    assert [name for name in NAMED if name.startswith(theirs)] == []
    for path in (
        "accounts/signup/",
        "accounts/password/reset/",
        "accounts/2fa/",
        "accounts/login/",
        "accounts/",
    ):
        assert Client().get(f"/{path}").status_code in (302, 404)
        assert resolves_to_nothing(f"/{path}")


def resolves_to_nothing(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return True
    return False
