import { useEffect, useRef, useState } from "react";

import { api, ask } from "../api/client";
import type { Game, Round } from "../api/types";
import { useRoom } from "../live/use-room";
import { plural } from "../parts/format";
import { useLoad } from "../use-load";
import { Prices } from "./prices";

const KEPT = 48;
const HELD = 5000;

type Rounds = Record<string, Round[]>; // by slug, newest last

async function loadRounds(games: Game[]): Promise<Rounds> {
  const pages = games.map(async ({ slug }) => {
    const params = { path: { slug }, query: { limit: KEPT } };
    const { data } = await api.GET("/api/v1/games/{slug}/rounds", { params });
    return [slug, (data?.results ?? []).toReversed()] as const;
  });
  return Object.fromEntries(await Promise.all(pages));
}

/** Rounds as programs write them into the database, a moment after they did. */
export function Games() {
  const games = useLoad("games", async () => (await ask(api.GET("/api/v1/games"))).results);
  const [rounds, setRounds] = useState<Rounds>({});
  const [seen, setSeen] = useState(0);
  const arrived = useRef<Round[]>([]);
  const come = useRef(0);

  const readAgain = () => void (games.data && loadRounds(games.data).then(setRounds));
  useEffect(readAgain, [games.data]);
  useRoom(
    "games",
    ({ type, data }) => {
      if (type !== "round.finished") return readAgain();
      come.current++;
      if (arrived.current.push(data as unknown as Round) === 1) requestAnimationFrame(show);
      if (arrived.current.length > HELD) arrived.current.shift(); // a hidden tab draws no frames
    },
    readAgain,
  );

  /** However many have come since the last frame: one change. */
  const show = () => {
    const batch = arrived.current;
    arrived.current = [];
    setSeen(come.current);
    setRounds((before) => {
      const next = { ...before };
      for (const round of batch) next[round.game_slug] = [...(next[round.game_slug] ?? []), round].slice(-KEPT);
      return next;
    });
  };

  return (
    <>
      <header className="page-head">
        <h1>Games</h1>
        <span className="quiet number">{plural(seen, "round")} since you came</span>
      </header>
      {games.failure ? <p role="alert">{games.failure}</p> : null}
      {games.data?.length === 0 ? <p className="empty">No games yet. <code>manage.py rounds simulate</code> plays some.</p> : null}
      <ul className="games">
        {games.data?.map((game) => <Board key={game.id} game={game} rounds={rounds[game.slug] ?? []} />)}
      </ul>
      <Prices />
    </>
  );
}

/** What the round came to, whatever the game calls it. */
function outcome(round: Round): number | null {
  const extras = (round.extras ?? {}) as Record<string, unknown>;
  const number = Object.values(extras).find((each) => typeof each === "number");
  return number === undefined ? null : (number as number);
}

function Board({ game, rounds }: { game: Game; rounds: Round[] }) {
  const values = rounds.map((round) => outcome(round) ?? 0);
  const latest = rounds.at(-1);
  const isMultiplier = game.type === "multiplier";
  const top = Math.max(1, ...values.map((value) => (isMultiplier ? Math.log(value + 1) : value)));
  const height = (value: number) => Math.max(3, (46 * (isMultiplier ? Math.log(value + 1) : value)) / top);
  const said = latest ? `${outcome(latest) ?? "–"}${isMultiplier ? "×" : ""}` : "–";
  return (
    <li className="card game">
      <div className="page-head">
        <h2>{game.name || game.slug}</h2>
        <span className="tag">{game.type}</span>
      </div>
      <p className="outcome number" key={latest?.id}>{said}</p>
      <svg viewBox={`0 0 ${KEPT * 6} 50`} preserveAspectRatio="none" role="img" aria-label={`The last ${values.length} rounds of ${game.name || game.slug}`}>
        {values.map((value, n) => (
          <rect
            key={rounds[n]!.id} x={(KEPT - values.length + n) * 6} width="4" rx="1.500"
            y={48 - height(value)} height={height(value)} data-high={(isMultiplier && value >= 10) || undefined}
          />
        ))}
      </svg>
    </li>
  );
}
