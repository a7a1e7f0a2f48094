"""One stretch of access: the grants of a person, role and scope that follow one another without a rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from jitportal.models import Grant
from jitportal.operations.overlap import held_span
from jitportal.rules.vocabulary import GrantStatus
from jitportal.rules.windows import Span


def used_minutes(person_id: int, role_key: str, scope: str, span: Span, rest: timedelta) -> int:
    """The minutes held or promised in the stretch that the span would belong to, its own left out.

    A renewal belongs to the grant that it goes on from; so does any other grant with less than ``rest``
    between: a new request right after an end, or planned windows one after another. What was handed back
    or revoked counts as long as it was in force. What overlaps the span is refused elsewhere.
    """
    mine = Grant.objects.filter(person=person_id, role__key=role_key, scope__key=scope).exclude(
        status=GrantStatus.ENDED, starts_at__isnull=True
    )
    earlier = mine.filter(opens_at__lt=span.end).order_by("-opens_at", "-pk")
    later = mine.filter(opens_at__gte=span.end).order_by("opens_at", "pk")
    before = _near(earlier.iterator(chunk_size=50), span, rest)
    after = _near(later.iterator(chunk_size=50), span, rest)
    held = sum((_held(grant) for grant in (*before, *after)), timedelta())
    return -(-held // timedelta(minutes=1)) if held else 0


def stretch_of(grant: Grant, rest: timedelta) -> int:
    """The minutes of the stretch that a grant which is in force belongs to, its own included."""
    end = grant.ends_at or grant.latest_end_at
    return used_minutes(grant.person_id, grant.role.key, grant.scope.key, Span(end, end), rest)


def _near(grants: Iterable[Grant], span: Span, rest: timedelta) -> Iterator[Grant]:
    """Those that the span reaches, and those that they reach in turn, until there is a rest between."""
    start, end = span.start, span.end
    for grant in grants:
        held = held_span(grant)
        if held.overlaps(span):
            continue
        if held.end + rest <= start or held.start >= end + rest:
            return
        start, end = min(start, held.start), max(end, held.end)
        yield grant


def _held(grant: Grant) -> timedelta:
    if grant.starts_at is not None and grant.ends_at is not None:
        return (grant.stopped_at or grant.ends_at) - grant.starts_at
    return timedelta(minutes=grant.minutes)
