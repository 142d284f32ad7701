import { normals, uniforms } from "./random.js";

/** One size at which the whole job (fit, AIF, in-sample sensitivity) is timed. */
export interface Case {
  readonly name: string;
  readonly model: "linear" | "logistic";
  readonly rows: number;
  readonly columns: number;
  /** Timed rounds after the warm-up; odd, so that the median is one of them. */
  readonly rounds: number;
  /** Draws of a bootstrap, where one is timed. */
  readonly draws?: number;
}

export const CASES: readonly Case[] = [
  { name: "logistic 2,000×50", model: "logistic", rows: 2_000, columns: 50, rounds: 31 },
  { name: "linear 10,000×200", model: "linear", rows: 10_000, columns: 200, rounds: 15 },
  { name: "linear 1,000,000×100", model: "linear", rows: 1_000_000, columns: 100, rounds: 5 },
];

/** Where intervals are timed, and what they may take in all, in seconds. */
export const INTERVAL_CASES: readonly (Case & { readonly goal: number | null })[] = [
  { name: "logistic 2,000×50", model: "logistic", rows: 2_000, columns: 50, rounds: 31, goal: 0.01 },
  { name: "linear 10,000×200", model: "linear", rows: 10_000, columns: 200, rounds: 15, goal: 0.15 },
  { name: "logistic 10,000×50", model: "logistic", rows: 10_000, columns: 50, rounds: 9, draws: 200, goal: null },
  { name: "linear 10,000×50", model: "linear", rows: 10_000, columns: 50, rounds: 9, draws: 200, goal: null },
];

/** ε at which the change of the loss is predicted. */
export const EPSILON = 0.01;
export const FOLDS = 10;

/** Normal features, coefficients 1/√m of either sign, unit noise; classes by the logistic model. */
export function draw({ model, rows, columns }: Case): { x: Float64Array; y: Float64Array } {
  const normal = normals(rows + columns);
  const uniform = uniforms(rows - columns);
  const x = new Float64Array(rows * columns);
  const y = new Float64Array(rows);
  const size = 1 / Math.sqrt(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    let score = 0.5;
    for (let j = 0; j < columns; j++, at++) {
      x[at] = normal();
      score += (j % 3 === 0 ? -size : size) * x[at];
    }
    y[i] = model === "linear" ? score + normal() : uniform() < 1 / (1 + Math.exp(-score)) ? 1 : -1;
  }
  return { x, y };
}
