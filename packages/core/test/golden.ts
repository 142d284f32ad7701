import { readFileSync } from "node:fs";
import {
  type Dataset,
  linear,
  logistic,
  Matrix,
  type ModelDescription,
  matrixDataset,
  quadratic,
} from "../src/index.js";

/** Fixtures of an independent NumPy/SciPy reference; "inf" is a string in them. */
export interface GoldenCase {
  data: "small" | "mid" | "quad";
  model: string;
  intercept: boolean;
  l2: number;
  p: number | "inf";
  loss: "squared/2" | "logistic";
  theta: number[];
  c: number;
  Phi: number[];
  aif: number[];
  H: number[][];
  s_eq3: number;
  risk_slope: number;
  penalty_first_order: number;
  kink_radius: number | null | "inf";
  zeta0: number[];
  se: number[];
  se_paper: number[];
  se_s: number;
  s_debiased: number;
  robust?: Record<string, { theta: number[]; objective: number; risk: number }>;
  "bound_0.001"?: number;
  collapse_eps?: number;
}

export interface GoldenKink {
  X: number[][];
  y: number[];
  intercept: boolean;
  p: number | "inf";
  theta: number[];
  aif_naive: number[];
  aif_one_sided: number[];
  multipliers: number[][];
}

/** Kernel regression on 10 rows; θ_ε at ε = 1e-4 by brute force. */
export interface GoldenKernel {
  kind: "rbf" | "ntk";
  gamma: number;
  centres: "move" | "fixed";
  lam: number;
  p: number | "inf";
  c: number;
  theta: number[];
  aif: number[];
  s_penalised: number;
  s_natural_first: number;
  s_natural_quad: number;
  robust_1e_4: number[];
}

interface Golden {
  data: Record<string, { X: number[][]; y: number[]; yb: number[] }>;
  cases: GoldenCase[];
  kinks: GoldenKink[];
  kernel: GoldenKernel[];
}

export const golden: Golden = JSON.parse(readFileSync(new URL("./fixtures/golden.json", import.meta.url), "utf8"));

export const exponentOf = (p: number | "inf"): number => (p === "inf" ? Number.POSITIVE_INFINITY : p);

export function goldenData({ data, loss }: Pick<GoldenCase, "data" | "loss">): Dataset {
  const { X, y, yb } = golden.data[data];
  return matrixDataset(Matrix.fromRows(X), loss === "logistic" ? yb : y);
}

export function goldenModel({ model, loss, intercept }: GoldenCase): ModelDescription {
  if (model.startsWith("quadratic")) {
    return quadratic({ intercept, loss: loss === "logistic" ? "logistic" : "half-squared" });
  }
  return loss === "logistic" ? logistic({ intercept }) : linear({ intercept, loss: "half-squared" });
}

export const goldenName = (c: GoldenCase): string =>
  `${c.model} on ${c.data}, p=${c.p}, l2=${c.l2}, ${c.intercept ? "with" : "without"} intercept`;

/** max |a − b| / max |b| */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return worst === 0 ? 0 : worst / (largest || 1e-300);
}
