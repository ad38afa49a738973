"""A program that commits facts through `apps.events.services.publish`, beside the web processes;
or, with `--rounds`, rows of rounds of the games that are named like its subjects.

Some transactions are rolled back, some are held open after the fact was written. Ends on SIGTERM,
or after `--count` attempts, with 0.
"""

import argparse
import random
import signal
import threading
import time
from pathlib import Path

import django
from django.db import Error, connection, transaction

STEP = """
INSERT INTO rig_subject (id, version) VALUES (%s, 1)
ON CONFLICT (id) DO UPDATE SET version = rig_subject.version + 1 RETURNING version
"""


ROUND = """
INSERT INTO datastream_round (game_id, extras)
SELECT id, jsonb_build_object('op', %s::int8, 'step', %s::int) FROM datastream_game WHERE slug = %s
"""


class _RolledBackError(Exception):
    """On purpose."""


class Publisher:
    """One thread for each writer; half of their attempts are for subjects that all share."""

    def __init__(self, options: argparse.Namespace) -> None:
        from tests.faults.rig.ledger import Ledger  # noqa: PLC0415

        self._options = options
        self._ledger = Ledger(options.ledger)
        self._rng = random.Random(options.seed)
        self._lock = threading.Lock()
        self._next = options.first_op
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._write, args=[number])
            for number in range(self._options.writers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._ledger.close()

    def _write(self, writer: int) -> None:
        while not self._stopped.is_set():
            with self._lock:
                op_id, self._next = self._next, self._next + 1
                is_over = op_id - self._options.first_op >= self._options.count > 0
                is_shared, is_rolled_back = self._rng.random() < 0.5, self._rng.random() < 0.1
                hold_s = self._rng.random() * self._options.hold_ms / 1000
            if is_over:
                return
            subject = f"{self._options.first_op}-{writer}"
            if is_shared and not hold_s:
                subject = f"shared-{op_id % 3}"
            self._attempt(op_id, subject, hold_s=hold_s, is_rolled_back=is_rolled_back)
            self._stopped.wait(self._options.pause_ms / 1000)
        connection.close()

    def _attempt(self, op_id: int, subject: str, *, hold_s: float, is_rolled_back: bool) -> None:
        is_committing = False
        with self._ledger.op(op_id, subject=subject) as op:
            try:
                with transaction.atomic():
                    with connection.cursor() as cursor:
                        cursor.execute(STEP, [subject])
                        op.version = cursor.fetchone()[0]
                    self._tell(op_id, subject, step=op.version)
                    time.sleep(hold_s)
                    if is_rolled_back:
                        raise _RolledBackError  # noqa: TRY301 - it must leave the transaction
                    is_committing = True
                op.outcome = "ok"
            except _RolledBackError:
                op.outcome, op.detail = "fail", "rolled back"
            except Error as fault:
                op.outcome, op.detail = "info" if is_committing else "fail", str(fault)[:80]
                connection.close()

    def _tell(self, op_id: int, subject: str, *, step: int) -> None:
        from apps.events.services import publish  # noqa: PLC0415
        from apps.events.types import Subject  # noqa: PLC0415
        from tests.faults.rig.facts import ROOM, Stepped  # noqa: PLC0415

        if self._options.rounds:
            with connection.cursor() as cursor:
                cursor.execute(ROUND, [op_id, step, subject])
            return
        filler = "x" * self._options.payload_bytes
        fact = Stepped(op=op_id, subject=subject, step=step, filler=filler)
        publish(fact, subject=Subject(type="rig", id=subject), rooms=[ROOM])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--first-op", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--pause-ms", type=float, default=20)
    parser.add_argument("--hold-ms", type=float, default=0, help="longest; drawn for each attempt")
    parser.add_argument("--payload-bytes", type=int, default=0)
    parser.add_argument("--count", type=int, default=0, help="0: until SIGTERM")
    parser.add_argument("--rounds", action="store_true", help="rounds of games instead of facts")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    django.setup()

    from apps.events import registry  # noqa: PLC0415
    from tests.faults.rig.facts import Stepped  # noqa: PLC0415

    registry.register(Stepped)
    publisher = Publisher(options)
    signal.signal(signal.SIGTERM, lambda *_: publisher.stop())
    publisher.run()


if __name__ == "__main__":
    main()
