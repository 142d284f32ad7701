/** The middle of some numbers and how far they spread. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** Linear between the order statistics. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Standard error of the mean. */
export function standardError(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (values.length - 1) / values.length);
}

/** The largest difference of corresponding entries, relative to the largest entry. */
export function largestDifference(a: readonly number[], b: readonly number[]): number {
  let size = 0;
  let difference = 0;
  a.forEach((value, i) => {
    size = Math.max(size, Math.abs(value), Math.abs(b[i]));
    difference = Math.max(difference, Math.abs(value - b[i]));
  });
  return size === 0 ? 0 : difference / size;
}
