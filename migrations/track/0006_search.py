import re
from unicodedata import combining, normalize

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.db import migrations, models

from veza.kit.trigrams import index_trigrams

LISTED = models.Q(("deleted_at__isnull", True), ("status", "ready"), ("visibility", "public"))
AT_ONCE = 1000
WORD = re.compile(r"[^\W_]+")


def folded(*texts):
    plain = normalize("NFKD", " ".join(texts).casefold())
    return " ".join(WORD.findall("".join(each for each in plain if not combining(each))))


def write_lines(apps, schema_editor):
    """`words` was one line of everything."""
    tracks = apps.get_model("track", "Track").objects
    batch = []
    for track in tracks.only("id", "title", "artist", "album", "genre", "tags").iterator(AT_ONCE):
        rest = folded(track.album, track.genre, *track.tags)
        track.words = "\n".join([folded(track.title), folded(track.artist), rest])
        batch.append(track)
        if len(batch) == AT_ONCE:
            tracks.bulk_update(batch, ["words"])
            batch = []
    tracks.bulk_update(batch, ["words"])


def line(number, weight):
    return django.contrib.postgres.search.SearchVector(
        models.Func(
            models.F("words"),
            models.Value("\n"),
            models.Value(number),
            function="split_part",
            output_field=models.TextField(),
        ),
        config="simple",
        weight=weight,
    )


def index_listed(column):
    return migrations.AddIndex(
        model_name="track",
        index=models.Index(
            models.F(column),
            models.F("id"),
            condition=LISTED,
            name="track_listed_" + column.replace("_count", "s"),
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("track", "0004_stream_jobs"), ("accounts", "0014_user_words")]

    operations = [
        migrations.RemoveIndex(model_name="track", name="track_search"),
        migrations.RemoveField(model_name="track", name="vector"),
        migrations.AlterField(
            model_name="track",
            name="words",
            field=models.TextField(
                blank=True,
                help_text="For the search, without accents, a line each: title; artist; album, genre, tags",
            ),
        ),
        migrations.RunPython(write_lines, migrations.RunPython.noop),
        migrations.AddField(
            model_name="track",
            name="vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=line(1, "A") + line(2, "B") + line(3, "C"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddField(
            model_name="track",
            name="popularity",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.F("play_count")
                + 10
                * (models.F("like_count") + models.F("comment_count") + models.F("share_count")),
                output_field=models.BigIntegerField(),
            ),
        ),
        migrations.AddIndex(
            model_name="track",
            index=django.contrib.postgres.indexes.GinIndex(fields=["vector"], name="track_search"),
        ),
        index_trigrams("track_track", "track_alike"),
        index_listed("title"),
        index_listed("play_count"),
        index_listed("like_count"),
        index_listed("popularity"),
        migrations.AddIndex(
            model_name="track",
            index=models.Index(
                django.db.models.functions.text.Lower("title"), name="track_by_title"
            ),
        ),
    ]
