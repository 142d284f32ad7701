import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { conjugateGradients } from "../solvers/conjugate-gradient.js";
import type { Fit } from "../solvers/fit.js";
import type { InverseHessian } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";

const INFLUENCE_TOLERANCE = 1e-10;
const MAXIMUM_ITERATIONS = 60;

/** Φ_{−k} at θ̂_{−k} for every attack: d×K each. */
export async function leaveOutPulls(
  full: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  outside: Float64Array,
  theta: Matrix,
  work?: Work,
): Promise<Matrix[]> {
  const folds = outside.length;
  const shared = full.model.map.sharedGradient && attacks.every(({ threat }) => threat.settings.bounds === null);
  const pulls = shared
    ? await sharedPulls(full, attacks, foldOf, outside, theta, work)
    : await rowwisePulls(full, attacks, foldOf, outside, theta, work);
  attacks.forEach((attack, a) => {
    const scales = leaveOutScales(attack, foldOf, outside);
    const { data } = pulls[a];
    for (let at = 0; at < data.length; at++) data[at] *= scales[at % folds];
  });
  return pulls;
}

/** c_{−k} (K): the mean sizes of the rows outside each fold. */
export function leaveOutScales(
  { fit, rowScales }: Influence,
  foldOf: Uint16Array,
  outside: Float64Array,
): Float64Array {
  const inside = new Float64Array(outside.length);
  let total = 0;
  for (let i = 0; i < foldOf.length; i++) {
    const size = fit.data.weights[i] * rowScales[i];
    inside[foldOf[i]] += size;
    total += size;
  }
  return inside.map((sum, k) => (total - sum) / outside[k]);
}

/** Linear scores: Φ/c = N Σ w ℓ'' sgn(ℓ') v + (Σ w |ℓ'|) Eφ(β), so one pass serves every norm and budget. */
async function sharedPulls(
  { model, data }: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  outside: Float64Array,
  theta: Matrix,
  work?: Work,
): Promise<Matrix[]> {
  const { map, loss } = model;
  const folds = outside.length;
  const slopeSizes = new Float64Array(folds);
  const { pull: signed } = await sweep(
    map,
    data,
    { theta, pull: folds, phase: "held-out influence" },
    ({ block: { y, w, firstRow }, scores, pull }) => {
      for (let i = 0, at = 0; i < y.length; i++) {
        const own = foldOf[firstRow + i];
        for (let k = 0; k < folds; k++, at++) {
          if (k === own) continue;
          const slope = loss.first(scores.data[at], y[i]);
          slopeSizes[k] += (w[i] * Math.abs(slope)) / outside[k];
          pull.data[at] = (w[i] * loss.second(scores.data[at], y[i]) * Math.sign(slope)) / outside[k];
        }
      }
    },
    work,
  );
  const noRows = { x: Matrix.zeros(0, map.inputs), y: new Float64Array(0), w: new Float64Array(0), firstRow: 0 };
  return attacks.map(({ threat }) => {
    const out = new Matrix(signed.data.slice(), map.count, folds);
    for (let k = 0; k < folds; k++) {
      const base = map.inputGradients(theta.column(k), noRows.x);
      const { base: phi, gain } = threat.respond({ slope: Float64Array.of(1), base }, noRows);
      const direction = new Float64Array(map.count);
      map.addJacobianPullback(noRows.x, phi, Float64Array.of(slopeSizes[k]), direction);
      for (let j = 0, at = k; j < map.count; j++, at += folds) out.data[at] = gain[0] * out.data[at] + direction[j];
    }
    return out;
  });
}

/** Gradients that differ by row: every fold looks at every block. */
async function rowwisePulls(
  { model, data }: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  outside: Float64Array,
  theta: Matrix,
  work?: Work,
): Promise<Matrix[]> {
  const { map, loss } = model;
  const folds = outside.length;
  const columns = Array.from({ length: folds }, (_, k) => theta.column(k));
  const jacobian = attacks.map(() => columns.map(() => new Float64Array(map.count)));
  const { pull } = await sweep(
    map,
    data,
    { theta, pull: folds * attacks.length, phase: "held-out influence" },
    ({ block, scores, pull: omega }) => {
      const { x, y, w, firstRow } = block;
      columns.forEach((column, k) => {
        const slope = y.map((target, i) => loss.first(scores.data[i * folds + k], target));
        const gradients = { slope, base: map.inputGradients(column, x) };
        const weights = w.map((weight, i) => (foldOf[firstRow + i] === k ? 0 : weight / outside[k]));
        attacks.forEach(({ threat }, a) => {
          const { sign, base, gain } = threat.respond(gradients, block);
          for (let i = 0; i < y.length; i++) {
            const along = slope[i] === 0 ? 0 : gain[i] / slope[i];
            omega.data[i * omega.columns + a * folds + k] =
              weights[i] * loss.second(scores.data[i * folds + k], y[i]) * along;
          }
          const onJacobian = weights.map((weight, i) => weight * slope[i] * sign[i]);
          map.addJacobianPullback(x, base, onJacobian, jacobian[a][k]);
        });
      });
    },
    work,
  );
  return attacks.map((_, a) => {
    const out = Matrix.zeros(map.count, folds);
    for (let j = 0; j < map.count; j++) {
      for (let k = 0; k < folds; k++) {
        out.data[j * folds + k] = pull.data[j * pull.columns + a * folds + k] + jacobian[a][k][j];
      }
    }
    return out;
  });
}

/** I_{−k} = −H_{−k}(θ̂_{−k})⁻¹Φ_{−k}, d×K: exact for squared losses, else by conjugate gradients with H_{−k}(θ̂) in front. */
export async function leaveOutInfluence(
  full: Fit,
  foldOf: Uint16Array,
  outside: Float64Array,
  inverse: readonly InverseHessian[],
  theta: Matrix,
  Phi: Matrix,
  work?: Work,
): Promise<Matrix> {
  const folds = outside.length;
  const solveEach = (right: Matrix): Matrix => asColumns(inverse.map((solver, k) => solver.solve(right.column(k))));
  const negative = new Matrix(
    Phi.data.map((value) => -value),
    Phi.rows,
    Phi.columns,
  );
  if (full.model.loss.quadratic) return solveEach(negative);
  const { model, data, ridge } = full;
  const curvatures = new Float64Array(data.rows * folds);
  await sweep(
    model.map,
    data,
    { theta, phase: "held-out influence" },
    ({ block: { y, w, firstRow }, scores }) => {
      for (let i = 0, at = 0; i < y.length; i++) {
        for (let k = 0; k < folds; k++, at++) {
          const weight = foldOf[firstRow + i] === k ? 0 : w[i] / outside[k];
          curvatures[firstRow * folds + at] = weight * model.loss.second(scores.data[at], y[i]);
        }
      }
    },
    work,
  );
  const product = async (vectors: Matrix): Promise<Matrix> => {
    const { pull } = await sweep(
      model.map,
      data,
      { theta: vectors, pull: folds, phase: "held-out influence" },
      ({ block, scores, pull: omega }) => {
        const offset = block.firstRow * folds;
        for (let at = 0; at < omega.data.length; at++) omega.data[at] = curvatures[offset + at] * scores.data[at];
      },
      work,
    );
    for (let j = 0, at = 0; j < ridge.length; j++) {
      for (let k = 0; k < folds; k++, at++) pull.data[at] += ridge[j] * vectors.data[at];
    }
    return pull;
  };
  const solved = await conjugateGradients(product, solveEach, negative, {
    tolerance: INFLUENCE_TOLERANCE,
    maximumIterations: MAXIMUM_ITERATIONS,
  });
  if (!solved.converged && inverse.every((solver) => solver.method === "cholesky")) {
    throw numericalError(
      `The held-out influence did not converge (relative residual ${solved.relativeResidual.toExponential(1)}): add a ridge such as l2 = 0.001, or evaluate on the training rows.`,
    );
  }
  return solved.solution;
}
