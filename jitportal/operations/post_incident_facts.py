"""Section A of a post-incident review: what the system knows, computed from rows and never typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from jitportal.models import (
    Activation,
    ActivationAlert,
    EmergencySignIn,
    Event,
    Grant,
    Notice,
    Person,
    PostIncidentReview,
    Recording,
)
from jitportal.operations.action_log import lines_of
from jitportal.operations.post_incident_people import took_part
from jitportal.operations.power_holders import holding
from jitportal.rules.canonical import Plain, digest, moment
from jitportal.rules.post_incident_words import Known
from jitportal.rules.vocabulary import Power, RecordingState

#: Days back in which this person's and this account's use is counted.
WINDOWS = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system knows of one use, with the digest that a determination binds to.

    ``lines``: the action log, key to text.
    """

    document: dict[str, Plain]
    digest: str
    lines: Mapping[str, str]
    recordings: int
    gaps: int
    drill: bool
    ended: bool

    def known(self, unmarked: int) -> Known:
        """The same for the rules."""
        return Known(
            drill=self.drill,
            ended=self.ended,
            unmarked=unmarked,
            gaps=self.gaps,
            recordings=self.recordings,
        )


def facts_of(review: PostIncidentReview) -> Facts:
    """What the system knows now."""
    recordings = recordings_of(review)
    lines = {key: text for recording in recordings for key, text in lines_of(recording)}
    document: dict[str, Plain] = {
        "review": review.pk,
        "drill": review.drill,
        "account": review.account.key,
        "target": review.account.target.key,
        "responder": review.responder.username if review.responder else None,
        "sign_ins": [_sign_in(one) for one in sign_ins_of(review)],
        "recordings": [_recording(one) for one in recordings],
        "action_log": [{"key": key, "text": text} for key, text in lines.items()],
        "took_part": list[Plain](sorted(took_part(review))),
        "use": _use(review),
        **(_activation(review.activation) if review.activation else {"activation": None}),
    }
    return Facts(
        document=document,
        digest=digest(document),
        lines=lines,
        recordings=len(recordings),
        gaps=sum(len(one.gaps) or one.state != RecordingState.COMPLETE for one in recordings),
        drill=review.drill,
        ended=review.access_ended_at is not None,
    )


def grant_of(review: PostIncidentReview) -> Grant | None:
    """The activation's grant; None where it was used while the portal was down, or never was one."""
    return Grant.objects.filter(activation=review.activation_id).first() if review.activation_id else None


def recordings_of(review: PostIncidentReview) -> list[Recording]:
    """Every recording of the activation's sessions, in order."""
    if review.activation_id is None:
        return []
    rows = Recording.objects.filter(grant__activation=review.activation_id)
    return list(rows.order_by("started_at", "pk"))


def sign_ins_of(review: PostIncidentReview) -> list[EmergencySignIn]:
    """The reported sign-ins of this use, in order."""
    if review.sign_in is not None:
        return [review.sign_in]
    return list(EmergencySignIn.objects.filter(activation=review.activation_id).order_by("at", "pk"))


def timeline_of(review: PostIncidentReview) -> list[Event]:
    """Every event of the activation and of its review, in order."""
    about = Q(verb__startswith="incident_review.", data__review=review.pk)
    if review.activation_id is not None:
        about |= Q(activation=review.activation_id) | Q(grant__activation=review.activation_id)
    return list(Event.objects.filter(about).select_related("actor").order_by("at", "pk"))


def alert_seconds(activation: Activation) -> float | None:
    """From the alert, which goes out as the activation is made or written down, to the first who acknowledged
    it; None: nobody has.
    """
    alerts = ActivationAlert.objects.filter(activation=activation)
    times = alerts.aggregate(raised=Min("raised_at"), first=Min("acknowledged_at"))
    return None if times["first"] is None else (times["first"] - times["raised"]).total_seconds()


def escalated_to(review: PostIncidentReview, now: datetime) -> list[Person]:
    """Who hears of what can't be settled between responder and reviewer: the security contacts, and those
    who hold the administrator's power now.
    """
    contacts = Q(alerts__activation=review.activation_id) if review.activation_id else Q(pk__in=[])
    rows = Person.objects.active().filter(contacts | holding([Power.ADMINISTRATOR], now))
    return [person for person in rows.distinct().order_by("name", "pk") if person.pk != review.responder_id]


def _activation(activation: Activation) -> dict[str, Plain]:
    ended_by = activation.stopped_by.username if activation.stopped_by else None
    grant = Grant.objects.filter(activation=activation).first()
    return {
        "activation": activation.pk,
        "extension_of": activation.extension_of_id,
        "after_the_fact": activation.after_the_fact,
        "person": activation.person.username,
        "role": activation.role.key,
        "scope": activation.scope.key,
        "criterion": activation.criterion.key,
        "criterion_name": activation.criterion.name,
        "probe": {"says": activation.probe_said, "detail": activation.probe_detail},
        "incident": activation.incident,
        "broken": activation.broken,
        "expected": activation.expected,
        "address": activation.address,
        "authenticator": activation.authenticator,
        "minutes": activation.minutes,
        "policy_version": activation.policy_version.number,
        "requested_at": moment(activation.opened_at),
        "started_at": moment(grant.live_at if grant else None),
        "ends_at": moment(activation.ends_at),
        "stopped_at": moment(activation.stopped_at),
        "gone_at": moment(activation.ended_at),
        "end_reason": activation.end_reason,
        "end_note": activation.end_note,
        "ended_by": ended_by,
        **_uses(activation),
        "alert_seconds": _spoken_seconds(alert_seconds(activation)),
        "alerts": [_alert(one) for one in _alerts(activation)],
        "deliveries": [_delivery(one) for one in _deliveries(activation)],
    }


def _uses(activation: Activation) -> dict[str, Plain]:
    """First and last use: of a recording with something in it, or of a reported sign-in."""
    recorded = Recording.objects.filter(grant__activation=activation, size__gt=0)
    begun = list(recorded.values_list("started_at", "finished_at"))
    seen = [at for times in begun for at in times if at is not None]
    seen += EmergencySignIn.objects.filter(activation=activation).values_list("at", flat=True)
    return {
        "first_use": moment(min(seen, default=None)),
        "last_use": moment(max(seen, default=None)),
    }


def _alerts(activation: Activation) -> Iterable[ActivationAlert]:
    return ActivationAlert.objects.filter(activation=activation).select_related("person").order_by("pk")


def _alert(alert: ActivationAlert) -> Plain:
    return {
        "person": alert.person.username,
        "name": alert.person.name,
        "cause": alert.cause,
        "raised_at": moment(alert.raised_at),
        "acknowledged_at": moment(alert.acknowledged_at),
    }


def _deliveries(activation: Activation) -> Iterable[Notice]:
    rows = Notice.objects.filter(activation=activation, kind__startswith="emergency.")
    return rows.select_related("recipient").order_by("pk")


def _delivery(notice: Notice) -> Plain:
    return {
        "to": notice.recipient.username if notice.recipient else notice.channel,
        "by": notice.channel,
        "sent_at": moment(notice.sent_at),
        "given_up_at": moment(notice.given_up_at),
    }


def _spoken_seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.1f}"


def _recording(recording: Recording) -> Plain:
    return {
        "recording": recording.pk,
        "kind": recording.kind,
        "state": recording.state,
        "source": recording.source,
        "started_at": moment(recording.started_at),
        "finished_at": moment(recording.finished_at),
        "size": recording.size,
        "sha256": recording.sha256,
        "said_sha256": recording.said_sha256,
        "gaps": [str(gap) for gap in recording.gaps],
    }


def _sign_in(sign_in: EmergencySignIn) -> Plain:
    return {
        "login": sign_in.login,
        "source": sign_in.source,
        "at": moment(sign_in.at),
        "address": sign_in.address,
        "detail": sign_in.detail,
    }


def _use(review: PostIncidentReview) -> Plain:
    """How often this person and this account were used before, in the last days up to this use."""
    by_account = Activation.objects.filter(account=review.account)
    by_person = Activation.objects.filter(person=review.responder)
    return {
        "person": _counted(by_person, review) if review.responder_id else None,
        "account": _counted(by_account, review),
    }


def _counted(rows: Any, review: PostIncidentReview) -> dict[str, Plain]:
    until = review.opened_at
    counts = rows.exclude(pk=review.activation_id).aggregate(
        **{
            f"days_{days}": Count(
                "pk", filter=Q(opened_at__gt=until - timedelta(days=days), opened_at__lte=until)
            )
            for days in WINDOWS
        }
    )
    return {str(days): counts[f"days_{days}"] for days in WINDOWS}


__all__ = ["Facts", "escalated_to", "facts_of", "grant_of", "recordings_of", "sign_ins_of", "timeline_of"]
