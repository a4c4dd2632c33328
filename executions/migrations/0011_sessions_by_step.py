"""Each step has its own row of a session (cookies), and an idempotency key remembers what was asked for.

Rows of the old release stay as they are, and it may go on writing them: they have the position -1.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0010_idempotency_key_without_user'),
    ]

    operations = [
        migrations.AddField(
            model_name='execution',
            name='request_fingerprint',
            field=models.CharField(blank=True, db_default='', default='', help_text='Of the request with the idempotency key.', max_length=64),
        ),
        migrations.AddField(
            model_name='sessionstate',
            name='position',
            field=models.IntegerField(db_default=-1, help_text='Of the step that made the changes.'),
        ),
        migrations.AlterField(
            model_name='sessionstate',
            name='key',
            field=models.CharField(help_text='A hash of the name, which may contain a secret.', max_length=200),
        ),
        migrations.RemoveConstraint(
            model_name='sessionstate',
            name='session_key_once',
        ),
        migrations.AddConstraint(
            model_name='sessionstate',
            constraint=models.UniqueConstraint(fields=('execution', 'key', 'position'), name='session_once_a_step'),
        ),
    ]
