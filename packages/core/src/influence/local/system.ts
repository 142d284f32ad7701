import type { Dataset } from "../../data/dataset.js";
import { ensureBlas } from "../../linalg/backend.js";
import { Matrix } from "../../linalg/matrix.js";
import { asColumns } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { type BlockCgOptions, blockConjugateGradients } from "../../solvers/block-cg.js";
import { chooseSolver, type SolverChoice } from "../../solvers/choose-solver.js";
import { gaussNewtonPlan } from "../../solvers/gauss-newton.js";
import { hessianTimes } from "../../solvers/inverse-hessian.js";
import {
  kroneckerCost,
  kroneckerNumbers,
  kroneckerPreconditioner,
  sharedRidge,
  sharedShape,
} from "../../solvers/kronecker-preconditioner.js";
import { type ExtremeEigenvalues, extremeEigenvalues, type LanczosOptions } from "../../solvers/lanczos.js";
import { type LinearSolution, type SolverName, trueResidual } from "../../solvers/linear-solution.js";
import { nystromPreconditioner, worthwhileRank } from "../../solvers/nystrom-preconditioner.js";
import { dampedOperator, type SymmetricOperator } from "../../solvers/operator.js";
import {
  columnsInUnits,
  operatorInUnits,
  parameterUnits,
  preconditionerInUnits,
} from "../../solvers/parameter-units.js";
import { type DampedPreconditioner, NO_PRECONDITIONER, type Preconditioner } from "../../solvers/preconditioner.js";
import { type Curvature, type RiskOperator, riskOperator } from "../../solvers/risk-operator.js";
import {
  type ScoreSample,
  scorePreconditioner,
  scoreSample,
  scoresAreWorth,
} from "../../solvers/score-preconditioner.js";
import { solveSystem } from "../../solvers/solve.js";
import { type DenseFactor, factorise } from "./dense-factor.js";
import type { ModelPoint } from "./point.js";
import { productTimes } from "./product-times.js";

export interface SystemOptions {
  /** λ ≥ 0 (default 0). */
  readonly damping?: number;
  /** Default "hessian". */
  readonly curvature?: Curvature;
  /** Default "auto". */
  readonly solver?: SolverName | "auto";
  /** Of ‖b − (H + λI)x‖/‖b‖; the default is each solver's own (conjugate gradients: 1e-10). */
  readonly tolerance?: number;
  /** The same where it is conjugate gradients that are taken. */
  readonly cgTolerance?: number;
  /** Of an iterative solver. */
  readonly maximumIterations?: number;
  /** What the solver may allocate (default 2 GiB). */
  readonly memoryBytes?: number;
  readonly seed?: number;
  /** Whether a solver that knows beforehand that it will not converge runs all the same (default false). */
  readonly allowUnconverged?: boolean;
  /** H at the point with this curvature, ridge included, where it is at hand: what it keeps is then used again. */
  readonly operator?: RiskOperator;
  /**
   * One for H + λI of the same model on nearly the same rows, where it is at hand: conjugate gradients take it instead of making another,
   * which changes how many passes they need and not where they end.
   */
  readonly preconditioner?: Preconditioner | undefined;
}

/** How the systems with H + λI at a point are solved. */
export interface LocalSystem {
  /** H, ridge included, λ not. */
  readonly operator: SymmetricOperator;
  readonly damping: number;
  readonly curvature: Curvature;
  readonly choice: SolverChoice;
  /** H itself (d×d, lower triangle) where it was formed. */
  readonly matrix: Matrix | null;
  /** Rank of H + λI where it was factorised, else null. */
  readonly rank: number | null;
  /**
   * For conjugate gradients with H + λI, or with another λ: from one sketch of rank up to `choice.rank` or one Gram matrix, made once; else
   * none. Null where a sketch shows H + λI to be indefinite.
   */
  preconditioner(work?: Work, damping?: number): Promise<Preconditioner | null>;
  /**
   * (H + λI)⁻¹B for the columns of B (d×k), by the pseudo-inverse where H + λI is singular and small enough.
   * @param enough tolerances of conjugate gradients with which these solutions are good enough, where those are above the system's own:
   * one for all, or column by column.
   */
  solve(right: Matrix, work?: Work, enough?: number | Float64Array): Promise<SystemSolution>;
  /** Smallest and largest eigenvalue of H by Lanczos's method. */
  extremes(work?: Work): Promise<ExtremeEigenvalues>;
  /** The same by other passes over the same rows, where they pass by. */
  on(data: Dataset): LocalSystem;
}

export interface SystemSolution extends Omit<LinearSolution, "solver"> {
  readonly solver: SolverName | "pseudo-inverse";
  /** ‖(I − MM⁺)b‖/‖b‖ of each column, M = H + λI: what no solution reaches; 0 where M is regular. */
  readonly outOfRange: Float64Array;
}

const MEMORY = 2 ** 31;
/** ‖b − (H + λI)x‖/‖b‖ of conjugate gradients where nothing else is asked for. */
const CG_TOLERANCE = 1e-10;
/** A sketch serves systems that come later too, which are solved to fewer digits: as good as so many in all. */
const SYSTEMS = 2;
/** Of the memory: what products with H may keep between them. */
const KEPT_SHARE = 1 / 8;
/** Of Lanczos's method on products with the data. */
const EIGENVALUE_TOLERANCE = 1e-6;
const EIGENVALUE_STEPS = 100;
/** Of the largest eigenvalue alone, whose error is of the order of the residual's square. */
const LARGEST_TOLERANCE = 1e-3;

/**
 * Chooses a solver for H + λI at a point and factorises it where it is formed whole.
 * @param columns right-hand sides expected at once. @throws usage, resource: as `chooseSolver` and `riskOperator`.
 */
export async function localSystem(
  point: ModelPoint,
  options: SystemOptions,
  columns: number,
  work: Work = {},
): Promise<LocalSystem> {
  await ensureBlas();
  const { damping = 0, curvature = "hessian", solver = "auto", memoryBytes = MEMORY, seed = 0 } = options;
  const products =
    options.operator ??
    riskOperator(point, { curvature, withRidge: true, seed, many: true, keptBytes: memoryBytes * KEPT_SHARE }, work);
  const plan = gaussNewtonPlan(point, damping);
  const times = await productTimes(point, curvature, plan);
  const shared = sharedShape(point, point.parameters);
  const choice = chooseSolver(
    {
      size: products.size,
      rightHandSides: columns,
      damping,
      memoryBytes,
      hasMatrix: true,
      // Samples of a Hessian may be indefinite where the whole is not, and LiSSA then diverges: only where it is asked for.
      hasSamples: curvature === "gauss-newton" || solver === "lissa",
      gaussNewton: plan && {
        ...plan,
        seconds: plan.formSeconds + plan.factorSeconds,
        exact: plan.whole || curvature === "gauss-newton",
      },
      ...(shared && { sharedNumbers: kroneckerNumbers(shared.outer.rows, shared.inner.rows) }),
      ...times,
    },
    solver,
  );
  const matrix = choice.name === "cholesky" ? ((await products.matrix?.()) ?? null) : null;
  const factor = matrix && factorise(matrix, damping);
  const iterative = matrix && !factor ? SINGULAR_AND_LARGE : choice;
  const ground = {
    point,
    options,
    damping,
    curvature,
    seed,
    matrix,
    factor,
    made: { found: null, sample: null, choice: iterative },
    sketching: {
      rank: iterative.rank,
      enough:
        damping > 0
          ? worthwhileRank({ damping, systems: SYSTEMS, rightHandSides: columns, size: products.size, ...times })
          : undefined,
    },
  };
  return systemOf(ground, products, work);
}

/** What a system rests on beside its products. */
interface SystemGround extends Pick<LocalSystem, "damping" | "curvature" | "matrix"> {
  readonly point: ModelPoint;
  readonly options: SystemOptions;
  readonly seed: number;
  readonly factor: DenseFactor | null;
  /** The preconditioner, made once by whoever needs it first, and the choice that it was made for. */
  readonly made: {
    found: DampedPreconditioner | { readonly curvature: number } | null;
    /** What the one that comes before it, and its own correction, are made of. */
    sample: ScoreSample | null;
    choice: SolverChoice;
  };
  readonly sketching: { readonly rank: number; readonly enough: ReturnType<typeof worthwhileRank> | undefined };
}

function systemOf(ground: SystemGround, products: RiskOperator, work: Work): LocalSystem {
  const { point, options, damping, curvature, seed, matrix, factor, made, sketching } = ground;
  const { maximumIterations } = options;
  const units =
    point.gradientTerms &&
    parameterUnits(
      point.model,
      point.gradientTerms,
      point.ridge.map((P) => P + damping),
    );
  const preconditioner = async (also: Work, lambda = damping): Promise<Preconditioner | null> => {
    if (options.preconditioner && lambda === damping && made.choice.preconditioner !== "none")
      return options.preconditioner;
    if (made.choice.preconditioner === "gauss-newton") {
      made.found ??= (await products.gaussNewton?.(damping, also)) ?? null;
      if (!made.found) made.choice = NOT_CONVEX;
    }
    if (made.choice.preconditioner === "kronecker") {
      made.sample ??= await scoreSample(point, point.parameters, also);
      made.found ??= await kroneckerPreconditioner(point, point.parameters, damping, also, made.sample);
    }
    if (!made.found && sketching.rank === 0) return NO_PRECONDITIONER;
    made.found ??= await nystromPreconditioner(products, { ...also, damping, seed, ...sketching });
    if ("curvature" in made.found) return null;
    // What is not damped by any λ has no factor, but the one at hand still serves.
    const factorless = made.found.name === "gauss-newton" && !point.ridge.every((P) => P + lambda > 0);
    return lambda === damping || factorless ? made.found : made.found.withDamping(lambda);
  };
  /** What conjugate gradients begin with, and what they may have made; null where a sketch shows H + λI to be indefinite. */
  const atHand = async (also: Work): Promise<Pick<BlockCgOptions, "preconditioner" | "later"> | null> => {
    const shared = made.choice.preconditioner === "kronecker" && !made.found && !options.preconditioner;
    const shape = shared ? sharedShape(point, point.parameters) : null;
    if (shape) {
      const make = async (): Promise<Preconditioner> => (await preconditioner(also)) ?? NO_PRECONDITIONER;
      const { parameters, outer, inner } = shape;
      if (scoresAreWorth(point.data.rows, outer.rows, inner.rows))
        made.sample ??= await scoreSample(point, point.parameters, also);
      return {
        ...(made.sample && {
          preconditioner: scorePreconditioner(made.sample, parameters, sharedRidge(point.ridge, parameters), damping),
        }),
        later: { cost: kroneckerCost(outer.rows, inner.rows), make },
      };
    }
    const found = await preconditioner(also);
    return found && { preconditioner: found };
  };
  return {
    operator: products,
    damping,
    curvature,
    get choice() {
      return made.choice;
    },
    matrix,
    rank: factor?.rank ?? null,
    preconditioner: (also = work, lambda = damping) => preconditioner(also, lambda),
    async solve(right, also = work, enough = 0) {
      if (factor) return solveDense(products, damping, factor, right);
      const { choice } = made;
      const usual = (choice.name === "cg" ? options.cgTolerance : undefined) ?? options.tolerance;
      const settings = {
        ...also,
        seed,
        ...(usual !== undefined && { tolerance: usual }),
        ...(maximumIterations !== undefined && { maximumIterations }),
        ...(options.allowUnconverged && { allowUnconverged: true }),
      };
      const ready = choice.name === "cg" ? await atHand(also) : null;
      const damped = dampedOperator(products, damping);
      const solution = ready
        ? await inLikeUnits(units, { operator: damped, right, ready }, (operator, of, given) =>
            blockConjugateGradients(operator, of, {
              ...settings,
              ...given,
              tolerance: Float64Array.from({ length: of.columns }, (_, k) =>
                Math.max(usual ?? CG_TOLERANCE, typeof enough === "number" ? enough : enough[k]),
              ),
            }),
          )
        : await solveSystem({ operator: products, damping, right }, choice, settings);
      return { ...solution, outOfRange: new Float64Array(right.columns) };
    },
    extremes: (also = work) =>
      matrix
        ? extremeEigenvalues(denseProduct(matrix), { ...also, seed })
        : curvatureExtremes(products, point, curvature, { ...also, seed }),
    on: (data) => systemOf({ ...ground, point: { ...point, data } }, products.on(data), work),
  };
}

type Ready = Pick<BlockCgOptions, "preconditioner" | "later">;

/** Conjugate gradients, whose residuals are told in units that are alike: beside those of large features, what is left of small ones is nothing. */
async function inLikeUnits<Solution extends { readonly solution: Matrix }>(
  u: Float64Array | null | undefined,
  { operator, right, ready }: { readonly operator: SymmetricOperator; readonly right: Matrix; readonly ready: Ready },
  solve: (operator: SymmetricOperator, right: Matrix, ready: Ready) => Promise<Solution>,
): Promise<Solution> {
  if (!u) return solve(operator, right, ready);
  const { preconditioner, later } = ready;
  const found = await solve(operatorInUnits(u, operator), columnsInUnits(u, right), {
    ...(preconditioner && { preconditioner: preconditionerInUnits(u, preconditioner) }),
    ...(later && { later: { ...later, make: async () => preconditionerInUnits(u, await later.make()) } }),
  });
  return { ...found, solution: columnsInUnits(u, found.solution) };
}

/**
 * Extreme eigenvalues of H by products with the data, to a few digits. A Gauss–Newton part is never below the smallest ridge, so
 * that only the largest is sought.
 */
export const curvatureExtremes = (
  operator: SymmetricOperator,
  { ridge }: Pick<ModelPoint, "ridge">,
  curvature: Curvature,
  options: LanczosOptions,
): Promise<ExtremeEigenvalues> =>
  extremeEigenvalues(operator, {
    ...options,
    maximumSteps: EIGENVALUE_STEPS,
    ...(curvature === "gauss-newton"
      ? {
          tolerance: LARGEST_TOLERANCE,
          floor: ridge.reduce((least, p) => Math.min(least, p), Number.POSITIVE_INFINITY),
        }
      : { tolerance: EIGENVALUE_TOLERANCE }),
  });

/** A singular H too large for its eigenvectors: conjugate gradients never leave its range. */
const SINGULAR_AND_LARGE: SolverChoice = {
  name: "cg",
  preconditioner: "none",
  rank: 0,
  memoryBytes: 0,
  reason: "CG: the Hessian is singular, and too large for its pseudo-inverse.",
};

/** Rows on which the loss bends down in the outputs, as the probe of the first ones did not show. */
const NOT_CONVEX: SolverChoice = {
  name: "cg",
  preconditioner: "none",
  rank: 0,
  memoryBytes: 0,
  reason: "CG: the loss is not convex in the outputs of all rows, so that there is no Gauss–Newton part to begin with.",
};

const denseProduct = (matrix: Matrix): Pick<SymmetricOperator, "size" | "product"> => ({
  size: matrix.rows,
  product: async (vectors) =>
    asColumns(Array.from({ length: vectors.columns }, (_, k) => hessianTimes(matrix, vectors.column(k)))),
});

const REFINEMENTS = 2;

/** Solves with the factor and refines with residuals from fresh products over the data (MATH 12). */
async function solveDense(
  operator: SymmetricOperator,
  damping: number,
  factor: DenseFactor,
  right: Matrix,
): Promise<SystemSolution> {
  let solution = factor.solve(right);
  const damped = dampedOperator(operator, damping);
  let { residual, relative, largest } = await trueResidual(damped, solution, right);
  let products = right.columns;
  let iterations = 0;
  const definite = factor.method !== "indefinite";
  const most = definite ? REFINEMENTS : 0;
  for (; iterations < most && largest > 0; iterations++) {
    const correction = factor.solve(residual);
    const refined = new Matrix(
      solution.data.map((value, at) => value + correction.data[at]),
      right.rows,
      right.columns,
    );
    const next = await trueResidual(damped, refined, right);
    products += right.columns;
    if (!(next.largest < largest)) break;
    solution = refined;
    ({ residual, relative, largest } = next);
  }
  return {
    solver: factor.method === "pseudo-inverse" ? "pseudo-inverse" : "cholesky",
    solution,
    residuals: relative,
    relativeResidual: largest,
    end: definite ? "converged" : "indefinite",
    converged: definite,
    iterations,
    products,
    sketchProducts: 0,
    curvature: factor.smallest,
    outOfRange: factor.outOfRange(right),
  };
}
