import type { Dataset } from "../data/dataset.js";
import { assignFolds } from "../data/splits.js";
import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import type { RobustLossMethod } from "../robust/robust-loss.js";
import { type Influence, scoreShifts } from "./aif.js";
import { type EvaluatedRows, heldOutRows, otherRows, trainingRows } from "./evaluated-rows.js";
import { freeRadius, type LocalSensitivity, localSensitivity, naturalLoss, predictedChange } from "./moving-rows.js";
import { robustLosses } from "./robust-losses.js";

/** At which sizes, and on which rows, the cost of robustness is predicted. */
export interface SensitivityOptions extends Work {
  /** Relative sizes ε (default 0.01, 0.03, 0.1). */
  readonly epsilons?: readonly number[];
  /** Where the loss is evaluated: folds of the training rows (default, 10 of them), the training rows, or other rows. */
  readonly on?: { readonly folds: number; readonly seed?: number } | "training" | Dataset;
}

/** How much natural loss robust training costs (Definition 3.1 on given rows, MATH 2 and 14). Losses in the loss's unit. */
export interface Sensitivity extends LocalSensitivity {
  /** What the numbers estimate. */
  readonly estimand: "held-out rows" | "training rows" | "given rows";
  /** The natural loss at θ̂. */
  readonly naturalLoss: number;
  /** Up to this ε robust training is expected to lower the natural loss; null when nowhere. */
  readonly freeRadius: number | null;
  readonly robustLossMethod: RobustLossMethod;
  readonly curve: readonly {
    readonly epsilon: number;
    /** ε c */
    readonly radius: number;
    /** L(θ̂+εI) − L(θ̂) */
    readonly predicted: number;
    /** Robust loss at θ̂ and at θ̂+εI. */
    readonly robustLossNatural: number;
    readonly robustLoss: number;
  }[];
}

/**
 * The model sensitivity: the predicted change of the natural loss under robust training of each size, its slope and curvature
 * at 0, and the robust losses, on held-out rows unless told otherwise (on the training rows it cannot be negative: MATH 14.1).
 * @throws usage: a fold count that makes no sense. numerical: a fold without which the fit has no minimum.
 */
export async function sensitivity(attack: Influence, options: SensitivityOptions = {}): Promise<Sensitivity> {
  const { epsilons = [0.01, 0.03, 0.1], on = { folds: 10 }, ...work } = options;
  const bad = epsilons.find((epsilon) => !(epsilon >= 0 && epsilon < Infinity));
  if (bad !== undefined) throw usageError(`The size ε = ${bad} makes no sense: sizes are numbers ≥ 0.`);
  const { estimand, evaluated } = await rowsFor(attack, on, work);
  const losses = await robustLosses(attack, evaluated, epsilons, work);
  const local = localSensitivity(evaluated.rows);
  return {
    ...local,
    estimand,
    naturalLoss: naturalLoss(evaluated.rows, 0),
    freeRadius: freeRadius(local),
    robustLossMethod: losses.method,
    curve: epsilons.map((epsilon, e) => ({
      epsilon,
      radius: epsilon * attack.scale,
      predicted: predictedChange(evaluated.rows, epsilon),
      robustLossNatural: losses.natural[e],
      robustLoss: losses.robust[e],
    })),
  };
}

async function rowsFor(
  attack: Influence,
  on: NonNullable<SensitivityOptions["on"]>,
  work: Work,
): Promise<{ estimand: Sensitivity["estimand"]; evaluated: EvaluatedRows }> {
  if (on === "training") {
    return { estimand: "training rows", evaluated: trainingRows(attack, await scoreShifts(attack, work)) };
  }
  if ("blocks" in on) return { estimand: "given rows", evaluated: await otherRows(attack, on, work) };
  const { data, model } = attack.fit;
  const strata = model.loss.name === "logistic" ? data.y : undefined;
  const foldOf = assignFolds(data.rows, on.folds, on.seed ?? 0, { strata });
  const { evaluated } = await heldOutRows([attack], foldOf, on.folds, work);
  return { estimand: "held-out rows", evaluated: evaluated[0] };
}
