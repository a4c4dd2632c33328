"""An idempotency key counts once among the runs without a user, too: NULLs are distinct in the constraint there was.

Rows that break the new constraint keep their executions. Only the oldest of them keeps the key.
"""

from typing import Any

from django.conf import settings
from django.db import migrations, models

from executions.models.execution import forget_user


def lock_executions(apps: Any, schema_editor: Any) -> None:
    """Let no process of the old release write a row between the next step and the constraint.

    Its statements wait until the migration commits. Locked first, they cannot deadlock with it.
    """
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("executions", "Execution")._meta.db_table)
        schema_editor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def forget_repeated_keys(apps: Any, schema_editor: Any) -> None:
    """Of the runs of a team without a user that have the same key, leave it to the oldest."""
    executions = apps.get_model("executions", "Execution").objects.using(schema_editor.connection.alias)
    without_user = executions.filter(user=None, idempotency_key__isnull=False).order_by("created_at", "pk")
    seen = set()
    for pk, *key in without_user.values_list("pk", "team", "idempotency_key").iterator():
        if tuple(key) in seen:
            executions.filter(pk=pk).update(idempotency_key=None)
        seen.add(tuple(key))


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0009_root_of_a_child'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='execution',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=forget_user, related_name='executions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunPython(lock_executions, migrations.RunPython.noop),
        migrations.RunPython(forget_repeated_keys, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False), ('user__isnull', True)), fields=('team', 'idempotency_key'), name='idempotency_key_once_without_user'),
        ),
    ]
