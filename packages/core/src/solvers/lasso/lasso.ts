import type { Dataset } from "../../data/dataset.js";
import { inputError, usageError } from "../../errors.js";
import { ensureBlas } from "../../linalg/backend.js";
import { Matrix } from "../../linalg/matrix.js";
import { LinearMap } from "../../models/linear-map.js";
import type { ModelDescription, ScoreModel } from "../../models/score-model.js";
import type { Work } from "../../parallel/work.js";
import { type Fit, fit, prepareFit, refuseConstantTargets, startingPoint } from "../fit.js";
import { type InverseHessian, invertHessian } from "../inverse-hessian.js";
import { basicSolution } from "./basic-solution.js";
import { principalPart } from "./feature-sign.js";
import { lassoGap } from "./gap.js";
import { minimiseSparse, type SparseOptimum } from "./minimise.js";
import { restrictedPart, type SparseProblem, smoothPart } from "./problem.js";

/** The penalties of a fit with an l1 norm, and where it begins. */
export interface LassoOptions extends Work {
  /** λ of the penalty λ Σ|θ_j| on all parameters but the intercept. */
  readonly l1: number;
  /** λ₂ of the ridge ½λ₂ Σθ_j² beside it (the elastic net). */
  readonly l2?: number;
  /** d: where the search begins (default: all zeros). */
  readonly start?: Float64Array;
}

/** |∂_jL| within this share of λ is λ. */
export const BOUNDARY = 1e-9;

/**
 * The lasso and the elastic net of a score model: argmin Σ w l + ½λ₂ Σθ_j² + λ Σ|θ_j|, the sums over all parameters but the
 * intercept. There may be more parameters than rows: nothing of size d×d is formed.
 * @throws usage: λ < 0. input: targets the loss is not defined for. numerical: no minimum (all targets alike), or not reached.
 */
export async function lasso(description: ModelDescription, data: Dataset, options: LassoOptions): Promise<Fit> {
  const { l1, l2 = 0, start, ...work } = options;
  if (!(l1 >= 0 && l1 < Infinity)) throw usageError(`The penalty l1 must be a number ≥ 0, got ${l1}.`);
  if (l1 === 0) return fit(description, data, { l2, ...(start ? { start } : {}), ...work });
  const { problem, zeros, largestL1 } = await sparseGround(description, data, l1, l2, work);
  const begin = l1 >= largestL1 ? zeros : (start ?? zeros);
  return finish(problem, l1, l2, largestL1, await minimiseSparse(problem, begin, work), work);
}

/** The values of λ that a path of l1 penalties is solved for. */
export interface LassoPathOptions extends Work {
  /** The λ to solve for; default: `points` values from the largest down, evenly in log λ. */
  readonly l1?: readonly number[];
  readonly l2?: number;
  /** How many values (default 30). */
  readonly points?: number;
  /** The smallest λ as a share of the largest (default 0.001, or 0.01 with more parameters than rows). */
  readonly ratio?: number;
}

/** The lasso at falling λ. */
export interface LassoPath {
  /** The smallest λ at which every penalised parameter is 0. */
  readonly largestL1: number;
  /** One for each λ, the largest first; each begins at the one before. `sparse.selected` names the parameters that are not 0. */
  readonly fits: readonly Fit[];
}

/**
 * The path of lasso fits from λ_max, where all parameters are 0, to smaller λ with warm starts: which features a linear model would
 * take first. @throws as `lasso`; usage: λ that are not above 0.
 */
export async function lassoPath(
  description: ModelDescription,
  data: Dataset,
  options: LassoPathOptions = {},
): Promise<LassoPath> {
  const { l1, l2 = 0, points = 30, ratio, ...work } = options;
  const ground = await sparseGround(description, data, 1, l2, work);
  const { model, ridge } = ground.problem;
  const { largestL1, zeros } = ground;
  const smallest = ratio ?? (model.map.count > data.rows ? 0.01 : 0.001);
  if (!(smallest > 0 && smallest < 1)) throw usageError(`The ratio must be between 0 and 1, got ${smallest}.`);
  if (!(Number.isInteger(points) && points >= 1)) throw usageError(`A path needs 1 point or more, got ${points}.`);
  const list = l1 ?? Array.from({ length: points }, (_, k) => largestL1 * smallest ** (k / Math.max(1, points - 1)));
  const bad = list.find((value) => !(value > 0 && value < Infinity));
  if (bad !== undefined) throw usageError(`Every l1 on a path must be a number above 0, got ${bad}.`);
  const fits: Fit[] = [];
  let theta = zeros;
  for (const value of [...list].toSorted((a, b) => b - a)) {
    work.onProgress?.({ phase: "lasso path", done: fits.length, total: list.length });
    const problem = { model, data, ridge, penalties: penaltiesOf(model, value) };
    const begin = value >= largestL1 ? zeros : theta;
    const signal = work.signal ? { signal: work.signal } : {};
    const found = await minimiseSparse(problem, begin, signal);
    fits.push(await finish(problem, value, l2, largestL1, found, signal));
    ({ theta } = found);
  }
  return { largestL1, fits };
}

/** λ_max = max_j |∂_jL| over the penalised parameters where they are all 0. */
async function sparseGround(
  description: ModelDescription,
  data: Dataset,
  l1: number,
  l2: number,
  work: Work,
): Promise<{ problem: SparseProblem; zeros: Float64Array; largestL1: number }> {
  await ensureBlas();
  const { model, ridge } = prepareFit(description, data, { l2 });
  if (data.rows < 2) throw inputError("One row cannot determine a model: use more rows.");
  if (model.map.intercept) refuseConstantTargets(model, data);
  const problem = { model, data, ridge, penalties: penaltiesOf(model, l1) };
  const zeros = startingPoint(model, data);
  const { gradient } = await smoothPart(problem, zeros, work);
  const largestL1 = gradient.reduce((most, g, j) => (problem.penalties[j] > 0 ? Math.max(most, Math.abs(g)) : most), 0);
  return { problem, zeros, largestL1 };
}

/**
 * The same lasso on some of its parameters alone, the others held at 0: what robust training collapses to.
 * @param free d, 1 where a parameter may be other than 0.
 */
export async function lassoFree(
  { model, data, ridge, sparse }: Fit,
  free: Uint8Array,
  work: Work = {},
): Promise<{ theta: Float64Array; scores: Float64Array; residual: number }> {
  const penalties = penaltiesOf(model, sparse?.l1 ?? 0).map((value, j) => (free[j] ? value : Infinity));
  const optimum = await minimiseSparse({ model, data, ridge, penalties }, startingPoint(model, data), work);
  return { theta: optimum.theta, scores: optimum.smooth.scores, residual: optimum.residual };
}

function penaltiesOf({ map }: ScoreModel, l1: number): Float64Array {
  const penalties = new Float64Array(map.count).fill(l1);
  if (map.intercept) penalties[0] = 0;
  return penalties;
}

/** The fit with H on the parameters that can respond. */
async function finish(
  problem: SparseProblem,
  l1: number,
  l2: number,
  largestL1: number,
  found: SparseOptimum,
  work: Work,
): Promise<Fit> {
  const { model, data, ridge, penalties } = problem;
  const optimum = await basicOptimum(problem, found, work);
  const { theta, smooth, objective, residual, iterations } = optimum;
  const indices = [...theta.keys()];
  const selected = indices.filter((j) => penalties[j] > 0 && theta[j] !== 0);
  const near = indices.filter(
    (j) => penalties[j] > 0 && theta[j] === 0 && Math.abs(smooth.gradient[j]) >= (1 - BOUNDARY) * penalties[j],
  );
  const free = indices.filter((j) => penalties[j] === 0 || theta[j] !== 0);
  let support = [...free, ...near].toSorted((i, j) => i - j);
  let { hessian, inverse } = await hessianOn(problem, support, theta, work);
  const unique = inverse.method !== "pseudo-inverse";
  // Copies of what is selected do not enter beside it: the solution that leaves them at 0 is followed.
  const boundary = unique ? near : [];
  if (!unique && near.length > 0) {
    support = free;
    ({ hessian, inverse } = await hessianOn(problem, support, theta, work));
  }
  const gap = await lassoGap(problem, optimum, work);
  return {
    model,
    data,
    l2,
    ridge,
    parameters: theta,
    scores: smooth.scores,
    trainingLoss: smooth.loss,
    gradient: smooth.gradient,
    gradientNorm: residual,
    iterations,
    hessian,
    inverse: embeddedInverse(inverse, support, theta.length),
    sparse: {
      l1,
      largestL1,
      selected,
      boundary,
      support,
      inputs: inputsOf(problem, support),
      unique,
      relativeGap: gap / (Math.abs(objective) || Number.MIN_VALUE),
    },
  };
}

/** The same optimum where H is regular on what is not 0; else another one that is as good, of which that is true. */
async function basicOptimum(problem: SparseProblem, optimum: SparseOptimum, work: Work): Promise<SparseOptimum> {
  const { theta } = optimum;
  const { penalties } = problem;
  const free = [...theta.keys()].filter((j) => penalties[j] === 0 || theta[j] !== 0);
  const { hessian, inverse } = await hessianOn(problem, free, theta, work);
  if (inverse.method === "cholesky") return optimum;
  return minimiseSparse(problem, basicSolution(hessian, free, theta, penalties), work);
}

/** The inputs that some of the parameters depend on. */
function inputsOf({ model: { map }, data }: SparseProblem, parameters: readonly number[]): Uint8Array {
  const inputs = new Uint8Array(map.inputs);
  if (map instanceof LinearMap) {
    for (const j of parameters) if (j > 0 || !map.intercept) inputs[map.intercept ? j - 1 : j] = 1;
    return inputs;
  }
  const direction = Matrix.zeros(1, map.inputs);
  // A basis depends on an input wherever its derivative is not 0 by chance: one block of rows tells.
  for (const { x } of data.blocks()) {
    for (let k = 0; k < map.inputs; k++) {
      direction.data[k] = 1;
      const slopes = map.jacobianTimes(x, direction);
      for (let i = 0; i < slopes.rows && inputs[k] === 0; i++) {
        if (parameters.some((j) => slopes.data[i * slopes.columns + j] !== 0)) inputs[k] = 1;
      }
      direction.data[k] = 0;
    }
    break;
  }
  return inputs;
}

async function hessianOn(problem: SparseProblem, support: readonly number[], theta: Float64Array, work: Work) {
  const values = Float64Array.from(support, (j) => theta[j]);
  const { hessian } = await restrictedPart(problem, support, values, true, work);
  if (hessian === null) throw new Error("A pass that was asked for a Hessian has one.");
  return { hessian, inverse: invertHessian(hessian) };
}

/** The same fit where some zeros of the boundary are known to stay: they leave the support. */
export function holdAtZero(fit: Fit, staying: readonly number[]): Fit {
  const { sparse } = fit;
  if (!sparse) return fit;
  const held = new Set(staying);
  const kept = [...sparse.support.keys()].filter((a) => !held.has(sparse.support[a]));
  const support = kept.map((a) => sparse.support[a]);
  const hessian = principalPart(fit.hessian, kept);
  return {
    ...fit,
    hessian,
    inverse: embeddedInverse(invertHessian(hessian), support, fit.parameters.length),
    sparse: { ...sparse, support, boundary: sparse.boundary.filter((j) => !held.has(j)) },
  };
}

/** The inverse on some of d parameters, 0 on the others. */
function embeddedInverse(inverse: InverseHessian, support: readonly number[], d: number): InverseHessian {
  const gather = (x: Float64Array): Float64Array => Float64Array.from(support, (j) => x[j]);
  const spread = (part: Float64Array): Float64Array => {
    const out = new Float64Array(d);
    support.forEach((j, a) => {
      out[j] = part[a];
    });
    return out;
  };
  return {
    method: inverse.method,
    rank: inverse.rank,
    solve: (b) => spread(inverse.solve(gather(b))),
    solveRoughly: (b) => spread(inverse.solveRoughly(gather(b))),
    relativeResidual: (x, b) => inverse.relativeResidual(gather(x), gather(b)),
    nullResidual: (b) => inverse.nullResidual(gather(b)),
    leftOut: (b) => inverse.leftOut(gather(b)),
    dualLength: (b) => inverse.dualLength(gather(b)),
  };
}
