"""Signed webhooks, to real receivers that fail, redirect, hang, and want nothing any more.

A signature is verified by the standardwebhooks package, as a receiver would.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.mail import EmailMessage
from standardwebhooks import Webhook, WebhookVerificationError

from jitportal.audit.system import system
from jitportal.models import Entry, Event, Notice, WebhookDelivery, WebhookReceiver
from jitportal.operations import clock, due, people, sending, webhook_sending, webhooks
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, NotAllowed
from jitportal.rules.webhooks import WAITS
from jitportal.webhook_settings import WebhookEndpoint
from tests.operations import world
from tests.operations.hooks import Hook, hook

pytestmark = pytest.mark.usefixtures("small_portal")

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
TOKEN = "tok-5a91"


@pytest.fixture
def siem(settings: Any) -> Iterator[Hook]:
    """A receiver that is set up under this name, on a network that the operator allows."""
    settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    with hook() as receiver:
        settings.WEBHOOKS = {"siem": endpoint(receiver)}
        yield receiver


def endpoint(receiver: Hook, *secrets: str, name: str = "siem") -> WebhookEndpoint:
    return WebhookEndpoint(name, f"{receiver.address}?token={TOKEN}", secrets or (SECRET,))


def alert(*names: str, **said: Any) -> WebhookDelivery:
    with operation(system()):
        rows = webhooks.enqueue(
            kind="emergency.opened",
            data={"activation": 7, "who": "Rita", "at": clock.now()},
            endpoints=names or ("siem",),
            now=clock.now(),
            actor=system(),
            **said,
        )
    return rows[0]


def test_a_message_arrives_signed_and_its_acknowledgement_is_kept(siem: Hook) -> None:
    row = alert()
    assert due.work_due(clock.now()).webhooks
    assert webhook_sending.send_due() == 1
    (call,) = siem.calls
    said = Webhook(SECRET).verify(call.body, call.headers)
    assert (said["type"], said["data"]["activation"], said["data"]["who"]) == ("emergency.opened", 7, "Rita")
    assert call.headers["webhook-id"] == row.message
    assert call.headers["content-type"] == "application/json"
    row.refresh_from_db()
    assert (row.attempts, row.last_status, row.last_error) == (1, 200, "")
    assert row.acknowledged_at is not None
    assert world.verbs(verb__startswith="webhook.") == ["webhook.acknowledged"]
    assert not due.work_due(clock.now()).webhooks
    with pytest.raises(WebhookVerificationError):
        Webhook(NEXT_SECRET).verify(call.body, call.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body.replace("Rita", "Remy"), call.headers)


def test_both_secrets_sign_while_one_gives_way_to_the_next(siem: Hook, settings: Any) -> None:
    settings.WEBHOOKS = {"siem": endpoint(siem, SECRET, NEXT_SECRET)}
    alert()
    webhook_sending.send_due()
    (call,) = siem.calls
    for secret in (SECRET, NEXT_SECRET):
        assert Webhook(secret).verify(call.body, call.headers)


def test_what_is_rolled_back_was_never_said(siem: Hook) -> None:
    with contextlib.suppress(RuntimeError), operation(system()):
        webhooks.enqueue(kind="x.y", data={}, endpoints=["siem"], now=clock.now(), actor=system())
        raise RuntimeError
    assert not WebhookDelivery.objects.exists()


def test_one_occasion_is_told_once(siem: Hook) -> None:
    alert(message="msg_7")
    with operation(system()):
        again = webhooks.enqueue(
            kind="x.y", data={}, endpoints=["siem"], now=clock.now(), actor=system(), message="msg_7"
        )
    assert again == []
    assert webhook_sending.send_due() == 1


@pytest.mark.parametrize(
    ("manner", "said"), [(500, "It answered 500."), (404, "It answered 404."), (302, "It answered 302.")]
)
def test_a_failure_is_tried_again_with_the_same_id_and_body(siem: Hook, manner: int, said: str) -> None:
    siem.manner = manner
    row = alert()
    assert webhook_sending.send_due() == 0
    row.refresh_from_db()
    assert (row.attempts, row.last_status, row.last_error) == (1, manner, said)
    assert WAITS[0] <= row.due_at - row.created_at <= WAITS[0] * 1.1 + timedelta(seconds=3)
    assert webhook_sending.send_due() == 0
    assert len(siem.calls) == 1, "it rests"
    siem.manner = 200
    with world.later(seconds=7):
        assert webhook_sending.send_due() == 1
    first, second = siem.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 6
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_each_attempt_stands_in_the_record(siem: Hook) -> None:
    siem.manner = 503
    row = alert()
    webhook_sending.send_due()
    siem.manner = 200
    with world.later(seconds=7):
        webhook_sending.send_due()
    changes = [entry.changes for entry in Entry.objects.get_for_object(row).order_by("pk")]
    statuses = [change["last_status"][1] for change in changes if change and "last_status" in change]
    assert [status for status in statuses if status not in {"None", None}] == [503, 200]


def test_a_redirect_is_a_failure_and_leads_nowhere(siem: Hook) -> None:
    with hook() as inner:
        siem.manner = inner.address
        row = alert()
        webhook_sending.send_due()
        assert inner.calls == []
    row.refresh_from_db()
    assert (row.last_status, row.acknowledged_at) == (307, None)


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_a_receiver_that_hangs_holds_no_other_up(
    siem: Hook, settings: Any, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(webhook_sending, "ATTEMPT_SECONDS", 1.0)
    siem.manner = manner
    with hook() as pager:
        settings.WEBHOOKS["pager"] = endpoint(pager, name="pager")
        stuck = alert("siem", "pager")
        alert("siem", "pager")
        began = time.monotonic()
        assert webhook_sending.send_due() == 2
        assert time.monotonic() - began < 5
        assert len(pager.calls) == 2
    stuck.refresh_from_db()
    assert (stuck.last_status, stuck.last_error) == (None, "No answer within 1 seconds.")
    assert len(siem.calls) == 1, "what else is for it waits until it has rested"


def test_410_disables_the_receiver_and_the_operators_hear_of_it(
    siem: Hook, settings: Any, mailoutbox: list[EmailMessage]
) -> None:
    world.empower("remy", "operator")
    siem.manner = 410
    gone, waiting = alert(), alert()
    webhook_sending.send_due()
    assert len(siem.calls) == 1
    for row in (gone, waiting):
        row.refresh_from_db()
        assert row.given_up_at is not None
        assert row.last_error == "The receiver answered 410: it wants nothing any more."
    later = alert()
    assert later.given_up_at is not None
    assert webhook_sending.send_due() == 0
    assert len(siem.calls) == 1, "nothing is sent there any more"
    assert world.verbs(verb__startswith="webhook.") == ["webhook.disabled"]
    notice = Notice.objects.get(kind="webhook.failed")
    assert notice.recipient is not None
    assert notice.recipient.username == "remy"
    sending.send_due()
    assert any("siem" in mail.body for mail in mailoutbox if mail.to == ["remy@example.test"])

    settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", siem.address + "/new", (SECRET,))}
    siem.manner = 200
    alert()
    assert webhook_sending.send_due() == 1, "another address is another receiver"
    assert WebhookReceiver.objects.get(name="siem").disabled_at is None


def test_an_operator_enables_it_again(siem: Hook) -> None:
    siem.manner = 410
    alert()
    webhook_sending.send_due()
    with pytest.raises(NotAllowed):
        webhooks.enable(actor=world.person("rita"), name="siem")
    world.empower("remy", "operator")
    webhooks.enable(actor=world.person("remy"), name="siem")
    with pytest.raises(Conflict, match="enabled already"):
        webhooks.enable(actor=world.person("remy"), name="siem")
    siem.manner = 200
    alert()
    assert webhook_sending.send_due() == 1
    assert "webhook.enabled" in world.verbs()


def test_after_three_days_it_is_given_up_and_said(siem: Hook) -> None:
    people.first_administrator(
        username="ada", name="Ada", email="ada@example.test", password="correct horse battery"
    )
    siem.manner = 500
    row = alert()
    while not row.given_up_at:
        with world.at(max(row.due_at, clock.now()) + timedelta(minutes=2)):
            webhook_sending.send_due()
        row.refresh_from_db()
    assert row.attempts == len(siem.calls) == 10
    assert timedelta(days=3) < row.due_at - row.created_at < timedelta(days=4)
    assert "webhook.given_up" in world.verbs()
    assert world.person("ada").notices.filter(kind="webhook.failed").count() == 1


def test_a_receiver_may_ask_to_wait(siem: Hook) -> None:
    siem.manner, siem.answer_headers = 429, {"Retry-After": "600"}
    row = alert()
    webhook_sending.send_due()
    row.refresh_from_db()
    assert row.due_at - row.created_at >= timedelta(minutes=10)


def test_a_private_address_is_refused_unless_its_network_is_allowed(siem: Hook, settings: Any) -> None:
    settings.OUTGOING_ALLOWED_NETWORKS = ()
    row = alert()
    webhook_sending.send_due()
    assert siem.calls == []
    row.refresh_from_db()
    assert "JITPORTAL_OUTGOING_ALLOWED_NETWORKS" in row.last_error


def test_who_isnt_set_up_is_seen_not_to_be_told(siem: Hook) -> None:
    row = alert("pager")
    assert row.given_up_at is not None
    assert row.last_error == "The operator has set up no receiver of this name."


def test_one_that_is_taken_away_is_given_up(siem: Hook, settings: Any) -> None:
    row = alert()
    settings.WEBHOOKS = {}
    assert webhook_sending.send_due() == 0
    row.refresh_from_db()
    assert row.given_up_at is not None


def test_too_much_is_refused_where_it_is_written(siem: Hook) -> None:
    with pytest.raises(ValueError, match="larger than 20000 bytes"):
        webhooks.enqueue(
            kind="x.y", data={"a": "ä" * 10_000}, endpoints=["siem"], now=clock.now(), actor=system()
        )


@pytest.mark.parametrize("manner", [200, 500, 410, "garbage", "hang"])
def test_address_and_secret_stand_in_no_row_and_no_log(
    siem: Hook,
    manner: int | str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(webhook_sending, "ATTEMPT_SECONDS", 0.3)
    caplog.set_level(logging.DEBUG)
    siem.manner = manner
    alert()
    webhook_sending.send_due()
    assert siem.calls
    models = (Event, Entry, Notice, WebhookDelivery, WebhookReceiver)
    rows = [row for model in models for row in model._default_manager.values()]
    written = json.dumps(rows, default=str) + capfd.readouterr().err + repr(endpoint(siem))
    for secret in (TOKEN, SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in written
