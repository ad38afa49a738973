import { useCallback, useEffect, useRef, useState } from "react";

import { sentenceOf } from "./api/problem";

export interface Loaded<T> {
  data: T | null;
  failure: string | null;
  reload: () => void;
  set: (change: (now: T) => T) => void;
}

/**
 * What `load` answers, anew whenever `key` changes or `reload` is called. While that goes on what
 * was there stays; of two answers on their way the later request wins.
 */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; failure: string | null }>({
    key, data: null, failure: null,
  });
  const latest = useRef(0);
  const current = useRef(load);
  current.current = load;

  const reload = useCallback(() => {
    const mine = ++latest.current;
    current.current().then(
      (data) => mine === latest.current && setState({ key, data, failure: null }),
      (thrown: unknown) =>
        mine === latest.current &&
        setState((now) => ({ key, data: now.key === key ? now.data : null, failure: sentenceOf(thrown) })),
    );
  }, [key]);

  useEffect(() => {
    reload();
    return () => void latest.current++;
  }, [reload]);

  const set = useCallback((change: (now: T) => T) => {
    setState((now) => (now.data === null ? now : { ...now, data: change(now.data) }));
  }, []);

  return state.key === key
    ? { data: state.data, failure: state.failure, reload, set }
    : { data: null, failure: null, reload, set };
}
