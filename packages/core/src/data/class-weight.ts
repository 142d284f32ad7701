import { usageError } from "../errors.js";
import type { ClassFactors, TargetEncoding } from "./encoding.js";
import { quoted } from "./names.js";

/**
 * What the weights of each class are multiplied by so that all classes weigh the same: W / (K·W_c), with W the sum of all
 * weights, W_c that of the class and K the number of classes. Without weights this is n / (K·n_c), `class_weight="balanced"` of
 * scikit-learn.
 *
 * @param totals W_c, each positive
 */
export function balancedFactors(totals: Float64Array): ClassFactors {
  const even = totals.reduce((sum, total) => sum + total, 0) / totals.length;
  return Array.from(totals, (total) => even / total);
}

/**
 * W_c: the weight of each class.
 * @param classOf n places of classes
 * @param count K
 */
export function classTotals(classOf: Int32Array, weights: Float64Array, count: number): Float64Array {
  const totals = new Float64Array(count);
  for (let i = 0; i < classOf.length; i++) totals[classOf[i]] += weights[i];
  return totals;
}

/** n weights times the factor of their row's class: their sum stays the same over the rows that the factors are of. */
export const balancedWeights = (classOf: Int32Array, weights: Float64Array, factors: ClassFactors): Float64Array =>
  weights.map((weight, i) => weight * factors[classOf[i]]);

/** The place of each row's class: 0 and 1 for y = −1 and +1, else y itself. */
export function classPlaces(y: Float64Array, { task }: TargetEncoding): Int32Array {
  const places = new Int32Array(y);
  if (task === "binary") for (let i = 0; i < y.length; i++) places[i] = y[i] > 0 ? 1 : 0;
  return places;
}

/** Throws a usage error unless the target has classes. */
export function checkClasses({ column, task }: TargetEncoding): void {
  if (task === "binary" || task === "multiclass") return;
  throw usageError(
    `Balanced class weights need a target of labels, and ${quoted(column)} is ${task === "count" ? "a count" : "a number"}; leave them out or choose another target.`,
  );
}
