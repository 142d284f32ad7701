/** How long products with H take, for the choice of a solver. */
import { Matrix } from "../../linalg/matrix.js";
import type { SolverProblem } from "../../solvers/choose-solver.js";
import type { GaussNewtonPlan } from "../../solvers/gauss-newton.js";
import { modelBlockRows } from "../../solvers/model-risk.js";
import { type Curvature, riskOperator } from "../../solvers/risk-operator.js";
import type { ModelPoint } from "./point.js";

/** Timing a product is worth while where forming H takes this many multiplications. */
const WORTH_TIMING = 2e9;
const TIMED_ROUNDS = 3;
/** Multiplications of a product, in n·d, and how many are done a second. */
const PASSES_A_PRODUCT = 4;
const PRODUCT_SPEED = 2e9;

/**
 * Seconds of one product and of the whole H, from one block; nothing where forming H takes fewer than `worth` multiplications.
 */
export async function productTimes(
  { model, data, ridge, parameters }: ModelPoint,
  curvature: Curvature,
  plan: GaussNewtonPlan | null,
  worth = WORTH_TIMING,
): Promise<Pick<SolverProblem, "productSeconds" | "furtherSeconds" | "matrixSeconds">> {
  const d = parameters.length;
  if (data.rows * d * d < worth) return {};
  if (data.pass) return counted(data.rows, d);
  const rows = Math.min(data.rows, modelBlockRows(data.features.length));
  const first = data.select(Int32Array.from({ length: rows }, (_, i) => i));
  const operator = riskOperator({ model, data: first, ridge, parameters }, { curvature, withRidge: false });
  const seconds = async (columns: number): Promise<number> => {
    const vectors = new Matrix(new Float64Array(d * columns).fill(1), d, columns);
    await operator.product(vectors);
    // The least of several: other work on the machine only ever adds to a time.
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < TIMED_ROUNDS; round++) {
      const start = performance.now();
      await operator.product(vectors);
      least = Math.min(least, performance.now() - start);
    }
    return (least / 1000) * (data.rows / rows);
  };
  const one = await seconds(1);
  const further = Math.max(0.1 * one, ((await seconds(5)) - one) / 4);
  const formed = curvature === "gauss-newton" && plan ? plan.matrixSeconds : Number.POSITIVE_INFINITY;
  return { productSeconds: one, furtherSeconds: further, matrixSeconds: Math.min(formed, d * further) };
}

/** Processes that share the rows must choose alike: by multiplications, not by a clock. */
function counted(rows: number, d: number): Awaited<ReturnType<typeof productTimes>> {
  const productSeconds = (PASSES_A_PRODUCT * rows * d) / PRODUCT_SPEED;
  return { productSeconds, matrixSeconds: d * productSeconds };
}
