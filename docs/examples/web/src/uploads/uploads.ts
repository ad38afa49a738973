/**
 * Files on their way. They are sent by tus, which goes on where it was cut: after a pause, a lost
 * connection, a restart of the server, or (once the same file is chosen again) a reload.
 */
import * as tus from "tus-js-client";

import { api, ask } from "../api/client";
import { sentenceOf } from "../api/problem";
import { accessToken, session } from "../api/session";
import type { Track, Visibility } from "../api/types";
import { newId } from "../ids";
import { isTaken, unlessTaken } from "../locks";
import { say } from "../notices";
import { createStore } from "../store";

/** `stopped`: not all of it has arrived, and it can go on; what the browser counts as sent may lie in between. */
export type UploadState = "sending" | "paused" | "waiting" | "stopped" | "making" | "done" | "failed" | "refused";

export interface Upload {
  id: string;
  name: string;
  size: number;
  sent: number;
  state: UploadState;
  /** What happened, in a sentence. */
  said: string;
  track: Track | null;
}

/** One that a reload or a closed lid has interrupted. */
export interface Interrupted {
  name: string;
  size: number;
  forget: () => Promise<void>;
}

const PART = 16 * 2 ** 20;
const AGAIN_AFTER_MS = [0, 500, 1000, 2000, 5000, ...Array<number>(60).fill(15_000)];
const TAKEN = "This file is on its way already, here or in another tab.";
const running = new Map<string, tus.Upload>();
const ends = new Map<string, () => void>();
const lockOf = (name: string, size: number) => `veza.upload ${size} ${name}`;

export const uploads = createStore<Upload[]>([]);

/** Begin to send files; each becomes a track when its last byte has arrived. */
export function send(files: Iterable<File>, visibility: Visibility): void {
  for (const file of files) void begin(file, visibility);
}

/** The file may be sent by another tab now. */
function over(id: string): void {
  ends.get(id)?.();
  ends.delete(id);
}

export async function pause(id: string): Promise<void> {
  await running.get(id)?.abort();
  change(id, { state: "paused", said: "Paused. What was sent is kept for a day." });
}

export function resume(id: string): void {
  change(id, { state: "sending", said: "" });
  running.get(id)?.start();
}

/** Stop, and give up what was sent. */
export async function cancel(id: string): Promise<void> {
  const upload = running.get(id);
  running.delete(id);
  over(id);
  uploads.update((now) => now.filter((each) => each.id !== id));
  await upload?.abort(true).catch(() => {}); // it expires by itself
}

export async function listInterrupted(): Promise<Interrupted[]> {
  const stored = await tus.defaultOptions.urlStorage!.findAllUploads();
  const here = new Set(uploads.get().map((each) => each.name));
  const found = stored.map((each) => ({
    name: each.metadata.filename ?? "",
    size: each.size ?? 0,
    forget: () => tus.defaultOptions.urlStorage!.removeUpload(each.urlStorageKey),
  }));
  const isSent = await Promise.all(found.map(({ name, size }) => isTaken(lockOf(name, size))));
  return found.filter(({ name }, n) => !here.has(name) && !isSent[n]);
}

async function begin(file: File, visibility: Visibility): Promise<void> {
  const id = newId();
  const first: Upload = { id, name: file.name, size: file.size, sent: 0, state: "sending", said: "", track: null };
  uploads.update((now) => [...now, first]);
  const isFree = await unlessTaken(lockOf(file.name, file.size), () => {
    void transfer(id, file, visibility);
    return new Promise((over) => ends.set(id, over));
  });
  if (!isFree) change(id, { state: "refused", said: TAKEN });
}

async function transfer(id: string, file: File, visibility: Visibility): Promise<void> {
  const upload = new tus.Upload(file, {
    endpoint: "/api/v1/uploads",
    chunkSize: PART,
    metadata: { filename: file.name, filetype: file.type },
    retryDelays: AGAIN_AFTER_MS,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: authorize,
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      const helps = status < 400 || status >= 500 || [409, 423, 429].includes(status) || (status === 401 && session.get() !== null);
      if (helps) change(id, { state: "waiting", said: `The connection was lost at ${percent(id)} %. It goes on by itself.` });
      return helps;
    },
    onProgress: (sent) => change(id, { sent, state: "sending", said: "" }),
    onError: (error) => {
      change(id, { state: "stopped", said: reason(error) });
      say(`“${file.name}” stopped on its way.`, { isBad: true });
      over(id);
    },
    onSuccess: () => void make(id, upload.url!, visibility),
  });
  running.set(id, upload);
  const [previous] = await upload.findPreviousUploads();
  if (previous) {
    upload.resumeFromPreviousUpload(previous);
    change(id, { said: "This file was begun before; it goes on where it stopped." });
  }
  upload.start();
}

async function authorize(request: tus.HttpRequest): Promise<void> {
  const token = await accessToken();
  if (token) request.setHeader("Authorization", `Bearer ${token}`);
}

async function make(id: string, url: string, visibility: Visibility): Promise<void> {
  running.delete(id);
  over(id);
  change(id, { state: "making", said: "" });
  try {
    const body = { upload_id: url.split("/").pop()!, visibility };
    const headers = { "Idempotency-Key": id };
    const track = await ask(api.POST("/api/v1/tracks", { headers, body: body as never }));
    change(id, { state: "done", track: track as Track });
  } catch (thrown) {
    change(id, { state: "failed", said: sentenceOf(thrown) });
  }
}

function change(id: string, part: Partial<Upload>): void {
  uploads.update((now) => now.map((each) => (each.id === id ? { ...each, ...part } : each)));
}

function percent(id: string): number {
  const upload = uploads.get().find((each) => each.id === id);
  return upload ? Math.floor((100 * upload.sent) / Math.max(upload.size, 1)) : 0;
}

function reason(error: Error | tus.DetailedError): string {
  if (!session.get()) return "You were signed out meanwhile. Go on: what was sent is kept for a day.";
  const body = "originalResponse" in error ? error.originalResponse?.getBody() : null;
  try {
    return (JSON.parse(body ?? "") as { detail: string }).detail;
  } catch {
    return "The connection was lost. Choose the file again to go on where it stopped.";
  }
}

addEventListener("beforeunload", (event) => {
  if (uploads.get().some(({ state }) => state === "sending" || state === "making")) event.preventDefault();
});
