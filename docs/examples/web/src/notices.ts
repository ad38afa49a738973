/** Sentences that say what happened; each is shown for a while, and read aloud by screen readers. */
import { sentenceOf } from "./api/problem";
import { createStore } from "./store";

export interface Notice {
  id: number;
  text: string;
  isBad: boolean;
}

const SHOWN_MS = 8000;
let last = 0;

export const notices = createStore<Notice[]>([]);

export function say(text: string, { isBad = false } = {}): void {
  const id = ++last;
  notices.update((now) => [...now.filter((each) => each.text !== text).slice(-2), { id, text, isBad }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  notices.update((now) => now.filter((each) => each.id !== id));
}

/** Do it, and say what went wrong if it did. True when all went well. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (thrown) {
    say(sentenceOf(thrown), { isBad: true });
    return false;
  }
}
