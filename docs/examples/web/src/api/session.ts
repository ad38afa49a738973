/**
 * Who is signed in. The tokens lie in localStorage, so that all tabs share them and a reload keeps
 * them; one tab at a time refreshes, under a lock of the browser.
 */
import { exclusively } from "../locks";
import { createStore } from "../store";
import type { User } from "./types";

export interface Session {
  access: string;
  refresh: string;
  endsAt: number; // of the access token, milliseconds
  user: User;
}

interface Granted {
  access: string;
  refresh: string;
  expires_in: number;
}

const KEY = "veza.session";
const EARLY_MS = 30_000;

export const session = createStore<Session | null>(read());
/** Why somebody is signed out who did not ask for it. */
export const farewell = createStore<string | null>(null);

export function begin(granted: Granted & { user: User }): void {
  farewell.set(null);
  keep({ ...timed(granted), user: granted.user });
}

/** Forget the tokens here and in every other tab. */
export function end(why: string | null = null): void {
  if (!session.get()) return;
  farewell.set(why);
  keep(null);
}

export function setUser(user: User): void {
  const now = session.get();
  if (now) keep({ ...now, user });
}

/** A token that is good for a while; null for somebody who is nobody. */
export async function accessToken(): Promise<string | null> {
  const now = session.get();
  if (!now || now.endsAt - EARLY_MS > Date.now()) return now?.access ?? null;
  return refresh(now.access);
}

/** Exchange the tokens unless another tab has just done so. `stale` is the one that was refused. */
export async function refresh(stale: string): Promise<string | null> {
  return exclusively("veza.refresh", async () => {
    const now = read();
    if (!now || now.access !== stale) {
      session.set(now);
      return now?.access ?? null;
    }
    const answer = await fetch("/api/v1/auth/refresh", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh: now.refresh }),
    });
    if (answer.status === 401) {
      end("You were signed out: this session was ended, here or on another device.");
      return null;
    }
    if (!answer.ok) throw new TypeError("refresh"); // away for the moment, not signed out
    keep({ ...timed((await answer.json()) as Granted), user: now.user });
    return session.get()?.access ?? null;
  });
}

function timed({ access, refresh: next, expires_in }: Granted): Omit<Session, "user"> {
  return { access, refresh: next, endsAt: Date.now() + expires_in * 1000 };
}

function read(): Session | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Session | null;
  } catch {
    return null;
  }
}

function keep(next: Session | null): void {
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  session.set(next);
}

addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  const before = session.get();
  const now = read();
  if (before && !now) farewell.set("You signed out in another tab.");
  session.set(now);
});
