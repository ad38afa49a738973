import { useRef } from "react";

import type { Pages } from "../use-pages";

/** The rest of a list; stands behind it. Whoever goes by keys is put on the first row that is new. */
export function More({ of, name }: { of: Pick<Pages<never>, "isMore" | "isBusy" | "more">; name: string }) {
  const here = useRef<HTMLParagraphElement>(null);
  if (!of.isMore) return null;
  const press = async () => {
    const list = here.current!.previousElementSibling!;
    const before = list.children.length;
    await of.more();
    requestAnimationFrame(() => list.children[before]?.querySelector("a")?.focus({ preventScroll: true }));
  };
  return (
    <p ref={here} className="more">
      <button type="button" className="second" disabled={of.isBusy} onClick={() => void press()}>Show more {name}</button>
    </p>
  );
}
