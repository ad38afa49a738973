/**
 * What is heard: one audio element for the whole visit, so that it goes on across views. hls.js is
 * fetched when something is played for the first time.
 */
import type Hls from "hls.js";

import { api } from "../api/client";
import { sentenceOf } from "../api/problem";
import type { Track } from "../api/types";
import { watch } from "../live/connection";
import { say } from "../notices";
import { createStore } from "../store";
import { beginTelling, follow } from "./telling";

export interface Playing {
  track: Track | null;
  queue: Track[];
  isPlaying: boolean;
  isWaiting: boolean;
  /** Bits per second, lowest first; empty where the browser plays HLS by itself. */
  levels: number[];
  /** Index into `levels`; -1 lets the connection decide. */
  level: number;
  volume: number;
}

const VOLUME = "veza.volume";
const AGAIN_MS = 2000;
const audio = new Audio();
const others = new BroadcastChannel("veza.player");
let hls: Hls | null = null;
let leaveRoom = () => {};

export const playing = createStore<Playing>({
  track: null, queue: [], isPlaying: false, isWaiting: false, levels: [], level: -1,
  volume: Number(localStorage.getItem(VOLUME) ?? 1),
});
/** Seconds: where it is, and how long it lasts. */
export const progress = createStore({ at: 0, of: 0 });

const change = (part: Partial<Playing>) => playing.update((now) => ({ ...now, ...part }));

/** Play a track from the beginning, and after it the rest of `queue`. */
export async function play(track: Track, queue: Track[] = [track], at = 0): Promise<void> {
  if (!track.stream_url) return say(`“${track.title}” is not ready to be heard yet.`);
  if (track.id !== playing.get().track?.id || at === 0) beginTelling(track.id);
  change({ track, queue, isWaiting: true, levels: [], level: -1 });
  progress.set({ at, of: (track.duration_ms ?? 0) / 1000 });
  try {
    await open(track.stream_url, at);
  } catch (thrown) {
    return say(sentenceOf(thrown), { isBad: true }); // hls.js could not be fetched
  }
  leaveRoom();
  leaveRoom = watch(`track:${track.id}`, {
    onMessage: ({ type }) => type === "track.deleted" && gone("was deleted by its owner"),
  });
  announce(track);
  await resume();
}

export function toggle(): void {
  if (audio.paused) void resume();
  else audio.pause();
}

export function seek(second: number): void {
  audio.currentTime = second;
  progress.update((now) => ({ ...now, at: second }));
}

/** The next of the queue, or the one before; nothing at its ends. */
export function skip(by: 1 | -1): void {
  const { track, queue } = playing.get();
  if (by < 0 && audio.currentTime > 3) return seek(0);
  const next = queue[queue.findIndex((each) => each.id === track?.id) + by];
  if (next) void play(next, queue);
}

export function setLevel(level: number): void {
  if (hls) hls.nextLevel = level;
  change({ level });
}

export function setVolume(volume: number): void {
  audio.volume = volume;
  localStorage.setItem(VOLUME, String(volume));
  change({ volume });
}

async function resume(): Promise<void> {
  try {
    await audio.play();
    others.postMessage("playing");
  } catch (thrown) {
    if ((thrown as DOMException).name === "NotAllowedError") say("Press play: the browser waits for you.");
  }
}

async function open(url: string, at: number): Promise<void> {
  hls?.destroy();
  hls = null;
  const { default: Player } = await import("hls.js");
  if (!Player.isSupported()) {
    audio.src = url;
    audio.currentTime = at;
    return;
  }
  const mine = new Player({ enableWorker: false, startPosition: at, maxBufferLength: 60 });
  hls = mine;
  mine.on(Player.Events.MANIFEST_PARSED, () => change({ levels: mine.levels.map((each) => each.bitrate) }));
  mine.on(Player.Events.ERROR, (_, told) => {
    if (!told.fatal) return;
    const status = told.response?.code ?? 0;
    if (told.type === Player.ErrorTypes.MEDIA_ERROR) return mine.recoverMediaError();
    void mend(mine, status);
  });
  mine.loadSource(url);
  mine.attachMedia(audio);
}

/** The address does not work any more: is the track gone, the address too old, or the server away? */
async function mend(mine: Hls, status: number): Promise<void> {
  const { track, queue } = playing.get();
  if (!track) return;
  if (status >= 400 && status < 500) {
    const { data } = await api.GET("/api/v1/tracks/{track_id}", { params: { path: { track_id: track.id } } });
    if (mine !== hls) return;
    if (data?.stream_url && data.stream_url !== track.stream_url) return void play(data, queue, audio.currentTime);
    return gone("cannot be heard any more");
  }
  say("The server does not answer. The music goes on as soon as it is back.", { isBad: true });
  change({ isWaiting: true });
  setTimeout(() => mine === hls && void open(track.stream_url!, audio.currentTime).then(resume), AGAIN_MS);
}

function gone(what: string): void {
  const { track, queue } = playing.get();
  if (!track) return;
  const at = queue.findIndex((each) => each.id === track.id);
  const rest = queue.filter((each) => each.id !== track.id);
  const next = rest[at];
  say(`“${track.title}” ${what}.${next ? ` Going on with “${next.title}”.` : ""}`);
  if (next) return void play(next, rest);
  stop();
}

/** Silence, and an empty bar. */
export function stop(): void {
  hls?.destroy();
  hls = null;
  leaveRoom();
  audio.removeAttribute("src");
  change({ track: null, queue: [], isPlaying: false, isWaiting: false, levels: [] });
}

/** For the keys of headphones and lock screens. */
function announce(track: Track): void {
  if (!("mediaSession" in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: track.title,
    artist: track.artist || track.uploader.display_name || track.uploader.username,
    artwork: track.artwork_url ? [{ src: track.artwork_url }] : [],
  });
  navigator.mediaSession.setActionHandler("nexttrack", () => skip(1));
  navigator.mediaSession.setActionHandler("previoustrack", () => skip(-1));
}

audio.volume = playing.get().volume;
follow(audio);
audio.addEventListener("play", () => change({ isPlaying: true }));
audio.addEventListener("pause", () => change({ isPlaying: false }));
audio.addEventListener("waiting", () => change({ isWaiting: true }));
audio.addEventListener("playing", () => change({ isWaiting: false }));
audio.addEventListener("ended", () => skip(1));
audio.addEventListener("timeupdate", () => {
  const { track } = playing.get();
  if (!track) return;
  progress.set({ at: audio.currentTime, of: audio.duration || (track.duration_ms ?? 0) / 1000 });
});
others.addEventListener("message", () => audio.pause()); // one tab is heard at a time
