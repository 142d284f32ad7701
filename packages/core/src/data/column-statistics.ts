import type { CategoricalColumn } from "./table.js";

/** A numeric column over some rows, weighted. */
export interface NumericStatistics {
  readonly mean: number;
  /** Weighted standard deviation, ddof 0. */
  readonly deviation: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly twoValued: boolean;
  readonly integerValues: number | null;
}

const mostIntegers = 20;

/** Weighted mean of the values that are not missing (NaN); NaN where all are. Weights need not sum to 1. */
export function presentMean(values: Float64Array, weights: Float64Array): number {
  const n = values.length;
  let total = 0;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const value = values[i];
    if (value !== value) continue;
    total += weights[i];
    sum += weights[i] * value;
  }
  const first = sum / total;
  let rest = 0; // a second pass takes away the rounding of the first
  for (let i = 0; i < n; i++) if (values[i] === values[i]) rest += weights[i] * (values[i] - first);
  return first + rest / total;
}

/** Statistics of finite values over rows whose positive weights sum to 1. */
export function numericStatistics(values: Float64Array, weights: Float64Array): NumericStatistics {
  const n = values.length;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    if (values[i] < minimum) minimum = values[i];
    if (values[i] > maximum) maximum = values[i];
  }
  const mean = presentMean(values, weights);
  const range = maximum - minimum;
  let squares = 0; // in units of the range, so that neither huge nor tiny values leave the range of float64
  if (range > 0) {
    for (let i = 0; i < n; i++) {
      const distance = (values[i] - mean) / range;
      squares += weights[i] * distance * distance;
    }
  }
  const distinct = fewDistinct(values, mostIntegers);
  const whole = distinct !== null && [...distinct].every(Number.isInteger);
  return {
    mean,
    deviation: range * Math.sqrt(squares),
    minimum,
    maximum,
    twoValued: distinct?.size === 2,
    integerValues: whole ? distinct.size : null,
  };
}

/** The distinct values, null where they are more than `limit`. */
function fewDistinct(values: Float64Array, limit: number): Set<number> | null {
  const distinct = new Set<number>();
  let last = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === last) continue;
    last = values[i];
    distinct.add(last);
    if (distinct.size > limit) return null;
  }
  return distinct;
}

/** The weight of each level (and, last, of missing cells) over the given rows of a categorical column. */
export function levelWeights(column: CategoricalColumn, rows: Int32Array, weights: Float64Array): Float64Array {
  const missing = column.levels.length;
  const sums = new Float64Array(missing + 1);
  for (let i = 0; i < rows.length; i++) {
    const code = column.codes[rows[i]];
    sums[code < 0 ? missing : code] += weights[i];
  }
  return sums;
}
