import { throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { blockConjugateGradients } from "./block-cg.js";
import { dot } from "./inverse-hessian.js";
import type { SymmetricOperator } from "./operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "./preconditioner.js";
import { type Evaluate, type MinimiserPoint, wolfeSearch } from "./wolfe-search.js";

export interface NewtonOptions extends Work {
  /** ∇²f(θ) */
  readonly hessian: (theta: Float64Array) => SymmetricOperator;
  /** M⁻¹ for the systems from θ on, made when products without it, or with one that has aged, have cost as much; default none. */
  readonly preconditioner?: RentedPreconditioner | null;
  /** How large the gradient is beside what its terms could add up to. */
  readonly relativeGradient: (point: MinimiserPoint) => number;
  /** Of `relativeGradient`. Default 1e-8. */
  readonly tolerance?: number;
  /** Newton steps. Default 100. */
  readonly maximumIterations?: number;
}

/** A preconditioner that costs something to make. */
export interface RentedPreconditioner {
  /** What making it costs, in products with the Hessian. */
  readonly cost: number;
  at(theta: Float64Array): Promise<Preconditioner>;
  /** One that costs next to nothing, for every step before. */
  meanwhile?(theta: Float64Array): Promise<Preconditioner>;
}

export interface NewtonResult extends MinimiserPoint {
  /** "stalled": no lower point along the direction of descent, since rounding is all that is left, or f is not convex. */
  readonly end: "converged" | "iteration-limit" | "stalled";
  readonly converged: boolean;
  readonly relativeGradient: number;
  readonly iterations: number;
  /** Vectors multiplied with the Hessian, over all steps. */
  readonly products: number;
}

/** Systems are solved to this residual at first, and to the root of the relative gradient as it falls: convergence of order 3/2. */
const LOOSEST = 0.1;
/** What a step is worth is lost in rounding beyond this. */
const TIGHTEST = 1e-4;

/**
 * The minimum of a smooth convex function by Newton's method with truncated conjugate gradients (Dembo, Eisenstat and Steihaug
 * 1982) and a search for the strong Wolfe conditions. Directions in which f is flat are left alone.
 * @throws usage: a function that is not finite at the start; cancelled.
 */
export async function minimiseNewton(
  evaluate: Evaluate,
  start: Float64Array,
  options: NewtonOptions,
): Promise<NewtonResult> {
  const { relativeGradient, tolerance = 1e-8, maximumIterations = 100 } = options;
  const theta = start.slice();
  let point: MinimiserPoint = { theta, ...(await evaluate(theta)) };
  if (!Number.isFinite(point.value)) {
    throw usageError(
      "The function to be minimised is not finite at the start: begin elsewhere, or rescale the columns.",
    );
  }
  const prepared = options.preconditioner ?? null;
  let preconditioner = NO_PRECONDITIONER;
  let [products, spent, made] = [0, 0, false];
  for (let iterations = 0; ; iterations++) {
    const size = relativeGradient(point);
    const finish = (end: NewtonResult["end"]): NewtonResult => ({
      ...point,
      end,
      converged: end === "converged",
      relativeGradient: size,
      iterations,
      products,
    });
    if (size <= tolerance) return finish("converged");
    if (iterations >= maximumIterations) return finish("iteration-limit");
    throwIfAborted(options.signal);
    if (prepared && spent > prepared.cost) {
      preconditioner = await prepared.at(point.theta);
      [spent, made] = [0, true];
    } else if (prepared?.meanwhile && !made) preconditioner = await prepared.meanwhile(point.theta);
    const right = new Matrix(
      point.gradient.map((g) => -g),
      point.theta.length,
      1,
    );
    const system = await blockConjugateGradients(options.hessian(point.theta), right, {
      ...(options.signal && { signal: options.signal }),
      tolerance: Math.max(TIGHTEST, Math.min(LOOSEST, Math.sqrt(size))),
      preconditioner,
    });
    products += system.products;
    spent += system.products;
    const direction = system.solution.data;
    if (!(dot(direction, point.gradient) < 0)) return finish("stalled");
    const next = await wolfeSearch(point, direction, 1, evaluate);
    if (next === null) return finish("stalled");
    point = next;
  }
}
