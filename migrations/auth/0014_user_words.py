import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import veza.kit.search
from veza.kit.trigrams import index_trigrams


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_staff_actions")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="words",
            field=models.GeneratedField(
                db_persist=True,
                expression=veza.kit.search.Folded(
                    veza.kit.search.Joined("username", "display_name")
                ),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("words", config="simple"),
                name="user_search",
            ),
        ),
        index_trigrams("accounts_user", "user_alike"),
    ]
