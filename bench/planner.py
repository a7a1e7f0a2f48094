"""What a database knows of its tables when it plans a query."""

from __future__ import annotations

from django.db import connection


def gather_statistics() -> None:
    """What PostgreSQL's autovacuum does within minutes. SQLite is left as the portal leaves it: without."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
