import { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { maximumMagnitude } from "../threats/norms.js";
import { allocate, oneRowGain } from "./emp-allocation.js";
import type { RobustProblem } from "./optimum-problem.js";
import type { RowSums } from "./optimum-rows.js";

/** The corners that are rounded off: |f − y| of squared losses, and the maximum over rows at u = 1. 0 leaves them sharp. */
export interface EmpWidths {
  readonly rows: number;
  readonly atoms: number;
}

/** The value V of the transport problem at θ and its derivatives in the scores f_i and R = ρN, summed over rows. */
export interface EmpSums extends RowSums {
  /** The Hessian also gains factor·xx', x = vector + along·ρ∂N. */
  readonly corrections: readonly { readonly vector: Float64Array; readonly along: number; readonly factor: number }[];
  /** No inner maximum is worth more (see `allocate`). */
  readonly upper: number;
  /** How much `widths` may have raised V. */
  readonly rounding: number;
}

/** What one row adds: derivatives in its score f and in R, Danskin's and (through how α follows) second ones. */
interface RowTerms {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly cross: Float64Array;
  /** ∂(budget price)/∂f: what enters the correction. */
  readonly coupling: Float64Array;
  push: number;
  bend: number;
  along: number;
  factor: number;
}

/** Alphas this close to the largest that a row may take are there. */
const AT_MOST = 1e-14;
/** With this much of the soft maximum on one row it is the maximum. */
const ALONE = 1 - 1e-12;

/** Two passes over the data and one inner maximum. @param reach R. */
export async function empSums(
  problem: RobustProblem,
  theta: Float64Array,
  reach: number,
  u: number,
  widths: EmpWidths,
  work?: Work,
): Promise<EmpSums> {
  const { model, data } = problem.fit;
  const { map, loss } = model;
  const { y, weights: w } = data;
  const natural = new Float64Array(data.rows);
  await sweep(
    map,
    data,
    { theta: asColumn(theta), phase: "robust optimum" },
    (rows) => natural.set(rows.scores.data, rows.block.firstRow),
    work,
  );
  const rounded = roundResiduals(loss, natural, y, widths.rows);
  const { scores } = rounded;
  const { alpha, value, upper } = allocate(loss, scores, y, w, reach, u);
  const terms = emptyTerms(data.rows);
  let total = value;
  if (u === 1 && reach > 0 && widths.atoms > 0) total = softMaximum(terms, loss, scores, y, w, reach, widths.atoms);
  else fillTerms(terms, loss, scores, y, w, alpha, reach, u);
  const { tilt, curvature } = rounded;
  let slopeSquares = 0;
  let lifted = 0;
  const negative: number[] = [];
  const { pull, grams } = await sweep(
    map,
    data,
    { pull: 3, grams: 1, phase: "robust optimum" },
    ({ block, pull: omega, grams: [gram] }) => {
      for (let i = 0; i < block.y.length; i++) {
        const row = block.firstRow + i;
        const kappa = tilt ? tilt[row] : 1;
        const slope = kappa * terms.first[row];
        if (w[row] > 0) slopeSquares += (slope * slope) / w[row];
        omega.data[3 * i] = slope;
        omega.data[3 * i + 1] = kappa * terms.cross[row];
        omega.data[3 * i + 2] = kappa * terms.coupling[row];
        const bent = kappa * kappa * terms.second[row] + (curvature ? curvature[row] * terms.first[row] : 0);
        if (curvature) lifted += Math.abs(terms.first[row]) * widths.rows;
        // A Gram matrix is summed with weights ≥ 0; the one row whose gain is convex comes apart.
        if (bent >= 0) gram[i] = bent;
        else negative.push(row);
      }
    },
    work,
  );
  const d = map.count;
  const column = (k: number): Float64Array => Float64Array.from({ length: d }, (_, j) => pull.data[3 * j + k]);
  const corrections = [{ vector: column(2), along: terms.along, factor: terms.factor }];
  if (negative.length > 0) {
    const v: Matrix = problem.rowFeatures(negative);
    negative.forEach((row, k) => {
      const kappa = tilt ? tilt[row] : 1;
      const factor = kappa * kappa * terms.second[row] + (curvature ? curvature[row] * terms.first[row] : 0);
      corrections.push({ vector: v.row(k).slice(), along: 0, factor });
    });
  }
  return {
    scores: natural,
    loss: total,
    slope: column(0),
    cross: column(1),
    gram: grams[0],
    push: terms.push,
    bend: terms.bend,
    slopeSize: Math.sqrt(slopeSquares),
    corrections,
    upper: upper + (total - value),
    rounding: lifted,
  };
}

const emptyTerms = (n: number): RowTerms => ({
  first: new Float64Array(n),
  second: new Float64Array(n),
  cross: new Float64Array(n),
  coupling: new Float64Array(n),
  push: 0,
  bend: 0,
  along: 0,
  factor: 0,
});

/**
 * With stationary α the row's condition Rσℓ' = νuα^{u−1} and the budget Σ w α^u = 1 give dα and dν by implicit differentiation:
 * D = R²ℓ'' − νu(u−1)α^{u−2} = (Rσℓ'/α)(E − (u−1)), D dα = uα^{u−1}dν − p df − q dR with p = Rσℓ'', q = σℓ' + Rαℓ''.
 */
function fillTerms(
  terms: RowTerms,
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  w: Float64Array,
  alpha: Float64Array,
  R: number,
  u: number,
): void {
  let tension = 0;
  scores.forEach((f, i) => {
    if (!(w[i] > 0)) return;
    const a = alpha[i];
    const side = loss.worseEnd(f, y[i], R * a);
    const moved = f + side * R * a;
    const slope = side * loss.first(moved, y[i]);
    const second = loss.second(moved, y[i]);
    terms.first[i] = w[i] * side * slope;
    terms.push += w[i] * a * slope;
    terms.second[i] = w[i] * second;
    if (R === 0) return;
    const p = R * side * second;
    const q = slope + R * a * second;
    terms.cross[i] = w[i] * second * side * a;
    terms.bend += w[i] * second * a * a;
    const held = !Number.isFinite(u) || u === 1 || !(a > 0) || a >= (1 - AT_MOST) * w[i] ** (-1 / u) || !(slope > 0);
    if (held) return;
    const D = ((R * slope) / a) * ((R * a * second) / slope - (u - 1));
    const price = u * a ** (u - 1);
    terms.second[i] -= (w[i] * p * p) / D;
    terms.cross[i] -= (w[i] * p * q) / D;
    terms.bend -= (w[i] * q * q) / D;
    terms.coupling[i] = (w[i] * price * p) / D;
    terms.along += (w[i] * price * q) / D;
    tension += (w[i] * price * price) / D;
  });
  terms.factor = tension === 0 ? 0 : 1 / tension;
}

/** u = 1: τ log Σ e^{gain_i/τ} in place of the largest gain. Returns V. */
function softMaximum(
  terms: RowTerms,
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  w: Float64Array,
  R: number,
  width: number,
): number {
  const gains = scores.map((f, i) => (w[i] > 0 ? oneRowGain(loss, f, y[i], w[i], R) : Number.NEGATIVE_INFINITY));
  const largest = gains.reduce((a, b) => Math.max(a, b));
  const parts = gains.map((gain) => Math.exp((gain - largest) / width));
  const sum = parts.reduce((a, b) => a + b, 0);
  const alone = maximumMagnitude(parts) / sum >= ALONE;
  let value = largest + width * Math.log(sum);
  scores.forEach((f, i) => {
    if (!(w[i] > 0)) return;
    const share = parts[i] / sum;
    const side = loss.worseEnd(f, y[i], R / w[i]);
    const moved = f + (side * R) / w[i];
    const [first, second] = [loss.first(moved, y[i]), loss.second(moved, y[i])];
    const [still, bent] = [loss.first(f, y[i]), loss.second(f, y[i])];
    const inScore = w[i] * (first - still);
    const inReach = side * first;
    value += w[i] * loss.value(f, y[i]);
    terms.first[i] = w[i] * still + share * inScore;
    terms.push += share * inReach;
    terms.second[i] = w[i] * (bent + share * (second - bent));
    terms.cross[i] = share * side * second;
    terms.bend += (share * second) / w[i];
    if (alone) return;
    terms.second[i] += (share * inScore * inScore) / width;
    terms.cross[i] += (share * inScore * inReach) / width;
    terms.bend += (share * inReach * inReach) / width;
    terms.coupling[i] = share * inScore;
    terms.along += share * inReach;
  });
  if (!alone) terms.factor = -1 / width;
  return value;
}

/** y ± √(r² + width²) for squared losses, with its slope and curvature in f. */
function roundResiduals(
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  width: number,
): { scores: Float64Array; tilt: Float64Array | null; curvature: Float64Array | null } {
  if (!(width > 0 && loss.quadratic)) return { scores, tilt: null, curvature: null };
  const tilt = new Float64Array(scores.length);
  const curvature = new Float64Array(scores.length);
  const rounded = scores.map((f, i) => {
    const r = f - y[i];
    const size = Math.hypot(r, width);
    const side = r >= 0 ? 1 : -1;
    tilt[i] = (side * r) / size;
    curvature[i] = (side * (width / size) * (width / size)) / size;
    return y[i] + side * size;
  });
  return { scores: rounded, tilt, curvature };
}
