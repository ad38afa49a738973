import { useEffect, useRef } from "react";

import type { Pages } from "../use-pages";

/** The rest of a list; stands behind it. Whoever goes by keys is put on the first row that is new. */
export function More({ of, name }: { of: Pick<Pages<never>, "isMore" | "isBusy" | "more">; name: string }) {
  const here = useRef<HTMLParagraphElement>(null);
  const wanted = useRef<number | null>(null);
  const list = () => here.current!.previousElementSibling!.children;
  useEffect(() => {
    const row = wanted.current === null ? undefined : list()[wanted.current];
    if (!row) return;
    wanted.current = null;
    row.querySelector("a")?.focus({ preventScroll: true });
  });
  const press = () => {
    wanted.current = list().length;
    void of.more();
  };
  return (
    <p ref={here} className="more">
      {of.isMore ? <button type="button" className="second" aria-disabled={of.isBusy} onClick={press}>Show more {name}</button> : null}
    </p>
  );
}
