import { useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { WholeTrack } from "../api/types";
import { useRoom } from "../live/use-room";
import { attempt, say } from "../notices";
import { AddToPlaylist } from "../parts/add-to-playlist";
import { Cover } from "../parts/cover";
import { Field } from "../parts/field";
import { ago, bytes, clock, plural } from "../parts/format";
import { LikeButton, mark } from "../parts/like-button";
import { Stages } from "../parts/stages";
import { artistOf, PlayButton } from "../parts/track-row";
import { useStatus } from "../parts/use-status";
import { Quality } from "../player/bar";
import { playing } from "../player/player";
import { Waveform } from "../player/waveform";
import { go, Link } from "../router";
import { useStore } from "../store";
import { useLoad } from "../use-load";

export function TrackPage({ id }: { id: string }) {
  const now = useStore(session);
  const { data: track, failure, reload } = useLoad(`track ${id} ${now?.user.id}`, () =>
    ask(api.GET("/api/v1/tracks/{track_id}", { params: { path: { track_id: id } } })),
  );
  useRoom(`track:${id}`, ({ type, data }) => {
    if (type === "track.liked" || type === "track.unliked")
      return mark(id, { likes: data.likes as number });
    if (type === "track.deleted") {
      say("This track was deleted by its owner.");
      return go("/", { replace: true });
    }
    if (type !== "track.progress") reload();
  });

  if (failure) return <><h1>Track</h1><p role="alert">{failure}</p></>;
  if (!track) return null;
  return (
    <article>
      <header className="track-head">
        <Cover id={id} url={track.artwork_url} />
        <div>
          <p className="quiet">
            {track.visibility === "public" ? null : `${track.visibility} · `}
            <Link to={`/people/${track.uploader.username}`}>{artistOf(track)}</Link>
          </p>
          <h1>{track.title}</h1>
          <p className="quiet">
            {[track.album, track.genre, track.bpm ? `${Math.round(track.bpm)} bpm` : "", track.musical_key].filter(Boolean).join(" · ")}
          </p>
          <div className="actions">
            <PlayButton track={track} large />
            <LikeButton track={track} />
            <AddToPlaylist track={track} />
            <Choice id={id} />
          </div>
        </div>
      </header>
      {track.waveform_url ? <Waveform track={track} /> : null}
      {track.status === "ready" ? null : <Making id={id} />}
      {track.description ? <p className="prose">{track.description}</p> : null}
      <Facts track={track} />
      {track.uploader.id === now?.user.id ? <Edit track={track} onChange={reload} /> : null}
    </article>
  );
}

function Choice({ id }: { id: string }) {
  const now = useStore(playing);
  return now.track?.id === id && now.levels.length > 1 ? <Quality /> : null;
}

function Making({ id }: { id: string }) {
  const status = useStatus(id);
  return status ? <Stages status={status} /> : null;
}

function Facts({ track }: { track: WholeTrack }) {
  const { audio, stats } = track;
  return (
    <dl className="facts">
      <div><dt>Heard</dt><dd>{plural(stats.plays, "time")}</dd></div>
      <div><dt>Length</dt><dd>{clock(track.duration_ms)}</dd></div>
      <div><dt>Uploaded</dt><dd>{ago(track.created_at)}</dd></div>
      {audio ? (
        <>
          <div><dt>File</dt><dd>{audio.codec.toUpperCase()}, {bytes(audio.size_bytes)}</dd></div>
          {audio.sample_rate_hz ? <div><dt>Sound</dt><dd>{audio.sample_rate_hz / 1000} kHz, {audio.channels === 1 ? "mono" : "stereo"}</dd></div> : null}
          {audio.loudness_lufs === null ? null : <div><dt>Loudness</dt><dd>{audio.loudness_lufs.toFixed(1)} LUFS</dd></div>}
        </>
      ) : null}
    </dl>
  );
}

function Edit({ track, onChange }: { track: WholeTrack; onChange: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const params = { path: { track_id: track.id } };
  const save = async (form: FormData) => {
    const told = (name: string) => String(form.get(name) ?? "");
    const body = {
      title: told("title"), artist: told("artist"), genre: told("genre"), description: told("description"),
      visibility: told("visibility") as WholeTrack["visibility"],
    };
    if (!(await attempt(() => ask(api.PATCH("/api/v1/tracks/{track_id}", { params, body: body as never }))))) return;
    say("Saved.");
    setOpen(false);
    onChange();
  };
  const remove = async () => {
    if (!confirm(`Delete “${track.title}”? It can be restored for 30 days.`)) return;
    if (await attempt(() => ask(api.DELETE("/api/v1/tracks/{track_id}", { params })))) go("/library");
  };
  if (!isOpen)
    return (
      <p className="actions">
        <button type="button" className="second" onClick={() => setOpen(true)}>Edit</button>
        <button type="button" className="bare" onClick={() => void remove()}>Delete</button>
      </p>
    );
  return (
    <form className="card" action={save}>
      <h2>Edit</h2>
      <Field label="Title" name="title" defaultValue={track.title} maxLength={200} required />
      <Field label="Artist" name="artist" defaultValue={track.artist} maxLength={200} />
      <Field label="Genre" name="genre" defaultValue={track.genre} maxLength={60} />
      <div className="field">
        <label htmlFor="description">Description</label>
        <textarea id="description" name="description" rows={4} maxLength={5000} defaultValue={track.description} />
      </div>
      <div className="field">
        <label htmlFor="visibility">Who may hear it</label>
        <select id="visibility" name="visibility" defaultValue={track.visibility}>
          <option value="public">Everybody</option>
          <option value="unlisted">Whoever has the link</option>
          <option value="private">Only me</option>
        </select>
      </div>
      <p className="actions">
        <button type="submit">Save</button>
        <button type="button" className="bare" onClick={() => setOpen(false)}>Leave it</button>
      </p>
    </form>
  );
}
