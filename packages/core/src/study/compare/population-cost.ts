import type { Influence } from "../../influence/aif.js";
import { naturalHessianTimes } from "../../influence/contributions.js";
import { meanStandardError, type Sampling } from "../../influence/sampling.js";
import { rowCounts } from "../../influence/sandwich.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { normalQuantile } from "../../stats/distributions.js";
import { type Inference, inferencesOf } from "../inference.js";
import type { StudySettings } from "../settings.js";
import type { PopulationCost, PopulationS } from "./evaluated.js";
import type { ComparisonGround } from "./ground.js";
import type { ComparedSizes } from "./sizes.js";

/** S of a model in the population, as costs under both conventions; null: none was asked for, or it has no ground. */
export async function populationOf(
  { attack, shifts }: { readonly attack: Influence; readonly shifts: Float64Array },
  sizes: ComparedSizes,
  { sampling }: ComparisonGround,
  settings: StudySettings,
  work: Work,
): Promise<PopulationS | null> {
  const quiet = work.signal ? { signal: work.signal } : {};
  // Relative sizes: that c is estimated too is taken off again for the fixed radius.
  const relative = { ...settings, epsilons: [sizes.epsilon], radii: null };
  const [inference] = await inferencesOf([{ attack, shifts }], relative, sampling.training, quiet);
  const { fit, influence: I, scale, rowScales } = attack;
  const curvature = 0.5 * dot(I, naturalHessianTimes(fit, I));
  return (
    inference &&
    populationFrom(inference, { curvature, scale, rowScales, w: fit.data.weights }, sizes, sampling.training)
  );
}

/** What a model's S is of. */
export interface SensitivityGround {
  /** ½I'H_LI, per ε². */
  readonly curvature: number;
  readonly scale: number;
  /** n: ‖x_i‖ */
  readonly rowScales: Float64Array;
  readonly w: Float64Array;
}

export function populationFrom(
  { debiased, sensitivity, sensitivityRows, sensitivityDraws, level }: Inference,
  { curvature, scale, rowScales, w }: SensitivityGround,
  { epsilon, radius }: ComparedSizes,
  sampling: Sampling,
): PopulationS | null {
  // Where noise is all there is, what is left without the bias may lie below every S that can be.
  if (sensitivity === null || sensitivity.upper <= 0) return null;
  const square = epsilon ** 2;
  const perScale = (radius / scale) ** 2;
  const relative: PopulationCost = {
    predicted: square * debiased,
    interval: [square * sensitivity.lower, square * sensitivity.upper],
    rows: sensitivityRows && sensitivityRows.map((value) => square * value),
    draws: sensitivityDraws && sensitivityDraws.map((value) => square * value),
  };
  // S/c² does not depend on c: its influence lacks what c's noise adds to that of S, 2S(‖x_i‖/c − 1). In the bias, which is of
  // order 1/n, that part is left.
  const fixed =
    sensitivityRows &&
    sensitivityRows.map((value, i) => perScale * (value - 2 * curvature * (rowScales[i] / scale - 1)));
  const reach =
    fixed && sensitivity.method === "delta" ? normalQuantile(0.5 + level / 2) * errorOf(fixed, w, sampling) : null;
  const centre = perScale * debiased;
  return {
    method: sensitivity.method,
    sensitivity: debiased,
    relative,
    absolute: {
      predicted: centre,
      interval:
        reach === null
          ? [perScale * sensitivity.lower, perScale * sensitivity.upper]
          : [Math.max(0, centre - reach), centre + reach],
      rows: fixed,
      draws: sensitivityDraws && sensitivityDraws.map((value) => perScale * value),
    },
  };
}

/** √Σω IFs_i² */
function errorOf(rows: Float64Array, w: Float64Array, sampling: Sampling): number {
  if (sampling.clusters) return meanStandardError(rows, w, sampling);
  const omega = rowCounts(w, sampling);
  return Math.sqrt(rows.reduce((sum, value, i) => sum + omega[i] * value * value, 0));
}
