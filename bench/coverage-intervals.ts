/** The intervals that a user gets: all cells of the coverage study ask here, so that it shows what the product does. */
import {
  assignFolds,
  crossFit,
  DEFAULT_SETTINGS,
  type FoldInfluence,
  type Influence,
  predictedChange,
  type StudySettings,
  scoreShifts,
} from "../packages/core/src/index.js";
import { changeStandardError } from "../packages/core/src/influence/moving-rows.js";
import { independentRows, type Sampling } from "../packages/core/src/influence/sampling.js";
import { normalQuantile } from "../packages/core/src/stats/distributions.js";
import { type Inference, inferencesOf, parameterInterval } from "../packages/core/src/study/inference.js";

const SETTINGS: StudySettings = { ...DEFAULT_SETTINGS, target: "y" };
const FOLDS = 10;

interface Bounds {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

export interface AifIntervals {
  readonly pointwise: Bounds;
  readonly simultaneous: Bounds;
  readonly sensitivity: NonNullable<Inference["sensitivity"]>;
}

/** The study's intervals for I, one by one and all at once, and for S; null where the study gives none. */
export async function aifIntervals(attack: Influence, sampling?: Sampling): Promise<AifIntervals | null> {
  const shifts = await scoreShifts(attack);
  const how = sampling ?? independentRows(attack.fit.data.rows);
  const [inference] = await inferencesOf([{ attack, shifts }], SETTINGS, how, {});
  if (!inference?.sensitivity) return null;
  return {
    pointwise: parameterInterval(inference, "pointwise"),
    simultaneous: parameterInterval(inference, "simultaneous"),
    sensitivity: inference.sensitivity,
  };
}

/** The held-out change of the loss at ε, its half width as in the study's curve, and the folds' own fits. */
export async function heldOutChange(
  attack: Influence,
  epsilon: number,
  seed: number,
): Promise<{ change: number; halfWidth: number; folds: readonly FoldInfluence[]; shares: readonly number[] }> {
  const { data, model } = attack.fit;
  const strata = model.loss.name === "logistic" ? data.y : undefined;
  const foldOf = assignFolds(data.rows, FOLDS, seed, { strata });
  const [held] = await crossFit(attack.fit, [attack], foldOf, FOLDS);
  const shares = new Array<number>(FOLDS).fill(0);
  foldOf.forEach((fold, i) => {
    shares[fold] += held.w[i];
  });
  const deviation = changeStandardError(held, epsilon, independentRows(data.rows));
  return {
    change: predictedChange(held, epsilon),
    halfWidth: normalQuantile(0.5 + SETTINGS.confidence / 2) * deviation,
    folds: held.folds,
    shares,
  };
}
