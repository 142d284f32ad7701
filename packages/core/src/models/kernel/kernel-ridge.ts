import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { product } from "../../linalg/products.js";
import { type Kernel, type KernelPoints, kernelPoints, pointRange, rowRanges } from "./kernel.js";

/**
 * Kernel regression (MATH 7): f(x) = Σ_j θ_j K(x, x_j), one parameter a row and output, θ = argmin of
 * Σ_i w_i‖f(x_i) − y_i‖² + λ‖θ‖² ("coefficients", as in the paper) or + λ θ'Kθ ("rkhs", the usual ridge of functions).
 */
export interface KernelRidgeSettings {
  readonly kernel: Kernel;
  /** λ > 0 */
  readonly ridge: number;
  readonly penalty: PenaltyName;
  /** Whether the centres x_j of f move with the attacked rows x_j + δ_j, as they do in training, or stay. */
  readonly centres: CentresName;
}

export type PenaltyName = "coefficients" | "rkhs";
export type CentresName = "move" | "fixed";

/** The rows of a kernel regression. */
export interface KernelRows {
  /** n×m */
  readonly x: Matrix;
  /** n×k */
  readonly y: Matrix;
  /** n, summing to 1. */
  readonly weights: Float64Array;
}

/** @throws usage: λ ≤ 0; centres that stay although the kernel has a cusp there. */
export function checkKernelRidge({ kernel, ridge, centres }: KernelRidgeSettings): void {
  if (!(ridge > 0 && ridge < Infinity)) {
    throw usageError(
      `Kernel regression needs a ridge λ above 0, got ${ridge}: without it the fit repeats every target.`,
    );
  }
  if (centres === "fixed" && !kernel.smoothAtCentres) {
    throw usageError(
      `With centres that stay, the kernel ${kernel.name} has a cusp at every training row, K(x+δ, x) = ½‖x‖² + ½x·δ − ‖x‖‖δ_⊥‖/(2π), so no influence exists: let the centres move, or use nngp or rbf.`,
    );
  }
}

/** Outputs n×k of targets: numbers, ±1, or, with classes, one of them a row as 1 among 0. */
export function kernelTargets(y: Float64Array, classes: number): Matrix {
  if (classes <= 1) return new Matrix(y, y.length, 1);
  const out = Matrix.zeros(y.length, classes);
  y.forEach((label, i) => {
    out.data[i * classes + label] = 1;
  });
  return out;
}

/** Of two numbers a row and output: r: Σ_o (f_o − y_o)². */
export function squaredDistances(f: Matrix, y: Matrix): Float64Array {
  const out = new Float64Array(f.rows);
  for (let i = 0, at = 0; i < f.rows; i++)
    for (let o = 0; o < f.columns; o++, at++) out[i] += (f.data[at] - y.data[at]) ** 2;
  return out;
}

/**
 * Bytes that the fit, its influence and, with folds, the fits without each fold take at most: K, the factor, one more of each
 * for a fold, and blocks.
 */
export function kernelMemory(rows: number, features: number, outputs: number, folds = 0): number {
  const square = 8 * rows ** 2;
  const fold = folds > 1 ? 2 * (1 - 1 / folds) ** 2 : 0;
  return square * (2 + fold) + 8 * rows * (6 * features + 12 * outputs) + 4 * 2 ** 24;
}

/** K(x*, X)V at points (r×m) without holding more than a block of K. V n×k. */
export function kernelSum(kernel: Kernel, points: Matrix, centres: KernelPoints, V: Matrix): Matrix {
  const out = Matrix.zeros(points.rows, V.columns);
  const all = kernelPoints(points);
  for (const [from, to] of rowRanges(points.rows, centres.x.rows)) {
    out.data.set(product(kernel.values(pointRange(all, from, to), centres), V).data, from * V.columns);
  }
  return out;
}
