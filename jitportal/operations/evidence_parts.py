"""Rows as evidence says them: plain values alone."""

from __future__ import annotations

import json

from django.core.serializers.json import DjangoJSONEncoder

from jitportal.models import (
    Entry,
    Event,
    FollowUp,
    LineMark,
    Notice,
    OverdueOverride,
    PostIncidentReview,
    ReviewVersion,
    StepUpProof,
    WebhookDelivery,
)
from jitportal.rules.canonical import Plain, moment

_ANSWERS = (
    *("broken", "normal_path", "done", "outside", "sensitive_data", "changes_left", "changes_to_revert"),
    *("secrets_seen", "classification", "criterion", "fit", "could_jit", "recording", "recording_reason"),
    *("finding", "rotation_proof", "sessions_ended", "reverted", "person_outcome", "model_outcome"),
    *("outcome_note", "reportable", "reportable_note", "signed_factor", "second_factor", "scenario"),
    *("custody_note",),
)
_MOMENTS = (
    *("opened_at", "access_ended_at", "stated_at", "determined_at", "rotated_at", "signed_at"),
    *("second_signed_at", "closed_at", "custody_checked_at", "resealed_at"),
)


def answers(review: PostIncidentReview) -> dict[str, Plain]:
    """Sections B to E as they stand, and the drill's."""
    said: dict[str, Plain] = {name: getattr(review, name) for name in _ANSWERS}
    times: dict[str, Plain] = {name: moment(getattr(review, name)) for name in _MOMENTS}
    seconds = None if review.alert_seconds is None else f"{review.alert_seconds:.1f}"
    return {**said, **times, "alert_seconds": seconds}


def event(row: Event) -> Plain:
    return {
        "id": row.pk,
        "at": moment(row.at),
        "verb": row.verb,
        "sentence": row.sentence,
        "actor": row.actor.username,
        "address": row.address,
        "correlation_id": row.correlation_id,
        "data": _plain(row.data),
    }


def entry(row: Entry) -> Plain:
    return {
        "id": row.pk,
        "at": moment(row.timestamp),
        "model": row.content_type.model,
        "object": row.object_pk,
        "action": row.get_action_display(),
        "actor": row.actor.username,
        "changes": _plain(row.changes),
    }


def version(row: ReviewVersion) -> Plain:
    return {
        "number": row.number,
        "step": row.step,
        "person": row.person.username,
        "at": moment(row.at),
        "document": _plain(row.document),
        "digest": row.digest,
    }


def mark(row: LineMark) -> Plain:
    return {"key": row.key, "text": row.text, "explained": row.explained, "note": row.note}


def follow_up(row: FollowUp) -> Plain:
    return {
        "what": row.what,
        "owner": row.owner.username,
        "due_at": moment(row.due_at),
        "ticket": row.ticket,
        "done_at": moment(row.done_at),
        "done_by": row.done_by.username if row.done_by else None,
        "done_note": row.done_note,
    }


def override(row: OverdueOverride) -> Plain:
    return {
        "reason": row.reason,
        "asked_by": row.asked_by.username,
        "asked_at": moment(row.asked_at),
        "granted_by": row.granted_by.username if row.granted_by else None,
        "granted_at": moment(row.granted_at),
        "until": moment(row.until),
    }


def notice(row: Notice) -> Plain:
    return {
        "kind": row.kind,
        "to": row.recipient.username if row.recipient else row.channel,
        "by": row.channel,
        "subject": row.subject,
        "created_at": moment(row.created_at),
        "sent_at": moment(row.sent_at),
        "given_up_at": moment(row.given_up_at),
    }


def delivery(row: WebhookDelivery) -> Plain:
    return {
        "endpoint": row.endpoint,
        "kind": row.kind,
        "message": row.message,
        "attempts": row.attempts,
        "acknowledged_at": moment(row.acknowledged_at),
        "given_up_at": moment(row.given_up_at),
    }


def proof(row: StepUpProof) -> Plain:
    """With all that verifies a passkey's signature again, without the portal."""
    return {
        "id": row.pk,
        "person": row.person.username,
        "act": row.act,
        "about": _plain(row.about),
        "digest": row.digest,
        "nonce": row.nonce,
        "method": row.method,
        "factor": row.factor,
        "public_key": row.public_key,
        "authenticator_data": row.authenticator_data,
        "client_data": row.client_data,
        "signature": row.signature,
        "proven_at": moment(row.proven_at),
        "used_at": moment(row.used_at),
    }


def _plain(value: object) -> Plain:
    """The same without anything that JSON has no word for."""
    said: Plain = json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    return said
