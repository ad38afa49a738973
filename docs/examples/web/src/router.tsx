/** Addresses and views. The server knows the first segment of each, so every address can be opened. */
import type { AnchorHTMLAttributes, MouseEvent } from "react";

import { createStore, useStore } from "./store";

const here = () => location.pathname + location.search;

export const place = createStore(here());

addEventListener("popstate", () => place.set(here()));

export function go(to: string, { replace = false } = {}): void {
  if (to === here()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  place.set(to);
  scrollTo(0, 0);
}

export function usePath(): string {
  return useStore(place).split("?")[0]!;
}

export function useQuery(): URLSearchParams {
  return new URLSearchParams(useStore(place).split("?")[1] ?? "");
}

/** The parameters of `/tracks/:id` in a path; null when it is another address. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const parts = path.replace(/\/$/, "").split("/");
  if (path === "/") parts.length = 2;
  if (wanted.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [n, name] of wanted.entries()) {
    if (name.startsWith(":")) found[name.slice(1)] = decodeURIComponent(parts[n] ?? "");
    else if (name !== (parts[n] ?? "")) return null;
  }
  return found;
}

/** A link that changes the view and leaves the page, and what plays on it, alone. */
export function Link({ to, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const path = usePath();
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    rest.onClick?.(event);
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return <a {...rest} href={to} aria-current={path === to ? "page" : undefined} onClick={follow} />;
}
