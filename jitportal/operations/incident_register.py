"""The register of emergencies, taken out as a file: that is an event."""

from __future__ import annotations

from collections.abc import Sequence

from jitportal.audit.events import record
from jitportal.models import Person, PostIncidentReview
from jitportal.operations import clock
from jitportal.operations.transaction import operation

MOST_ROWS = 10_000


def exported(*, actor: Person, rows: Sequence[PostIncidentReview], filters: Sequence[str]) -> None:
    """Write down that somebody took these rows out, which they see, and by which filters."""
    with operation(actor):
        number = f"{len(rows):,} use" if len(rows) == 1 else f"{len(rows):,} uses"
        what = f"with {', '.join(filters)}" if filters else "with no filter"
        record(
            verb="incident_register.exported",
            actor=actor,
            sentence=f"{actor} took {number} out of the register of emergencies, {what}.",
            now=clock.now(),
            data={"count": len(rows), "filters": list(filters)},
        )
