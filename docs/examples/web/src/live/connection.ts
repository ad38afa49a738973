/**
 * The one realtime connection of this tab. Views watch rooms; the published SDK comes back after
 * a cut and brings what was missed, and where that is too much the view is told to read anew.
 */
import { Centrifuge, type Subscription, UnauthorizedError } from "centrifuge";

import { accessToken, end, session } from "../api/session";
import type { Envelope } from "../api/types";
import { createStore } from "../store";

export interface Watcher {
  onMessage: (message: Envelope) => void;
  /** Just joined, or what was missed cannot be told: read the present state. */
  onGap?: () => void;
}

interface Room {
  watchers: Set<Watcher>;
  subscription: Subscription | null;
}

export type Link = "connecting" | "live" | "lost" | "stopped";

export const link = createStore<Link>("connecting");

const REVOKED = 3500;
const TOO_MANY = 3504;
const rooms = new Map<string, Room>();
let client: Centrifuge | null = null;
let person: string | null = null;

/** Connect as whoever is signed in, and again whenever that is somebody else. */
export function follow(): void {
  open();
  session.subscribe(() => {
    if ((session.get()?.user.id ?? null) !== person) open();
  });
}

/** Before one signs out, so that the server's own close is not taken for somebody else's. */
export function hangUp(): void {
  client?.removeAllListeners();
  client?.disconnect();
}

export function watch(name: string, watcher: Watcher): () => void {
  const room = rooms.get(name) ?? { watchers: new Set(), subscription: null };
  rooms.set(name, room);
  room.watchers.add(watcher);
  if (!room.subscription) join(name, room);
  return () => {
    room.watchers.delete(watcher);
    if (room.watchers.size) return;
    leave(room);
    if (rooms.get(name) === room) rooms.delete(name);
  };
}

/** The newest facts of a room that is being watched, newest first. */
export async function recent(name: string, limit: number): Promise<Envelope[]> {
  const subscription = rooms.get(name)?.subscription;
  if (!subscription) return [];
  await subscription.ready(5000);
  const { publications } = await subscription.history({ limit, reverse: true });
  return publications.map(({ data }) => data as Envelope);
}

/** User names of those who are in a room that shows them. */
export async function present(name: string): Promise<string[]> {
  const subscription = rooms.get(name)?.subscription;
  if (!subscription) return [];
  await subscription.ready(5000);
  const { clients } = await subscription.presence();
  const names = Object.values(clients).map((each) => (each.connInfo as { username?: string })?.username);
  return [...new Set(names.filter((each) => each !== undefined))].sort();
}

function open(): void {
  hangUp();
  const now = session.get();
  person = now?.user.id ?? null;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const next = new Centrifuge(`${scheme}://${location.host}/connection/websocket`, {
    minReconnectDelay: 200,
    maxReconnectDelay: 5000,
    ...(now ? { getToken } : {}),
  });
  client = next;
  link.set("connecting");
  next.on("connected", () => link.set("live"));
  next.on("connecting", ({ code }) => link.set(code === 0 ? "connecting" : "lost"));
  next.on("disconnected", ({ code }) => {
    link.set("stopped");
    if (code === REVOKED) end("You were signed out: this session was ended on another device.");
    if (code === TOO_MANY) link.set("stopped");
  });
  for (const [name, room] of rooms) {
    room.subscription = null;
    join(name, room);
  }
  next.connect();
}

async function getToken(): Promise<string> {
  const token = await accessToken();
  if (!token) throw new UnauthorizedError("signed out");
  return token;
}

function join(name: string, room: Room): void {
  if (!client) return;
  const subscription = client.newSubscription(name, { joinLeave: name.startsWith("playlist:") });
  room.subscription = subscription;
  const tell = (message: Envelope) => {
    for (const watcher of [...room.watchers]) watcher.onMessage(message);
  };
  subscription.on("publication", ({ data }) => tell(data as Envelope));
  for (const kind of ["join", "leave"] as const)
    subscription.on(kind, () => tell({ type: `presence.${kind}` } as Envelope));
  subscription.on("subscribed", ({ wasRecovering, recovered }) => {
    if (!wasRecovering || !recovered) for (const watcher of [...room.watchers]) watcher.onGap?.();
  });
  subscription.subscribe();
}

function leave(room: Room): void {
  const { subscription } = room;
  room.subscription = null;
  if (!subscription) return;
  subscription.removeAllListeners();
  subscription.unsubscribe();
  client?.removeSubscription(subscription);
}
