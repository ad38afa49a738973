import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import veza.kit.search
from veza.kit.trigrams import index_trigrams


class Migration(migrations.Migration):
    dependencies = [("track", "0006_search")]

    operations = [
        migrations.AddField(
            model_name="playlist",
            name="rules",
            field=models.JSONField(
                blank=True, null=True, help_text="Of a smart one, which has no items"
            ),
        ),
        migrations.AddField(
            model_name="playlist",
            name="artwork_prefix",
            field=models.CharField(
                blank=True, help_text="Where its own picture lies", max_length=100
            ),
        ),
        migrations.AddField(
            model_name="playlist",
            name="words",
            field=models.GeneratedField(
                db_persist=True,
                expression=veza.kit.search.Folded(veza.kit.search.Joined("title", "description")),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="playlist",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("words", config="simple"),
                name="playlist_search",
            ),
        ),
        index_trigrams("track_playlist", "playlist_alike"),
    ]
