"""Keyset paging: a page begins after the last row of the one before, however many rows there are.

OFFSET reads and throws away all that it skips; here each page costs what the first one costs. A
position is the row's moment and id, written into the address as microseconds since 1970 and id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_ID = 2**63 - 1
_POSITION = re.compile(r"(\d{1,17})-(\d{1,19})", re.ASCII)

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after the row of this moment and id."""

    moment: datetime
    pk: int

    def __str__(self) -> str:
        return f"{(self.moment - EPOCH) // timedelta(microseconds=1)}-{self.pk}"


@dataclass(frozen=True, slots=True)
class Page(Generic[Shown]):
    """The rows of one page; ``following`` is the next page's position for its address, or empty."""

    rows: Sequence[Shown]
    following: str
    first: bool


def position(text: str) -> Position | None:
    """The position that an address names; None for none, and for what isn't one."""
    match = _POSITION.fullmatch(text)
    if match is None or int(match[2]) > LARGEST_ID:
        return None
    return Position(EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))


def address_of(parameters: QueryDict, *, after: str = "") -> str:
    """The same page's address at another position; empty: at the beginning."""
    changed = parameters.copy()
    changed.pop("after", None)
    if after:
        changed["after"] = after
    return f"?{changed.urlencode()}"


def older(rows: QuerySet[Row], moment: str, *, after: Position | None, size: int) -> Page[Row]:
    """The newest first; ``moment`` names the field that they are ordered by."""
    ordered = rows.order_by(f"-{moment}", "-pk")
    if after is not None:
        beyond = Q(**{f"{moment}__lt": after.moment}) | Q(pk__lt=after.pk)
        ordered = ordered.filter(beyond, **{f"{moment}__lte": after.moment})
    return _page(list(ordered[: size + 1]), moment, size, first=after is None)


def newer(rows: QuerySet[Row], moment: str, *, after: Position | None, size: int) -> Page[Row]:
    """The oldest first; ``moment`` names the field that they are ordered by."""
    ordered = rows.order_by(moment, "pk")
    if after is not None:
        beyond = Q(**{f"{moment}__gt": after.moment}) | Q(pk__gt=after.pk)
        ordered = ordered.filter(beyond, **{f"{moment}__gte": after.moment})
    return _page(list(ordered[: size + 1]), moment, size, first=after is None)


def _page(found: list[Row], moment: str, size: int, *, first: bool) -> Page[Row]:
    rows = found[:size]
    following = str(Position(getattr(rows[-1], moment), rows[-1].pk)) if len(found) > size else ""
    return Page(rows, following, first)
