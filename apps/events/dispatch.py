"""The dispatcher: writes down what is owed to handlers, and sends it to the queues when due.

It runs beside each relay. What is owed stands in `events_delivery` before anything is sent, so
the broker may lose, repeat or delay messages: a delivery that is overdue is sent again, and one
that is done is not done twice. A dispatcher that is killed or frozen loses and blocks nothing.
"""

import threading
import time
from collections.abc import Sequence

import psycopg
import structlog

from apps.events import dead_letters, handling
from apps.events.broker import Broker, Order
from apps.events.errors import BrokerError
from apps.events.sessions import BackOff, Session, first_line, session

logger = structlog.get_logger(__name__)

BATCH = 500
TICK_S = 0.5
STARTS_WITHIN_S = 15
"""A worker begins with what was sent, or the queue is not empty, within this time."""
SENT_ANEW_AFTER_S = 600
"""At the latest, whatever the queue holds."""

_BEGIN = """
INSERT INTO events_cursor (handler, position)
SELECT name, events_head() FROM unnest(%s::text[]) name
ON CONFLICT DO NOTHING
"""
# One statement in autocommit: the lock on the cursors ends with it, whatever becomes of us.
_PLAN = """
WITH handler AS (
  SELECT * FROM unnest(%(handlers)s::text[], %(queues)s::text[]) AS h(name, queue)
), wanted AS (
  SELECT * FROM unnest(%(wanting)s::text[], %(types)s::text[], %(versions)s::int[])
                AS w(handler, type, version)
), cursor AS (
  SELECT c.handler, c.position FROM events_cursor c
   WHERE c.handler = ANY(%(handlers)s) AND c.position < events_head()
   ORDER BY c.handler FOR UPDATE
), fact AS (
  SELECT c.handler, l.*
    FROM cursor c CROSS JOIN LATERAL (
      SELECT s.position, s.id, s.type, s.version FROM events_log s
       WHERE s.position > c.position ORDER BY s.position LIMIT %(batch)s) l
), put AS (
  INSERT INTO events_delivery (event_id, handler, position, type, queue)
  SELECT f.id, f.handler, f.position, f.type, h.queue
    FROM fact f JOIN handler h ON h.name = f.handler
    JOIN wanted w ON w.handler = f.handler AND w.type = f.type AND w.version = f.version
   ORDER BY f.position
  ON CONFLICT DO NOTHING
  RETURNING 1
), moved AS (
  UPDATE events_cursor c SET position = f.high, moved_at = clock_timestamp()
    FROM (SELECT handler, max(position) AS high FROM fact GROUP BY handler) f
   WHERE c.handler = f.handler
  RETURNING 1
)
SELECT (SELECT count(*) FROM put),
       coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM fact GROUP BY handler) b), 0)
"""
_CLAIM = f"""
UPDATE events_delivery d
   SET state = 'sent',
       due_at = clock_timestamp() + interval '{STARTS_WITHIN_S} seconds',
       changed_at = CASE WHEN due.was_sent THEN d.changed_at ELSE clock_timestamp() END
  FROM (SELECT e.id, e.due_at,
               e.state = 'sent' AND e.changed_at
                 > clock_timestamp() - interval '{SENT_ANEW_AFTER_S} seconds' AS was_sent
          FROM events_delivery e
         WHERE e.state IN ('waiting', 'sent', 'running') AND e.due_at <= clock_timestamp()
         ORDER BY e.due_at LIMIT %s FOR UPDATE SKIP LOCKED) due
 WHERE d.id = due.id
RETURNING d.id, d.event_id, d.handler, d.queue, due.was_sent, due.due_at
"""  # noqa: S608 - numbers of ours
_RELEASE = """
UPDATE events_delivery d SET state = 'waiting', due_at = r.due_at
  FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, due_at)
 WHERE d.id = r.id AND d.state = 'sent'
"""


class Dispatcher:
    """One dispatcher, on a database session and a broker connection of its own."""

    def __init__(self) -> None:
        self._stopping = False
        self._wake = threading.Event()
        self._broker = Broker()
        self._broker_wait = BackOff(last_s=10.0)
        self._broker_again_at = 0.0
        self._told = ""

    def stop(self) -> None:
        """Ask for the end after what is being sent."""
        self._stopping = True
        self._wake.set()

    def wake(self) -> None:
        """There are new facts in the log."""
        self._wake.set()

    def run(self) -> None:
        """Dispatch until `stop`. When PostgreSQL or the broker is away, try again and again."""
        wait, told = BackOff(), ""
        while not self._stopping:
            try:
                with session("veza-dispatch") as opened:
                    opened.execute(_BEGIN, [[handler.name for handler in handling.registered()]])
                    wait.reset()
                    told = ""
                    self._dispatch_until_stopped(opened)
            except psycopg.Error as fault:
                if (line := first_line(fault)) != told:
                    logger.warning("dispatch_interrupted", fault=line)
                    told = line
                self._pause(wait.next_s())
        self._broker.close()

    def _dispatch_until_stopped(self, opened: Session) -> None:
        collected_at = 0.0
        while not self._stopping:
            has_more = plan(opened) >= BATCH
            has_more = self._send_due(opened) >= BATCH or has_more
            if time.monotonic() >= collected_at:
                self._collect_dead()
                collected_at = time.monotonic() + TICK_S
            if not has_more:
                self._pause(TICK_S)

    def _send_due(self, opened: Session) -> int:
        if time.monotonic() < self._broker_again_at:
            return 0
        due = opened.execute(_CLAIM, [BATCH]).fetchall()
        if not due:
            return 0
        try:
            refused = {order.id for order in self._broker.send(self._worth_sending(due))}
            fault = BrokerError("A queue is full.") if refused else None
        except BrokerError as met:
            refused, fault = {each[0] for each in due}, met
        if fault is not None:
            back = [each for each in due if each[0] in refused]
            opened.execute(_RELEASE, [[each[0] for each in back], [each[5] for each in back]])
            self._note_fault(fault)
            return 0
        self._note_success()
        return len(due)

    def _worth_sending(self, due: Sequence[tuple]) -> list[Order]:
        """All but what was sent before and may still stand in its queue."""
        queues = {queue for _, _, _, queue, was_sent, _ in due if was_sent}
        filled = {queue for queue in queues if self._broker.depth(queue)}
        return [
            Order(id=number, event_id=event_id, handler=handler, queue=queue)
            for number, event_id, handler, queue, was_sent, _ in due
            if not (was_sent and queue in filled)
        ]

    def _collect_dead(self) -> None:
        """Write down what RabbitMQ has given up."""
        if time.monotonic() < self._broker_again_at:
            return
        try:
            for message in self._broker.dead_messages():
                dead_letters.record_message(message)
        except BrokerError as fault:
            self._note_fault(fault)

    def _note_fault(self, fault: BrokerError) -> None:
        self._broker_again_at = time.monotonic() + self._broker_wait.next_s()
        if (line := first_line(fault)) != self._told:  # not at each try of a long outage
            logger.warning("broker_away", fault=line)
            self._told = line

    def _note_success(self) -> None:
        self._broker_wait.reset()
        if self._told:
            logger.info("broker_back")
            self._told = ""

    def _pause(self, seconds: float) -> None:
        if not self._stopping:
            self._wake.wait(seconds)
        self._wake.clear()


def plan(opened: Session) -> int:
    """Write down what the next facts of the log mean for the handlers.

    Returns how many facts were looked at for the handler that had most.
    """
    handlers = handling.registered()
    if not handlers:
        return 0
    wanted = [(each.name, fact.name, fact.version) for each in handlers for fact in each.facts]
    values = {
        "handlers": [handler.name for handler in handlers],
        "queues": [handler.queue for handler in handlers],
        "wanting": [handler for handler, _, _ in wanted],
        "types": [type_ for _, type_, _ in wanted],
        "versions": [version for _, _, version in wanted],
        "batch": BATCH,
    }
    found = opened.execute(_PLAN, values).fetchone()
    return int(found[1]) if found else 0
