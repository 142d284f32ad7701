import { throwIfAborted, usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { normalise } from "../linalg/orthonormal-rows.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { LanczosBasis } from "./lanczos-basis.js";
import type { SymmetricOperator } from "./operator.js";

export interface RitzPair {
  /** θ: an eigenvalue of H lies within `residual` of it. */
  readonly value: number;
  /** ‖Hv − θv‖ of the unit vector v. */
  readonly residual: number;
  /** v (d) */
  readonly vector: Float64Array;
}

export interface ExtremeEigenvalues {
  /** Its value is never below the smallest eigenvalue (but for rounding): a Rayleigh quotient. */
  readonly smallest: RitzPair;
  /** Its value is never above the largest eigenvalue. */
  readonly largest: RitzPair;
  /** A bound that no eigenvalue is below, where it was known beforehand: the smallest pair is then not sought for itself. */
  readonly floor: number | null;
  /** Vectors multiplied with H. */
  readonly products: number;
  /** Whether both residuals (with a floor: that of the largest) are at most the tolerance times the largest |θ|. */
  readonly converged: boolean;
}

export interface LanczosOptions extends Work {
  /** Of the residuals, relative to the largest |θ|. Default 1e-8. */
  readonly tolerance?: number;
  /** Default 300, cut to d; as many vectors are kept. */
  readonly maximumSteps?: number;
  /** What no eigenvalue is known to be below; only the largest is then sought. */
  readonly floor?: number | null;
  readonly seed?: number;
}

/** The small eigenproblem is solved when the basis has grown by this share. */
const GROWTH = 1.15;

/**
 * The extreme eigenvalues of H by Lanczos's method from a seeded random vector, every new basis vector orthogonalised twice
 * against all others. The residuals are the exact ‖Hv − θv‖ = β_{m+1}|s_m| of the method.
 * @throws usage: an empty H, settings that make no sense; cancelled.
 */
export async function extremeEigenvalues(
  operator: Pick<SymmetricOperator, "size" | "product">,
  options: LanczosOptions = {},
): Promise<ExtremeEigenvalues> {
  const { tolerance = 1e-8, maximumSteps = 300, floor = null, seed = 0 } = options;
  const d = operator.size;
  if (d === 0) throw usageError("A matrix without rows has no eigenvalues.");
  if (!(maximumSteps >= 1)) throw usageError(`Lanczos's method needs at least 1 step, got ${maximumSteps}.`);
  const slices = timeSlices(options);
  const steps = Math.min(d, Math.floor(maximumSteps));
  const start = new Float64Array(d);
  randomStream(seed).fillNormals(start);
  normalise(start);
  const basis = new LanczosBasis(operator, start, steps);
  for (let m = 1, check = 1; ; m++) {
    throwIfAborted(options.signal);
    const exhausted = !(await basis.grow());
    if (m >= check || exhausted || m === steps) {
      check = Math.ceil(m * GROWTH);
      const { smallest, largest } = ritzPairs(basis);
      const within = tolerance * Math.max(Math.abs(smallest.value), Math.abs(largest.value));
      const converged = largest.residual <= within && (floor !== null || smallest.residual <= within);
      if (converged || exhausted || m === steps) {
        const [low, high] = [smallest, largest].map((pair) => inFull(pair, basis.vectors, d));
        return { smallest: low, largest: high, floor, products: m, converged };
      }
    }
    if (slices.due()) await slices.pause({ phase: "extreme eigenvalues", done: m, total: steps });
  }
}

/** A Ritz pair by the coefficients of its vector in the basis (m). */
interface SmallPair {
  readonly value: number;
  readonly residual: number;
  readonly coefficients: Float64Array;
}

function ritzPairs(basis: LanczosBasis): { smallest: SmallPair; largest: SmallPair } {
  const { values, vectors } = basis.eigen();
  const last = basis.size - 1;
  const pair = (k: number): SmallPair => {
    const coefficients = vectors.row(k);
    return { value: values[k], residual: Math.abs(basis.outside * coefficients[last]), coefficients };
  };
  return { smallest: pair(0), largest: pair(last) };
}

function inFull({ value, residual, coefficients }: SmallPair, basis: Float64Array, d: number): RitzPair {
  const vector = new Float64Array(d);
  blas().gemv(true, coefficients.length, d, 1, basis, d, coefficients, 0, vector);
  return { value, residual, vector };
}

export interface ProposedDamping {
  /** The smallest λ for which H + λI is positive definite as far as the residual of the eigenvalue tells; 0 where H is. */
  readonly smallest: number;
  /** The λ proposed. */
  readonly proposed: number;
}

/** Smallest eigenvalue of H + λI beside the largest of H that the proposed λ leaves. */
const MARGIN = 1e-6;
/** An eigenvalue this small beside the largest one is 0 but for rounding. */
const ROUNDING = 1e-13;

/**
 * With a = θ_min − its residual (where the smallest eigenvalue of H may lie; at least the floor, if one is known) and b = θ_max of H: the smallest λ that works is
 * 0 where a > 10⁻¹³ b, else 10⁻¹³ b − a; proposed is max(0, 10⁻⁶ b − a), after which H + λI has a condition number of at most
 * about 10⁶.
 */
export function proposedDamping({ smallest, largest, floor }: ExtremeEigenvalues): ProposedDamping {
  const lower = Math.max(smallest.value - smallest.residual, floor ?? Number.NEGATIVE_INFINITY);
  const size = Math.max(Math.abs(largest.value), Math.abs(smallest.value));
  return {
    smallest: Math.max(0, ROUNDING * size - lower),
    proposed: Math.max(0, MARGIN * size - lower),
  };
}
