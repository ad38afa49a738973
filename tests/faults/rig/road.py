"""The road of rounds with all that carries them."""

import json
from collections.abc import Sequence

from tests.faults.rig.programs import Program, run_to_end
from tests.faults.rig.system import System


class Road(System):
    """PostgreSQL, Redis, one web process, and two of each that carries rounds."""

    captures: Sequence[Program] = ()
    projectors: Sequence[Program] = ()

    def up(self) -> None:
        self.prepare()
        self.captures = [self._role(f"capture-{n}", "capture") for n in (1, 2)]
        self.projectors = [self._role(f"projector-{n}", "projector") for n in (1, 2)]
        for program in (self.webs[0], *self.captures, *self.projectors):
            program.launch()
        self.webs[0].wait_until_ready()

    def prepare(self) -> None:
        """The servers with a game, and nothing of ours that runs."""
        for server in (self.postgres, self.redis):
            server.launch()
        for server in (self.postgres, self.redis):
            server.wait_until_ready()
        run_to_end("migrate", "--verbosity", "0",
                   env=self.environment("migrate"), log=self.folder / "migrate.log")  # fmt: skip
        self.query("INSERT INTO datastream_game (slug, type) VALUES ('kills', 'test')")

    def down(self) -> None:
        carriers = [*self.captures, *self.projectors]
        for program in (*carriers, self.webs[0], self.redis, self.postgres):
            program.stop()
        self.board.close()

    def is_captured(self) -> bool:
        status, body = self.webs[0].get("/readyz")
        return status == 200 and body["dependencies"]["capture"]["state"] == "up"

    def insert(self, count: int = 1) -> int:
        """Rows in one commit; the number of the last."""
        rows = self.query(
            "INSERT INTO datastream_round (game_id) SELECT g.id FROM datastream_game g,"
            " generate_series(1, %s) WHERE slug = 'kills' RETURNING id",
            count,
        )
        return int(rows[-1][0])

    def rounds(self) -> list[int]:
        return [row[0] for row in self.query("SELECT id FROM datastream_round ORDER BY id")]

    def latest(self) -> int | None:
        status, body = self.webs[0].get("/api/v1/games/kills/rounds/latest")
        return body["id"] if status == 200 else None

    def last_prices(self, *prices: dict[str, object]) -> None:
        """As an ingestor's process keeps them."""
        values = {f"last_price:{each['instrument']}": json.dumps(each).encode() for each in prices}
        code = (
            "from veza.integrations.room_state import room_state;"
            f"room_state().put_values({values!r}, ttl_s=300)"
        )
        run_to_end("shell", "--no-imports", "-c", code,
                   env=self.environment("shell"), log=self.folder / "shell.log")  # fmt: skip
