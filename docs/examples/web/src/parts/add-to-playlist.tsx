import { useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Playlist, Track } from "../api/types";
import { attempt, say } from "../notices";
import { useStore } from "../store";
import { useLoad } from "../use-load";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

export function AddToPlaylist({ track }: { track: Track }) {
  const [isOpen, setOpen] = useState(false);
  const now = useStore(session);
  if (!now) return null;
  return (
    <>
      <button type="button" className="bare" aria-label={`Add ${track.title} to a playlist`} onClick={() => setOpen(true)}>
        <Icon name="plus" />
      </button>
      {isOpen ? <Chooser track={track} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function Chooser({ track, onClose }: { track: Track; onClose: () => void }) {
  const playlists = useLoad("editable playlists", async () => {
    const page = await ask(api.GET("/api/v1/playlists", { params: { query: { limit: 100 } } }));
    return page.results.filter((each) => each.can_edit && !each.rules);
  });

  const add = async (playlist: Playlist) => {
    const params = { path: { playlist_id: playlist.id } };
    const body = { track_id: track.id };
    const done = await attempt(() => ask(api.POST("/api/v1/playlists/{playlist_id}/items", { params, body })));
    if (done) say(`“${track.title}” is in “${playlist.title}” now.`);
    onClose();
  };

  const create = async (form: FormData) => {
    const body = { title: String(form.get("title")) };
    await attempt(async () => add(await ask(api.POST("/api/v1/playlists", { body: body as never }))));
  };

  return (
    <Dialog title={`Add “${track.title}”`} onClose={onClose}>
      <ul className="choices">
        {playlists.data?.map((playlist) => (
          <li key={playlist.id}>
            <button type="button" onClick={() => void add(playlist)}>{playlist.title}</button>
          </li>
        ))}
      </ul>
      {playlists.failure ? <p role="alert">{playlists.failure}</p> : null}
      <form className="inline" action={create}>
        <input name="title" required maxLength={200} placeholder="A new playlist" aria-label="Title of a new playlist" />
        <button type="submit">Create</button>
      </form>
    </Dialog>
  );
}
