import { usageError } from "../errors.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import type { EvaluatedRows } from "./evaluated-rows.js";
import { localSensitivity } from "./moving-rows.js";

/** A change of loss as ε·first + ε²·second + ε³·third, loss units per power of ε; third is null where it is not known. */
export interface ChangeExpansion {
  readonly first: number;
  readonly second: number;
  readonly third: number | null;
}

/** ε·first + ε²·second + ε³·third, an unknown third left out. */
export const changeAt = ({ first, second, third }: ChangeExpansion, epsilon: number): number =>
  epsilon * (first + epsilon * (second + epsilon * (third ?? 0)));

/**
 * The change of the natural loss L_e on given rows as the model goes to its robust optimum, to second order:
 * ε∇L_e'I + ½ε²[I'H_eI + ∇L_e'J].
 * @param response J (d), from `secondOrder`. @param evaluated the training rows or rows of another table.
 * @throws usage: held-out folds, whose fits have no J of their own.
 */
export async function secondOrderChange(
  attack: Influence,
  response: Float64Array,
  { data, rows, fitOf, fits }: EvaluatedRows,
  work?: Work,
): Promise<ChangeExpansion> {
  if (fitOf !== null)
    throw usageError(
      "The second-order change is not available on held-out folds, whose fits have no second-order response of their own: evaluate it on the training rows or on other rows.",
    );
  const { slope, curvature } = localSensitivity(rows);
  // Rows at a fixed radius move by another ε.
  const rescaled = (fits[0].scale / attack.scale) ** 2;
  let bend = 0;
  await sweep(
    attack.fit.model.map,
    data,
    { theta: asColumn(response), phase: "second order" },
    ({ block: { y, w, firstRow }, scores }) => {
      for (let i = 0; i < y.length; i++)
        bend += w[i] * rows.loss.first(rows.scores[firstRow + i], y[i]) * scores.data[i];
    },
    work,
  );
  return { first: slope, second: curvature + 0.5 * rescaled * bend, third: null };
}

/**
 * L(θ̂+εI+½ε²J) − L(θ̂) on the training rows at any ε: the second-order change with all higher orders of the loss itself (MATH 2, 10b).
 * @param shifts n: v_i'I, from `scoreShifts`. @param response J (d), from `secondOrder`.
 */
export async function bentChange(
  { fit: { model, data, scores } }: Influence,
  shifts: Float64Array,
  response: Float64Array,
  work?: Work,
): Promise<(epsilon: number) => number> {
  const bends = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(response), phase: "second order" },
    ({ block, scores: { data: bend } }) => bends.set(bend, block.firstRow),
    work,
  );
  return (epsilon) => {
    let change = 0;
    for (let i = 0; i < data.rows; i++) {
      const [f, y] = [scores[i], data.y[i]];
      const then = f + epsilon * (shifts[i] + 0.5 * epsilon * bends[i]);
      change += data.weights[i] * (model.loss.value(then, y) - model.loss.value(f, y));
    }
    return change;
  };
}

/**
 * The change of the training objective (without a ridge: of the natural loss on the training rows, S_train) as the model goes to
 * its robust optimum, to third order: ½ε²I'HI + ε³[½I'HJ + (1/6)Σwℓ'''(v'I)³] (MATH 10b). Its slope at a minimum is 0.
 * @param shifts n: v_i'I, from `scoreShifts`. @param response J (d), from `secondOrder`.
 */
export function objectiveChange(
  { fit: { data, hessian, model, scores }, influence: I }: Influence,
  shifts: Float64Array,
  response: Float64Array,
): ChangeExpansion {
  const HI = hessianTimes(hessian, I);
  let cubic = 0;
  for (let i = 0; i < data.rows; i++)
    cubic += data.weights[i] * model.loss.third(scores[i], data.y[i]) * shifts[i] ** 3;
  return { first: 0, second: 0.5 * dot(I, HI), third: 0.5 * dot(HI, response) + cubic / 6 };
}
