"""Events of a stretch of time, whatever else they are: by the index of moments, on both databases."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from jitportal.audit.search.wanted import Place, Wanted
from jitportal.models import Event


def in_time(wanted: Wanted, before: Place | None) -> QuerySet[Event]:
    """The events within the times, the newest first."""
    rows = Event.objects.order_by("-at", "-pk")
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    if before is not None:
        moment, pk = before
        rows = rows.filter(Q(at__lt=moment) | Q(pk__lt=pk), at__lte=moment)
    return rows
