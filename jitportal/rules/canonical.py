"""The canonical form of what an approval binds to, and its digest.

JSON with sorted keys, no spaces, UTF-8, and moments in UTC with microseconds, after the manner of
RFC 8785; hashed with SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


def moment(value: datetime | None) -> str | None:
    """A moment as the canonical form writes it. Raises ``ValueError`` for a naive one."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("A moment without a time zone has no canonical form.")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def digest(document: Mapping[str, Plain]) -> str:
    """The SHA-256 of the document's canonical form, in hex."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
