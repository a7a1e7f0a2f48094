"""PostgreSQL gets an index over the words of the record (SQLite: audit.search keeps one of its own).

It is built from the events that are there, and no event is touched: the guards stay as they are.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ADD = """
CREATE INDEX "event_words" ON jitportal_event USING gin (
    to_tsvector('simple'::regconfig, left(
        translate(sentence, '!"#$&''()*+,-./:;<=>?@[\\]^_`{|}~', '                               '), 100000
    ))
)
"""
DROP = 'DROP INDEX "event_words"'


def add(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ADD, params=None)


def drop(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)


class Migration(migrations.Migration):
    dependencies = [("jitportal", "0006_notices_by_channel")]

    operations = [migrations.RunPython(add, drop)]
