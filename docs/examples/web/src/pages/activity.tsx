import { useEffect, useState } from "react";

import { session } from "../api/session";
import type { Envelope } from "../api/types";
import { recent } from "../live/connection";
import { useRoom } from "../live/use-room";
import { ago } from "../parts/format";
import { Link } from "../router";
import { useStore } from "../store";

const SHOWN = 60;

/** `{it}` is what it happened to. */
const SENTENCES: Record<string, string> = {
  "track.uploaded": "The file of {it} has arrived.",
  "track.ready": "{it} can be heard.",
  "track.rejected": "The file of {it} cannot become a track.",
  "track.failed": "{it} could not be made.",
  "track.updated": "{it} was changed.",
  "track.deleted": "{it} was deleted.",
  "track.liked": "{it} was liked.",
  "track.unliked": "{it} has one like less.",
  "playlist.created": "You began {it}.",
  "playlist.updated": "{it} was changed.",
  "playlist.deleted": "{it} was deleted.",
  "playlist.item_added": "A track was added to {it}.",
  "playlist.item_moved": "{it} is in another order.",
  "playlist.item_removed": "A track was taken out of {it}.",
  "session.created": "You signed in.",
  "session.revoked": "A session of yours has ended.",
  "user.updated": "Your account was changed.",
};

/** Everything that happens in public, and with one's own things, as it happens. */
export function Activity() {
  const now = useStore(session);
  const own = now ? `user:${now.user.id}` : null;
  const [facts, setFacts] = useState<Envelope[]>([]);

  const add = (more: Envelope[]) =>
    setFacts((before) => {
      const all = new Map([...more, ...before].map((each) => [each.id, each]));
      return [...all.values()].sort((a, b) => b.time.localeCompare(a.time)).slice(0, SHOWN);
    });
  useRoom("public", (fact) => add([fact]));
  useRoom(own, (fact) => fact.type in SENTENCES && add([fact]));
  useEffect(() => {
    setFacts([]);
    for (const room of own ? ["public", own] : ["public"]) void recent(room, 40).then(add, () => {});
  }, [own]);

  const titles = new Map(facts.map(({ subject, data }) => [subject?.id, data.title as string | undefined] as const).filter(([, title]) => title));
  return (
    <>
      <h1>Activity</h1>
      {facts.length ? null : <p className="empty">Quiet so far. What happens shows here at once.</p>}
      <ul className="activity" aria-live="off">
        {runs(facts.filter(({ type }) => type in SENTENCES)).map(([fact, times]) => (
          <li key={fact.id} data-kind={fact.type.split(".")[0]}>
            <span><Told fact={fact} title={titles.get(fact.subject?.id)} /> {times > 1 ? <span className="tag">{times} times</span> : null}</span>
            <time className="quiet" dateTime={fact.time}>{ago(fact.time)}</time>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The same thing again and again is one line. */
function runs(facts: Envelope[]): [fact: Envelope, times: number][] {
  const found: [Envelope, number][] = [];
  for (const fact of facts) {
    const last = found.at(-1);
    if (last && last[0].type === fact.type && last[0].subject?.id === fact.subject?.id) last[1]++;
    else found.push([fact, 1]);
  }
  return found;
}

function Told({ fact, title }: { fact: Envelope; title: string | undefined }) {
  const { subject, type } = fact;
  const [before, after] = SENTENCES[type]!.split("{it}");
  if (after === undefined || !subject) return <span>{before}</span>;
  const name = title ?? `${before ? "a" : "A"} ${subject.type}`;
  const isGone = type.endsWith(".deleted");
  return (
    <span>
      {before}
      {isGone ? name : <Link to={`/${subject.type}s/${subject.id}`}>{name}</Link>}
      {after}
    </span>
  );
}
