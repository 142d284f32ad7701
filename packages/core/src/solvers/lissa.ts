import { numericalError, throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { columnNorms } from "./columns.js";
import { extremeEigenvalues } from "./lanczos.js";
import { checkSystem, type LinearSolution, trueResidual } from "./linear-solution.js";
import { forecast } from "./lissa-forecast.js";
import type { SymmetricOperator } from "./operator.js";

export interface LissaOptions extends Work {
  /** σ: the step is 1/σ. Default: twice the bound on the largest eigenvalue of the samples. */
  readonly scale?: number;
  /** T, steps with samples between two products with the whole H. Default 200. */
  readonly depth?: number;
  /** E at most. Default 50; 1 is LiSSA without variance reduction. */
  readonly epochs?: number;
  /** R ≥ 2 independent runs, whose mean is the solution. Default 8. */
  readonly repeats?: number;
  readonly seed?: number;
  /** For the true residual of the mean; no epoch begins below it. 0: all epochs are run. Default 1e-3. */
  readonly tolerance?: number;
  /** Whether steps that cannot be enough are taken all the same (default false). */
  readonly allowUnconverged?: boolean;
}

export interface LissaSolution extends LinearSolution {
  /** sd/√R over the runs (d×k): of the sampling alone, not of what the runs are still away from H⁻¹b together. */
  readonly standardErrors: Matrix;
  /** σ */
  readonly scale: number;
  /** Of the largest eigenvalue of the sampled H_b, over those that were probed. */
  readonly eigenvalueBound: number;
  /** Vectors multiplied with a sample. */
  readonly sampledProducts: number;
}

const PROBES = 8;
const PROBE_STEPS = 20;
/** For the samples that were not probed. */
const PROBE_MARGIN = 1.1;
/** Residuals that grow by this factor over the first ones will not come back. */
const DIVERGED = 100;
/** The streams of the runs are numbered from 1; this one chooses the samples that are probed. */
const PROBE_STREAM = 0;

/**
 * H⁻¹B from products with samples H_b of H (linear-time stochastic second-order algorithm, Agarwal, Bullins and Hazan 2017),
 * variance reduced: from an anchor x with its true residual r = b − Hx the runs take y ← y + (r − H_b y)/σ T times from y = 0 and
 * move the anchor to x + y (the steps of SVRG, Johnson and Zhang 2013, on ½x'Hx − b'x). What sampling adds is proportional to y and so
 * vanishes with the residual. E x = (I − (I − H/σ)^{TE}) H⁻¹b after E epochs. As H_b² is at most λ_max(H_b) H_b, the mean square error
 * of a step falls if σ > ½ max λ_max(H_b): settings below that are refused.
 * @param right d×k
 * @throws usage: an operator without samples, a scale too small, settings that make no sense; numerical: steps too few to reach
 * the tolerance even without noise (`forecast`), or residuals that grow; cancelled.
 */
export async function lissa(
  operator: SymmetricOperator,
  right: Matrix,
  options: LissaOptions = {},
): Promise<LissaSolution> {
  const { depth = 200, epochs = 50, repeats = 8, seed = 0, tolerance = 1e-3 } = options;
  checkSystem(operator, right);
  checkCounts({ depth, epochs, repeats });
  if (!operator.sampledProduct) {
    throw usageError("LiSSA needs products with samples of the rows, which this model does not give: use --solver cg.");
  }
  const sampled = operator.sampledProduct.bind(operator);
  const { bound, products: probed } = await sampledBound(operator.size, sampled, seed, options);
  const scale = options.scale ?? 2 * bound;
  if (!(scale > 0.5 * bound && scale < Infinity)) {
    throw usageError(
      `LiSSA diverges with scale ${scale}: samples of the Hessian have eigenvalues up to ${bound.toPrecision(3)}, so use a scale of at least ${(2 * bound).toPrecision(3)}, or leave it out.`,
    );
  }
  if (tolerance > 0 && !options.allowUnconverged)
    await refuseHopeless(operator, right, { scale, steps: depth * epochs, tolerance, work: options });
  const batches = Array.from({ length: repeats }, (_, run) => batchNumbers(seed, run + 1));
  const wide = repeated(right, repeats);
  const anchors = Matrix.zeros(wide.rows, wide.columns);
  let residual = wide;
  const first = rootMeanSquare(wide);
  let [steps, products, sampledProducts] = [0, 0, probed];
  const slices = timeSlices(options);
  const k = right.columns;
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (worstRelative(meanOf(residual, repeats), right) <= tolerance) break;
    for (let run = 0; run < repeats; run++) {
      const target = block(residual, run, k);
      // The first step from y = 0 needs no product.
      const y = new Matrix(
        target.data.map((value) => value / scale),
        target.rows,
        k,
      );
      for (let step = 1; step < depth; step++) {
        throwIfAborted(options.signal);
        const image = await sampled(y, batches[run]());
        for (let at = 0; at < y.data.length; at++) y.data[at] += (target.data[at] - image.data[at]) / scale;
        sampledProducts += k;
        const done = (epoch * repeats + run) * depth + step;
        if (slices.due()) await slices.pause({ phase: "LiSSA", done, total: epochs * repeats * depth });
      }
      addBlock(anchors, y, run);
    }
    steps += depth;
    ({ residual } = await trueResidual(operator, anchors, wide));
    products += wide.columns;
    if (!(rootMeanSquare(residual) <= DIVERGED * first)) {
      throw numericalError(
        `LiSSA diverges: after ${epoch + 1} epochs the residual is above ${DIVERGED} times the right-hand side. Use a larger scale than ${scale.toPrecision(3)}, larger samples, or conjugate gradients.`,
      );
    }
  }
  const solution = meanOf(anchors, repeats);
  const fresh = await trueResidual(operator, solution, right);
  const converged = fresh.largest <= tolerance;
  return {
    solver: "lissa",
    solution,
    residuals: fresh.relative,
    relativeResidual: fresh.largest,
    end: converged ? "converged" : "iteration-limit",
    converged,
    iterations: steps,
    products: products + k,
    sketchProducts: 0,
    curvature: null,
    standardErrors: standardErrorsOf(anchors, solution, repeats),
    scale,
    eigenvalueBound: bound,
    sampledProducts,
  };
}

/** @throws numerical: with a damping that makes the steps enough. */
async function refuseHopeless(
  operator: SymmetricOperator,
  right: Matrix,
  {
    scale,
    steps,
    tolerance,
    work,
  }: { readonly scale: number; readonly steps: number; readonly tolerance: number; readonly work: Work },
): Promise<void> {
  const forecasts = await Promise.all(
    Array.from({ length: right.columns }, (_, k) => forecast(operator, right.column(k), work)),
  );
  const least = Math.max(...forecasts.map(({ residual }) => residual({ scale, steps })));
  if (!(least > tolerance)) return;
  const damping = Math.max(...forecasts.map(({ sufficientDamping }) => sufficientDamping({ scale, steps, tolerance })));
  const damped = damping < Infinity ? `a --damping higher by ${damping.toPrecision(2)}` : "more steps";
  throw numericalError(
    `LiSSA cannot reach a relative residual of ${tolerance} here: its ${steps} steps leave at least ${least.toPrecision(2)}, since it takes as many as the condition of H+λI is large. Use --solver cg, or ${damped}, or take what they reach with --allow-unconverged.`,
  );
}

function checkCounts({ depth, epochs, repeats }: { depth: number; epochs: number; repeats: number }): void {
  const rules: readonly (readonly [string, number, number])[] = [
    ["depth", depth, 1],
    ["number of epochs", epochs, 1],
    ["number of repeats", repeats, 2],
  ];
  for (const [name, value, least] of rules) {
    if (!(Number.isInteger(value) && value >= least)) {
      throw usageError(`The ${name} of LiSSA must be a whole number of at least ${least}, got ${value}.`);
    }
  }
}

type SampledProduct = (vectors: Matrix, batch: number) => Promise<Matrix>;

/** Lanczos's θ_max + its residual, the largest over some samples, with a margin for the others. */
async function sampledBound(
  size: number,
  sampled: SampledProduct,
  seed: number,
  { signal }: Work,
): Promise<{ bound: number; products: number }> {
  const next = batchNumbers(seed, PROBE_STREAM);
  let [largest, products] = [0, 0];
  for (let probe = 0; probe < PROBES; probe++) {
    const batch = next();
    const sample = { size, product: (vectors: Matrix) => sampled(vectors, batch) };
    const found = await extremeEigenvalues(sample, { maximumSteps: PROBE_STEPS, tolerance: 1e-2, seed, signal });
    largest = Math.max(largest, found.largest.value + found.largest.residual);
    products += found.products;
  }
  return { bound: PROBE_MARGIN * largest, products };
}

function batchNumbers(seed: number, stream: number): () => number {
  const random = randomStream(seed, stream);
  return () => Math.floor(random.uniform() * 2 ** 31);
}

/** The same d×k block R times side by side. */
function repeated(right: Matrix, repeats: number): Matrix {
  const out = Matrix.zeros(right.rows, repeats * right.columns);
  for (let run = 0; run < repeats; run++) addBlock(out, right, run);
  return out;
}

function block(wide: Matrix, run: number, k: number): Matrix {
  const out = Matrix.zeros(wide.rows, k);
  for (let j = 0; j < wide.rows; j++) out.row(j).set(wide.row(j).subarray(run * k, (run + 1) * k));
  return out;
}

function addBlock(wide: Matrix, part: Matrix, run: number): void {
  const k = part.columns;
  for (let j = 0; j < wide.rows; j++) {
    for (let c = 0; c < k; c++) wide.data[j * wide.columns + run * k + c] += part.data[j * k + c];
  }
}

function meanOf(wide: Matrix, repeats: number): Matrix {
  const out = Matrix.zeros(wide.rows, wide.columns / repeats);
  for (let run = 0; run < repeats; run++) {
    const part = block(wide, run, out.columns);
    for (let at = 0; at < out.data.length; at++) out.data[at] += part.data[at] / repeats;
  }
  return out;
}

function standardErrorsOf(wide: Matrix, mean: Matrix, repeats: number): Matrix {
  const squares = Matrix.zeros(mean.rows, mean.columns);
  for (let run = 0; run < repeats; run++) {
    const part = block(wide, run, mean.columns);
    for (let at = 0; at < squares.data.length; at++) squares.data[at] += (part.data[at] - mean.data[at]) ** 2;
  }
  return new Matrix(
    squares.data.map((square) => Math.sqrt(square / (repeats * (repeats - 1)))),
    mean.rows,
    mean.columns,
  );
}

function worstRelative(residual: Matrix, right: Matrix): number {
  const sizes = columnNorms(right);
  return columnNorms(residual).reduce((worst, size, k) => Math.max(worst, size === 0 ? 0 : size / sizes[k]), 0);
}

const rootMeanSquare = ({ data }: Matrix): number =>
  Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / Math.max(1, data.length));
