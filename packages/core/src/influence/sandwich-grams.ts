import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { product } from "./sandwich-inverse.js";
import type { RowScalars } from "./sandwich-scalars.js";

/** The constant vectors of U_i = α_i v_i − ℓ'_i Qv_i + β_i e + s_i Φ + t. */
export interface SharedParts {
  /** e = Vφ, the same in every row. */
  readonly along: Float64Array;
  readonly penaltyGradient: Float64Array;
  readonly constant: Float64Array;
  readonly Q: Matrix;
}

/**
 * Σ ω_i U_i U_i' (d×d, full) for scores whose V_iφ is one vector e, without forming a U_i. With G(a) = Σ ω a² vv' and
 * z_i = β_i e + s_i Φ + t it is G_αα − G_αℓQ' − QG_αℓ + QG_ℓℓQ' + R + R' + Σω zz', R = Σω(α_i v_i − ℓ'_i Qv_i)z_i'. The mixed Gram is
 * G_αℓ = [G(α+λℓ') − G(α) − λ²G(ℓ')]/2λ, λ of the size at which both weigh alike.
 */
export async function gramOfScalars(
  fit: Fit,
  rows: RowScalars,
  parts: SharedParts,
  omega: Float64Array,
  work: Work,
): Promise<Matrix> {
  const balance = balanceOf(balanceSums(rows, omega));
  return gramFrom(await scalarSums(fit, rows, omega, balance, work), parts, balance);
}

/** What `gramOfScalars` takes from the rows: sums over them. */
export interface ScalarSums {
  /** Σωα²vv', Σωℓ'²vv', Σω(α+λℓ')²vv' (lower triangles) */
  readonly grams: readonly Matrix[];
  /** d×6: Σ ω (α, ℓ') ⊗ (β, s, 1) v */
  readonly pull: Matrix;
  /** Σω (ββ, βs, ss, β, s, 1) */
  readonly moments: Float64Array;
}

export async function scalarSums(
  { model: { map }, data }: Fit,
  { onFeatures, onJacobian, size, slope }: RowScalars,
  omega: Float64Array,
  balance: number,
  work: Work,
): Promise<ScalarSums> {
  const { grams, pull } = await sweep(
    map,
    data,
    { grams: 3, pull: 6, phase: "inference" },
    ({ block: { firstRow, y }, grams: [alphas, slopes, both], pull: sums }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const [weight, alpha, l, b, s] = [omega[row], onFeatures[row], slope[row], onJacobian[row], size[row]];
        alphas[i] = weight * alpha * alpha;
        slopes[i] = weight * l * l;
        both[i] = weight * (alpha + balance * l) ** 2;
        const at = 6 * i;
        sums.data[at] = weight * alpha * b;
        sums.data[at + 1] = weight * alpha * s;
        sums.data[at + 2] = weight * alpha;
        sums.data[at + 3] = weight * l * b;
        sums.data[at + 4] = weight * l * s;
        sums.data[at + 5] = weight * l;
      }
    },
    work,
  );
  return { grams, pull, moments: scalarMoments(onJacobian, size, omega) };
}

/** Σ ω_i U_i U_i' (d×d, full) from sums over all rows, which are used up. */
export function gramFrom({ grams, pull, moments }: ScalarSums, parts: SharedParts, balance: number): Matrix {
  const d = pull.rows;
  for (const gram of grams) symmetrise(gram);
  const [alphas, slopes, both] = grams;
  // B = ½QG_ℓℓQ' − QG_αℓ + R, so that the sum is G_αα + Σω zz' + B + B'.
  const inner = Matrix.zeros(d, d);
  const half = product(slopes, parts.Q, true);
  for (let at = 0; at < inner.data.length; at++) {
    const mixed = (both.data[at] - alphas.data[at] - balance * balance * slopes.data[at]) / (2 * balance);
    inner.data[at] = 0.5 * half.data[at] - mixed;
  }
  const B = product(parts.Q, inner);
  const z = [parts.along, parts.penaltyGradient, parts.constant];
  const featureSums = columnsOf(pull, 0);
  const slopeSums = product(parts.Q, columnsOf(pull, 3));
  const [bb, bs, ss, b1, s1, one] = moments;
  const products = [
    [bb, bs, b1],
    [bs, ss, s1],
    [b1, s1, one],
  ];
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) {
    for (let k = 0; k < d; k++) {
      let value = alphas.data[j * d + k] + B.data[j * d + k] + B.data[k * d + j];
      for (let a = 0; a < 3; a++) {
        value += (featureSums.data[3 * j + a] - slopeSums.data[3 * j + a]) * z[a][k];
        value += (featureSums.data[3 * k + a] - slopeSums.data[3 * k + a]) * z[a][j];
        for (let b = 0; b < 3; b++) value += products[a][b] * z[a][j] * z[b][k];
      }
      out.data[j * d + k] = value;
    }
  }
  return out;
}

/** Σωα², Σωℓ'² */
export function balanceSums({ onFeatures: alpha, slope }: RowScalars, omega: Float64Array): Float64Array {
  let [alphas, slopes] = [0, 0];
  for (let i = 0; i < omega.length; i++) {
    alphas += omega[i] * alpha[i] ** 2;
    slopes += omega[i] * slope[i] ** 2;
  }
  return Float64Array.of(alphas, slopes);
}

/** λ with Σω(λℓ')² = Σωα². */
export const balanceOf = ([alphas, slopes]: Float64Array): number =>
  alphas > 0 && slopes > 0 ? Math.sqrt(alphas / slopes) : 1;

function columnsOf(sums: Matrix, first: number): Matrix {
  const out = Matrix.zeros(sums.rows, 3);
  for (let j = 0; j < sums.rows; j++) for (let a = 0; a < 3; a++) out.data[3 * j + a] = sums.data[6 * j + first + a];
  return out;
}

/** Σω (ββ, βs, ss, β, s, 1) */
function scalarMoments(beta: Float64Array, size: Float64Array, omega: Float64Array): Float64Array {
  let [bb, bs, ss, b1, s1, one] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < omega.length; i++) {
    const [w, b, s] = [omega[i], beta[i], size[i]];
    bb += w * b * b;
    bs += w * b * s;
    ss += w * s * s;
    b1 += w * b;
    s1 += w * s;
    one += w;
  }
  return Float64Array.of(bb, bs, ss, b1, s1, one);
}
