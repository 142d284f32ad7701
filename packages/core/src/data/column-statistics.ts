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

/** What a first pass over a column's cells in use finds; missing cells (NaN) count for nothing but `missing`. */
export interface NumberSums {
  missing: number;
  /** Of the cells that are there: Σ w and Σ w·x. */
  total: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** The different values while they are at most 20, in order of appearance; null: there are more. */
  distinct: readonly number[] | null;
}

/** What a second pass finds, of distances from a centre near the mean in units of the range: Σ w·t and Σ w·t². */
export interface NumberDistances {
  rest: number;
  squares: number;
}

export const noSums = (): NumberSums => ({
  missing: 0,
  total: 0,
  sum: 0,
  minimum: Number.POSITIVE_INFINITY,
  maximum: Number.NEGATIVE_INFINITY,
  distinct: [],
});

/** @param rows the cells in use. @param weights one for each of them */
export function addSums(sums: NumberSums, values: Float64Array, rows: Int32Array, weights: Float64Array): void {
  let { missing, total, sum, minimum, maximum } = sums;
  let known = sums.distinct && new Set(sums.distinct);
  let last = Number.NaN;
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]];
    if (value !== value) {
      missing++;
      continue;
    }
    const weight = weights[i];
    total += weight;
    sum += weight * value;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    if (known !== null && value !== last) {
      last = value;
      known.add(value);
      if (known.size > mostIntegers) known = null;
    }
  }
  const distinct = known && [...known];
  Object.assign(sums, { missing, total, sum, minimum, maximum, distinct });
}

export function joinedSums(a: NumberSums, b: NumberSums): NumberSums {
  const distinct = a.distinct && b.distinct && [...new Set([...a.distinct, ...b.distinct])];
  return {
    missing: a.missing + b.missing,
    total: a.total + b.total,
    sum: a.sum + b.sum,
    minimum: Math.min(a.minimum, b.minimum),
    maximum: Math.max(a.maximum, b.maximum),
    distinct: distinct && distinct.length <= mostIntegers ? distinct : null,
  };
}

/** The centre that the second pass measures from. */
const centreOf = ({ sum, total }: NumberSums): number => sum / total;

/** In units of the range neither huge nor tiny values leave float64. */
const scaleOf = ({ minimum, maximum }: NumberSums): number => (maximum > minimum ? maximum - minimum : 1);

export function addDistances(
  distances: NumberDistances,
  sums: NumberSums,
  values: Float64Array,
  rows: Int32Array,
  weights: Float64Array,
): void {
  const centre = centreOf(sums);
  const scale = scaleOf(sums);
  let { rest, squares } = distances;
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]];
    if (value !== value) continue;
    const distance = (value - centre) / scale;
    const weighted = weights[i] * distance;
    rest += weighted;
    squares += weighted * distance;
  }
  Object.assign(distances, { rest, squares });
}

/** The statistics of cells whose weights, with those of missing cells, sum to 1. Missing cells have become the mean of the others (NaN: there are none). */
export function statisticsOf(sums: NumberSums, { rest, squares }: NumberDistances): NumericStatistics {
  const { missing, total, minimum, maximum } = sums;
  const range = maximum - minimum;
  const shift = rest / total; // takes away the rounding of the first pass
  const mean = centreOf(sums) + shift * scaleOf(sums);
  const distinct = sums.distinct && new Set(missing > 0 ? [...sums.distinct, mean] : sums.distinct);
  const few = distinct !== null && distinct.size <= mostIntegers;
  return {
    mean,
    deviation: range > 0 ? range * Math.sqrt(Math.max(0, squares - total * shift * shift)) : 0,
    minimum,
    maximum,
    twoValued: few && distinct.size === 2,
    integerValues: few && [...distinct].every(Number.isInteger) ? distinct.size : null,
  };
}

/** Statistics of values in memory, over rows whose positive weights sum to 1. */
export function numericStatistics(values: Float64Array, rows: Int32Array, weights: Float64Array): NumericStatistics {
  const sums = noSums();
  addSums(sums, values, rows, weights);
  const distances = { rest: 0, squares: 0 };
  addDistances(distances, sums, values, rows, weights);
  return statisticsOf(sums, distances);
}

/** Adds the weight of each level (and, last, of missing cells) over the given rows to `sums`. */
export function addLevelWeights(sums: Float64Array, codes: Int32Array, rows: Int32Array, weights: Float64Array): void {
  const missing = sums.length - 1;
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]];
    sums[code < 0 ? missing : code] += weights[i];
  }
}
