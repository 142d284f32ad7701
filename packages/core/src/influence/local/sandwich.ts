import type { Block, Dataset } from "../../data/dataset.js";
import { numericalError, usageError } from "../../errors.js";
import { blas } from "../../linalg/backend.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetrise } from "../../linalg/symmetric.js";
import type { Loss } from "../../models/losses.js";
import type { Model } from "../../models/model.js";
import { asColumn } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { dot, hessianTimes } from "../../solvers/inverse-hessian.js";
import { eachBlock } from "../../solvers/model-risk.js";
import { unitVectors } from "../../solvers/risk-operator.js";
import { answerTo } from "../../threats/answer.js";
import { ClusterSums, clustersWithWeight } from "../cluster-sums.js";
import type { Sampling } from "../sampling.js";
import { rowCounts, type Sandwich } from "../sandwich.js";
import { covarianceBetween, type InverseOfHessian, image, product, timesInverse } from "../sandwich-inverse.js";
import { curvatureInterval, type SensitivityInterval } from "../sensitivity-interval.js";
import { factorise } from "./dense-factor.js";
import type { LocalInfluence } from "./influence.js";
import { localJacobian, tangentsOf } from "./influence-jacobian.js";
import { localRefusal } from "./sandwich-refusal.js";

export interface LocalSandwichOptions extends Work, Partial<Sampling> {
  /** Whether the radius is relative, so that c is estimated too (default true). */
  readonly relativeRadius?: boolean;
  /** l(f, y) of a model with one output. Losses whose slope changes sign (squared) need it: their penalty has a corner there. */
  readonly loss?: Loss | null;
  /** Whether l is smooth in θ and x (default true): false for networks with ReLU units. */
  readonly smooth?: boolean;
  /** "hc1": V̂ is divided by 1 − h̄ with the mean leverage h̄ = tr(H⁻¹H_L) Σω_i, for many parameters a row (MATH 14.5; default "none"). */
  readonly leverage?: "none" | "hc1";
  /** G of rows that pass by, whose blocks say which cluster each row is in; absent or null: rows are drawn by themselves. */
  readonly clusterCount?: number | null;
  /** Multiplications that forming the sandwich may take, about n·d² (default 1e10). */
  readonly affordable?: number;
}

/** The asymptotic distribution of a local influence and of Ŝ = ½Î'H_LÎ around their population values. */
export interface LocalSandwich extends Omit<Sandwich, "sensitivityRows"> {
  /** n: IFs_i, by which Ŝ answers to the weight of each row; null of rows that pass by. */
  readonly sensitivityRows: Float64Array | null;
  /** Cov θ̂ (d×d, full) */
  readonly parameterCovariance: Matrix;
  /** T = ½tr(H_L Cov θ̂): natural loss above the best parameters because the fit saw only these rows (MATH 14.4). */
  readonly estimationLoss: number;
  /** For the population's S, by the composite rule of MATH 3. */
  sensitivityInterval(level: number): SensitivityInterval;
}

/**
 * V̂ = Σ ω_i IF_i IF_i', ω_i = w_i² or w_i/N for counts, of the response of any smooth model at a minimum (MATH 3 in general form):
 * IF_i = −H⁻¹{[cG_iφ_i − Φ] + (‖x_i‖/c − 1)Φ + [∇²l_iI − H_LI] + (D + T) IFθ_i},  IFθ_i = −H⁻¹(∇l_i + Pθ̂).
 * D + T and the rows are formed whole, a block of rows at a time. By the pseudo-inverse where a convex risk has flat
 * directions (a softmax model's intercepts): along these I is 0 in every sample.
 * @throws usage: what `localRefusal` refuses, in its words; frequency weights without their total. numerical: H has no inverse.
 */
export async function localSandwich(
  attack: LocalInfluence,
  options: LocalSandwichOptions = {},
): Promise<LocalSandwich> {
  const refused = localRefusal(attack, options);
  if (refused) throw usageError(`No interval for the population: ${refused.reason}.`);
  const { point, influence: I, penaltyGradient: Phi, scale, threat } = attack;
  const { model, data, parameters, ridge } = point;
  const d = I.length;
  const { relativeRadius = true, loss = null, leverage = "none" } = options;
  const clusters = clustersOf(data, options);
  const { hessian, inverse, times } = await inverseOf(attack);
  const naturalTimes = (u: Float64Array): Float64Array =>
    hessianTimes(hessian, u).map((value, j) => value - ridge[j] * u[j]);
  const jacobian = await localJacobian(attack, loss, options);
  const Q = timesInverse(jacobian, { times });
  const penalty = ridge.map((P, j) => P * parameters[j]);
  const towards = naturalTimes(I);
  const shrink = image(Q, penalty);
  const constant = Phi.map((value, j) => -value - towards[j] - shrink[j]);
  const u = image(inverse, towards);
  const third = image(inverse, await thirdOrder(attack, options));
  const curvature = dot(I, towards);

  const ofInfluence = gram(clusters, d);
  const ofParameters = gram(clusters, d);
  // Of rows that pass by only sums are kept: Σ ω, Σ ω IFs².
  const sensitivities = data.pass ? null : new Float64Array(data.rows);
  const scalars = new Float64Array(2);
  const inClusters = clusters && new ClusterSums(clusters.count, 1);
  const visit = (block: Block): void => {
    const { firstRow, w } = block;
    const omega = rowCounts(w, options);
    const sizes = threat.rowScales(block);
    const { directions } = answerTo(model.inputGradients(parameters, block), threat, block);
    const { gradients, mixed, curved } = rowsOf(model, parameters, block, directions, I);
    const estimation = product(gradients, Q, true);
    const own = Matrix.zeros(w.length, d);
    const weighted = Matrix.zeros(w.length, 1);
    for (let i = 0; i < w.length; i++) {
      const size = relativeRadius ? sizes[i] / scale - 1 : 0;
      let [along, bend, fitted] = [0, 0, 0];
      for (let j = 0, at = i * d; j < d; j++, at++) {
        own.data[at] = scale * mixed.data[at] + curved.data[at] + size * Phi[j] - estimation.data[at] + constant[j];
        along += u[j] * own.data[at];
        bend += I[j] * curved.data[at];
        gradients.data[at] += penalty[j];
        fitted += third[j] * gradients.data[at];
      }
      const sensitivity = -along + 0.5 * (bend - curvature) - 0.5 * fitted;
      scalars[0] += omega[i];
      scalars[1] += omega[i] * sensitivity * sensitivity;
      weighted.data[i] = w[i] * sensitivity;
      if (sensitivities) sensitivities[firstRow + i] = sensitivity;
    }
    inClusters?.add(weighted, clusters?.of(block) ?? NO_CLUSTERS);
    ofInfluence.add(own, block, omega);
    ofParameters.add(gradients, block, omega);
  };
  const sums = [...ofInfluence.sums, ...ofParameters.sums, scalars, ...(inClusters ? [inClusters.sums.data] : [])];
  await eachBlock(data, "inference", options, visit, sums);
  const [total, squares] = scalars;
  const around = (middle: Matrix): Matrix => covarianceBetween({ times }, middle);
  const plain = around(ofInfluence.finish());
  const parameterCovariance = around(ofParameters.finish());
  const trace = (of: Matrix): number => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += naturalTimes(of.row(j))[j];
    return sum;
  };
  const covariance = leverage === "hc1" ? widened(plain, trace(inverse) * total) : plain;
  const variance = inClusters ? inClusters.squares() : squares;
  const found = {
    covariance,
    standardErrors: Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, covariance.data[j * (d + 1)]))),
    debiased: 0.5 * (curvature - trace(plain)),
    sensitivityStandardError: Math.sqrt(variance),
    sensitivityRows: sensitivities,
  };
  return {
    ...found,
    parameterCovariance,
    estimationLoss: 0.5 * trace(parameterCovariance),
    sensitivityInterval: (level) => curvatureInterval(I, naturalTimes, found, level),
  };
}

/** V̂/(1 − h) */
const widened = (covariance: Matrix, h: number): Matrix =>
  new Matrix(
    covariance.data.map((value) => value / (1 - Math.min(h, MOST_LEVERAGE))),
    covariance.rows,
    covariance.columns,
  );

const MOST_LEVERAGE = 0.9;

/** H (full), H⁻¹ or H⁺, with one Newton step X ← X(2 − HX), which keeps the range, and what it is multiplied with by solves. */
async function inverseOf({
  system,
  point,
}: LocalInfluence): Promise<{ readonly hessian: Matrix; readonly inverse: Matrix } & Pick<InverseOfHessian, "times">> {
  const { operator, matrix } = system;
  const d = operator.size;
  const formed = matrix ?? (await operator.matrix?.()) ?? (await operator.product(unitVectors(d, 0, d)));
  const hessian = symmetrise(new Matrix(formed.data.slice(), d, d));
  const factor = factorise(hessian, 0);
  // A flat direction of a convex risk is one for every sample; another minimum may be isolated or not.
  if (!factor || factor.method === "indefinite" || (factor.method === "pseudo-inverse" && !point.model.convex)) {
    throw numericalError("No interval for the population: the Hessian has no inverse that can be trusted.");
  }
  const X = factor.solve(unitVectors(d, 0, d));
  const rest = product(hessian, X);
  for (let at = 0; at < rest.data.length; at++) rest.data[at] = -rest.data[at];
  for (let j = 0; j < d; j++) rest.data[j * (d + 1)] += 2;
  return { hessian, inverse: symmetrise(product(X, rest)), times: (b) => factor.solve(b) };
}

/** r×d each: ∇l_i, G_iφ_i, ∇²l_iI. */
function rowsOf(model: Model, theta: Float64Array, block: Block, directions: Matrix, I: Float64Array) {
  const gradients = model.gradientRows?.(theta, block);
  const mixed = model.mixedRows?.(theta, block, directions);
  const curved = model.hessianRows?.(theta, block, I);
  if (gradients && mixed && curved) return { gradients, mixed, curved };
  throw usageError("Intervals need derivatives row by row, which this model does not give: write it with modelOf.");
}

/** Clusters that have weight, and which of them each row of a block is in. */
interface RowClusters {
  readonly count: number;
  of(block: Block): Int32Array;
}

const NO_CLUSTERS = new Int32Array(0);

/** Of rows in memory by their codes, of rows that pass by as their blocks say. */
function clustersOf(data: Dataset, { clusters, clusterCount }: LocalSandwichOptions): RowClusters | null {
  if (data.pass) return clusterCount ? { count: clusterCount, of: ({ clusterOf }) => clusterOf ?? NO_CLUSTERS } : null;
  if (!clusters) return null;
  const { count, of } = clustersWithWeight(clusters, data.weights);
  return { count, of: ({ firstRow, w }) => of.subarray(firstRow, firstRow + w.length) };
}

/** Σ ω_i U_iU_i' (d×d, full) of rows given block by block, sums within clusters first where there are any (MATH 14.8). */
function gram(clusters: RowClusters | null, d: number) {
  const out = Matrix.zeros(d, d);
  const sums = clusters && new ClusterSums(clusters.count, d);
  return {
    sums: [sums?.sums.data ?? out.data],
    add(rows: Matrix, block: Block, omega: Float64Array): void {
      const own = new Matrix(rows.data.slice(), rows.rows, d);
      for (let i = 0; i < rows.rows; i++) {
        const factor = sums ? block.w[i] : Math.sqrt(omega[i]);
        for (let at = i * d, end = at + d; at < end; at++) own.data[at] *= factor;
      }
      if (sums && clusters) sums.add(own, clusters.of(block));
      else blas().syrk(d, rows.rows, 1, own.data, d, 1, out.data, d);
    },
    finish(): Matrix {
      sums?.addGram(out);
      return symmetrise(out);
    },
  };
}

/** Σ w ∇³l[I, I] (d) */
async function thirdOrder({ point, influence: I }: LocalInfluence, work: Work): Promise<Float64Array> {
  const { model, data, parameters } = point;
  const { tangentHessianProduct } = tangentsOf(model);
  const out = new Float64Array(I.length);
  const visit = (block: Block): void => {
    const still = Matrix.zeros(block.x.rows, block.x.columns);
    const part = tangentHessianProduct(parameters, block, still, I, asColumn(I));
    for (let j = 0; j < out.length; j++) out[j] += part.data[j];
  };
  await eachBlock(data, "inference", work, visit, [out]);
  return out;
}
