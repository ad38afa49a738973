"""A round that says nothing else ended when its transaction began, as `now()` tells."""

import django.contrib.postgres.functions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datastream", "0003_extras_and_view"),
    ]

    operations = [
        migrations.AlterField(
            model_name="round",
            name="finished_at",
            field=models.DateTimeField(
                db_default=django.contrib.postgres.functions.TransactionNow()
            ),
        ),
    ]
