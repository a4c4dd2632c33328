"""Labels of the executions that were there before their table. Begun again, it goes on: it is in no transaction."""

from typing import Any

from django.db import migrations

from executions.selectors.labels import fill


def fill_labels(apps: Any, schema_editor: Any) -> None:
    """Write them."""
    fill(
        apps.get_model("executions", "Execution").objects,
        apps.get_model("executions", "ExecutionLabel").objects,
    )


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('executions', '0007_labels'),
    ]

    operations = [
        migrations.RunPython(fill_labels, migrations.RunPython.noop),
    ]
