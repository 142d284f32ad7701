import { CASES, type Case, draw } from "./cases.js";
import { startLibrary } from "./process.js";
import type { RobustStages } from "./robust-stages.js";
import { type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

/** Each norm with a size at which the prediction still holds. */
export const ROBUST_CASES: readonly { readonly task: Case; readonly p: number; readonly epsilon: number }[] = [
  { task: CASES[0], p: 2, epsilon: 0.01 },
  { task: CASES[0], p: Number.POSITIVE_INFINITY, epsilon: 0.002 },
];

const WARM_UP = 1;
const ROUNDS = 5;

export interface RobustTime extends Pick<RobustStages, "errors" | "steps" | "residual" | "pathPoints"> {
  readonly case: (typeof ROBUST_CASES)[number];
  readonly influence: Spread;
  readonly optimum: Spread;
  readonly gradient: Spread;
  readonly lbfgs: Spread;
  /** The path as a multiple of the natural fit. */
  readonly pathFits: Spread;
  /** Times as multiples of the influence's. */
  readonly ratios: { readonly optimum: Spread; readonly gradient: Spread; readonly lbfgs: Spread };
}

/** The prediction against every other way to the robustly trained parameters, on the native back end. */
export async function timeRobust(chosen: RobustTime["case"], threads: number): Promise<RobustTime> {
  const { task, p, epsilon } = chosen;
  const files = dataFiles(task.name, draw(task));
  const setup = { ...task, norm: String(p), epsilon };
  const worker = await startLibrary(["robust", JSON.stringify(setup), files.x, files.y], {
    AIF_THREADS: String(threads),
  });
  try {
    const seen: RobustStages[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const { found } = await worker.ask<{ found: RobustStages }>();
      if (round >= WARM_UP) seen.push(found);
    }
    const of = (pick: (stages: RobustStages["stages"]) => number): Spread =>
      spreadOf(seen.map(({ stages }) => pick(stages)));
    const { errors, steps, residual, pathPoints } = seen[0];
    return {
      case: chosen,
      errors,
      steps,
      residual,
      pathPoints,
      influence: of((stages) => stages["influence"]),
      optimum: of((stages) => stages["optimum"]),
      gradient: of((stages) => stages["gradient"]),
      lbfgs: of((stages) => stages["lbfgs"]),
      pathFits: of((stages) => stages["path"] / stages["fit"]),
      ratios: {
        optimum: of((stages) => stages["optimum"] / stages["influence"]),
        gradient: of((stages) => stages["gradient"] / stages["influence"]),
        lbfgs: of((stages) => stages["lbfgs"] / stages["influence"]),
      },
    };
  } finally {
    await worker.stop();
    files.remove();
  }
}
