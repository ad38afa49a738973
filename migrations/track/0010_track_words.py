from django.db import migrations, models

from veza.kit.trigrams import index_trigrams, unindex_trigrams

LEARN = """
CREATE FUNCTION track_learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO track_trackword (word)
  SELECT told.word FROM unnest(tsvector_to_array(NEW.vector)) AS told (word)
   WHERE NOT EXISTS (SELECT FROM track_trackword known WHERE known.word = told.word);
  RETURN NULL;
END $$;
CREATE TRIGGER track_words_of_new AFTER INSERT ON track_track
   FOR EACH ROW EXECUTE FUNCTION track_learn_words();
CREATE TRIGGER track_words_of_changed AFTER UPDATE OF words ON track_track
   FOR EACH ROW WHEN (OLD.words IS DISTINCT FROM NEW.words) EXECUTE FUNCTION track_learn_words();
INSERT INTO track_trackword (word) SELECT word FROM ts_stat('SELECT vector FROM track_track');
"""
LEARN_BACK = """
DROP TRIGGER track_words_of_changed ON track_track;
DROP TRIGGER track_words_of_new ON track_track;
DROP FUNCTION track_learn_words();
"""


class Migration(migrations.Migration):
    dependencies = [("track", "0009_stage_history")]

    operations = [
        migrations.CreateModel(
            name="TrackWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.TextField()),
            ],
            options={"indexes": [models.Index(fields=["word"], name="track_word")]},
        ),
        migrations.RunSQL(LEARN, LEARN_BACK),
        index_trigrams("track_trackword", "track_word_alike", column="word"),
        unindex_trigrams("track_track", "track_alike"),
    ]
