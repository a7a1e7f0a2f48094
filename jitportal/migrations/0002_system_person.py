"""The one row that is the system: the actor of what nobody did by hand."""

from __future__ import annotations

from django.apps.registry import Apps
from django.contrib.auth.hashers import make_password
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    people = apps.get_model("jitportal", "Person").objects.using(schema_editor.connection.alias)
    people.get_or_create(
        is_system=True, defaults={"username": "system", "name": "The system", "password": make_password(None)}
    )


class Migration(migrations.Migration):
    dependencies = [("jitportal", "0001_initial")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
