"""In which way a notice reaches each person, and when: what they chose, where it can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings

from jitportal.audit.bulk import insert_many
from jitportal.models import Notice, NoticeChoice, Person
from jitportal.operations.time_zones import zone_of
from jitportal.rules.notices import MAIL, NEEDED, URGENT, Pace, Topic, topic_of

#: When a daily digest goes out, in the reader's zone.
MORNING = time(8)


@dataclass(frozen=True, slots=True)
class Route:
    """One way to one person."""

    person: Person
    channel: str
    due_at: datetime


def routes(
    recipients: Iterable[Person], kind: str, now: datetime, until: datetime | None = None
) -> Iterator[Route]:
    """The ways to each of these people. ``until``: from then on the notice is of no use, and no digest
    holds it back for more than half of that time.
    """
    topic = topic_of(kind)
    people = [person for person in recipients if person.is_active]
    chosen = {row.person_id: row for row in NoticeChoice.objects.filter(person__in=people, topic=topic)}
    for person in people:
        choice = chosen.get(person.pk) or NoticeChoice(person=person, topic=topic)
        due_at = _due(choice, person, now, until)
        for channel in _channels(choice, person, topic):
            yield Route(person, channel, due_at)


def next_digest(pace: Pace, person: Person, now: datetime) -> datetime:
    """When the next digest of this pace goes to this person."""
    if pace is Pace.AT_ONCE:
        return now
    if pace is Pace.HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    zone = zone_of(person)
    today = now.astimezone(zone).date()
    mornings = (datetime.combine(today + timedelta(days=days), MORNING, zone) for days in (0, 1))
    return next(moment for moment in mornings if moment > now).astimezone(now.tzinfo)


def by_mail_instead(notices: Sequence[Notice], now: datetime, actor: Person) -> None:
    """What chat didn't carry goes by mail, unless it went there anyway. The transaction is the caller's."""
    rows = {
        mail_key(notice.key, notice.channel): notice
        for notice in notices
        if notice.channel != MAIL and notice.recipient is not None and notice.recipient.email
    }
    known = set(Notice.objects.filter(key__in=rows).values_list("key", flat=True))
    insert_many(
        Notice,
        [
            Notice(
                key=key,
                recipient=lost.recipient,
                kind=lost.kind,
                request=lost.request,
                grant=lost.grant,
                activation=lost.activation,
                subject=lost.subject,
                body=lost.body,
                details=lost.details,
                path=lost.path,
                created_at=now,
                due_at=now,
            )
            for key, lost in rows.items()
            if key not in known
        ],
        actor,
    )


def key_of(kind: str, occasion: str, person: Person, channel: str) -> str:
    """What makes a notice one: its kind, its occasion, whom it reaches and how."""
    key = f"{kind}:{occasion}:{person.pk}"
    return key if channel == MAIL else f"{key}:{channel}"


def mail_key(key: str, channel: str) -> str:
    """The key that the same notice has by mail."""
    return key.removesuffix(f":{channel}")


def _due(choice: NoticeChoice, person: Person, now: datetime, until: datetime | None) -> datetime:
    if choice.topic in URGENT:
        return now
    due_at = next_digest(Pace(choice.pace), person, now)
    return min(due_at, now + max(until - now, timedelta()) / 2) if until else due_at


def _channels(choice: NoticeChoice, person: Person, topic: Topic) -> list[str]:
    """The channels of the choice that exist; where somebody has to act and none is left, mail."""
    known = settings.CHANNELS.get(choice.channel)
    chat = [choice.channel] if known and known.for_people else []
    lost = bool(choice.channel) and not chat
    wants_mail = choice.mail or topic in URGENT or lost or (topic in NEEDED and not chat)
    return [*([MAIL] if wants_mail and person.email else []), *chat]
