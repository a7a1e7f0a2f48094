"""Database choices and checks made from the rules' enums."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import CheckConstraint, Q


def choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """The enum's values with their words, for a model field."""
    return [(member.value, member.value.replace("_", " ")) for member in enum]


def one_of(field: str, enum: type[StrEnum], name: str) -> CheckConstraint:
    """The database refuses a value that the enum doesn't have."""
    return CheckConstraint(condition=Q(**{f"{field}__in": [member.value for member in enum]}), name=name)
