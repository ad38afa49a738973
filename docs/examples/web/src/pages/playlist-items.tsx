import { type DragEvent, useState } from "react";

import { Icon } from "../parts/icon";
import { TrackRow } from "../parts/track-row";
import type { Items } from "./use-items";

/** In order; who may changes it with the buttons or by dragging. */
export function PlaylistItems({ items: { rows, move, remove }, mayEdit }: { items: Items; mayEdit: boolean }) {
  const [dragged, setDragged] = useState<string | null>(null);
  const items = rows ?? [];
  const queue = items.map((item) => item.track).filter((track) => track.stream_url);
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
