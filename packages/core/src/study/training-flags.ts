import type { AttackMethod } from "../robust/attack-result.js";
import type { TrainingRun } from "./collapsed-training.js";
import { raise } from "./flags.js";
import type { Flag } from "./result.js";
import { number } from "./words.js";

/** An inner search that falls short of the exact worst case by more than this share of the robust loss is weak. */
const WEAK_SEARCH = 1e-3;

/** @param reason why there is no prediction; null where there is one. */
export function trainingFlags(run: TrainingRun, method: AttackMethod, reason: string | null): Flag[] {
  const flags: Flag[] = [];
  if (!run.converged) flags.push(raise("training-not-converged", notConverged(run)));
  const { innerGap, exactRobustLoss } = run;
  if (innerGap !== null && exactRobustLoss !== null && innerGap > WEAK_SEARCH * Math.abs(exactRobustLoss)) {
    flags.push(
      raise(
        "weak-inner-search",
        `The inner search finds a robust loss of ${number(run.robustLoss, 4)}, the exact one is ${number(exactRobustLoss, 4)}.`,
      ),
    );
  }
  if (method === "projected-gradient") {
    flags.push(raise("searched-worst-case", "Losses under attack are those of the worst perturbations found."));
  }
  if (reason !== null) flags.push(raise("no-prediction", reason));
  return flags;
}

function notConverged({ stopped, iterations, gap, gradientNorm }: TrainingRun): string {
  const end = stopped === "stalled" ? `found no lower point after ${iterations}` : `ended after ${iterations}`;
  const proof = gap
    ? `the robust objective is proven to be within ${number(gap.relative, 2)} of its minimum, relatively`
    : "how far the robust objective is from its minimum is not known";
  return `Training ${end} iterations with a relative gradient of ${number(gradientNorm, 2)}; ${proof}.`;
}
