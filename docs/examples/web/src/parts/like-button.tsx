import { useEffect } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Track } from "../api/types";
import { attempt, say } from "../notices";
import { createStore, useStore } from "../store";
import { count } from "./format";
import { Icon } from "./icon";

interface Mark {
  liked: boolean;
  likes: number;
}

/** By track, so that every button of one track says the same. */
const marks = createStore<Record<string, Mark>>({});

export function mark(trackId: string, part: Partial<Mark>): void {
  marks.update((now) => ({ ...now, [trackId]: { ...(now[trackId] ?? { liked: false, likes: 0 }), ...part } }));
}

/**
 * Shown as liked at once, and taken back should the server refuse. What a view has just read is
 * news; the player's bar is an `echo`, whose track may have been read long ago.
 */
export function LikeButton({ track, echo = false }: { track: Track; echo?: boolean }) {
  const { id, title, liked: wasLiked, stats } = track;
  useEffect(() => {
    if (!echo) mark(id, { liked: wasLiked, likes: stats.likes });
  }, [echo, id, wasLiked, stats.likes]);
  const { liked, likes } = useStore(marks)[id] ?? { liked: wasLiked, likes: stats.likes };

  const press = async () => {
    if (!session.get()) return say("Sign in to like a track.");
    const params = { path: { track_id: id } };
    mark(id, { liked: !liked, likes: likes + (liked ? -1 : 1) });
    const call = () =>
      liked ? api.DELETE("/api/v1/tracks/{track_id}/like", { params }) : api.PUT("/api/v1/tracks/{track_id}/like", { params });
    if (!(await attempt(() => ask(call())))) mark(id, { liked, likes });
  };

  return (
    <button type="button" className="like" aria-pressed={liked} aria-label={`Like ${title}, ${likes} so far`} onClick={() => void press()}>
      <Icon name="heart" filled={liked} />
      <span className="number">{count(likes)}</span>
    </button>
  );
}
