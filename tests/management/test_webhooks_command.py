"""``manage.py webhooks``, and the settings behind it: names and secrets from the environment or files."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from standardwebhooks import Webhook

from jitportal.environment import Environment
from jitportal.models import WebhookDelivery
from jitportal.webhook_settings import WebhookEndpoint, webhook_endpoints
from tests.operations.hooks import Hook, hook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def endpoints(**said: str) -> dict[str, WebhookEndpoint]:
    return webhook_endpoints(Environment({f"JITPORTAL_{name}": value for name, value in said.items()}))


def test_address_and_secrets_come_from_files_and_are_shown_nowhere(tmp_path: Path) -> None:
    address, secrets = tmp_path / "address", tmp_path / "secrets"
    address.write_text("https://siem.example.org/tok-1\n")
    secrets.write_text(f"{SECRET}\n{NEXT}\n")
    (one,) = endpoints(
        WEBHOOKS="siem-1", WEBHOOK_SIEM_1_FILE=str(address), WEBHOOK_SIEM_1_SECRET_FILE=str(secrets)
    ).values()
    assert one == WebhookEndpoint("siem-1", "https://siem.example.org/tok-1", (SECRET, NEXT))
    assert "tok" not in repr(one)
    assert "whsec" not in repr(one)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"WEBHOOKS": "Siem"}, "can't be a receiver's name"),
        ({"WEBHOOKS": "siem"}, "JITPORTAL_WEBHOOK_SIEM .* must hold the address"),
        ({"WEBHOOKS": "siem", "WEBHOOK_SIEM": "siem.example.org"}, "must hold the address"),
        ({"WEBHOOKS": "siem", "WEBHOOK_SIEM": "https://x"}, "JITPORTAL_WEBHOOK_SIEM_SECRET "),
        ({"WEBHOOKS": "siem", "WEBHOOK_SIEM": "https://x", "WEBHOOK_SIEM_SECRET": "hush"}, "_SECRET "),
        ({"WEBHOOKS": "siem", "WEBHOOK_SIEM": "https://x", "WEBHOOK_SIEM_SECRET": "whsec_c2hvcnQ="}, "24"),
        ({"WEBHOOKS": "siem", "WEBHOOK_SIEM": "https://x", "WEBHOOK_SIEM_SECRET": "whsec_§"}, "base64"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, str], why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        endpoints(**said)


@pytest.mark.parametrize("said", ["10.0.0.1/8", "0.0.0.0/0", "intranet"])
def test_a_network_that_is_none_or_too_wide_is_named(said: str) -> None:
    env = Environment({"JITPORTAL_OUTGOING_ALLOWED_NETWORKS": f"10.1.0.0/16, {said}"})
    with pytest.raises(ImproperlyConfigured, match="JITPORTAL_OUTGOING_ALLOWED_NETWORKS"):
        env.networks("OUTGOING_ALLOWED_NETWORKS")


@pytest.fixture
def siem(db: None, settings: Any) -> Iterator[Hook]:
    settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    with hook() as receiver:
        settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", f"{receiver.address}?tok-2", (SECRET,))}
        yield receiver


def test_it_lists_them_without_addresses(siem: Hook, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("webhooks")
    assert capsys.readouterr().out == "siem: 1 secret\n"


def test_a_trial_is_signed_and_stored_nowhere(siem: Hook, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("webhooks", "--try", "siem")
    (call,) = siem.calls
    assert Webhook(SECRET).verify(call.body, call.headers)["type"] == "webhook.trial"
    assert not WebhookDelivery.objects.exists()
    assert "it answered 200" in capsys.readouterr().out


def test_what_the_receiver_answers_is_said(siem: Hook) -> None:
    siem.manner = 302
    with pytest.raises(CommandError, match="the receiver answered 302"):
        call_command("webhooks", "--try", "siem")
    with pytest.raises(CommandError, match="There is no receiver pager"):
        call_command("webhooks", "--try", "pager")
    with pytest.raises(CommandError, match="Say who enables it"):
        call_command("webhooks", "--enable", "siem")
