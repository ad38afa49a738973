const PATHS = {
  play: "M8 5.5v13l11-6.5z",
  pause: "M8 5h3v14H8zM14 5h3v14h-3z",
  next: "M6 6v12l9-6zM16.5 6H19v12h-2.5z",
  previous: "M18 6v12l-9-6zM5 6h2.5v12H5z",
  heart: "M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.2a4.3 4.3 0 0 1 7.5 2.6C19.500 15.400 12 20 12 20z",
  plus: "M12 5v14M5 12h14",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM20 20l-4.500-4.500",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  library: "M5 4v16M10 4v16M15 4.500l4.500 15",
  upload: "M12 16V5M7 9.500L12 4.500l5 5M5 19.500h14",
  list: "M4 6.500h11M4 12h11M4 17.500h7M17 15v6M14 18h6",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M12 12h.01",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  close: "M6 6l12 12M18 6L6 18",
  up: "M6 14.500l6-6 6 6",
  down: "M6 9.500l6 6 6-6",
  volume: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a7.500 7.500 0 0 1 0 11",
} as const;

const FILLED = new Set<IconName>(["play", "pause", "next", "previous"]);

export type IconName = keyof typeof PATHS;

/** A picture beside words, or in a button that has a name of its own. */
export function Icon({ name, filled = FILLED.has(name) }: { name: IconName; filled?: boolean }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" data-filled={filled || undefined}>
      <path d={PATHS[name]} />
    </svg>
  );
}
