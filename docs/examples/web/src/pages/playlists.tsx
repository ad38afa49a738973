import { useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import { useRoom } from "../live/use-room";
import { attempt } from "../notices";
import { Cover } from "../parts/cover";
import { Dialog } from "../parts/dialog";
import { Field } from "../parts/field";
import { plural } from "../parts/format";
import { More } from "../parts/more";
import { go, Link } from "../router";
import { useStore } from "../store";
import { usePages } from "../use-pages";

const playlistsFrom = (cursor?: string) => ask(api.GET("/api/v1/playlists", { params: { query: { limit: 100, cursor } } }));

export function Playlists() {
  const now = useStore(session);
  const [isCreating, setCreating] = useState(false);
  const playlists = usePages(`playlists ${now?.user.id}`, playlistsFrom);
  useRoom(now ? `user:${now.user.id}` : null, ({ type }) => type.startsWith("playlist.") && playlists.reload());

  const create = async (form: FormData) => {
    const visibility = form.get("public") ? "public" : "private";
    const body = { title: String(form.get("title")), visibility };
    await attempt(async () => go(`/playlists/${(await ask(api.POST("/api/v1/playlists", { body: body as never }))).id}`));
  };

  return (
    <>
      <header className="page-head">
        <h1>Playlists</h1>
        {now ? <button type="button" onClick={() => setCreating(true)}>New playlist</button> : null}
      </header>
      {isCreating ? (
        <Dialog title="New playlist" onClose={() => setCreating(false)}>
          <form action={create}>
            <Field label="Title" name="title" maxLength={200} required />
            <label className="check"><input type="checkbox" name="public" /> Everybody may see it</label>
            <button type="submit">Create</button>
          </form>
        </Dialog>
      ) : null}
      {playlists.failure ? <p role="alert">{playlists.failure}</p> : null}
      {playlists.rows?.length === 0 ? <p className="empty">No playlists yet.</p> : null}
      <ul className="cards">
        {playlists.rows?.map((each) => (
          <li key={each.id} className="track-card">
            <div className="picture"><Cover id={each.id} url={each.artwork_url} /></div>
            <Link to={`/playlists/${each.id}`} className="title">{each.title}</Link>
            <span className="quiet">
              {each.item_count === null ? "By rules" : plural(each.item_count, "track")} · {each.owner.display_name || each.owner.username}
            </span>
          </li>
        ))}
      </ul>
      <More of={playlists} name="playlists" />
    </>
  );
}
