import { api, ask } from "../api/client";
import type { TrackStatus } from "../api/types";
import { useRoom } from "../live/use-room";
import { useLoad } from "../use-load";

/** How far a track is, live; null until that is known. `onEnd` is called when it changes for good. */
export function useStatus(trackId: string, { onEnd }: { onEnd?: () => void } = {}): TrackStatus | null {
  const { data, reload, set } = useLoad(`status ${trackId}`, () =>
    ask(api.GET("/api/v1/tracks/{track_id}/status", { params: { path: { track_id: trackId } } })),
  );
  useRoom(
    `track:${trackId}`,
    ({ type, data: told }) => {
      if (type === "track.progress") {
        const { stage, progress } = told as Pick<TrackStatus, "stage" | "progress">;
        set((now) => (now.status === "processing" ? { ...now, stage, progress } : now));
      } else if (["track.ready", "track.rejected", "track.failed", "track.retried"].includes(type)) {
        reload();
        onEnd?.();
      }
    },
    reload,
  );
  return data;
}
