"""Empties the portal's database after a test that committed to it.

Django's own flush truncates on PostgreSQL, which makes some three hundred files anew though all that stood in
them were a few rows, and then has each migration's listeners write the content types and permissions again
that it took. Here rows are deleted, and those two tables keep what migrating wrote into them.
"""

from __future__ import annotations

from django.db import connection, transaction

from jitportal.audit import guards, search

WRITTEN_BY_MIGRATING = {"django_content_type", "auth_permission"}


def empty() -> None:
    """Delete every row; the record's guards stand in the way but for this while."""
    standing = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = set(standing) - WRITTEN_BY_MIGRATING
    deletes = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in sorted(tables)]
    with guards.lifted():
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # In any order: no foreign key is looked at, as when all tables are truncated at once.
                cursor.execute("; ".join(["SET LOCAL session_replication_role = replica", *deletes]))
            else:
                for delete in deletes:
                    cursor.execute(delete)
        search.install()
