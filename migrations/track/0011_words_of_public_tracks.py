"""Only words of tracks that everyone may come upon are compared with what anyone types."""

from django.db import migrations

LISTED = "NEW.status = 'ready' AND NEW.visibility = 'public' AND NEW.deleted_at IS NULL"
WAS_HIDDEN = "OLD.status <> 'ready' OR OLD.visibility <> 'public' OR OLD.deleted_at IS NOT NULL"
DROP = """
DROP TRIGGER track_words_of_changed ON track_track;
DROP TRIGGER track_words_of_new ON track_track;
"""
LEARN = f"""
{DROP}
CREATE TRIGGER track_words_of_new AFTER INSERT ON track_track
   FOR EACH ROW WHEN ({LISTED}) EXECUTE FUNCTION track_learn_words();
CREATE TRIGGER track_words_of_changed
 AFTER UPDATE OF words, status, visibility, deleted_at ON track_track
   FOR EACH ROW WHEN ({LISTED} AND (OLD.words IS DISTINCT FROM NEW.words OR {WAS_HIDDEN}))
   EXECUTE FUNCTION track_learn_words();
"""
FORGET_HIDDEN = """
DELETE FROM track_trackword known WHERE NOT EXISTS (
  SELECT FROM ts_stat($$
    SELECT vector FROM track_track
     WHERE status = 'ready' AND visibility = 'public' AND deleted_at IS NULL
  $$) told WHERE told.word = known.word
);
"""
LEARN_BACK = f"""
{DROP}
CREATE TRIGGER track_words_of_new AFTER INSERT ON track_track
   FOR EACH ROW EXECUTE FUNCTION track_learn_words();
CREATE TRIGGER track_words_of_changed AFTER UPDATE OF words ON track_track
   FOR EACH ROW WHEN (OLD.words IS DISTINCT FROM NEW.words) EXECUTE FUNCTION track_learn_words();
"""


class Migration(migrations.Migration):
    dependencies = [("track", "0010_track_words")]

    operations = [migrations.RunSQL([LEARN, FORGET_HIDDEN], LEARN_BACK)]
