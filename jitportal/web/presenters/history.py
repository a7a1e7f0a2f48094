"""An object's own history: the events about it in words, and what changed in its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from jitportal.models import (
    AccessRequest,
    Entry,
    Event,
    Grant,
    Lease,
    Person,
    PolicyVersion,
    Role,
    Target,
)
from jitportal.web.paging import Page, Position, older
from jitportal.web.presenters.differences import ChangedRow, changed_rows

#: By which of an event's fields it is about an object.
ABOUT: dict[type[Model], str] = {
    AccessRequest: "request",
    Grant: "grant",
    Lease: "lease",
    Person: "person",
    PolicyVersion: "policy_version",
    Role: "role",
    Target: "target",
}
MOST_EVENTS = 50
ROWS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class History:
    """``events``, newest first; ``more``: there are older ones, in the record alone."""

    events: Sequence[Event]
    more: bool


@dataclass(frozen=True, slots=True)
class RowHistory:
    """Everything about one row, for Django's admin: a page of differences, and the latest events."""

    events: History
    changes: Page[ChangedRow]


def events_about(row: Model) -> QuerySet[Event]:
    """The events about an object, with their actors; none where no event can be about its kind."""
    field = ABOUT.get(type(row))
    return Event.objects.filter(**{field: row}).select_related("actor") if field else Event.objects.none()


def entries_of(row: Model) -> QuerySet[Entry]:
    """auditlog's entries for one row, with their actors and kinds."""
    entries = Entry.objects.filter(content_type=ContentType.objects.get_for_model(row))
    same_row = {"object_id": row.pk} if isinstance(row.pk, int) else {"object_pk": str(row.pk)}
    return entries.filter(**same_row).select_related("actor", "content_type")


def history_of(row: Model, events: QuerySet[Event] | None = None) -> History:
    """The latest events about an object, or of those that are given."""
    found = events_about(row) if events is None else events.select_related("actor")
    latest = list(found.order_by("-at", "-pk")[: MOST_EVENTS + 1])
    return History(latest[:MOST_EVENTS], more=len(latest) > MOST_EVENTS)


def history_page(row: Model, *, after: Position | None) -> RowHistory:
    """The row's own history in full, a page at a time."""
    page = older(entries_of(row), "timestamp", after=after, size=ROWS_A_PAGE)
    return RowHistory(history_of(row), Page(changed_rows(page.rows), page.following, page.first))
