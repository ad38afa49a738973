import { useEffect, useState } from "react";

import { session } from "../api/session";
import type { Envelope } from "../api/types";
import { recent } from "../live/connection";
import { useRoom } from "../live/use-room";
import { ago } from "../parts/format";
import { Link } from "../router";
import { useStore } from "../store";

const SHOWN = 60;

const SENTENCES: Record<string, string> = {
  "track.uploaded": "A file of yours has arrived.",
  "track.ready": "can be heard.",
  "track.rejected": "A file of yours cannot become a track.",
  "track.failed": "A track of yours could not be made.",
  "track.updated": "was changed.",
  "track.deleted": "A track was deleted.",
  "track.liked": "was liked.",
  "track.unliked": "is liked by one person less.",
  "playlist.created": "You began a playlist.",
  "playlist.updated": "A playlist was changed.",
  "playlist.deleted": "A playlist was deleted.",
  "playlist.item_added": "A track was added to a playlist.",
  "playlist.item_moved": "A playlist was put into another order.",
  "playlist.item_removed": "A track was taken out of a playlist.",
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
        {facts.filter(({ type }) => type in SENTENCES).map((fact) => (
          <li key={fact.id} data-kind={fact.type.split(".")[0]}>
            <Told fact={fact} title={titles.get(fact.subject?.id)} />
            <time className="quiet" dateTime={fact.time}>{ago(fact.time)}</time>
          </li>
        ))}
      </ul>
    </>
  );
}

function Told({ fact, title }: { fact: Envelope; title: string | undefined }) {
  const { subject, type } = fact;
  const sentence = SENTENCES[type]!;
  const needsSubject = /^[a-z]/.test(sentence);
  const isGone = type.endsWith(".deleted") || type === "track.rejected";
  const to = subject && (subject.type === "track" || subject.type === "playlist") && !isGone ? `/${subject.type}s/${subject.id}` : null;
  const name = title ?? (needsSubject ? "A track" : null);
  return (
    <span>
      {name && to ? <><Link to={to}>{name}</Link> </> : null}
      {name && !to ? `${name}: ` : null}
      {needsSubject ? sentence : <>{sentence}{!name && to ? <> <Link to={to}>Open</Link></> : null}</>}
    </span>
  );
}
