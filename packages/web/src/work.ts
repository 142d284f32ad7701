/** Work of the server that the page follows, as hooks. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import {
  cancelJob,
  cancelJobOnLeaving,
  follow,
  type JobRequest,
  type JobStatus,
  resultOf,
  ServerError,
  startJob,
} from "./api.js";

export interface Followed<Result> {
  readonly status: JobStatus | null;
  readonly result: Result | null;
  readonly error: string | null;
  readonly start: (request: JobRequest) => Promise<void>;
  /** Takes up work that was started before the page was loaded. */
  readonly resume: (id: string) => Promise<void>;
  readonly cancel: () => void;
  readonly clear: () => void;
}

interface State<Result> {
  readonly status: JobStatus | null;
  readonly result: Result | null;
  readonly error: string | null;
}

const NOTHING = { status: null, result: null, error: null };

/**
 * One piece of work at a time: starting another one forgets, and ends, the one before.
 * @param survives whether it goes on when the page is left, so that a reload finds it.
 */
export function useWork<Result>(survives = false): Followed<Result> {
  const [state, setState] = useState<State<Result>>(NOTHING);
  const current = useRef<string | null>(null);
  const running = useRef(false);

  const watch = useCallback(async (id: string): Promise<void> => {
    current.current = id;
    running.current = true;
    const mine = (): boolean => current.current === id;
    try {
      const end = await follow(id, (status) => mine() && setState((before) => ({ ...before, status })));
      const result = end.state === "done" ? await resultOf<Result>(id) : null;
      if (mine()) setState({ status: end, result, error: end.error });
    } catch (error) {
      if (mine()) setState({ ...NOTHING, error: sentence(error) });
    } finally {
      if (mine()) running.current = false;
    }
  }, []);

  const cancel = useCallback((): void => {
    if (current.current !== null && running.current) void cancelJob(current.current).catch(() => {});
  }, []);

  const start = useCallback(
    async (request: JobRequest): Promise<void> => {
      cancel();
      current.current = null;
      setState(NOTHING);
      try {
        const status = await startJob(request);
        setState({ ...NOTHING, status });
        await watch(status.id);
      } catch (error) {
        setState({ ...NOTHING, error: sentence(error) });
      }
    },
    [cancel, watch],
  );

  const clear = useCallback((): void => {
    cancel();
    current.current = null;
    setState(NOTHING);
  }, [cancel]);

  useEffect(() => {
    const leave = (): void => {
      if (!survives && running.current && current.current !== null) cancelJobOnLeaving(current.current);
    };
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      current.current = null;
    };
  }, [survives]);
  return { ...state, start, resume: watch, cancel, clear };
}

export const sentence = (error: unknown): string =>
  error instanceof ServerError || error instanceof Error ? error.message : String(error);
