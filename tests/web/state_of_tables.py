"""What stands in the database, table by table, so that two moments can be compared."""

from __future__ import annotations

import hashlib

from django.db import connection

from tests.web.calling import UNCOUNTED


def digests() -> dict[str, str]:
    """Each table's digest, but for those that are no state of the portal."""
    found = {}
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in UNCOUNTED:
                continue
            cursor.execute(f"SELECT * FROM {quote(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def changed(before: dict[str, str]) -> list[str]:
    """The tables that aren't as they were."""
    return sorted(table for table, digest in digests().items() if digest != before.get(table))
