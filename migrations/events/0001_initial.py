"""The outbox, the log in partitions by position, and the functions that move facts.

Plain PostgreSQL 15 or newer, no extension.
"""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

import veza.kit.models

# The outbox empties as fast as it fills, so dead rows count and not their share of the table.
OUTBOX_VACUUM = """
ALTER TABLE events_outbox SET (
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_cost_delay = 0
);
"""

OUTBOX_VACUUM_BACK = """
ALTER TABLE events_outbox RESET (
  autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay
);
"""

LOG = """
CREATE TABLE events_log (
  position bigint PRIMARY KEY,
  seq bigint NOT NULL,
  id uuid NOT NULL,
  aggregatetype varchar(255) NOT NULL,
  aggregateid varchar(255) NOT NULL,
  type varchar(255) NOT NULL,
  payload jsonb NOT NULL,
  version smallint NOT NULL,
  rooms text[] NOT NULL,
  actor jsonb,
  request_id varchar(64) NOT NULL,
  trace varchar(64) NOT NULL,
  occurred_at timestamptz NOT NULL
) PARTITION BY RANGE (position);
CREATE INDEX events_log_id ON events_log (id);
"""

# Positions are dense within an epoch and begin above its floor. Only a restore writes this row.
EPOCH = """
CREATE TABLE events_epoch (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  epoch text NOT NULL,
  floor bigint NOT NULL
);
INSERT INTO events_epoch (epoch, floor) VALUES (left(md5(gen_random_uuid()::text), 8), 0);
"""

# One row for each relay, rewritten every second: not worth a line in the write-ahead log.
RELAY = """
CREATE UNLOGGED TABLE events_relay (
  relay text PRIMARY KEY,
  beat_at timestamptz NOT NULL,
  lag_s double precision NOT NULL
);
"""

HEAD = """
CREATE FUNCTION events_head() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT greatest(
    (SELECT l.position FROM events_log l ORDER BY l.position DESC LIMIT 1),
    (SELECT e.floor FROM events_epoch e),
    0
  )
$$;
"""

# Makes partitions until position `through` has one; returns the first position without.
# LIKE, CHECK and ATTACH, because CREATE TABLE ... PARTITION OF would lock readers out. It gives
# way soon to whoever holds the table, since the partitions are wanted for later.
EXTEND = """
CREATE FUNCTION events_log_extend(through bigint, size bigint) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
  first bigint;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(7391002);
  LOOP
    SELECT coalesce(max((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''?(\\d+)'))[1]::bigint), 1)
      INTO first
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'events_log'::regclass;
    EXIT WHEN first > through;
    first := greatest(first, events_head() + 1);
    part := format('events_log_p%s', first);
    EXECUTE format(
      'CREATE TABLE %I (LIKE events_log INCLUDING ALL,
         CONSTRAINT in_range CHECK (position >= %s AND position < %s))',
      part, first, first + size);
    EXECUTE format(
      'ALTER TABLE events_log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
      part, first, first + size);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT in_range', part);
  END LOOP;
  RETURN first;
END $$;
"""

# Whatever is committed moves, in the order of seq. The lock is a statement of its own, so that
# the next one takes its snapshot after it. An empty outbox is found out before the lock.
MOVE = """
CREATE FUNCTION events_move(batch int, low bigint) RETURNS SETOF events_log LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM events_outbox o WHERE o.seq > low) THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(7391001);
  RETURN QUERY
  WITH gone AS (
    DELETE FROM events_outbox o
     WHERE o.seq = ANY (ARRAY(
       SELECT s.seq FROM events_outbox s WHERE s.seq > low ORDER BY s.seq LIMIT batch))
    RETURNING o.*
  ), head AS (
    SELECT events_head() AS position
  ), put AS (
    INSERT INTO events_log (position, seq, id, aggregatetype, aggregateid, type, payload, version,
                            rooms, actor, request_id, trace, occurred_at)
    SELECT (SELECT h.position FROM head h) + row_number() OVER (ORDER BY g.seq),
           g.seq, g.id, g.aggregatetype, g.aggregateid, g.type, g.payload, g.version,
           g.rooms, g.actor, g.request_id, g.trace, g.occurred_at
      FROM gone g
    RETURNING *
  ) SELECT p.* FROM put p ORDER BY p.position;
END $$;
"""

FACT_FIELDS = [
    (
        "event_id",
        models.UUIDField(db_column="id", default=veza.kit.models.new_id, editable=False),
    ),
    ("aggregatetype", models.CharField(max_length=255)),
    ("aggregateid", models.CharField(max_length=255)),
    ("type", models.CharField(max_length=255)),
    ("payload", models.JSONField()),
    ("version", models.PositiveSmallIntegerField()),
    ("rooms", django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
    ("actor", models.JSONField(null=True)),
    ("request_id", models.CharField(blank=True, max_length=64)),
    ("trace", models.CharField(blank=True, max_length=64)),
    (
        "occurred_at",
        models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
    ),
]


def fact_fields():
    return [(name, field.clone()) for name, field in FACT_FIELDS]


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutboxFact",
            fields=[
                *fact_fields(),
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "events_outbox",
                "default_permissions": ("view",),
                "verbose_name": "fact in the outbox",
                "verbose_name_plural": "outbox",
            },
        ),
        migrations.RunSQL(OUTBOX_VACUUM, OUTBOX_VACUUM_BACK),
        migrations.RunSQL(
            LOG,
            "DROP TABLE events_log",
            state_operations=[
                migrations.CreateModel(
                    name="LoggedFact",
                    fields=[
                        *fact_fields(),
                        (
                            "position",
                            models.BigIntegerField(primary_key=True, serialize=False),
                        ),
                        ("seq", models.BigIntegerField()),
                    ],
                    options={
                        "db_table": "events_log",
                        "default_permissions": ("view",),
                        "indexes": [models.Index(fields=["event_id"], name="events_log_id")],
                        "verbose_name": "fact in the log",
                        "verbose_name_plural": "log",
                    },
                )
            ],
        ),
        migrations.RunSQL(
            EPOCH,
            "DROP TABLE events_epoch",
            state_operations=[
                migrations.CreateModel(
                    name="LogEpoch",
                    fields=[
                        (
                            "singleton",
                            models.BooleanField(default=True, primary_key=True, serialize=False),
                        ),
                        ("epoch", models.TextField()),
                        ("floor", models.BigIntegerField()),
                    ],
                    options={
                        "db_table": "events_epoch",
                        "managed": False,
                        "default_permissions": (),
                    },
                )
            ],
        ),
        migrations.RunSQL(
            RELAY,
            "DROP TABLE events_relay",
            state_operations=[
                migrations.CreateModel(
                    name="RelayBeat",
                    fields=[
                        ("relay", models.TextField(primary_key=True, serialize=False)),
                        ("beat_at", models.DateTimeField()),
                        ("lag_s", models.FloatField()),
                    ],
                    options={
                        "db_table": "events_relay",
                        "default_permissions": (),
                    },
                )
            ],
        ),
        migrations.RunSQL(HEAD, "DROP FUNCTION events_head()"),
        migrations.RunSQL(EXTEND, "DROP FUNCTION events_log_extend(bigint, bigint)"),
        migrations.RunSQL(MOVE, "DROP FUNCTION events_move(int, bigint)"),
        migrations.RunSQL("SELECT events_log_extend(2000000, 1000000)", migrations.RunSQL.noop),
    ]
