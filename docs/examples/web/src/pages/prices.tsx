import { useRef, useState } from "react";

import { api, ask } from "../api/client";
import type { Price } from "../api/types";
import { useRoom } from "../live/use-room";
import { useLoad } from "../use-load";

const KEPT = 60;
const FEW = 12; // a line of fewer does not fill its width
const MOST = 24; // rooms: a connection has 128
const shown = new Intl.NumberFormat("en", { maximumSignificantDigits: 7 });

/** What instruments cost, as whoever has prices sends them; nothing where nobody does. */
export function Prices() {
  const prices = useLoad("prices", async () => (await ask(api.GET("/api/v1/instruments"))).slice(0, MOST));
  if (!prices.data?.length) return null;
  return (
    <section>
      <h2>Prices</h2>
      <ul className="games">
        {prices.data.map((price) => <Instrument key={price.instrument} first={price} />)}
      </ul>
    </section>
  );
}

function Instrument({ first }: { first: Price }) {
  const name = first.instrument;
  const [prices, setPrices] = useState([first]);
  const arrived = useRef<Price[]>([]);
  useRoom(`instrument:${name}`, ({ data }) => {
    if (arrived.current.push(data as unknown as Price) === 1) requestAnimationFrame(show);
    if (arrived.current.length > KEPT) arrived.current.shift(); // a hidden tab draws no frames
  });

  /** However many have come since the last frame: one change. The room's first is the last known. */
  const show = () => {
    const batch = arrived.current;
    arrived.current = [];
    setPrices((before) => [...before, ...batch.filter(({ ts }) => ts !== before.at(-1)!.ts)].slice(-KEPT));
  };

  const now = prices.at(-1)!.price;
  const change = (100 * (now - prices[0]!.price)) / prices[0]!.price;
  const word = change > 0 ? "up" : change < 0 ? "down" : "unchanged";
  return (
    <li className="card game">
      <div className="page-head">
        <h3>{name}</h3>
        <span className="change number" data-change={word}>
          {change > 0 ? "▲" : change < 0 ? "▼" : ""} {Math.abs(change).toFixed(2)} %
        </span>
      </div>
      <p className="outcome number">{shown.format(now)}</p>
      <Line of={prices.map(({ price }) => price)} label={`${name}, ${word} since you came`} />
    </li>
  );
}

/** Drawn from the lowest to the highest of these prices. */
function Line({ of, label }: { of: number[]; label: string }) {
  const [low, high] = [Math.min(...of), Math.max(...of)];
  const y = (price: number) => 46 - (42 * (price - low)) / (high - low || 1);
  const points = of.map((price, n) => `${300 - ((of.length - 1 - n) * 300) / (Math.max(of.length, FEW) - 1)},${y(price).toFixed(1)}`);
  return (
    <svg viewBox="0 0 300 50" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points.join(" ")} fill="none" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
