import { useRef, useState } from "react";

import { attempt } from "./notices";
import { useLoad } from "./use-load";

interface Page<T> {
  results: T[];
  next: string | null;
}

export interface Pages<T extends { id: string }> {
  /** As many as were asked for so far; null until the first page is there. */
  rows: T[] | null;
  failure: string | null;
  isMore: boolean;
  isBusy: boolean;
  more: () => Promise<void>;
  reload: () => void;
  set: (change: (now: T[]) => T[]) => void;
}

const cursorOf = (next: string) => new URL(next, location.href).searchParams.get("cursor")!;

/** A list of the API, page after page. `reload` reads as many rows anew as are shown. */
export function usePages<T extends { id: string }>(key: string, read: (cursor?: string) => Promise<Page<T>>): Pages<T> {
  const shown = useRef({ key, rows: 0 });
  const [isBusy, setBusy] = useState(false);
  const { data, failure, reload, set } = useLoad<Page<T>>(key, async () => {
    const wanted = shown.current.key === key ? shown.current.rows : 0;
    let page = await read();
    while (page.next && page.results.length < wanted) page = joined(page, await read(cursorOf(page.next)));
    return page;
  });
  shown.current = { key, rows: data?.results.length ?? 0 };

  const more = async () => {
    const next = data?.next;
    if (!next || isBusy) return;
    setBusy(true);
    await attempt(async () => {
      const following = await read(cursorOf(next));
      set((now) => (now.next === next ? joined(now, following) : now));
    });
    setBusy(false);
  };
  return {
    rows: data?.results ?? null, failure, isMore: Boolean(data?.next), isBusy, more, reload,
    set: (change) => set((now) => ({ ...now, results: change(now.results) })),
  };
}

/** A row that has moved meanwhile may come twice. */
function joined<T extends { id: string }>(first: Page<T>, following: Page<T>): Page<T> {
  const known = new Set(first.results.map(({ id }) => id));
  return { results: [...first.results, ...following.results.filter(({ id }) => !known.has(id))], next: following.next };
}
