import { type DragEvent, useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Playlist, PlaylistItem } from "../api/types";
import { present } from "../live/connection";
import { useRoom } from "../live/use-room";
import { attempt, say } from "../notices";
import { Cover } from "../parts/cover";
import { clock, plural } from "../parts/format";
import { Icon } from "../parts/icon";
import { TrackRow } from "../parts/track-row";
import { go } from "../router";
import { useStore } from "../store";
import { useLoad } from "../use-load";

async function itemsOf(id: string): Promise<PlaylistItem[]> {
  const params = { path: { playlist_id: id }, query: { limit: 100 } };
  return (await ask(api.GET("/api/v1/playlists/{playlist_id}/items", { params }))).results;
}

/** A playlist, as everybody who works on it sees it at this moment. */
export function PlaylistPage({ id }: { id: string }) {
  const now = useStore(session);
  const path = { playlist_id: id };
  const playlist = useLoad(`playlist ${id} ${now?.user.id}`, () => ask(api.GET("/api/v1/playlists/{playlist_id}", { params: { path } })));
  const items = useLoad(`items ${id} ${now?.user.id}`, () => itemsOf(id));
  const [here, setHere] = useState<string[]>([]);
  const seeWho = () => void present(`playlist:${id}`).then(setHere, () => setHere([]));

  useRoom(
    `playlist:${id}`,
    ({ type }) => {
      if (type.startsWith("presence.")) return seeWho();
      if (type === "playlist.deleted") {
        say("This playlist was deleted by its owner.");
        return go("/playlists", { replace: true });
      }
      if (type.startsWith("playlist.item_")) items.reload();
      playlist.reload();
    },
    () => {
      items.reload();
      seeWho();
    },
  );

  if (playlist.failure) return <><h1>Playlist</h1><p role="alert">{playlist.failure}</p></>;
  if (!playlist.data || !items.data) return null;
  const { title, description, visibility, owner, can_edit, duration_ms, rules } = playlist.data;
  const others = here.filter((name) => name !== now?.user.username);
  const mayEdit = can_edit && !rules;
  return (
    <>
      <header className="track-head">
        <Cover id={id} url={playlist.data.artwork_url} />
        <div>
          <p className="quiet">{visibility} playlist by {owner.display_name || owner.username}</p>
          <h1>{title}</h1>
          {description ? <p className="prose">{description}</p> : null}
          <p className="quiet">{plural(items.data.length, "track")} · {clock(duration_ms)}</p>
          {others.length ? <p className="here" role="status">Here too: {others.join(", ")}</p> : null}
          {owner.id === now?.user.id ? <OwnerTools playlist={playlist.data} onChange={playlist.reload} /> : null}
        </div>
      </header>
      <Items id={id} items={items.data} mayEdit={mayEdit} set={items.set} reload={items.reload} />
      {items.data.length === 0 ? <p className="empty">Empty so far. Add tracks with the plus beside them{mayEdit ? "" : " once its owner asks you to"}.</p> : null}
    </>
  );
}

interface ItemsProps {
  id: string;
  items: PlaylistItem[];
  mayEdit: boolean;
  set: (change: (now: PlaylistItem[]) => PlaylistItem[]) => void;
  reload: () => void;
}

function Items({ id, items, mayEdit, set, reload }: ItemsProps) {
  const [dragged, setDragged] = useState<string | null>(null);
  const queue = items.map((item) => item.track).filter((track) => track.stream_url);

  /** Put one at the place of another; shown at once, and as the server has it after. */
  const move = async (from: number, to: number) => {
    const item = items[from];
    if (!item || to < 0 || to >= items.length || from === to) return;
    const rest = items.filter((each) => each !== item);
    set(() => rest.toSpliced(to, 0, item));
    const params = { path: { playlist_id: id, item_id: item.id } };
    const body = { after: rest[to - 1]?.id ?? null };
    if (!(await attempt(() => ask(api.PATCH("/api/v1/playlists/{playlist_id}/items/{item_id}", { params, body }))))) reload();
  };

  const remove = (item: PlaylistItem) => {
    const params = { path: { playlist_id: id, item_id: item.id } };
    set((now) => now.filter((each) => each.id !== item.id));
    return attempt(() => ask(api.DELETE("/api/v1/playlists/{playlist_id}/items/{item_id}", { params })));
  };

  return (
    <ol className="tracks" onDragOver={(event: DragEvent) => event.preventDefault()}>
      {items.map((item, n) => (
        <TrackRow
          key={item.id} track={item.track} queue={queue} draggable={mayEdit} onDragStart={() => setDragged(item.id)}
          onDrop={() => void move(items.findIndex((each) => each.id === dragged), n)}
        >
          {mayEdit ? (
            <span className="order">
              <button type="button" className="bare" disabled={n === 0} aria-label={`Move ${item.track.title} up`} onClick={() => void move(n, n - 1)}><Icon name="up" /></button>
              <button type="button" className="bare" disabled={n === items.length - 1} aria-label={`Move ${item.track.title} down`} onClick={() => void move(n, n + 1)}><Icon name="down" /></button>
              <button type="button" className="bare" aria-label={`Take ${item.track.title} out`} onClick={() => void remove(item)}><Icon name="close" /></button>
            </span>
          ) : null}
        </TrackRow>
      ))}
    </ol>
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
