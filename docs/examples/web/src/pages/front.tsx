import { api, ask } from "../api/client";
import { session } from "../api/session";
import { useRoom } from "../live/use-room";
import { More } from "../parts/more";
import { TrackCard, TrackList } from "../parts/track-row";
import { Link } from "../router";
import { useStore } from "../store";
import { usePages } from "../use-pages";

const tracksBy = (ordering: "-created_at" | "-popularity", limit: number, cursor?: string) =>
  ask(api.GET("/api/v1/tracks", { params: { query: { limit, ordering, cursor } } }));

/** What everybody may hear, for whoever comes by. */
export function Front() {
  const now = useStore(session);
  const person = now?.user.id ?? "nobody";
  const newest = usePages(`newest ${person}`, (cursor) => tracksBy("-created_at", 12, cursor));
  const popular = usePages(`popular ${person}`, (cursor) => tracksBy("-popularity", 20, cursor));
  useRoom("public", ({ type }) => {
    if (type.startsWith("track.")) newest.reload();
  });
  const tracks = newest.rows;
  return (
    <>
      {now ? null : (
        <section className="hero">
          <h1>Hear what people make, and make it together.</h1>
          <p>Everything below is open to you. With an account you upload your own, build playlists with friends, and watch them change as you talk.</p>
          <p className="actions">
            <Link to="/sign-up" className="button">Create an account</Link>
            <Link to="/sign-in" className="button second">Sign in</Link>
          </p>
        </section>
      )}
      <section>
        {now ? <h1>New</h1> : <h2>New</h2>}
        {newest.failure ? <p role="alert">{newest.failure}</p> : null}
        {tracks?.length === 0 ? (
          <p className="empty">Nothing is public yet. <Link to={now ? "/upload" : "/sign-up"}>Be the first.</Link></p>
        ) : null}
        <ul className="cards">{tracks?.map((track) => <TrackCard key={track.id} track={track} queue={tracks} />)}</ul>
        <More of={newest} name="new tracks" />
      </section>
      {popular.rows?.length ? (
        <section>
          <h2>Popular</h2>
          <TrackList tracks={popular.rows} empty="" />
          <More of={popular} name="popular tracks" />
        </section>
      ) : null}
    </>
  );
}
