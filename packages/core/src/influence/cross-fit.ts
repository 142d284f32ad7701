import { AifError, numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { foldSums } from "../models/fold-sums.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { conjugateGradients } from "../solvers/conjugate-gradient.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "../solvers/inverse-hessian.js";
import { type Influence, influence } from "./aif.js";
import type { MovingRows } from "./moving-rows.js";

/** θ̂_{−k}, I_{−k} and c_{−k} of one fold: fitted on, and attacked on, the rows outside it. */
export interface FoldInfluence {
  readonly parameters: Float64Array;
  readonly influence: Float64Array;
  readonly scale: number;
}

/** Every row under the fit that has not seen it. */
export interface CrossFit extends MovingRows {
  readonly foldOf: Uint16Array;
  readonly folds: readonly FoldInfluence[];
  /** Folds without which the Hessian is singular: their influence is the least-norm one. */
  readonly singularFolds: number;
}

/** Fold Hessians are kept together while they fit this; otherwise folds are refitted one after the other. */
const FOLD_HESSIAN_BYTES = 512 * 2 ** 20;
const STEP_TOLERANCE = 1e-10;
const INFLUENCE_TOLERANCE = 1e-10;
const MAXIMUM_ITERATIONS = 60;

/**
 * Real cross-fitting (MATH 14.1) for several threats at once: for each fold the model is fitted on the other rows, its AIF
 * taken there, and the fold's rows evaluated under both. Fold Hessians come from one pass by leaving a fold's sums out; squared
 * losses are then solved exactly, others by Newton steps that share passes over the data among all folds.
 * @throws numerical: a fold without which the fit has no minimum.
 */
export async function crossFit(
  full: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  folds: number,
  work?: Work,
): Promise<CrossFit[]> {
  const d = full.model.map.count;
  if (folds * d * d * 8 > FOLD_HESSIAN_BYTES) return refitFolds(full, attacks, foldOf, folds, work);
  const outside = outsideWeights(full, foldOf, folds);
  const inverses = await leaveOutHessians(full, foldOf, outside, work);
  const theta = await leaveOutFits(full, foldOf, outside, inverses, work);
  const pulls = await leaveOutPulls(full, attacks, foldOf, outside, theta, work);
  const influences: Matrix[] = [];
  for (const Phi of pulls) influences.push(await leaveOutInfluence(full, foldOf, outside, inverses, theta, Phi, work));
  const rows = await ownFoldRows(full, foldOf, theta, influences, work);
  const singularFolds = inverses.inverse.filter((inverse) => inverse.method === "pseudo-inverse").length;
  return attacks.map((attack, a) => ({
    loss: full.model.loss,
    y: full.data.y,
    w: full.data.weights,
    scores: rows.scores,
    shifts: rows.shifts[a],
    foldOf,
    singularFolds,
    folds: Array.from({ length: folds }, (_, k) => ({
      parameters: theta.column(k),
      influence: influences[a].column(k),
      scale: leaveOutScale(attack, foldOf, k, outside[k]),
    })),
  }));
}

/** W_k: the weight outside each fold. */
function outsideWeights({ data }: Fit, foldOf: Uint16Array, folds: number): Float64Array {
  const outside = new Float64Array(folds).fill(1);
  for (let i = 0; i < foldOf.length; i++) outside[foldOf[i]] -= data.weights[i];
  const empty = outside.findIndex((weight) => !(weight > 1e-12));
  if (empty >= 0)
    throw numericalError(`Fold ${empty + 1} holds all the weight, so nothing is left to fit on: use fewer folds.`);
  return outside;
}

interface LeaveOut {
  readonly inverse: readonly InverseHessian[];
  readonly hessians: readonly Matrix[];
  /** d×K: ∇L_{−k}(θ̂) */
  readonly gradients: Matrix;
}

/** H_{−k}(θ̂) and ∇L_{−k}(θ̂) for every fold, from one pass. */
async function leaveOutHessians(full: Fit, foldOf: Uint16Array, outside: Float64Array, work?: Work): Promise<LeaveOut> {
  const { model, data, ridge, parameters, scores } = full;
  const d = model.map.count;
  const folds = outside.length;
  const { grams, pulls } = await foldSums(
    model.map,
    data,
    foldOf,
    folds,
    ({ y, w, firstRow }, omega, pi) => {
      for (let i = 0; i < y.length; i++) {
        omega[i] = w[i] * model.loss.second(scores[firstRow + i], y[i]);
        pi[i] = w[i] * model.loss.first(scores[firstRow + i], y[i]);
      }
    },
    work,
  );
  const total = Matrix.zeros(d, d);
  for (const gram of grams) for (let at = 0; at < total.data.length; at++) total.data[at] += gram.data[at];
  const gradients = Matrix.zeros(d, folds);
  for (let j = 0, at = 0; j < d; j++) {
    let sum = 0;
    for (let k = 0; k < folds; k++) sum += pulls.data[j * folds + k];
    for (let k = 0; k < folds; k++, at++) {
      gradients.data[at] = (sum - pulls.data[at]) / outside[k] + ridge[j] * parameters[j];
    }
  }
  grams.forEach((gram, k) => {
    for (let at = 0; at < total.data.length; at++) gram.data[at] = (total.data[at] - gram.data[at]) / outside[k];
    for (let j = 0; j < d; j++) gram.data[j * d + j] += ridge[j];
  });
  return { inverse: grams.map(invertHessian), hessians: grams, gradients };
}

/** θ̂_{−k} as the columns of a d×K matrix. */
async function leaveOutFits(
  full: Fit,
  foldOf: Uint16Array,
  outside: Float64Array,
  leaveOut: LeaveOut,
  work?: Work,
): Promise<Matrix> {
  const { model, data, ridge, parameters } = full;
  const folds = outside.length;
  const theta = asColumns(Array.from({ length: folds }, () => parameters));
  let { gradients } = leaveOut;
  for (let iteration = 0; iteration < MAXIMUM_ITERATIONS; iteration++) {
    const remaining = newtonSteps(theta, gradients, leaveOut);
    if (hasConstantHessian(full) || remaining <= STEP_TOLERANCE) return theta;
    const sums = await sweep(
      model.map,
      data,
      { theta, pull: folds, phase: "held-out fits" },
      ({ block: { y, w, firstRow }, scores, pull }) => {
        for (let i = 0, at = 0; i < y.length; i++) {
          const own = foldOf[firstRow + i];
          for (let k = 0; k < folds; k++, at++) {
            if (k !== own) pull.data[at] = (w[i] * model.loss.first(scores.data[at], y[i])) / outside[k];
          }
        }
      },
      work,
    );
    gradients = sums.pull;
    for (let j = 0, at = 0; j < ridge.length; j++) {
      for (let k = 0; k < folds; k++, at++) gradients.data[at] += ridge[j] * theta.data[at];
    }
  }
  throw numericalError(
    `The fit without one of the ${folds} folds has no minimum (its rows alone keep the classes from being separated): add a ridge such as --l2 0.001, or use --evaluation training.`,
  );
}

const hasConstantHessian = ({ model }: Fit): boolean =>
  model.loss.name === "squared" || model.loss.name === "half-squared";

/** θ_k ← θ_k − H_{−k}(θ̂)⁻¹∇_k for all folds; returns the largest step relative to θ, both in the H norm. */
function newtonSteps(theta: Matrix, gradients: Matrix, { inverse, hessians }: LeaveOut): number {
  const folds = theta.columns;
  let largest = 0;
  inverse.forEach((solver, k) => {
    const step = solver.solve(gradients.column(k));
    const before = theta.column(k);
    for (let j = 0; j < step.length; j++) theta.data[j * folds + k] -= step[j];
    const size = dot(before, hessianTimes(hessians[k], before));
    largest = Math.max(largest, Math.sqrt(dot(step, hessianTimes(hessians[k], step)) / (size > 0 ? size : 1)));
  });
  return largest;
}

/** Φ_{−k} at θ̂_{−k} for every attack: d×K each. */
async function leaveOutPulls(
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
    for (let k = 0; k < folds; k++) {
      const scale = leaveOutScale(attack, foldOf, k, outside[k]);
      for (let at = k; at < pulls[a].data.length; at += folds) pulls[a].data[at] *= scale;
    }
  });
  return pulls;
}

/** c_{−k}: the mean size of the rows outside fold k. */
function leaveOutScale({ fit, rowScales }: Influence, foldOf: Uint16Array, k: number, outside: number): number {
  let sum = 0;
  for (let i = 0; i < foldOf.length; i++) if (foldOf[i] !== k) sum += fit.data.weights[i] * rowScales[i];
  return sum / outside;
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
async function leaveOutInfluence(
  full: Fit,
  foldOf: Uint16Array,
  outside: Float64Array,
  { inverse }: LeaveOut,
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
  if (hasConstantHessian(full)) return solveEach(negative);
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
      `The held-out influence did not converge (relative residual ${solved.relativeResidual.toExponential(1)}): add a ridge such as --l2 0.001, or use --evaluation training.`,
    );
  }
  return solved.solution;
}

/** f_i and s_i of every row under its own fold's fit, one pass for all attacks. */
async function ownFoldRows(
  { model, data }: Fit,
  foldOf: Uint16Array,
  theta: Matrix,
  influences: readonly Matrix[],
  work?: Work,
): Promise<{ scores: Float64Array; shifts: Float64Array[] }> {
  const folds = theta.columns;
  const all = [theta, ...influences];
  const together = asColumns(all.flatMap((matrix) => Array.from({ length: folds }, (_, k) => matrix.column(k))));
  const out = all.map(() => new Float64Array(data.rows));
  await sweep(
    model.map,
    data,
    { theta: together, phase: "held-out rows" },
    ({ block: { y, firstRow }, scores }) => {
      for (let i = 0; i < y.length; i++) {
        const own = foldOf[firstRow + i];
        out.forEach((values, a) => {
          values[firstRow + i] = scores.data[i * scores.columns + a * folds + own];
        });
      }
    },
    work,
  );
  return { scores: out[0], shifts: out.slice(1) };
}

/** The same by one whole fit a fold, for models too large to keep K Hessians of. */
async function refitFolds(
  full: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  folds: number,
  work?: Work,
): Promise<CrossFit[]> {
  const { model, data, l2 } = full;
  const description = () => model;
  const perAttack = attacks.map(() => [] as FoldInfluence[]);
  let singularFolds = 0;
  for (let k = 0; k < folds; k++) {
    const rows = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k));
    try {
      const without = await fitModel(description, data.select(rows), { l2, signal: work?.signal });
      if (without.inverse.method === "pseudo-inverse") singularFolds++;
      for (const [a, { threat }] of attacks.entries()) {
        const attack = await influence(without, () => threat, { signal: work?.signal });
        perAttack[a].push({ parameters: without.parameters, influence: attack.influence, scale: attack.scale });
      }
    } catch (error) {
      if (error instanceof AifError && error.code === "numerical") {
        throw numericalError(`Without fold ${k + 1} of ${folds}: ${error.message}`);
      }
      throw error;
    }
    work?.onProgress?.({ phase: "held-out folds", done: k + 1, total: folds });
  }
  const theta = asColumns(perAttack[0].map((fold) => fold.parameters));
  const influences = perAttack.map((list) => asColumns(list.map((fold) => fold.influence)));
  const rows = await ownFoldRows(full, foldOf, theta, influences, work);
  return attacks.map((_, a) => ({
    loss: model.loss,
    y: data.y,
    w: data.weights,
    scores: rows.scores,
    shifts: rows.shifts[a],
    foldOf,
    folds: perAttack[a],
    singularFolds,
  }));
}
