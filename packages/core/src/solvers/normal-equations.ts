import type { Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { type FoldSums, foldSums } from "../models/fold-sums.js";
import type { ScoreModel } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import { hessianTimes, invertHessian } from "./inverse-hessian.js";

/** Hθ = b for some of a model's parameters. */
export interface NormalSystem {
  /** H (k×k, lower triangle), ridge included. */
  readonly hessian: Matrix;
  /** b (k) */
  readonly right: Float64Array;
}

/**
 * The normal equations of a squared loss summed fold by fold, G_f = Σ w ℓ''vv' and p_f = Σ w ℓ'(0)v: one pass over the rows, from
 * which the fit of every subset of the parameters, for every ridge and with every fold left out, is read off by solving k×k systems.
 */
export class NormalEquations {
  private constructor(
    private readonly sums: FoldSums,
    private readonly penalised: Uint8Array,
    /** The weight of the rows in each fold, and their loss at θ = 0. */
    private readonly weights: Float64Array,
    private readonly losses: Float64Array,
  ) {}

  /** @param foldOf n: the fold of every row, 0 … folds − 1. */
  static async of(
    { map, loss }: ScoreModel,
    data: Dataset,
    foldOf: Uint16Array,
    folds: number,
    work?: Work,
  ): Promise<NormalEquations> {
    const sums = await foldSums(
      map,
      data,
      foldOf,
      folds,
      ({ y, w }, omega, pi) => {
        for (let i = 0; i < y.length; i++) {
          omega[i] = w[i] * loss.second(0, y[i]);
          pi[i] = w[i] * loss.first(0, y[i]);
        }
      },
      work,
    );
    const penalised = new Uint8Array(map.count).fill(1);
    if (map.intercept) penalised[0] = 0;
    const weights = new Float64Array(folds);
    const losses = new Float64Array(folds);
    for (let i = 0; i < foldOf.length; i++) {
      weights[foldOf[i]] += data.weights[i];
      losses[foldOf[i]] += data.weights[i] * loss.value(0, data.y[i]);
    }
    return new NormalEquations(sums, penalised, weights, losses);
  }

  /** The equations of the chosen parameters (in ascending order) on the rows outside one fold; null: on all rows. */
  system(chosen: Int32Array, l2: number, without: number | null): NormalSystem {
    const k = chosen.length;
    const hessian = Matrix.zeros(k, k);
    const right = new Float64Array(k);
    let weight = 0;
    this.sums.grams.forEach((gram, fold) => {
      if (fold === without) return;
      weight += this.weights[fold];
      addLower(gram, chosen, hessian);
      for (let a = 0; a < k; a++) right[a] -= this.sums.pulls.data[chosen[a] * this.weights.length + fold];
    });
    for (let at = 0; at < hessian.data.length; at++) hessian.data[at] /= weight;
    for (let a = 0; a < k; a++) {
      right[a] /= weight;
      if (this.penalised[chosen[a]]) hessian.data[a * (k + 1)] += l2;
    }
    return { hessian, right };
  }

  /** Σ w l over the rows of a fold at θ, all parameters: Σ w l(0) + p'θ + ½θ'Gθ. */
  lossOf(fold: number, theta: Float64Array): number {
    const image = hessianTimes(this.sums.grams[fold], theta);
    const { data, columns } = this.sums.pulls;
    return theta.reduce(
      (sum, value, j) => sum + value * (data[j * columns + fold] + 0.5 * image[j]),
      this.losses[fold],
    );
  }

  /** The folds' sums of the chosen parameters at θ (k), as `crossFit` wants them: Σ w ℓ''vv' and Σ w ℓ'v = p + Gθ. */
  sumsAt(chosen: Int32Array, theta: Float64Array): FoldSums {
    const k = chosen.length;
    const folds = this.weights.length;
    const pulls = Matrix.zeros(k, folds);
    const grams = this.sums.grams.map((gram, fold) => {
      const part = Matrix.zeros(k, k);
      addLower(gram, chosen, part);
      const image = hessianTimes(part, theta);
      for (let a = 0; a < k; a++) {
        pulls.data[a * folds + fold] = this.sums.pulls.data[chosen[a] * folds + fold] + image[a];
      }
      return part;
    });
    return { grams, pulls };
  }
}

/** θ of a system, least-norm where it is singular. */
export const solveSystem = ({ hessian, right }: NormalSystem): Float64Array => invertHessian(hessian).solve(right);

function addLower(from: Matrix, chosen: Int32Array, out: Matrix): void {
  const k = chosen.length;
  for (let a = 0; a < k; a++) {
    const row = chosen[a] * from.columns;
    for (let b = 0; b <= a; b++) out.data[a * k + b] += from.data[row + chosen[b]];
  }
}
