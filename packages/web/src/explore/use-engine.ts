import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, Question, Reply } from "./idea.js";

/** The engine's answer to the latest question; an answer to an earlier one is never shown after a later one. */
export function useEngine(question: Omit<Question, "id">): {
  readonly answer: Answer | null;
  readonly error: string | null;
} {
  const worker = useRef<Worker | null>(null);
  const asked = useRef(0);
  const shown = useRef(0);
  const [state, setState] = useState<{ answer: Answer | null; error: string | null }>({ answer: null, error: null });

  useEffect(() => {
    const made = new Worker(new URL("./engine.ts", import.meta.url), { type: "module" });
    made.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
      if (data.id < shown.current) return;
      shown.current = data.id;
      setState((before) => ("error" in data ? { ...before, error: data.error } : { answer: data, error: null }));
    });
    worker.current = made;
    return () => made.terminate();
  }, []);

  useEffect(() => {
    worker.current?.postMessage({ ...question, id: ++asked.current });
  }, [question.kind, question.points, question.p, question.radius, question.ridge]);

  return state;
}
