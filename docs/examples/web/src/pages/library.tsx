import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Track } from "../api/types";
import { useRoom } from "../live/use-room";
import { More } from "../parts/more";
import { Stages } from "../parts/stages";
import { TrackRow } from "../parts/track-row";
import { useStatus } from "../parts/use-status";
import { Link } from "../router";
import { useStore } from "../store";
import { usePages } from "../use-pages";

const FOLLOWED = 12; // each is a room, and a connection has 128

const tracksFrom = (cursor?: string) =>
  ask(api.GET("/api/v1/tracks", { params: { query: { uploader: "me", limit: 100, ordering: "-created_at", cursor } } }));

/** One's own tracks in every state; what another tab or device does to them shows here too. */
export function Library() {
  const { user } = useStore(session)!;
  const mine = usePages(`library ${user.id}`, tracksFrom);
  useRoom(`user:${user.id}`, ({ type }) => type.startsWith("track.") && mine.reload(), mine.reload);
  const tracks = mine.rows;
  const ready = tracks?.filter((track) => track.stream_url) ?? [];
  const followed = new Set(tracks?.filter((track) => track.status !== "ready").slice(0, FOLLOWED));
  return (
    <>
      <header className="page-head">
        <h1>My tracks</h1>
        <Link to="/upload" className="button">Upload</Link>
      </header>
      {mine.failure ? <p role="alert">{mine.failure}</p> : null}
      {tracks?.length === 0 ? <p className="empty">Nothing here yet. <Link to="/upload">Upload a recording.</Link></p> : null}
      <ul className="tracks">
        {tracks?.map((track) => (
          <TrackRow key={track.id} track={track} queue={ready}>
            {track.visibility === "public" ? null : <span className="tag wide">{track.visibility}</span>}
            {track.status === "ready" ? null : followed.has(track) ? <Making track={track} /> : <span className="tag">{track.status}</span>}
          </TrackRow>
        ))}
      </ul>
      <More of={mine} name="tracks" />
    </>
  );
}

function Making({ track }: { track: Track }) {
  const status = useStatus(track.id);
  return status ? <div className="below"><Stages status={status} /></div> : null;
}
