import { vi } from "vitest";
import type { Work } from "../../src/parallel/work.js";

/** Later than any time that was told before. */
let now = 0;

/** What is told of work whose every slice of time is used up: phase, done, total. */
export async function toldProgress(run: (work: Work) => Promise<unknown>): Promise<[string, number, number][]> {
  now = Math.max(now, performance.now());
  const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 1000));
  const told: [string, number, number][] = [];
  try {
    await run({ onProgress: ({ phase, done, total }) => told.push([phase, done, total]) });
  } finally {
    clock.mockRestore();
  }
  return told;
}
