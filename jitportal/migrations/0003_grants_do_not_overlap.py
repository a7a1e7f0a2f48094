"""PostgreSQL refuses windows of one person and scope that overlap (SQLite: a guard does).

A scope belongs to one role, so the role needs no column here. Ranges of one number stand in for
equality: the extension btree_gist isn't needed, which a hosted database may not offer.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ADD = """
ALTER TABLE jitportal_grant ADD CONSTRAINT grant_no_overlap EXCLUDE USING gist (
    int8range(person_id, person_id, '[]') WITH &&,
    int8range(scope_id, scope_id, '[]') WITH &&,
    tstzrange(starts_at, coalesce(stopped_at, ends_at)) WITH &&
) WHERE (starts_at IS NOT NULL)
"""
DROP = "ALTER TABLE jitportal_grant DROP CONSTRAINT grant_no_overlap"


def add(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ADD)


def drop(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("jitportal", "0002_system_person")]

    operations = [migrations.RunPython(add, drop)]
