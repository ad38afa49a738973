import { useEffect, useRef } from "react";

import { api, ask } from "../api/client";
import { session } from "../api/session";
import type { Envelope, PlaylistItem } from "../api/types";
import { attempt } from "../notices";
import { useStore } from "../store";
import { type Pages, usePages } from "../use-pages";

export interface Items extends Pages<PlaylistItem> {
  /** Put one at the place of another. */
  move: (from: number, to: number) => Promise<void>;
  remove: (item: PlaylistItem) => Promise<void>;
  /** What has happened to the playlist, whoever did it. */
  follow: (fact: Envelope) => void;
}

interface Move {
  item_id: string;
  after: string | null;
}

const SETTLED_MS = 400;

/**
 * The items of a playlist. What one does is shown at once, and what others do as soon as the fact
 * tells it, without asking; when nothing more has come for a while the order is read once, since
 * facts may have overtaken an answer.
 */
export function useItems(id: string): Items {
  const now = useStore(session);
  const pages = usePages(`items ${id} ${now?.user.id}`, (cursor) => {
    const params = { path: { playlist_id: id }, query: { limit: 100, cursor } };
    return ask(api.GET("/api/v1/playlists/{playlist_id}/items", { params }));
  });
  const { rows, set, reload } = pages;
  const own = useRef<string[]>([]); // moves made here that are not told yet
  const timer = useRef(0);
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => () => clearTimeout(timer.current), []);

  const settle = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => own.current.length || latest.current(), SETTLED_MS);
  };
  const forget = (wish: string) => {
    const at = own.current.indexOf(wish);
    if (at >= 0) own.current.splice(at, 1);
    return at >= 0;
  };

  const move = async (from: number, to: number) => {
    const item = rows?.[from];
    if (!item || to < 0 || to >= rows.length || from === to) return;
    const rest = rows.filter((each) => each !== item);
    const told = { item_id: item.id, after: rest[to - 1]?.id ?? null };
    own.current.push(JSON.stringify(told));
    set((before) => moved(before, told) ?? before);
    const params = { path: { playlist_id: id, item_id: item.id } };
    const call = () => ask(api.PATCH("/api/v1/playlists/{playlist_id}/items/{item_id}", { params, body: { after: told.after } }));
    if (await attempt(call)) return;
    forget(JSON.stringify(told));
    reload();
  };

  const remove = async (item: PlaylistItem) => {
    set((before) => before.filter((each) => each.id !== item.id));
    const params = { path: { playlist_id: id, item_id: item.id } };
    if (!(await attempt(() => ask(api.DELETE("/api/v1/playlists/{playlist_id}/items/{item_id}", { params }))))) reload();
  };

  const follow = ({ type, data }: Envelope) => {
    if (type === "playlist.item_moved") {
      const { item_id, after } = data as unknown as Move;
      if (!forget(JSON.stringify({ item_id, after }))) set((before) => moved(before, { item_id, after }) ?? before);
    } else if (type === "playlist.item_removed") {
      set((before) => before.filter((each) => each.id !== data.item_id));
    } else return reload();
    settle();
  };

  const readAnew = () => {
    own.current = [];
    reload();
  };
  return { ...pages, reload: readAnew, move, remove, follow };
}

/** The same items in the new order; null when one of them is not among those that are shown. */
function moved(items: PlaylistItem[], { item_id, after }: Move): PlaylistItem[] | null {
  const item = items.find((each) => each.id === item_id);
  const rest = items.filter((each) => each.id !== item_id);
  const at = after === null ? 0 : rest.findIndex((each) => each.id === after) + 1;
  return item && (at > 0 || after === null) ? rest.toSpliced(at, 0, item) : null;
}
