import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import { influenceJacobian } from "./influence-jacobian.js";

/** What weights mean: rows drawn with unequal chances, or counts of equal rows (MATH 14.8). */
export type WeightsKind = "sampling" | "frequency";

export interface SandwichOptions extends Work {
  readonly weightsKind?: WeightsKind;
  /** Sum of the raw weights, for frequency weights (default n). */
  readonly totalWeight?: number;
  /** n codes of clusters whose rows are drawn together; default: every row on its own. */
  readonly clusters?: Int32Array | undefined;
  /** Whether the radius is relative, so that c is estimated too (default true). */
  readonly relativeRadius?: boolean;
}

/** The asymptotic distribution of Î and Ŝ = ½Î'H_LÎ around their population values (MATH 3, Remark 2 corrected). */
export interface Sandwich {
  /** V̂ (d×d, full): the estimated covariance of Î. */
  readonly covariance: Matrix;
  /** √diag V̂ */
  readonly standardErrors: Float64Array;
  /** Ŝ − ½tr(H_L V̂): Ŝ without the bias that noise in Î adds. */
  readonly debiased: number;
  /** Standard error of Ŝ. */
  readonly sensitivityStandardError: number;
}

/**
 * V̂ = Σ w_i² IF_i IF_i' with the influence function of the plug-in AIF,
 * IF_i = −H⁻¹{[cG_iφ_i − Φ] + (‖x_i‖/c − 1)Φ + [ℓ''_i v_i (v_i'I) − H_LI] + (D + T) IFθ_i},  IFθ_i = −H⁻¹(ℓ'_i v_i + Pθ̂),
 * density terms of D included (MATH 3). Rows are made a block at a time; no n×d array is kept.
 * @param shifts n: v_i'I, from `scoreShifts`.
 */
export async function sandwich(
  attack: Influence,
  shifts: Float64Array,
  options: SandwichOptions = {},
): Promise<Sandwich> {
  const { fit, influence: I, pull, threat, scale, rowScales, penaltyGradient: Phi } = attack;
  const { model, data, inverse, ridge, parameters, scores } = fit;
  const { map, loss } = model;
  const d = map.count;
  const jacobian = await influenceJacobian(attack, shifts, options);
  const towards = naturalHessianTimes(fit, I);
  // −(D + T) IFθ_i = Q(ℓ'_i v_i + Pθ̂) with Q = (D + T) H⁻¹, row by row.
  const Q = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) Q.data.set(inverse.solve(jacobian.row(j)), j * d);
  const penalty = ridge.map((P, j) => P * parameters[j]);
  const shrink = new Float64Array(d);
  blas().gemv(false, d, d, 1, Q.data, d, penalty, 0, shrink);
  const third = await thirdOrder(attack, shifts, options);
  // Scores of Ŝ: IFs_i = (H_LI)'IF_i + ½(ℓ''s² − I'H_LI) + ½ IFθ_i'Σwℓ'''s²v.
  const u = inverse.solve(towards);
  const thirdSolved = inverse.solve(third);
  const curvature = dot(I, towards);
  const relative = options.relativeRadius ?? true;
  const groups = clusterSums(options.clusters, d + 1);
  const gram = Matrix.zeros(d + 1, d + 1);
  const slope = scores.map((f, i) => loss.first(f, data.y[i]));
  await sweep(
    map,
    data,
    { phase: "inference" },
    ({ block }) => {
      const { x, w, firstRow } = block;
      const r = x.rows;
      const v = map.features(x);
      const phi =
        pull.shared ??
        threat.respond(
          { slope: slope.subarray(firstRow, firstRow + r), base: map.inputGradients(parameters, x) },
          block,
        ).base;
      const along = map.jacobianTimes(x, phi);
      const estimation = Matrix.zeros(r, d);
      blas().gemm(false, true, r, d, d, 1, v.data, d, Q.data, d, 0, estimation.data, d);
      const rows = Matrix.zeros(r, d + 1);
      for (let i = 0; i < r; i++) {
        const row = firstRow + i;
        const own = rows.row(i);
        const second = loss.second(scores[row], data.y[row]);
        const onFeatures = (scale * pull.onFeatures[row]) / w[i] + second * shifts[row];
        const onJacobian = (scale * pull.onJacobian[row]) / w[i];
        const size = relative ? rowScales[row] / scale - 1 : 0;
        const a = (along.rows === 1 ? 0 : i) * d;
        let score = 0;
        let thirdScore = 0;
        for (let j = 0; j < d; j++) {
          const vj = v.data[i * d + j];
          own[j] =
            onFeatures * vj +
            onJacobian * along.data[a + j] +
            (size - 1) * Phi[j] -
            towards[j] -
            slope[row] * estimation.data[i * d + j] -
            shrink[j];
          score -= u[j] * own[j];
          thirdScore -= thirdSolved[j] * (slope[row] * vj + penalty[j]);
        }
        own[d] = score + 0.5 * (second * shifts[row] ** 2 - curvature) + 0.5 * thirdScore;
      }
      if (groups) groups.add(rows, w, firstRow);
      else {
        const weight = rowWeights(options, w);
        for (let i = 0; i < r; i++) for (let j = 0; j <= d; j++) rows.data[i * (d + 1) + j] *= weight[i];
        blas().syrk(d + 1, r, 1, rows.data, d + 1, 1, gram.data, d + 1);
      }
    },
    options,
  );
  groups?.finish(gram);
  return conclude(attack, gram, curvature / 2);
}

/** √ of what each row's outer product counts: w_i, or √(w_i/N) for counts (MATH 14.8). */
function rowWeights({ weightsKind, totalWeight }: SandwichOptions, w: Float64Array): Float64Array {
  if (weightsKind !== "frequency") return w;
  if (totalWeight === undefined) throw new RangeError("Frequency weights need their total.");
  return w.map((weight) => Math.sqrt(weight / totalWeight));
}

/** V̂ = H⁻¹ (Σ w² U U') H⁻¹, with Ŝ's variance in the last diagonal entry. */
function conclude({ fit }: Influence, gram: Matrix, S: number): Sandwich {
  const d = gram.rows - 1;
  symmetrise(gram);
  const half = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) half.data.set(fit.inverse.solve(gram.data.slice(j * (d + 1), j * (d + 1) + d)), j * d);
  const covariance = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) covariance.data.set(fit.inverse.solve(half.column(j)), j * d);
  let trace = 0;
  for (let j = 0; j < d; j++) trace += naturalHessianTimes(fit, covariance.row(j))[j];
  const standardErrors = Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, covariance.data[j * d + j])));
  return {
    covariance,
    standardErrors,
    debiased: S - trace / 2,
    sensitivityStandardError: Math.sqrt(Math.max(0, gram.data[d * (d + 1) + d])),
  };
}

/** Σ w ℓ''' (v'I)² v */
async function thirdOrder({ fit }: Influence, shifts: Float64Array, work: Work): Promise<Float64Array> {
  const { model, data, scores } = fit;
  if (model.loss.third(0, 1) === 0 && model.loss.third(1, 1) === 0) return new Float64Array(model.map.count);
  const { pull } = await sweep(
    model.map,
    data,
    { pull: 1, phase: "inference" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        omega.data[i] = w[i] * model.loss.third(scores[firstRow + i], y[i]) * shifts[firstRow + i] ** 2;
      }
    },
    work,
  );
  return pull.data;
}

/** Rows of one cluster are summed first, with the factor G/(G − 1) (MATH 14.8). */
function clusterSums(clusters: Int32Array | undefined, width: number) {
  if (!clusters) return null;
  const place = new Map<number, number>();
  for (const code of clusters) if (!place.has(code)) place.set(code, place.size);
  const sums = Matrix.zeros(place.size, width);
  return {
    add(rows: Matrix, w: Float64Array, firstRow: number): void {
      for (let i = 0; i < rows.rows; i++) {
        const to = sums.row(place.get(clusters[firstRow + i]) ?? 0);
        for (let j = 0; j < width; j++) to[j] += w[i] * rows.data[i * width + j];
      }
    },
    finish(gram: Matrix): void {
      const count = place.size;
      blas().syrk(width, count, count / Math.max(1, count - 1), sums.data, width, 1, gram.data, width);
    },
  };
}
