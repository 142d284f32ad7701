/** Networks by loops over plain arrays. */
export type Rows = readonly (readonly number[])[];

export const affine = (weight: Rows, bias: readonly number[], x: readonly number[]): number[] =>
  weight.map((row, i) => row.reduce((sum, w, j) => sum + w * x[j], bias[i] ?? 0));

export const softmax = (z: readonly number[]): number[] => {
  const e = z.map(Math.exp);
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
};

export const logistic = (z: number): number => 1 / (1 + Math.exp(-z));

export const transpose = (rows: Rows): number[][] => rows[0].map((_, j) => rows.map((row) => row[j]));

/** Numbers that look random and are the same everywhere. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

export const matrix = (rows: number, columns: number, next: () => number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, next));
