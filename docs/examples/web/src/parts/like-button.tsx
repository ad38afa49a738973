import { useEffect, useState } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Track } from "../api/types";
import { attempt, say } from "../notices";
import { count } from "./format";
import { Icon } from "./icon";

/** Shown as liked at once, and taken back should the server refuse. */
export function LikeButton({ track }: { track: Track }) {
  const [liked, setLiked] = useState(track.liked);
  const [likes, setLikes] = useState(track.stats.likes);
  useEffect(() => setLiked(track.liked), [track.liked]);
  useEffect(() => setLikes(track.stats.likes), [track.stats.likes]);

  const press = async () => {
    if (!session.get()) return say("Sign in to like a track.");
    const params = { path: { track_id: track.id } };
    const [next, before] = [!liked, likes];
    setLiked(next);
    setLikes(before + (next ? 1 : -1));
    const call = () =>
      next ? api.PUT("/api/v1/tracks/{track_id}/like", { params }) : api.DELETE("/api/v1/tracks/{track_id}/like", { params });
    if (await attempt(() => ask(call()))) return;
    setLiked(!next);
    setLikes(before);
  };

  return (
    <button type="button" className="like" aria-pressed={liked} aria-label={`Like ${track.title}`} onClick={() => void press()}>
      <Icon name="heart" filled={liked} />
      <span className="number">{count(likes)}</span>
    </button>
  );
}
