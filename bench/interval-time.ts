import { draw, type INTERVAL_CASES } from "./cases.js";
import type { Stages } from "./library.js";
import { startLibrary } from "./process.js";
import { type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

/** Rounds before those that count, where a case says nothing. */
const WARM_UP = 3;

export interface IntervalTime {
  readonly task: (typeof INTERVAL_CASES)[number];
  /** Fit, influence and sensitivity. */
  readonly point: Spread;
  readonly sandwich: Spread;
  readonly bias: Spread;
  /** For all parameters at once, and for S. */
  readonly intervals: Spread;
  readonly total: Spread;
  /** The sandwich as a multiple of what comes before it. */
  readonly multiple: Spread;
  /** All draws, as a multiple of one fit; null where none were asked for. */
  readonly bootstrap: Spread | null;
}

/** What intervals add to a fit and its influence, on the native back end. */
export async function timeIntervals(task: IntervalTime["task"], threads: number): Promise<IntervalTime> {
  const files = dataFiles(task.name, draw(task));
  const worker = await startLibrary(["infer", JSON.stringify(task), files.x, files.y], {
    AIF_THREADS: String(threads),
  });
  try {
    const seen: Stages[] = [];
    const { warmUp = WARM_UP } = task;
    for (let round = 0; round < warmUp + task.rounds; round++) {
      const { stages } = await worker.ask<{ stages: Stages }>();
      if (round >= warmUp) seen.push(stages);
    }
    const of = (pick: (stages: Stages) => number): Spread => spreadOf(seen.map(pick));
    const point = (stages: Stages): number => stages["fit"] + stages["influence"];
    const added = (stages: Stages): number => stages["sandwich"] + stages["bias"] + stages["intervals"];
    return {
      task,
      point: of(point),
      sandwich: of((stages) => stages["sandwich"]),
      bias: of((stages) => stages["bias"]),
      intervals: of((stages) => stages["intervals"]),
      total: of((stages) => point(stages) + added(stages)),
      multiple: of((stages) => stages["sandwich"] / point(stages)),
      bootstrap: task.draws === undefined ? null : of((stages) => stages["bootstrap"] / stages["fit"]),
    };
  } finally {
    await worker.stop();
    files.remove();
  }
}
