import { useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Playlist } from "../api/types";
import { present } from "../live/connection";
import { useRoom } from "../live/use-room";
import { attempt, say } from "../notices";
import { Cover } from "../parts/cover";
import { clock, plural } from "../parts/format";
import { Icon } from "../parts/icon";
import { More } from "../parts/more";
import { go, Link } from "../router";
import { useStore } from "../store";
import { useLoad } from "../use-load";
import { PlaylistItems } from "./playlist-items";
import { useItems } from "./use-items";

/** A playlist, as everybody who works on it sees it at this moment. */
export function PlaylistPage({ id }: { id: string }) {
  const now = useStore(session);
  const path = { playlist_id: id };
  const playlist = useLoad(`playlist ${id} ${now?.user.id}`, () => ask(api.GET("/api/v1/playlists/{playlist_id}", { params: { path } })));
  const items = useItems(id);
  const [here, setHere] = useState<string[]>([]);
  const seeWho = () => void present(`playlist:${id}`).then(setHere, () => setHere([]));

  useRoom(
    `playlist:${id}`,
    (fact) => {
      if (fact.type.startsWith("presence.")) return seeWho();
      if (fact.type === "playlist.deleted") {
        say("This playlist was deleted by its owner.");
        return go("/playlists", { replace: true });
      }
      items.follow(fact);
      if (fact.type !== "playlist.item_moved") playlist.reload();
    },
    () => {
      playlist.reload();
      items.reload();
      seeWho();
    },
  );

  if (playlist.failure) return <><h1>Playlist</h1><p role="alert">{playlist.failure}</p></>;
  if (!playlist.data || !items.rows) return null;
  const { title, description, visibility, owner, can_edit, duration_ms, rules } = playlist.data;
  const others = here.filter((name) => name !== now?.user.username);
  const mayEdit = can_edit && !rules;
  const isMine = owner.id === now?.user.id;
  return (
    <>
      <header className="track-head">
        <Cover id={id} url={playlist.data.artwork_url} />
        <div>
          <p className="quiet">{visibility} playlist by <Link to={`/people/${owner.username}`}>{owner.display_name || owner.username}</Link></p>
          <h1>{title}</h1>
          {description ? <p className="prose">{description}</p> : null}
          <p className="quiet">{plural(playlist.data.item_count ?? items.rows.length, "track")} · {clock(duration_ms)}</p>
          {others.length ? <p className="here" role="status">Here too: {others.join(", ")}</p> : null}
        </div>
      </header>
      {mayEdit ? <People id={id} isMine={isMine} /> : null}
      {isMine ? <OwnerTools playlist={playlist.data} onChange={playlist.reload} /> : null}
      <PlaylistItems items={items} mayEdit={mayEdit} />
      <More of={items} name="tracks" />
      {items.rows.length === 0 ? <p className="empty">Empty so far. Add tracks with the plus beside them{mayEdit ? "" : " once its owner asks you to"}.</p> : null}
    </>
  );
}

/** Who may change it besides its owner; only they are told. */
function People({ id, isMine }: { id: string; isMine: boolean }) {
  const now = useStore(session);
  const path = { playlist_id: id };
  const people = useLoad(`people of ${id}`, () =>
    ask(api.GET("/api/v1/playlists/{playlist_id}/collaborators", { params: { path, query: { limit: 100 } } })),
  );
  useRoom(
    `playlist:${id}`,
    ({ type, data }) => type === "playlist.updated" && (data.changed as string[]).includes("collaborators") && people.reload(),
    people.reload,
  );
  const remove = async (username: string) => {
    const params = { path: { ...path, username } };
    const done = await attempt(() => ask(api.DELETE("/api/v1/playlists/{playlist_id}/collaborators/{username}", { params })));
    if (done && !isMine) go("/playlists");
  };
  const found = people.data?.results.flatMap(({ user }) => (user ? [user] : [])) ?? [];
  if (!found.length) return null;
  return (
    <ul className="people" aria-label="May change it">
      {found.map(({ username, display_name }) => (
        <li key={username} className="tag">
          <Link to={`/people/${username}`}>{display_name || username}</Link>
          {isMine || username === now?.user.username ? (
            <button type="button" className="bare" aria-label={isMine ? `Let ${username} change it no more` : "Leave this playlist"} onClick={() => void remove(username)}><Icon name="close" /></button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function OwnerTools({ playlist, onChange }: { playlist: Playlist; onChange: () => void }) {
  const path = { playlist_id: playlist.id };
  const invite = async (form: FormData) => {
    const username = String(form.get("username")).trim();
    const params = { path: { ...path, username } };
    const done = await attempt(() => ask(api.PUT("/api/v1/playlists/{playlist_id}/collaborators/{username}", { params })));
    if (done) say(`${username} may add and move tracks now. Send the address of this page.`);
  };
  const turn = (visibility: string) =>
    attempt(() => ask(api.PATCH("/api/v1/playlists/{playlist_id}", { params: { path }, body: { visibility } as never }))).then(onChange);
  const remove = async () => {
    if (!confirm(`Delete “${playlist.title}”? Its tracks stay.`)) return;
    if (await attempt(() => ask(api.DELETE("/api/v1/playlists/{playlist_id}", { params: { path } })))) go("/playlists");
  };
  return (
    <div className="tools">
      <form className="inline" action={invite}>
        <input name="username" required placeholder="User name" aria-label="User name of somebody to work with" />
        <button type="submit" className="second">Invite</button>
      </form>
      <select aria-label="Who may see it" value={playlist.visibility} onChange={(event) => void turn(event.target.value)}>
        <option value="public">Everybody</option>
        <option value="unlisted">Whoever has the link</option>
        <option value="private">Only those invited</option>
      </select>
      <button type="button" className="bare" onClick={() => void remove()}>Delete</button>
    </div>
  );
}
