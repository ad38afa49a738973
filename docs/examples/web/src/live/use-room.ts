import { useEffect, useRef } from "react";

import type { Envelope } from "../api/types";
import { watch } from "./connection";

/** Watch a room, or none for null, as long as the component is shown. */
export function useRoom(
  name: string | null,
  onMessage: (message: Envelope) => void,
  onGap?: () => void,
): void {
  const now = useRef({ onMessage, onGap });
  now.current = { onMessage, onGap };
  useEffect(() => {
    if (!name) return;
    return watch(name, {
      onMessage: (message) => now.current.onMessage(message),
      onGap: () => now.current.onGap?.(),
    });
  }, [name]);
}
