"""A use of break-glass while the portal was down: written down afterwards, alerted, and reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from jitportal.envelopes import keys, sealing
from jitportal.models import (
    Activation,
    ActivationAlert,
    Event,
    Grant,
    Notice,
    PostIncidentReview,
    WebhookDelivery,
)
from jitportal.operations import after_the_fact, clock, sign_ins
from jitportal.operations.after_the_fact import Use
from jitportal.operations.sign_ins import Seen
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed
from jitportal.rules.vocabulary import ActivationStatus
from jitportal.webhook_settings import WebhookEndpoint
from tests.operations import emergency_world as house
from tests.operations import world
from tests.undone import undone

pytestmark = pytest.mark.usefixtures("rack")
SIEM = {"siem": WebhookEndpoint("siem", "http://127.0.0.1:9/", ("whsec_" + "A" * 44,))}
DONE = "Restarted the identity provider's database by hand."


@pytest.fixture(scope="module")
def settled_with_break_glass(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "WEBHOOKS", SIEM)
        world.settle(house.POLICY)
        yield


@pytest.fixture
def rack(settled_with_break_glass: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBHOOKS", SIEM)


def use(**said: Any) -> Use:
    now = clock.now()
    usual: dict[str, Any] = {
        "responder": world.person("rita"),
        "account": "rescue-1",
        "role_key": "rescue",
        "scope": "all",
        "criterion": "outage",
        "incident": "INC-7",
        "broken": house.BROKEN,
        "done": DONE,
        "began_at": now - timedelta(hours=3),
        "ended_at": now - timedelta(hours=1, minutes=30),
        "envelope": "0011223344556677",
    }
    usual |= {name: usual[name].astimezone(ZoneInfo("Asia/Kolkata")) for name in ("began_at", "ended_at")}
    return Use(**{**usual, **said})


def test_the_use_is_an_activation_with_its_review_and_its_alerts() -> None:
    said = use()
    activation = after_the_fact.take_in(actor=world.person("dora"), use=said)
    activation = Activation.objects.get(pk=activation.pk)
    assert activation.after_the_fact
    assert activation.status == ActivationStatus.ENDED
    assert (activation.opened_at, activation.ends_at) == (said.began_at, said.ended_at)
    assert activation.minutes == 90, "longer than the role's cap: it happened, and the review sees it"
    assert not Grant.objects.filter(activation=activation).exists()
    review = PostIncidentReview.objects.get(activation=activation)
    assert review.responder == world.person("rita")
    alert = Notice.objects.filter(kind="emergency.opened", activation=activation).first()
    assert alert is not None
    assert f"{activation.opened_at:%d %B %H:%M} to {activation.ends_at:%d %B %H:%M} UTC" in alert.body
    (event,) = Event.objects.filter(verb="emergency.taken_in")
    assert (event.actor, event.person) == (world.person("dora"), world.person("rita"))
    assert "by opening envelope 0011223344556677" in event.sentence
    alerted = set(ActivationAlert.objects.values_list("person__username", flat=True))
    assert {"otto", "sven", "sara"} <= alerted
    assert "rita" not in alerted
    delivery = WebhookDelivery.objects.get(endpoint="siem")
    assert delivery.event == event
    assert json.loads(delivery.body)["data"]["after_the_fact"] is True


def test_the_alert_says_that_it_has_passed() -> None:
    activation = after_the_fact.take_in(actor=world.person("dora"), use=use())
    notice = activation.notices.filter(kind="emergency.opened").first()
    assert notice is not None
    assert "without the portal" in notice.subject
    assert "while the portal was down" in notice.body


def test_somebody_outside_the_population_is_written_down_all_the_same() -> None:
    activation = after_the_fact.take_in(actor=world.person("dora"), use=use(responder=world.person("carl")))
    assert activation.person == world.person("carl")


@pytest.mark.parametrize("actor", ["dora", "rita", "sven", "otto"])
def test_who_may_write_it_down(actor: str) -> None:
    """A custodian, the population, a security contact, and the role's owner."""
    after_the_fact.take_in(actor=world.person(actor), use=use())


def test_others_may_not() -> None:
    with pytest.raises(NotAllowed):
        after_the_fact.take_in(actor=world.person("carl"), use=use())
    assert not Activation.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account": "rescue-9"}, "account"),
        ({"role_key": "writer"}, "role"),
        ({"scope": "left"}, "scope"),
        ({"criterion": "boredom"}, "criterion"),
        ({"broken": "x"}, "broken"),
        ({"done": ""}, "done"),
        ({"done": "\x00" * 20}, "done"),
        ({"incident": "x" * 101}, "incident"),
    ],
    ids=str,
)
def test_what_isnt_whole_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        after_the_fact.take_in(actor=world.person("dora"), use=use(**change))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert not Activation.objects.exists()


def test_times_that_cant_be_are_refused() -> None:
    said, now = use(), clock.now()
    for began, ended in (
        (said.ended_at, said.began_at),
        (said.began_at, now + timedelta(minutes=5)),
        (now - timedelta(days=100), now - timedelta(days=99)),
    ):
        with pytest.raises(InvalidInput):
            after_the_fact.take_in(
                actor=world.person("dora"), use=replace(said, began_at=began, ended_at=ended)
            )


def test_the_same_hours_are_written_down_once() -> None:
    said = use()
    after_the_fact.take_in(actor=world.person("dora"), use=said)
    with pytest.raises(Conflict, match="are activation"):
        after_the_fact.take_in(actor=world.person("sven"), use=said)
    other = replace(said, account="rescue-2")
    assert after_the_fact.take_in(actor=world.person("dora"), use=other).account.key == "rescue-2"


def test_its_page_says_that_it_was_written_down_afterwards() -> None:
    activation = after_the_fact.take_in(actor=world.person("dora"), use=use())
    for who in ("rita", "sven", "otto"):
        client = Client()
        client.force_login(world.person(who))
        page = client.get(f"/emergency/activations/{activation.pk}/")
        assert page.status_code == 200
        assert "Written down afterwards" in page.content.decode()
        assert "What was done" in page.content.decode()
        assert client.get(f"/emergency/reviews/{activation.review.pk}/").status_code == 200


def test_a_sign_in_that_is_told_of_late_belongs_to_it() -> None:
    """A host that kept its report while the portal was down opens no second review."""
    said = use()
    activation = after_the_fact.take_in(actor=world.person("dora"), use=said)
    seen = Seen("emergency1", said.began_at + timedelta(minutes=5), "session-7", "192.0.2.7", "")
    sign_in = sign_ins.report(source="ssh", account=activation.account, seen=seen)
    assert sign_in.activation == activation
    assert PostIncidentReview.objects.count() == 1


# the whole way: sealed, drilled, opened, used, written down


def test_an_envelope_from_sealing_to_the_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publics: list[object] = []
    for name in ("dora", "dina", "otto"):
        custodian, private = keys.make(name, "a long passphrase of " + name)
        (tmp_path / f"{name}.pub").write_text(custodian.text())
        (tmp_path / f"{name}.key").write_text(private)
        publics += ["--custodian", tmp_path / f"{name}.pub"]
    content, file = tmp_path / "content", tmp_path / "rescue.env"
    content.write_text("emergency1: hush-31c\n")
    call_command(
        "envelope", "seal", content, file, "--title", "Rack", "--account", "rescue-1", "--needed", "2",
        *publics, "--as", "dora",
    )  # fmt: skip
    envelope = sealing.read(file.read_text())
    asked = iter(["a long passphrase of dora", "a long passphrase of otto"] * 2)
    monkeypatch.setattr("jitportal.envelopes.command._passphrase", lambda _prompt: next(asked))
    opening = [file, "--key", tmp_path / "dora.key", "--key", tmp_path / "otto.key"]
    call_command("envelope", "drill", *opening, "--as", "dora")
    call_command("envelope", "open", *opening)
    assert "hush-31c" in capsys.readouterr().out
    said = use()
    call_command(
        "envelope", "used", "--as", "dora", "--by", "rita", "--account", "rescue-1", "--role", "rescue",
        "--criterion", "outage", "--from", said.began_at.isoformat(), "--until", said.ended_at.isoformat(),
        "--incident", "INC-7", "--broken", said.broken, "--done", said.done, "--envelope", envelope.number,
    )  # fmt: skip
    events = Event.objects.order_by("pk").filter(data__envelope=envelope.number)
    assert [event.verb for event in events] == ["envelope.sealed", "envelope.drilled", "emergency.taken_in"]
    assert events[0].data["custodians"] == ["dora", "dina", "otto"]
    assert PostIncidentReview.objects.get().responder == world.person("rita")
    assert "hush" not in str(list(Event.objects.values()))


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(CommandError, match="Write it with its zone"):
        call_command(
            "envelope", "used", "--as", "dora", "--by", "rita", "--account", "rescue-1", "--role", "rescue",
            "--criterion", "outage", "--from", "2026-01-31T14:05", "--until", "2026-01-31T15:05",
            "--broken", house.BROKEN, "--done", DONE,
        )  # fmt: skip
