import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { ClusterSums, clustersWithWeight } from "./cluster-sums.js";
import type { Sampling } from "./sampling.js";
import { covarianceBetween, inverseOfHessian } from "./sandwich-inverse.js";

/**
 * The sandwich Cov θ̂ = H⁻¹ (Σ w_i² u_i u_i') H⁻¹ with u_i = ℓ'_i v_i + Pθ̂ (d×d, full): how far θ̂ would vary over samples of this
 * size (MATH 14.4, 14.8).
 */
export async function parameterCovariance(fit: Fit, sampling: Sampling, work?: Work): Promise<Matrix> {
  return covarianceBetween(inverseOfHessian(fit), await scoreCovariance(fit, sampling, work));
}

/**
 * T = ½tr(H_L Cov θ̂), H_L = H − P: the natural loss that a fit on this many rows has above the best parameters because it saw
 * only these rows (MATH 14.4). It falls like 1/n, so that training on a share k of the rows costs T/k: the yardstick of what a
 * robust model gives up.
 */
export function estimationLoss({ hessian, ridge }: Fit, covariance: Matrix): number {
  const d = ridge.length;
  let trace = 0;
  for (let j = 0; j < d; j++) {
    trace += (hessian.data[j * d + j] - ridge[j]) * covariance.data[j * d + j];
    for (let k = 0; k < j; k++) trace += 2 * hessian.data[j * d + k] * covariance.data[j * d + k];
  }
  return trace / 2;
}

/** Σ w_i² u_i u_i' (full): (1/N)Σ w_i u_i u_i' for counts, sums within clusters first (MATH 14.8). */
export async function scoreCovariance(fit: Fit, sampling: Sampling, work?: Work): Promise<Matrix> {
  const { model, data, ridge, parameters, scores } = fit;
  const d = ridge.length;
  const penalty = ridge.map((P, j) => P * parameters[j]);
  if (sampling.clusters) return clusterCovariance(fit, sampling.clusters, penalty, work);
  const counts = sampling.weightsKind === "frequency";
  let total = 0;
  const { pull, grams } = await sweep(
    model.map,
    data,
    { pull: 1, grams: 1, phase: "inference" },
    ({ block: { y, w, firstRow }, pull: pi, grams: [omega] }) => {
      for (let i = 0; i < y.length; i++) {
        const slope = model.loss.first(scores[firstRow + i], y[i]);
        const square = counts ? w[i] / sampling.totalWeight : w[i] * w[i];
        omega[i] = square * slope * slope;
        pi.data[i] = square * slope;
        total += square;
      }
    },
    work,
  );
  const [M, sums] = [grams[0], pull.data];
  for (let j = 0; j < d; j++) {
    for (let k = 0; k <= j; k++) {
      M.data[j * d + k] += sums[j] * penalty[k] + penalty[j] * sums[k] + total * penalty[j] * penalty[k];
    }
  }
  return symmetrise(M);
}

async function clusterCovariance(fit: Fit, clusters: Int32Array, penalty: Float64Array, work?: Work): Promise<Matrix> {
  const d = penalty.length;
  const { count, of } = clustersWithWeight(clusters, fit.data.weights);
  const sums = new ClusterSums(count, d);
  await addClusterScores(fit, of, penalty, sums, work);
  const M = Matrix.zeros(d, d);
  sums.addGram(M);
  return symmetrise(M);
}

/** Adds w_i u_i of some rows to the sums of their clusters. @param clusterOf r @param penalty Pθ̂ */
export async function addClusterScores(
  { model: { map, loss }, data, scores }: Fit,
  clusterOf: Int32Array,
  penalty: Float64Array,
  sums: ClusterSums,
  work?: Work,
): Promise<void> {
  const d = map.count;
  await sweep(
    map,
    data,
    { phase: "inference" },
    ({ block: { x, y, w, firstRow } }) => {
      const v = map.features(x);
      const own = Matrix.zeros(y.length, d);
      for (let i = 0; i < y.length; i++) {
        const slope = loss.first(scores[firstRow + i], y[i]);
        for (let j = 0; j < d; j++) own.data[i * d + j] = w[i] * (slope * v.data[i * d + j] + penalty[j]);
      }
      sums.add(own, clusterOf.subarray(firstRow, firstRow + y.length));
    },
    work,
  );
}

/** k = T/(T + C): training on this share of the rows would cost as much natural loss as C; null where nothing is lost. */
export const rowsShare = (excess: number, cost: number): number | null =>
  cost > 0 && excess > 0 ? excess / (excess + cost) : null;
