/** (H + λI)⁻¹ from the Gauss–Newton part of H, formed by matrix products from a network's layers. */
import type { Block } from "../data/dataset.js";
import { numericalError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { LayeredRows } from "../models/layered-rows.js";
import type { Work } from "../parallel/work.js";
import { definiteFactor } from "./definite-factor.js";
import { addGaussNewton, addTransposed, rowGram, stackedRows, timesVector, usedOutputs } from "./layered-products.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import type { DampedPreconditioner } from "./preconditioner.js";

/** Where a risk is looked at. */
export type RiskAt = RiskProblem & { readonly parameters: Float64Array };

/** What it would take to solve with the Gauss–Newton part. */
export interface GaussNewtonPlan {
  /** A d×d matrix of the parameters, or one of the rows by Woodbury's identity. */
  readonly form: "parameters" | "rows";
  /** Whether the outputs are linear in the parameters, so that H has no other part. */
  readonly whole: boolean;
  /** Numbers held at the peak. */
  readonly numbers: number;
  /** Seconds to form the matrix, and to factorise it. */
  readonly formSeconds: number;
  readonly factorSeconds: number;
  /** Seconds of one application to one vector. */
  readonly applySeconds: number;
  /** Seconds to form the matrix of the parameters, whatever the form. */
  readonly matrixSeconds: number;
}

/** Multiplications and additions a second: of dense products, of a matrix with a vector, and of loops over single numbers. */
const DENSE_SPEED = 1e10;
const VECTOR_SPEED = 1e9;
const LOOP_SPEED = 5e8;

/**
 * What F of `gaussNewtonRows` would cost, in the smaller of its two forms; of rows that pass by in that of the parameters, which is a
 * sum over them. Null where the model does not give F, or where λ and the ridge leave a direction without damping, so that flat
 * directions could not be told from rounding.
 */
export function gaussNewtonPlan(problem: RiskAt, damping: number): GaussNewtonPlan | null {
  const { data, ridge, parameters } = problem;
  const d = parameters.length;
  if (!ridge.every((P) => P + damping > 0)) return null;
  const probe = probedRows(problem);
  if (!probe) return null;
  const { layers } = probe;
  const outputs = usedOutputs(probe);
  const count = data.rows * outputs;
  const matrixSeconds = (count * d * d) / 2 / DENSE_SPEED + (count * d) / LOOP_SPEED;
  if (data.pass || count >= d || !layers.every((layer) => isUniform(layer, ridge))) {
    return {
      form: "parameters",
      whole: layers.length === 1,
      numbers: 2 * d * d + 2 ** 22,
      formSeconds: matrixSeconds,
      matrixSeconds,
      factorSeconds: d ** 3 / 6 / DENSE_SPEED,
      applySeconds: (d * d) / VECTOR_SPEED,
    };
  }
  const widths = layers.reduce((sum, { slopes }) => sum + slopes.columns, 0);
  const inputs = layers.reduce((sum, layer) => sum + layer.inputs.columns, 0);
  const multiplied = (count * count * widths + data.rows * data.rows * inputs) / 2;
  return {
    form: "rows",
    whole: layers.length === 1,
    numbers: count * count + 2 * (count * widths + data.rows * inputs) + 32 * outputs * count,
    formSeconds: multiplied / DENSE_SPEED + (count * count * layers.length) / 2 / LOOP_SPEED,
    factorSeconds: count ** 3 / 6 / DENSE_SPEED,
    matrixSeconds,
    applySeconds: (count * count + 4 * data.rows * d) / VECTOR_SPEED,
  };
}

/** Rows that stand for all in an estimate. */
const PROBED = 16;

/** F of the first rows alone; of rows that pass by, of one at the origin. */
function probedRows({ model, data, parameters }: RiskAt): LayeredRows | null {
  if (!model.gaussNewtonRows || data.rows === 0) return null;
  if (data.pass) {
    const x = Matrix.zeros(1, data.features.length);
    return model.gaussNewtonRows(parameters, { x, y: Float64Array.of(0), w: Float64Array.of(1), firstRow: 0 });
  }
  const first = Int32Array.from({ length: Math.min(PROBED, data.rows) }, (_, i) => i);
  for (const block of data.select(first).blocks(PROBED)) return model.gaussNewtonRows(parameters, block);
  return null;
}

/** Whether the ridge is one number on the weights of a layer, and one on its biases. */
function isUniform({ weight, bias, inputs, slopes }: LayeredRows["layers"][number], ridge: Float64Array): boolean {
  const same = (from: number, count: number): boolean =>
    ridge.subarray(from, from + count).every((value) => value === ridge[from]);
  return same(weight, inputs.columns * slopes.columns) && (bias === null || same(bias, slopes.columns));
}

/** Σ w_i J_i'(∂²l_i/∂f²)J_i (d×d, lower triangle), without the ridge; null where the model does not give F for all rows. */
export async function gaussNewtonMatrix(problem: RiskAt, work: Work = {}): Promise<Matrix | null> {
  const d = problem.parameters.length;
  const out = Matrix.zeros(d, d);
  return (await eachLayered(problem, work, (rows) => addGaussNewton(rows, out), [out.data])) ? out : null;
}

/** Whether the model gave F for all blocks. @param sums what the visits add up */
async function eachLayered(
  { model, data, parameters }: RiskAt,
  work: Work,
  visit: (rows: LayeredRows) => void,
  sums: readonly Float64Array[] = [],
): Promise<boolean> {
  const missing = new Float64Array(1);
  const each = (block: Block): void => {
    const rows = missing[0] === 0 ? model.gaussNewtonRows?.(parameters, block) : null;
    if (rows) visit(rows);
    else missing[0] = 1;
  };
  await eachBlock(data, "Gauss–Newton matrix", work, each, [missing, ...sums]);
  return missing[0] === 0;
}

/**
 * (G + D)⁻¹, G = F'F the Gauss–Newton part of H and D = diag(P) + λI: G + D factorised, or with fewer rows of F than parameters
 * D⁻¹ − D⁻¹F'(I + FD⁻¹F')⁻¹FD⁻¹ (Woodbury). Of the Gauss–Newton curvature itself it leaves conjugate gradients nothing to do but to show the
 * residual; of the Hessian, what bends the outputs. Null where the model does not give F for all rows.
 */
export async function gaussNewtonPreconditioner(
  problem: RiskAt,
  plan: Pick<GaussNewtonPlan, "form">,
  damping: number,
  work: Work = {},
): Promise<DampedPreconditioner | null> {
  if (plan.form === "parameters") {
    const matrix = await gaussNewtonMatrix(problem, work);
    return matrix && byParameters(matrix, problem.ridge, damping);
  }
  const blocks: LayeredRows[] = [];
  const complete = await eachLayered(problem, work, (rows) => blocks.push(rows));
  return complete ? byRows(stackedRows(blocks), problem.ridge, damping) : null;
}

function byParameters(matrix: Matrix, ridge: Float64Array, damping: number): DampedPreconditioner {
  const damped = new Matrix(matrix.data.slice(), matrix.rows, matrix.rows);
  ridge.forEach((P, j) => (damped.data[j * (matrix.rows + 1)] += P + damping));
  const factor = definiteFactor(damped);
  return {
    name: "gauss-newton",
    products: 0,
    apply: (residuals) => factor.solve(residuals),
    withDamping: (other) => byParameters(matrix, ridge, other),
  };
}

function byRows(rows: LayeredRows, ridge: Float64Array, damping: number): DampedPreconditioner {
  const inverse = ridge.map((P) => 1 / (P + damping));
  const core = rowGram(rows, inverse);
  const count = core.rows;
  for (let a = 0; a < count; a++) core.data[a * (count + 1)] += 1;
  if (blas().potrf(count, core.data, Math.max(1, count)) !== 0) {
    throw numericalError(
      "The Gauss–Newton matrix of the rows is not finite: look for very large inputs or parameters, or take --solver nystrom.",
    );
  }
  const solved = (b: Float64Array): Float64Array => {
    const scaled = b.map((value, j) => value * inverse[j]);
    const u = timesVector(rows, scaled);
    blas().potrs(count, 1, core.data, Math.max(1, count), u, 1);
    const pulled = new Float64Array(b.length);
    addTransposed(rows, u, pulled);
    return scaled.map((value, j) => value - inverse[j] * pulled[j]);
  };
  return {
    name: "gauss-newton",
    products: 0,
    apply(residuals) {
      const out = Matrix.zeros(residuals.rows, residuals.columns);
      for (let k = 0; k < residuals.columns; k++) {
        const x = solved(residuals.column(k));
        for (let j = 0; j < x.length; j++) out.data[j * residuals.columns + k] = x[j];
      }
      return out;
    },
    withDamping: (other) => byRows(rows, ridge, other),
  };
}
