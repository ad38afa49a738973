import { useEffect, useRef } from "react";
import type WaveSurfer from "wavesurfer.js";

import type { Track } from "../api/types";
import { useStore } from "../store";
import { play, playing, progress, seek } from "./player";

interface Points {
  bits: number;
  data: number[];
}

/** The louder of each pair of minimum and maximum, between 0 and 1. */
async function peaksOf(url: string): Promise<number[]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`waveform ${answer.status}`);
  const { bits, data } = (await answer.json()) as Points;
  const full = 2 ** (bits - 1);
  return Array.from({ length: data.length / 2 }, (_, n) => Math.max(-data[2 * n]!, data[2 * n + 1]!) / full);
}

const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content;
const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The shape of a track; a press anywhere plays from there. The player bar has a slider for keys. */
export function Waveform({ track }: { track: Track }) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<WaveSurfer | null>(null);
  const isThis = useStore(playing).track?.id === track.id;
  const { at } = useStore(progress);
  const live = useRef({ isThis, track });
  live.current = { isThis, track };

  useEffect(() => {
    let isGone = false;
    const draw = async () => {
      const [{ default: Surfer }, peaks] = await Promise.all([import("wavesurfer.js"), peaksOf(track.waveform_url!)]);
      if (isGone || !box.current) return;
      const seconds = (track.duration_ms ?? 0) / 1000;
      const made = Surfer.create({
        container: box.current, height: 96, barWidth: 2, barGap: 1, barRadius: 2, normalize: true,
        peaks: [peaks], duration: seconds, cspNonce: nonce,
        waveColor: color("--wave"), progressColor: color("--accent"), cursorColor: color("--accent"),
      });
      made.on("interaction", (second) => {
        if (live.current.isThis) seek(second);
        else void play(live.current.track, [live.current.track], second);
      });
      drawn.current = made;
    };
    draw().catch(() => {}); // a track is heard as well without its picture
    return () => {
      isGone = true;
      drawn.current?.destroy();
      drawn.current = null;
    };
  }, [track.waveform_url, track.duration_ms]);

  useEffect(() => drawn.current?.setTime(isThis ? at : 0), [isThis, at]);

  return <div ref={box} className="waveform" data-testid="waveform" />;
}
