import { type DragEvent, useEffect, useState } from "react";

import type { Visibility } from "../api/types";
import { bytes } from "../parts/format";
import { Icon } from "../parts/icon";
import { Stages } from "../parts/stages";
import { PlayButton } from "../parts/track-row";
import { useStatus } from "../parts/use-status";
import { Link } from "../router";
import { useStore } from "../store";
import { api } from "../api/client";
import { cancel, type Interrupted, listInterrupted, pause, resume, send, type Upload, uploads } from "../uploads/uploads";

export function UploadPage() {
  const now = useStore(uploads);
  const [visibility, setVisibility] = useState<Visibility>("public");
  const [isOver, setOver] = useState(false);
  const [interrupted, setInterrupted] = useState<Interrupted[]>([]);
  useEffect(() => void listInterrupted().then(setInterrupted), [now.length]);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    send(event.dataTransfer.files, visibility);
  };

  return (
    <>
      <h1>Upload</h1>
      <div className="drop" data-over={isOver || undefined} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
        <Icon name="upload" />
        <p>Drop recordings here, or <label className="pick">choose files
          <input type="file" multiple accept="audio/*,.flac,.aiff,.opus" onChange={(event) => {
            send(event.target.files ?? [], visibility);
            event.target.value = "";
          }} />
        </label></p>
        <p className="quiet">MP3, WAV, FLAC, Ogg, M4A, AIFF, up to 2 GiB each. A lost connection does not matter: it goes on where it stopped.</p>
        <label className="who">Who may hear them
          <select value={visibility} onChange={(event) => setVisibility(event.target.value as Visibility)}>
            <option value="public">Everybody</option>
            <option value="unlisted">Whoever has the link</option>
            <option value="private">Only me</option>
          </select>
        </label>
      </div>
      {interrupted.length ? (
        <section aria-label="Interrupted uploads">
          {interrupted.map((each) => (
            <p key={each.name} className="interrupted">
              “{each.name}” ({bytes(each.size)}) was interrupted. Choose the same file again and it goes on where it stopped.{" "}
              <button type="button" className="bare" onClick={() => void each.forget().then(listInterrupted).then(setInterrupted)}>Forget it</button>
            </p>
          ))}
        </section>
      ) : null}
      <ul className="uploads">{now.map((each) => <Row key={each.id} upload={each} />)}</ul>
    </>
  );
}

function Row({ upload }: { upload: Upload }) {
  const { id, name, size, sent, state, said, track } = upload;
  const hasFailed = state === "stopped" || state === "failed" || state === "refused";
  const isOnItsWay = state === "sending" || state === "waiting" || state === "paused";
  return (
    <li className="card" data-state={state}>
      <div className="page-head">
        <strong>{name}</strong>
        <span className="quiet number">{isOnItsWay ? `${bytes(sent)} of ${bytes(size)}` : bytes(size)}</span>
        {state === "sending" || state === "waiting" ? <button type="button" className="second" onClick={() => void pause(id)}>Pause</button> : null}
        {state === "paused" || state === "stopped" ? <button type="button" onClick={() => resume(id)}>Go on</button> : null}
        {isOnItsWay ? <button type="button" className="bare" aria-label={`Give up ${name}`} onClick={() => void cancel(id)}><Icon name="close" /></button> : null}
      </div>
      {isOnItsWay ? <progress max={size} value={sent} aria-label={`Sent of ${name}`} /> : null}
      {said ? <p role="status" className={hasFailed ? "failure" : "quiet"}>{said}</p> : null}
      {track ? <Made id={track.id} title={track.title} /> : null}
    </li>
  );
}

/** What becomes of it. */
function Made({ id, title }: { id: string; title: string }) {
  const status = useStatus(id);
  const [track, setTrack] = useState<Parameters<typeof PlayButton>[0]["track"] | null>(null);
  const isReady = status?.status === "ready";
  useEffect(() => {
    if (isReady)
      void api.GET("/api/v1/tracks/{track_id}", { params: { path: { track_id: id } } }).then(({ data }) => setTrack(data ?? null));
  }, [id, isReady]);
  return (
    <>
      {status ? <Stages status={status} /> : null}
      <p className="actions">
        {track ? <PlayButton track={track} /> : null}
        <Link to={`/tracks/${id}`}>{track?.title ?? title}</Link>
      </p>
    </>
  );
}
