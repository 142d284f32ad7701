import { usageError } from "../errors.js";
import type { ClassFactors, TargetEncoding } from "./encoding.js";
import { quoted } from "./names.js";

/**
 * What the weights of each class are multiplied by so that both classes weigh the same: W / (2·W_c), with W the sum of
 * all weights and W_c that of the class. Without weights this is n / (2·n_c), `class_weight="balanced"` of scikit-learn.
 *
 * @param y n labels, −1 and +1, both of which occur with a positive weight
 * @param weights n, of any positive sum
 */
export function balancedFactors(y: Float64Array, weights: Float64Array): ClassFactors {
  let negative = 0;
  let positive = 0;
  for (let i = 0; i < y.length; i++) {
    if (y[i] > 0) positive += weights[i];
    else negative += weights[i];
  }
  const half = (negative + positive) / 2;
  return { negative: half / negative, positive: half / positive };
}

/** n weights times the factor of their row's class: their sum stays the same over the rows that the factors are of. */
export const balancedWeights = (y: Float64Array, weights: Float64Array, factors: ClassFactors): Float64Array =>
  weights.map((weight, i) => weight * (y[i] > 0 ? factors.positive : factors.negative));

const NOUNS: Readonly<Record<Exclude<TargetEncoding["task"], "binary">, string>> = {
  regression: "a number",
  count: "a count",
  multiclass: "one of several classes",
};

/** Throws a usage error unless the target has two labels. */
export function checkTwoClasses({ column, task }: TargetEncoding): void {
  if (task === "binary") return;
  throw usageError(
    `Balanced class weights need a target of two labels, and ${quoted(column)} is ${NOUNS[task]}; leave them out or choose another target.`,
  );
}
