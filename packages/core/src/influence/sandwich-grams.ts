import { Matrix } from "../linalg/matrix.js";
import { columnRange } from "../linalg/products.js";
import { symmetrise } from "../linalg/symmetric.js";
import { asColumns } from "../models/sweep.js";
import { type Ask, sweepFor } from "../models/sweep-together.js";
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
  rows: RowScalars,
  omega: Float64Array,
  balance: number,
  work: Work,
): Promise<ScalarSums> {
  const sums = await sweepFor(map, data, "inference", scalarAsk(rows, omega, balance), work);
  return { ...sums, moments: scalarMoments(rows, omega) };
}

/** What `ScalarSums` asks of a pass over the rows, beside the moments. */
export const scalarAsk = (
  { onFeatures, onJacobian, size, slope }: RowScalars,
  omega: Float64Array,
  balance: number,
): Ask => ({
  grams: 3,
  pull: 6,
  visit({ block: { firstRow, y }, grams: [alphas, slopes, both], pull: { data, stride, first } }) {
    for (let i = 0, row = firstRow, at = first; i < y.length; i++, row++, at += stride) {
      const l = slope[row];
      const sum = onFeatures[row] + balance * l;
      const alpha = omega[row] * onFeatures[row];
      const weighted = omega[row] * l;
      alphas[i] = alpha * onFeatures[row];
      slopes[i] = weighted * l;
      both[i] = omega[row] * sum * sum;
      data[at] = alpha * onJacobian[row];
      data[at + 1] = alpha * size[row];
      data[at + 2] = alpha;
      data[at + 3] = weighted * onJacobian[row];
      data[at + 4] = weighted * size[row];
      data[at + 5] = weighted;
    }
  },
});

/** Σ ω_i U_i U_i' (d×d, full) from sums over all rows, whose Gram matrices are made full. */
export function gramFrom({ grams, pull, moments }: ScalarSums, parts: SharedParts, balance: number): Matrix {
  const d = pull.rows;
  for (const gram of grams) symmetrise(gram);
  const [alphas, slopes, both] = grams.map(({ data }) => data);
  // B = ½QG_ℓℓQ' − QG_αℓ and Y = R + ½Σω z, so that the sum is G_αα + B + B' + Yz' + zY'.
  const inner = product(grams[1], parts.Q, true);
  for (let at = 0; at < inner.data.length; at++) {
    const mixed = (both[at] - alphas[at] - balance * balance * slopes[at]) / (2 * balance);
    inner.data[at] = 0.5 * inner.data[at] - mixed;
  }
  const B = product(parts.Q, inner).data;
  const z = asColumns([parts.along, parts.penaltyGradient, parts.constant]);
  const [bb, bs, ss, b1, s1, one] = moments.map((moment) => 0.5 * moment);
  const halves = Matrix.fromRows([
    [bb, bs, b1],
    [bs, ss, s1],
    [b1, s1, one],
  ]);
  const featureSums = columnRange(pull, 0, 3).data;
  const slopeSums = product(parts.Q, columnRange(pull, 3, 6)).data;
  const Y = product(z, halves);
  for (let at = 0; at < Y.data.length; at++) Y.data[at] += featureSums[at] - slopeSums[at];
  const crossed = product(Y, z, true).data;
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) {
    for (let k = 0; k <= j; k++) {
      const lower = j * d + k;
      const upper = k * d + j;
      out.data[lower] = alphas[lower] + B[lower] + B[upper] + crossed[lower] + crossed[upper];
    }
  }
  return symmetrise(out);
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

/** Σω (ββ, βs, ss, β, s, 1) */
export function scalarMoments({ onJacobian: beta, size }: RowScalars, omega: Float64Array): Float64Array {
  let [bb, bs, ss, b1, s1, one] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < omega.length; i++) {
    const w = omega[i];
    const b = beta[i];
    const s = size[i];
    bb += w * b * b;
    bs += w * b * s;
    ss += w * s * s;
    b1 += w * b;
    s1 += w * s;
    one += w;
  }
  return Float64Array.of(bb, bs, ss, b1, s1, one);
}
