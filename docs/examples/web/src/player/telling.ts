/**
 * Tells the server what is heard, so that plays are counted. What could not be sent waits in the
 * browser and is sent with the next; every event has an id, so a repeat does no harm.
 */
import { api } from "../api/client";
import type { components } from "../api/schema";
import { newId } from "../ids";

type Told = components["schemas"]["EventInputRequest"];

const UNTOLD = "veza.untold";
const EVERY_S = 10;
const MOST = 500;
let waiting: Told[] = JSON.parse(localStorage.getItem(UNTOLD) ?? "[]") as Told[];
let hearing = { track: "", session: "" };
let last = 0;
let isSending = false;

/** From here on this track is heard, from its beginning or again. */
export function beginTelling(track: string): void {
  hearing = { track, session: newId() };
  last = 0;
}

/** What the audio element does. */
export function follow(audio: HTMLAudioElement): void {
  const now = (type: string) => tell(type, audio.currentTime);
  audio.addEventListener("playing", () => now("play_started"));
  audio.addEventListener("pause", () => audio.ended || now("play_paused"));
  audio.addEventListener("seeked", () => audio.paused || now("play_seeked"));
  audio.addEventListener("ended", () => now("play_ended"));
  audio.addEventListener("timeupdate", () => {
    if (!audio.paused && Math.abs(audio.currentTime - last) >= EVERY_S) now("play_progress");
  });
  addEventListener("pagehide", () => void (audio.paused || now("play_paused")));
  addEventListener("online", () => void send());
}

function tell(type: string, at: number): void {
  if (!hearing.track) return;
  last = at;
  waiting.push({
    id: newId(), type, track_id: hearing.track, session_id: hearing.session,
    at: new Date().toISOString(), position_ms: Math.round(at * 1000),
  });
  waiting = waiting.slice(-MOST);
  keep();
  if (type !== "play_seeked") void send();
}

/** One batch at a time. What the server refuses is no reason to keep it. */
async function send(): Promise<void> {
  if (isSending || !waiting.length) return;
  isSending = true;
  const batch = [...waiting];
  try {
    const { response } = await api.POST("/api/v1/events", { body: { events: batch }, keepalive: true });
    if (response.status < 500 && response.status !== 429 && response.status !== 401) {
      waiting = waiting.filter((each) => !batch.includes(each));
      keep();
    }
  } catch {
    // nobody answers: with the next
  } finally {
    isSending = false;
  }
}

function keep(): void {
  localStorage.setItem(UNTOLD, JSON.stringify(waiting));
}
