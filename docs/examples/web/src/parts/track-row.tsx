import type { HTMLAttributes } from "react";

import { useStore } from "../store";
import type { Track } from "../api/types";
import { play, playing, toggle } from "../player/player";
import { Link } from "../router";
import { AddToPlaylist } from "./add-to-playlist";
import { Cover } from "./cover";
import { clock, plural } from "./format";
import { Icon } from "./icon";
import { LikeButton } from "./like-button";

export const artistOf = (track: Track) =>
  track.artist || track.uploader.display_name || track.uploader.username;

export function PlayButton({ track, queue, large }: { track: Track; queue?: Track[]; large?: boolean }) {
  const now = useStore(playing);
  const isThis = now.track?.id === track.id;
  const goes = isThis && now.isPlaying;
  return (
    <button
      type="button"
      className={large ? "play large" : "play"}
      disabled={!track.stream_url}
      aria-label={`${goes ? "Pause" : "Play"} ${track.title}`}
      onClick={() => (isThis ? toggle() : void play(track, queue))}
    >
      <Icon name={goes ? "pause" : "play"} />
    </button>
  );
}

interface RowProps extends HTMLAttributes<HTMLLIElement> {
  track: Track;
  queue?: Track[];
}

/** One track in a list; `children` stand at its end. */
export function TrackRow({ track, queue, children, ...item }: RowProps) {
  const now = useStore(playing);
  return (
    <li className="track-row" data-current={now.track?.id === track.id || undefined} {...item}>
      <PlayButton track={track} queue={queue} />
      <Cover id={track.id} url={track.artwork_url} />
      <div className="names">
        <Link to={`/tracks/${track.id}`} className="title">{track.title}</Link>
        <span className="quiet">{artistOf(track)}</span>
      </div>
      {track.genre ? <span className="tag wide">{track.genre}</span> : null}
      <span className="quiet number wide">{plural(track.stats.plays, "play")}</span>
      <span className="quiet number">{clock(track.duration_ms)}</span>
      <LikeButton track={track} />
      <AddToPlaylist track={track} />
      {children}
    </li>
  );
}

export function TrackList({ tracks, empty }: { tracks: Track[]; empty: string }) {
  if (!tracks.length) return <p className="empty">{empty}</p>;
  return (
    <ul className="tracks">
      {tracks.map((track) => <TrackRow key={track.id} track={track} queue={tracks} />)}
    </ul>
  );
}

/** A track as a picture. */
export function TrackCard({ track, queue }: { track: Track; queue: Track[] }) {
  return (
    <li className="track-card">
      <div className="picture">
        <Cover id={track.id} url={track.artwork_url} />
        <PlayButton track={track} queue={queue} />
      </div>
      <Link to={`/tracks/${track.id}`} className="title">{track.title}</Link>
      <span className="quiet">{artistOf(track)}</span>
    </li>
  );
}
