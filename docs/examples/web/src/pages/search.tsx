import { api, ask } from "../api/client";
import { Cover } from "../parts/cover";
import { TrackList } from "../parts/track-row";
import { Link, useQuery } from "../router";
import { useLoad } from "../use-load";

export function Search() {
  const q = useQuery().get("q") ?? "";
  const found = useLoad(`search ${q}`, () => ask(api.GET("/api/v1/search", { params: { query: { q, limit: 30 } } })));
  const { tracks, users, playlists } = found.data ?? {};
  const isEmpty = found.data && !tracks?.length && !users?.length && !playlists?.length;
  return (
    <>
      <h1>{q ? `Search: ${q}` : "Search"}</h1>
      {found.failure ? <p role="alert">{found.failure}</p> : null}
      {isEmpty ? <p className="empty">Nothing is called that. Words may be cut short: “mid” finds Midnight.</p> : null}
      {tracks?.length ? <section><h2>Tracks</h2><TrackList tracks={tracks} empty="" /></section> : null}
      {playlists?.length ? (
        <section>
          <h2>Playlists</h2>
          <ul className="cards">
            {playlists.map((each) => (
              <li key={each.id} className="track-card">
                <div className="picture"><Cover id={each.id} url={each.artwork_url} /></div>
                <Link to={`/playlists/${each.id}`} className="title">{each.title}</Link>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {users?.length ? (
        <section>
          <h2>People</h2>
          <ul className="choices">
            {users.map((each) => (
              <li key={each.id}><Link to={`/people/${each.username}`}>{each.display_name || each.username}</Link></li>
            ))}
          </ul>
        </section>
      ) : null}
    </>
  );
}
