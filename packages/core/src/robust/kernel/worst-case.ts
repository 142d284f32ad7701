import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { combined, product, scaledRows } from "../../linalg/products.js";
import { gramOf, type KernelPoints, kernelPoints } from "../../models/kernel/kernel.js";
import { squaredDistances } from "../../models/kernel/kernel-ridge.js";
import { placeGradients } from "../../models/kernel/place-gradients.js";
import { type AttackSurface, furthestOnSphere, toLength } from "../../models/kernel/sphere.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import type { KernelFit } from "../../solvers/kernel-fit.js";
import type { Threat } from "../../threats/threat.js";
import { PerturbationSet } from "../perturbation-set.js";

/** Rows of a kernel regression under the worst attack that was found. */
export interface KernelWorstCase {
  /** x + δ (n×m) */
  readonly moved: KernelPoints;
  /** K(x_i+δ_i, x_j+δ_j), or K(x_i+δ_i, x_j) where centres stay (n×n). */
  readonly gram: Matrix;
  /** f − y there (n×k) */
  readonly residuals: Matrix;
  /** Σw‖f−y‖², and with it λθ'Kθ where that moves too: what the adversary raises. */
  readonly value: number;
  /** Σ g_i·(δ⁺_i − δ_i) with δ⁺ the best answer to the gradients, and relative to Σ g_i·δ⁺_i: 0 where no small step gains. */
  readonly gap: number;
  readonly relativeGap: number;
  readonly steps: number;
}

export interface JointSearch extends Work {
  /** Default "ball". */
  readonly surface?: AttackSurface | undefined;
  /** Default 50. */
  readonly steps?: number;
  /** Of the relative gap; default 1e-9. */
  readonly tolerance?: number;
  /** x + δ to begin at (n×m); default: the rows themselves. */
  readonly start?: Matrix | undefined;
}

/** Halvings of a step before the search gives up on a direction. */
const HALVINGS = 12;

/**
 * The worst attack on all rows at once, by gradient ascent over the whole of it: every row goes to the best answer to its
 * gradient, which is where the next gradient is taken, and less far where that does not raise the loss. Where centres move,
 * each row's attack changes every other row's loss; where they stay, rows are searched one by one, in parallel. It finds a
 * local maximum, a lower bound of the worst case.
 * @param theta n×k
 * @throws usage: a radius that makes no sense; cancelled.
 */
export async function kernelWorstCase(
  fit: KernelFit,
  theta: Matrix,
  threat: Threat,
  radius: number,
  { surface = "ball", steps = 50, tolerance = 1e-9, start, ...work }: JointSearch = {},
): Promise<KernelWorstCase> {
  if (!(radius >= 0 && radius < Infinity)) throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
  const slices = timeSlices(work);
  const reach = reachOf(fit, threat, radius, surface);
  let now = stateAt(fit, theta, start ?? fit.points.x);
  let [gap, relativeGap, taken] = [0, 0, 0];
  for (; taken < steps; taken++) {
    if (slices.due()) await slices.pause({ phase: "joint attack", done: taken, total: steps });
    const g = await placeGradients({ ...now, theta, weights: fit.weights }, fit, work);
    const answer = reach.answer(g, now.moved.x);
    gap = answer.gains.reduce((sum, gain) => sum + Math.max(0, gain), 0);
    relativeGap = answer.reach > 0 ? gap / answer.reach : 0;
    if (relativeGap <= tolerance) break;
    const next = risen(fit, theta, now, answer, reach);
    if (next === null) break;
    now = next;
  }
  const { moved, gram, residuals, value } = now;
  return { moved, gram, residuals, value, gap, relativeGap, steps: taken };
}

interface State extends Pick<KernelWorstCase, "moved" | "gram" | "residuals" | "value"> {
  readonly centres: KernelPoints;
  /** n: w_i‖f_i − y_i‖² */
  readonly rows: Float64Array;
}

function stateAt(fit: KernelFit, theta: Matrix, x: Matrix): State {
  const { kernel, points, y, weights, centres: rule, penalty, ridge } = fit;
  const moved = kernelPoints(x);
  const centres = rule === "move" ? moved : points;
  const gram = gramOf(kernel, moved, centres);
  const f = product(gram, theta);
  const residuals = combined(1, f, -1, y);
  const rows = squaredDistances(f, y).map((square, i) => weights[i] * square);
  const natural = rows.reduce((sum, value) => sum + value, 0);
  const complexity = rule === "move" && penalty === "rkhs" ? ridge * dot(theta.data, f.data) : 0;
  return { moved, centres, gram, residuals, rows, value: natural + complexity };
}

interface Answer {
  /** n×m */
  readonly target: Matrix;
  /** n: g_i·(target_i − moved_i) */
  readonly gains: Float64Array;
  /** Σ g_i·(target_i − x_i) */
  readonly reach: number;
}

interface Reach {
  answer(g: Matrix, moved: Matrix): Answer;
  /** Between two allowed places. */
  between(from: Matrix, to: Matrix, shares: Float64Array): Matrix;
}

/** The places that rows may move to. */
function reachOf({ points: { x, squares } }: KernelFit, threat: Threat, radius: number, surface: AttackSurface): Reach {
  const set = new PerturbationSet(threat.settings, radius);
  const delta = new Float64Array(x.columns);
  const furthest = (g: Float64Array, i: number, out: Float64Array): number => {
    if (surface === "sphere") return furthestOnSphere(g, x.row(i), radius, out);
    const gain = set.furthest(g, x.row(i), delta);
    set.moveRow(x.row(i), delta, out);
    return gain;
  };
  return {
    answer(g, moved) {
      const target = Matrix.zeros(x.rows, x.columns);
      const gains = new Float64Array(x.rows);
      let reach = 0;
      for (let i = 0; i < x.rows; i++) {
        const [slope, here, there] = [g.row(i), moved.row(i), target.row(i)];
        reach += furthest(slope, i, there);
        for (let k = 0; k < slope.length; k++) gains[i] += slope[k] * (there[k] - here[k]);
      }
      return { target, gains, reach };
    },
    between(from, to, shares) {
      const out = combined(1, from, 1, scaledRows(combined(1, to, -1, from), shares));
      if (surface === "sphere") for (let i = 0; i < out.rows; i++) toLength(out.row(i), Math.sqrt(squares[i]));
      return out;
    },
  };
}

/** A place with a larger loss on the way to the answer: for all rows alike, or for each row where rows do not couple. */
function risen(fit: KernelFit, theta: Matrix, now: State, { target, gains }: Answer, reach: Reach): State | null {
  const shares = new Float64Array(gains.length).fill(1);
  const coupled = fit.centres === "move";
  for (let k = 0; k < HALVINGS; k++) {
    const next = stateAt(fit, theta, reach.between(now.moved.x, target, shares));
    if (coupled) {
      if (next.value > now.value) return next;
      shares.fill(shares[0] / 2);
      continue;
    }
    let open = 0;
    shares.forEach((share, i) => {
      if (share === 0 || next.rows[i] >= now.rows[i]) return;
      shares[i] = k === HALVINGS - 2 ? 0 : share / 2;
      open++;
    });
    if (open === 0) return next.value > now.value ? next : null;
  }
  return null;
}
