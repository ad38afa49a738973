// Plays a version for operators: fetches the segments of one HLS playlist as they are needed and
// hands them to the browser. It follows our own playlists alone: one rendition, no encryption.
"use strict";
const AHEAD_S = 30;
const BEHIND_S = 10;

function read(text, base) {
  const list = { init: null, segments: [], duration: 0 };
  let length = 0;
  for (const line of text.split("\n")) {
    const map = line.match(/^#EXT-X-MAP:URI="([^"]+)"/);
    const told = line.match(/^#EXTINF:([0-9.]+)/);
    if (map) list.init = new URL(map[1], base);
    else if (told) length = Number(told[1]);
    else if (line && !line.startsWith("#")) {
      list.segments.push({ url: new URL(line, base), start: list.duration });
      list.duration += length;
    }
  }
  return list;
}

class Player {
  constructor(audio) {
    this.audio = audio;
    this.said = audio.parentElement.querySelector("[data-said]");
    this.busy = false;
    audio.addEventListener("play", () => this.open(), { once: true });
    this.source = new MediaSource();
    audio.src = URL.createObjectURL(this.source);
    this.opened = new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
  }

  async open() {
    try {
      const base = new URL(this.audio.dataset.playlist, location.href);
      this.list = read(new TextDecoder().decode(await this.fetched(base)), base);
      await this.opened;
      this.source.duration = this.list.duration;
      this.buffer = this.source.addSourceBuffer(this.audio.dataset.type);
      await this.append(await this.fetched(this.list.init));
      for (const name of ["timeupdate", "seeking", "waiting"])
        this.audio.addEventListener(name, () => this.fill());
      await this.fill();
    } catch (fault) {
      this.tell(fault);
    }
  }

  async fill() {
    if (this.busy) return;
    this.busy = true;
    try {
      let before = -1;
      for (let next = this.wanted(); next >= 0; before = next, next = this.wanted()) {
        if (next === before) throw new Error("The browser keeps nothing of it.");
        await this.append(await this.fetched(this.list.segments[next].url));
      }
      if (this.has(this.list.segments.length - 1) && this.source.readyState === "open")
        this.source.endOfStream();
    } catch (fault) {
      this.tell(fault);
    } finally {
      this.busy = false;
    }
  }

  // The first segment from where it plays to half a minute ahead that the browser has not got.
  wanted() {
    const { segments } = this.list;
    const now = this.audio.currentTime;
    return segments.findIndex((segment, number) => {
      return this.end(number) > now && segment.start < now + AHEAD_S && !this.has(number);
    });
  }

  end(number) {
    return this.list.segments[number + 1]?.start ?? this.list.duration;
  }

  // The browser may have thrown it away again, so it is asked.
  has(number) {
    const middle = (this.list.segments[number].start + this.end(number)) / 2;
    const { buffered } = this.buffer;
    for (let each = 0; each < buffered.length; each++)
      if (buffered.start(each) <= middle && middle < buffered.end(each)) return true;
    return false;
  }

  async append(bytes) {
    try {
      this.buffer.appendBuffer(bytes);
    } catch (fault) {
      if (fault.name !== "QuotaExceededError") throw fault;
      await this.forget();
      this.buffer.appendBuffer(bytes);
    }
    await this.settled();
  }

  // The browser has no more room: what was heard goes, and is fetched again when it is wanted.
  async forget() {
    const end = this.audio.currentTime - BEHIND_S;
    if (end <= 0) return;
    this.buffer.remove(0, end);
    await this.settled();
  }

  settled() {
    return new Promise((done, failed) => {
      this.buffer.addEventListener("updateend", done, { once: true });
      this.buffer.addEventListener("error", () => failed(new Error("The browser cannot decode it.")), { once: true });
    });
  }

  async fetched(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`The server answers ${answer.status}.`);
    return answer.arrayBuffer();
  }

  tell(fault) {
    this.said.textContent = `It cannot be played: ${fault.message}`;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("audio[data-playlist]").forEach((audio) => new Player(audio));
});
