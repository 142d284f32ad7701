import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { dot } from "../solvers/inverse-hessian.js";
import { normalQuantile } from "../stats/distributions.js";
import type { Influence } from "./aif.js";
import type { BootstrapDraws } from "./bootstrap.js";
import { naturalHessianTimes } from "./contributions.js";
import { curvatureInterval, type SensitivityInterval } from "./sensitivity-interval.js";

/** d lower and d upper ends. */
export interface ParameterBounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** What the draws of a bootstrap say about Î and Ŝ. */
export interface BootstrapSummary {
  /** The covariance of I_b over the draws (d×d, full). */
  readonly covariance: Matrix;
  /** √ of its diagonal (d) */
  readonly standardErrors: Float64Array;
  /** Î ± z·se, for one parameter at a time. */
  readonly pointwise: ParameterBounds;
  /** Î ± t·se, for all parameters at once: t from max_j |I_bj − Ī_j|/se_j. */
  readonly simultaneous: ParameterBounds;
  /** 2Ŝ − mean S_b: Ŝ without its bias, as far as the draws repeat it. */
  readonly debiased: number;
  /** The standard deviation of S_b. */
  readonly sensitivityStandardError: number;
  /** For the population's S by the rule of MATH 3; null with fewer draws than 2d, which do not determine Î's ellipsoid. */
  readonly sensitivity: SensitivityInterval | null;
}

/** So many draws for each parameter determine the inverse of a covariance well enough. */
const DRAWS_PER_PARAMETER = 2;

/**
 * Standard errors and intervals from bootstrap draws (MATH 3, 14.9). Intervals for I are normal ones around Î: from d/n = 0.1 on
 * the draws spread more than Î does, so that they cover too often rather than too rarely, while percentiles of S_b miss S.
 * @param level of confidence, between 0 and 1.
 * @throws usage: a level that is none.
 */
export const bootstrapSummary = (
  { fit, influence }: Influence,
  draws: BootstrapDraws,
  level: number,
): BootstrapSummary => drawsSummary(influence, (u) => naturalHessianTimes(fit, u), draws, level);

/** The same for any model. @param I Î (d). @param naturalTimes u ↦ H_L u (d). */
export function drawsSummary(
  I: Float64Array,
  naturalTimes: (u: Float64Array) => Float64Array,
  draws: Pick<BootstrapDraws, "influence" | "sensitivity">,
  level: number,
): BootstrapSummary {
  if (!(level > 0 && level < 1)) throw usageError(`A level of confidence lies between 0 and 1, got ${level}.`);
  const { rows: B, columns: d } = draws.influence;
  const deviations = centred(draws.influence);
  const covariance = covarianceOf(deviations);
  const standardErrors = Float64Array.from({ length: d }, (_, j) => Math.sqrt(covariance.data[j * (d + 1)]));
  const S = 0.5 * dot(I, naturalTimes(I));
  const mean = draws.sensitivity.reduce((sum, value) => sum + value / B, 0);
  const squares = draws.sensitivity.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const debiased = 2 * S - mean;
  const sensitivityStandardError = Math.sqrt(squares / (B - 1));
  const around = (factor: number): ParameterBounds => ({
    lower: I.map((value, j) => value - factor * standardErrors[j]),
    upper: I.map((value, j) => value + factor * standardErrors[j]),
  });
  const wide = inflated(covariance, B);
  const found = wide && { covariance: wide, standardErrors, debiased, sensitivityStandardError };
  return {
    covariance,
    standardErrors,
    pointwise: around(normalQuantile(0.5 + level / 2)),
    simultaneous: around(quantile(largestDeviations(deviations, standardErrors), level)),
    debiased,
    sensitivityStandardError,
    sensitivity: found && curvatureInterval(I, naturalTimes, found, level),
  };
}

/** Of B draws (B×d): d×d, full. */
export const drawsCovariance = (draws: Matrix): Matrix => covarianceOf(centred(draws));

function covarianceOf({ data, rows: B, columns: d }: Matrix): Matrix {
  const covariance = Matrix.zeros(d, d);
  blas().syrk(d, B, 1 / (B - 1), data, d, 0, covariance.data, d);
  symmetrise(covariance);
  return covariance;
}

/** Rows less their mean (B×d). */
function centred({ data, rows, columns }: Matrix): Matrix {
  const out = new Matrix(data.slice(), rows, columns);
  for (let j = 0; j < columns; j++) {
    let mean = 0;
    for (let b = 0; b < rows; b++) mean += data[b * columns + j] / rows;
    for (let b = 0; b < rows; b++) out.data[b * columns + j] -= mean;
  }
  return out;
}

/** max_j |deviation_bj| / se_j for every draw (B). */
function largestDeviations({ data, rows, columns }: Matrix, standardErrors: Float64Array): Float64Array {
  const largest = new Float64Array(rows);
  for (let b = 0, at = 0; b < rows; b++) {
    for (let j = 0; j < columns; j++, at++) {
      if (standardErrors[j] > 0) largest[b] = Math.max(largest[b], Math.abs(data[at]) / standardErrors[j]);
    }
  }
  return largest;
}

/** The smallest value that at least the share `level` of them, and of one more, does not exceed. */
function quantile(values: Float64Array, level: number): number {
  const place = Math.ceil(level * (values.length + 1)) - 1;
  return values.toSorted()[Math.min(values.length - 1, place)];
}

/**
 * A covariance from B draws times (B − 1)/(B − d − 2): its inverse is too large by that factor, and so are distances measured
 * with it (Hotelling). null with too few draws.
 */
function inflated(covariance: Matrix, B: number): Matrix | null {
  const d = covariance.rows;
  if (B < DRAWS_PER_PARAMETER * d || B <= d + 2) return null;
  const factor = (B - 1) / (B - d - 2);
  return new Matrix(
    covariance.data.map((value) => factor * value),
    d,
    d,
  );
}
