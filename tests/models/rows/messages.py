"""Notices, webhooks, SSH and recordings, and the record."""

from __future__ import annotations

from typing import Any

from jitportal.models import (
    ChannelState,
    Event,
    Notice,
    NoticeChoice,
    ProviderIdentity,
    Recording,
    RecordingPiece,
    SshCertificate,
    SshHost,
    SshKey,
    WebhookDelivery,
    WebhookReceiver,
)
from tests.models.rows.access import (
    lease,
    person,
    started,
    target,
)
from tests.models.rows.base import DIGEST, NOW, filled, hours, numbers


def notice(**values: Any) -> Notice:
    fixed = {
        "key": f"notice-{next(numbers)}",
        "kind": "request.to_decide",
        "subject": "A request waits for you",
        "body": "Please decide.",
        "path": "/requests/1/",
        "created_at": NOW,
        "due_at": NOW,
    }
    return Notice.objects.create(**{**fixed, **filled(values, recipient=person)})


def webhook_delivery(**values: Any) -> WebhookDelivery:
    fixed = {
        "message": f"msg_{next(numbers)}",
        "endpoint": "siem",
        "kind": "emergency.opened",
        "body": "{}",
        "created_at": NOW,
        "due_at": NOW,
    }
    return WebhookDelivery.objects.create(**{**fixed, **values})


def provider_identity(**values: Any) -> ProviderIdentity:
    fixed = {"issuer": "https://idp.example.test", "subject": f"sub-{next(numbers)}", "linked_at": NOW}
    return ProviderIdentity.objects.create(**{**fixed, **filled(values, person=person)})


def webhook_receiver(**values: Any) -> WebhookReceiver:
    return WebhookReceiver.objects.create(**{"name": f"receiver-{next(numbers)}", **values})


def channel_state(**values: Any) -> ChannelState:
    return ChannelState.objects.create(**{"name": f"channel-{next(numbers)}", **values})


def notice_choice(**values: Any) -> NoticeChoice:
    return NoticeChoice.objects.create(**{"topic": "handled", **filled(values, person=person)})


def ssh_key(**values: Any) -> SshKey:
    number = next(numbers)
    fixed = {"name": "laptop", "public_key": f"ssh-ed25519 A{number}", "fingerprint": f"SHA256:{number}"}
    return SshKey.objects.create(**{**fixed, "added_at": NOW, **filled(values, person=person)})


def ssh_certificate(**values: Any) -> SshCertificate:
    values = filled(values, lease=lease, issued_to=person)
    number = next(numbers)
    fixed = {"target": values["lease"].target, "number": number, "serial": number, "key_id": f"jit-{number}"}
    window = {"valid_after": NOW, "valid_before": NOW + hours(1), "issued_at": NOW}
    return SshCertificate.objects.create(**{**fixed, **window, **values})


def ssh_host(**values: Any) -> SshHost:
    number = next(numbers)
    fixed = {"name": f"host{number}", "token_hash": f"{number:064x}", "added_at": NOW}
    return SshHost.objects.create(**{**fixed, **filled(values, target=target)})


def recording(**values: Any) -> Recording:
    fixed = {"kind": "asciicast_v2", "source": "web1", "account": "rita", "session": f"s{next(numbers)}"}
    return Recording.objects.create(
        **{**fixed, "started_at": NOW, "received_at": NOW, **filled(values, grant=started)}
    )


def recording_piece(**values: Any) -> RecordingPiece:
    fixed = {"offset": 0, "size": 1, "sha256": DIGEST, "received_at": NOW}
    return RecordingPiece.objects.create(**{**fixed, **filled(values, recording=recording)})


def event(**values: Any) -> Event:
    fixed = {"at": NOW, "verb": "request.submitted", "sentence": "Somebody asked."}
    return Event.objects.create(**{**fixed, **filled(values, actor=person)})
