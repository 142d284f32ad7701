import { throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { blockConjugateGradients } from "./block-cg.js";
import { choleskySolve } from "./cholesky.js";
import type { SolverChoice } from "./choose-solver.js";
import { jacobiPreconditioner } from "./jacobi.js";
import { type LinearSolution, type SolverName, trueResidual } from "./linear-solution.js";
import { lissa } from "./lissa.js";
import { nystromSolve } from "./nystrom.js";
import { nystromPreconditioner } from "./nystrom-preconditioner.js";
import { dampedOperator, type SymmetricOperator } from "./operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "./preconditioner.js";

/** (H + λI)X = B; H comes without its damping. */
export interface DampedSystem {
  readonly operator: SymmetricOperator;
  /** λ ≥ 0 */
  readonly damping: number;
  /** B (d×k) */
  readonly right: Matrix;
}

export interface SolveOptions extends Work {
  /** For the true residual, as each solver understands it; the default is each solver's own. */
  readonly tolerance?: number;
  readonly maximumIterations?: number;
  readonly seed?: number;
  /** Whether a solver that knows beforehand that it will not converge runs all the same (default false). */
  readonly allowUnconverged?: boolean;
}

type Solver = (system: DampedSystem, choice: SolverChoice, options: SolveOptions) => Promise<LinearSolution>;

const damped = ({ operator, damping }: DampedSystem): SymmetricOperator => dampedOperator(operator, damping);

const SOLVERS: Readonly<Record<SolverName, Solver>> = {
  cholesky: (system, _, options) => choleskySolve(damped(system), system.right, options),
  cg: async (system, choice, options) => {
    const preconditioner = await PRECONDITIONERS[choice.preconditioner](system, choice, options);
    if ("curvature" in preconditioner) return unsolved(system, preconditioner.curvature, choice.rank);
    return blockConjugateGradients(damped(system), system.right, { ...options, preconditioner });
  },
  lissa: (system, _, options) => lissa(damped(system), system.right, options),
  nystrom: ({ operator, damping, right }, { rank }, options) =>
    nystromSolve(operator, right, { ...options, damping, rank }),
};

const PRECONDITIONERS: Readonly<
  Record<
    SolverChoice["preconditioner"],
    (
      system: DampedSystem,
      choice: SolverChoice,
      options: SolveOptions,
    ) => Promise<Preconditioner | { readonly curvature: number }>
  >
> = {
  none: async () => NO_PRECONDITIONER,
  // Made by whoever knows the model, when it pays.
  kronecker: async () => NO_PRECONDITIONER,
  jacobi: (system) => jacobiPreconditioner(damped(system)),
  nystrom: ({ operator, damping }, { rank }, options) => nystromPreconditioner(operator, { ...options, damping, rank }),
  "gauss-newton": async ({ operator, damping }, _, options) => {
    const found = await operator.gaussNewton?.(damping, options);
    if (found) return found;
    throw usageError(
      "The Gauss–Newton preconditioner needs a network of linear layers, a loss that is convex in the outputs, and a damping above 0 or a ridge on all parameters: use a Nyström sketch, or none.",
    );
  },
};

/** Solves a damped system with the solver that was chosen. @throws as the solver does. */
export async function solveSystem(
  system: DampedSystem,
  choice: SolverChoice,
  options: SolveOptions = {},
): Promise<LinearSolution> {
  throwIfAborted(options.signal);
  return SOLVERS[choice.name](system, choice, options);
}

/** The sketch alone has shown that H + λI is not positive definite. */
async function unsolved(system: DampedSystem, curvature: number, products: number): Promise<LinearSolution> {
  const { right } = system;
  const solution = Matrix.zeros(right.rows, right.columns);
  const { relative, largest } = await trueResidual(damped(system), solution, right);
  return {
    solver: "cg",
    solution,
    residuals: relative,
    relativeResidual: largest,
    end: "indefinite",
    converged: false,
    iterations: 0,
    products: products + right.columns,
    sketchProducts: products,
    curvature,
  };
}
