import type { Dataset } from "../../data/dataset.js";
import { numericalError } from "../../errors.js";
import { asColumn, asColumns } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { sharedShape, withoutCommon } from "../../solvers/kronecker-preconditioner.js";
import { type ExtremeEigenvalues, proposedDamping } from "../../solvers/lanczos.js";
import type { SolverEnd } from "../../solvers/linear-solution.js";
import type { Curvature } from "../../solvers/risk-operator.js";
import type { ThreatDescription } from "../../threats/pointwise.js";
import { unitsAdvice } from "../units-advice.js";
import type { ModelPoint } from "./point.js";
import { type AdversarialPull, adversarialPulls } from "./pull.js";
import { type LocalSystem, localSystem, type SystemOptions, type SystemSolution } from "./system.js";

/** The system (H + λI) x = Φ of a local response: its damping, curvature and solver, and what is asked of H. */
export interface LocalInfluenceOptions extends SystemOptions {
  /** Whether the extreme eigenvalues of H are sought (default true): up to 100 products with H where H is not formed whole. */
  readonly eigenvalues?: boolean;
}

/**
 * The local response I = −(H(θ̃) + λI)⁻¹Φ(θ̃) at any θ̃ (MATH 9). At a minimum with λ = 0 it is the adversarial influence
 * function of Theorem 4.1. Elsewhere it is the ε-derivative of one damped Newton step on the robust risk from θ̃, and the AIF of
 * R_ε(θ) − ∇L(θ̃)'θ + ½λ‖θ − θ̃‖².
 */
export interface LocalInfluence extends AdversarialPull {
  readonly point: ModelPoint;
  /** I (d), per unit of ε. */
  readonly influence: Float64Array;
  readonly damping: number;
  readonly curvature: Curvature;
  readonly solver: {
    readonly name: SystemSolution["solver"];
    readonly reason: string;
    readonly iterations: number;
    /** Vectors multiplied with H, for all threats together. */
    readonly products: number;
    /** Of those, the ones of a low-rank sketch of H. */
    readonly sketchProducts: number;
    /** ‖(H + λI)I + Φ‖/‖Φ‖, recomputed. */
    readonly relativeResidual: number;
    readonly converged: boolean;
    readonly end: SolverEnd;
    /** What the solver was estimated to need. */
    readonly memoryBytes: number;
    /** Rank of H + λI where it was factorised, else null. */
    readonly rank: number | null;
  };
  readonly local: LocalState;
  /** For further right-hand sides. */
  readonly system: LocalSystem;
}

/** How far θ̃ is from a minimum, and H from being positive definite. */
export interface LocalState {
  /** As in the point: relative to the size of the gradient's terms. */
  readonly gradientNorm: number;
  /** ½ g'(H + λI)⁻¹g, g = ∇L(θ̃): by how much a damped Newton step would lower L. */
  readonly newtonDecrement: number;
  /** −(H + λI)⁻¹g (d): that step; 0 where the relative gradient is at most 1e-8. The response is of θ̃ alone only where ε‖I‖ is far larger. */
  readonly shift: Float64Array;
  /** Of H without λ; null where it was not sought, as of a large Gauss–Newton part. */
  readonly smallestEigenvalue: number | null;
  readonly largestEigenvalue: number | null;
  /** A λ after which H + λI has a condition number of about 10⁶ at most; 0 where H has; null where eigenvalues were not sought. */
  readonly proposedDamping: number | null;
}

/** Φ must lie in the range of a singular H + λI up to this share, or there is no response (MATH 1.1). */
const RANGE_TOLERANCE = 1e-8;
/** Of conjugate gradients for the step towards the minimum. */
const SHIFT_TOLERANCE = 1e-4;
/** A relative gradient this small is that of a minimum (MATH 12). */
const MINIMUM = 1e-8;
/** An eigenvalue below minus this share of the largest is negative beyond rounding. */
const NEGATIVE = 1e-10;

/** `localInfluences` for one threat. @throws as it does: numerical, usage, resource */
export async function localInfluence(
  point: ModelPoint,
  threat: ThreatDescription,
  options: LocalInfluenceOptions = {},
  work: Work = {},
): Promise<LocalInfluence> {
  const [only] = await localInfluences(point, [threat], options, work);
  return only;
}

/**
 * The local responses to several threats: one pass for all Φ, one factorisation or block of conjugate gradients for all
 * systems. A solver that stops at its iteration limit is returned as it is, with `converged: false`.
 * @throws numerical: H + λI is not positive definite (with the λ that would do), or singular with a Φ outside its range.
 * usage: a threat that does not fit the features, Gauss–Newton of a model without outputs. resource: no solver fits the memory.
 */
export async function localInfluences(
  point: ModelPoint,
  threats: readonly ThreatDescription[],
  options: LocalInfluenceOptions = {},
  work: Work = {},
): Promise<LocalInfluence[]> {
  const { eigenvalues = true, tolerance = 1e-10 } = options;
  const pulls = await adversarialPulls(point, threats, work);
  const system = await localSystem(point, options, pulls.length + 1, work);
  // At a minimum the gradient is rounding, part of it outside the range of a singular H, where no solver gets anywhere.
  const gradient = point.gradientNorm <= MINIMUM ? new Float64Array(point.gradient.length) : point.gradient;
  const pulled = pulls.map(({ penaltyGradient }) => penaltyGradient);
  // −g is solved for to the few digits that are shown of it, and where products are dear by itself.
  const apart = options.cgTolerance !== undefined && system.matrix === null;
  const enough = Float64Array.from({ length: pulls.length + 1 }, (_, k) => (k < pulls.length ? 0 : SHIFT_TOLERANCE));
  const solved = apart
    ? await system.solve(asColumns(pulled), work)
    : await system.solve(asColumns([...pulled, gradient]), work, enough);
  const extremes = eigenvalues ? await system.extremes(work) : null;
  await refuseIndefinite(system, solved, extremes, work);
  const missing = solved.outOfRange.slice(0, pulls.length).reduce((most, share) => Math.max(most, share), 0);
  if (missing > RANGE_TOLERANCE) throw numericalError(noResponse(point, system, missing));
  const step = apart
    ? (await system.solve(asColumn(gradient), work, SHIFT_TOLERANCE)).solution.data
    : solved.solution.column(pulls.length);
  const local: LocalState = {
    gradientNorm: point.gradientNorm,
    newtonDecrement: 0.5 * dot(gradient, step),
    shift: step.map((value) => -value),
    smallestEigenvalue: extremes && smallestOf(extremes),
    largestEigenvalue: extremes?.largest.value ?? null,
    proposedDamping: extremes && proposedDamping(extremes).proposed,
  };
  const shared = sharedShape(point, point.parameters);
  const along = (k: number): Float64Array => {
    const I = solved.solution.column(k).map((value) => -value);
    return shared ? withoutCommon(I, shared.parameters) : I;
  };
  return pulls.map((pull, k) => ({
    ...pull,
    point,
    influence: along(k),
    damping: system.damping,
    curvature: system.curvature,
    solver: {
      name: solved.solver,
      reason: system.choice.reason,
      iterations: solved.iterations,
      products: solved.products,
      sketchProducts: solved.sketchProducts,
      relativeResidual: solved.residuals[k],
      converged: solved.converged || solved.residuals[k] <= tolerance,
      end: solved.end,
      memoryBytes: system.choice.memoryBytes,
      rank: system.rank,
    },
    local,
    system,
  }));
}

async function refuseIndefinite(
  system: LocalSystem,
  { end, curvature }: SystemSolution,
  known: ExtremeEigenvalues | null,
  work: Work,
): Promise<void> {
  const { damping } = system;
  const negative = known !== null && known.smallest.value + damping < -NEGATIVE * Math.abs(known.largest.value);
  if (end !== "indefinite" && !negative) return;
  const extremes = known ?? (await system.extremes(work));
  const met = end === "indefinite" && curvature !== null ? curvature - damping : Number.POSITIVE_INFINITY;
  const value = Math.min(extremes.smallest.value, met);
  const { smallest, proposed } = proposedDamping({ ...extremes, smallest: { ...extremes.smallest, value } });
  const other = system.curvature === "hessian" ? ", or --curvature gauss-newton" : "";
  throw numericalError(
    `The Hessian${damping > 0 ? ` with a damping of ${damping}` : ""} is not positive definite at these parameters (smallest eigenvalue ${short(value)}): use --damping ${short(upwards(proposed))} (at least ${short(upwards(smallest))})${other}.`,
  );
}

/** null where a bound was enough. */
export const smallestOf = ({ smallest, floor }: ExtremeEigenvalues): number | null =>
  floor === null ? smallest.value : null;

/** A little more, so that what is printed is enough. */
const upwards = (value: number): number => 1.001 * value;
const short = (value: number): string => String(Number(value.toPrecision(4)));

function noResponse({ data }: ModelPoint, { rank, operator, matrix }: LocalSystem, share: number): string {
  const diagonal = matrix ? Array.from({ length: matrix.rows }, (_, j) => matrix.data[j * (matrix.columns + 1)]) : [];
  return `The Hessian is singular (rank ${rank} of ${operator.size} parameters, ${data.rows} rows) and the adversary pulls along directions that the data do not determine (share ${share.toExponential(1)}), so no adversarial influence exists: add a damping such as --damping 0.001, or a ridge such as --l2 0.01.${unitsAdvice(diagonal)}`;
}

/** The same, asked by other passes over the same rows, where they pass by. */
export const influenceOn = (attack: LocalInfluence, data: Dataset): LocalInfluence => ({
  ...attack,
  point: { ...attack.point, data },
  system: attack.system.on(data),
});
