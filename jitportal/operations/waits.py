"""How long it usually takes until a request is decided, measured from the requests of the last weeks.

From sending what was decided (its last revision) to the last verdict. What was withdrawn or lapsed was
never decided, and isn't counted; nor is anything estimated where too little is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from jitportal.models import AccessRequest
from jitportal.rules.waiting import Path, UsualWait, path_of_stored, usual

#: So far back it is measured, and at most so many of a role's latest decisions.
MEASURED = timedelta(days=30)
MOST = 500

#: By role and path; a path that nothing was decided on is absent.
Waits = Mapping[tuple[int, Path], UsualWait]


def usual_waits(role_ids: Collection[int], now: datetime) -> Waits:
    """What is usual on each path of these roles, in one query however many there are."""
    if not role_ids:
        return {}
    latest = Window(RowNumber(), partition_by=F("role_id"), order_by=F("closed_at").desc())
    rows = (
        AccessRequest.objects.decided()
        .filter(role_id__in=role_ids, closed_at__gt=now - MEASURED, closed_at__lte=now)
        .annotate(place=latest)
        .filter(place__lte=MOST)
        .values_list("role_id", "current__created_at", "closed_at", "current__stages")
    )
    waits: defaultdict[tuple[int, Path], list[timedelta]] = defaultdict(list)
    for role_id, sent, decided, stages in rows:
        if decided is not None:
            waits[role_id, path_of_stored(stages)].append(decided - sent)
    return {path: usual(durations) for path, durations in waits.items()}
