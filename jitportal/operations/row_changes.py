"""Writes what differs in a row, so that the record holds changes and not repetitions."""

from __future__ import annotations

from typing import Any

from django.db import models


def save_changed(row: models.Model, **values: Any) -> None:
    """Give the row these values, and save the columns that had others."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save(update_fields=list(changed))
