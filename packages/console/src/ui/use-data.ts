/** What a view shows of the server: loaded, and loaded again while somebody looks. */
import { useEffect, useState } from "preact/hooks";

export interface Data<T> {
  /** Null until it came; it stays while a later load fails. */
  readonly value: T | null;
  readonly problem: string | null;
  readonly reload: () => void;
}

const EVERY_MS = 5000;

/**
 * `key` says what is loaded: another one begins anew. Nothing is asked for while the page is hidden; whoever comes back
 * to it does not wait for the next round.
 */
export function useData<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Data<T> {
  const [state, setState] = useState<{
    readonly key: string;
    readonly value: T | null;
    readonly problem: string | null;
  }>({ key, value: null, problem: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    /** Zero while something is asked for. */
    let timer = 0;
    const again = (): void => {
      if (stop.signal.aborted) return;
      timer = window.setTimeout(() => void once(), EVERY_MS);
    };
    const comeBack = (): void => {
      if (document.hidden || timer === 0) return;
      clearTimeout(timer);
      void once();
    };
    document.addEventListener("visibilitychange", comeBack, { signal: stop.signal });
    const once = async (): Promise<void> => {
      timer = 0;
      if (document.hidden) return again();
      try {
        const value = await load(stop.signal);
        if (!stop.signal.aborted) setState({ key, value, problem: null });
      } catch (error) {
        const problem = (error as Error).message;
        if (!stop.signal.aborted)
          setState((before) => ({ key, value: before.key === key ? before.value : null, problem }));
      }
      again();
    };
    void once();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, round]);
  const { value, problem } = state.key === key ? state : { value: null, problem: null };
  return { value, problem, reload: () => setRound((before) => before + 1) };
}
