"""What is other now than what a determination was bound to: facts that came later, and what was renamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q

from jitportal.models import Entry, PostIncidentReview
from jitportal.operations.post_incident_facts import Facts
from jitportal.rules.canonical import Plain
from jitportal.rules.plain_words import in_words, label_of


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing as it was and as it is; ``at``: when it was renamed."""

    label: str
    was: str
    now: str
    at: datetime | None = None


def changed_since(review: PostIncidentReview, known: Facts) -> list[Changed]:
    """What the page shows and the reviewer didn't see when they determined; empty before that."""
    if review.determined_at is None:
        return []
    return [*_facts(review.facts, known.document), *_renamed(review, review.determined_at)]


def _facts(before: Mapping[str, Plain], now: Mapping[str, Plain]) -> Iterable[Changed]:
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name == "action_log":  # its lines are for few: see operations.action_log_viewing
            old, new = _counted(old), _counted(new)
        elif isinstance(old, list) and isinstance(new, list):
            old, new = [it for it in old if it not in new], [it for it in new if it not in old]
        yield Changed(label_of(name), in_words(old), in_words(new))


def _counted(lines: Plain) -> Plain:
    number = len(lines) if isinstance(lines, list) else 0
    return f"{number} line{'' if number == 1 else 's'}"


def _renamed(review: PostIncidentReview, since: datetime) -> Iterable[Changed]:
    named = _named(review)
    about = Q(pk__in=[])
    for row in named.values():
        about |= Q(content_type=ContentType.objects.get_for_model(row), object_id=row.pk)
    entries = Entry.objects.filter(about, timestamp__gt=since, changes__has_key="name")
    entries = entries.order_by("timestamp", "id").select_related("content_type")
    for label, row in named.items():
        kind = ContentType.objects.get_for_model(row)
        own = [one for one in entries if one.content_type == kind and one.object_id == row.pk]
        if own and own[0].changes["name"][0] != own[-1].changes["name"][1]:
            was, now = own[0].changes["name"][0], own[-1].changes["name"][1]
            yield Changed(f"Name of the {label}", str(was), str(now), own[-1].timestamp)


def _named(review: PostIncidentReview) -> dict[str, Model]:
    """What the page calls by its name of today."""
    used = review.activation
    rows: dict[str, Model | None] = {
        "account": review.account,
        "target": review.account.target,
        "role": used.role if used else None,
        "scope": used.scope if used else None,
        "criterion": used.criterion if used else None,
        "responder": review.responder,
        "reviewer": review.reviewer,
        "second reviewer": review.second_reviewer,
    }
    return {label: row for label, row in rows.items() if row is not None}
