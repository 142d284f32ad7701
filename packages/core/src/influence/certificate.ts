import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky, symmetricEigen, symmetrise } from "../linalg/symmetric.js";
import type { FeatureMap } from "../models/feature-map.js";
import type { Work } from "../parallel/work.js";
import { dualNormOf, hasClosedForm } from "../robust/robust-loss.js";
import type { Fit } from "../solvers/fit.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import { dualExponent, norm } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import { provenBound } from "./proven-radius.js";
import { keptMargins, type MarginsAt, type RobustMargins } from "./robust-margins.js";

/** The norm that an error bound is stated in: H is the nominal Hessian with the ridge, H0 the robust one at θ̂+εI. */
export type ErrorNorm = "hessian" | "robust-hessian";

/** ‖θ_ε − θ̃‖ ≤ bound, and the norm it is stated in. */
export interface Certificate {
  /** null: the bound that was asked for is not proven. */
  readonly bound: number | null;
  length(x: Float64Array): number;
  /** How nearly the bound that was asked for is proven; absent where none was asked for, or nothing is known. */
  readonly proof?: Proof;
}

/** A bound r is proven where √κ(r) ≥ √(‖g‖/r). Both are smooth in ε, on either side of where they meet; the first may be negative. */
export interface Proof {
  /** √κ(r), 1 at ε = 0 */
  readonly floor: number;
  /** √(‖g‖/r), 0 at ε = 0 */
  readonly need: number;
}

export interface CertificateRequest {
  /** θ̃, any point near θ_ε, such as θ̂ + εI. */
  readonly theta: Float64Array;
  readonly radius: number;
  /** Any subgradient of R_ε at θ̃. */
  readonly gradient: Float64Array;
  /** f_i(θ̃), where scores are kept. */
  readonly score?: ((row: number) => number) | undefined;
  /** The bound that is asked for, given the norm it is stated in: deciding whether it holds is cheaper than the best bound. */
  readonly goal?: (length: Certificate["length"]) => number;
}

export type Certify = (request: CertificateRequest, work?: Work) => Promise<Certificate | null>;

/** Decides which a-posteriori bound of MATH 10b a model and threat have; null where there is none. */
export const certifier = (fit: Fit, threat: Threat): Certify | null =>
  certifierOf(fit, threat, (request, reach, work) => keptMargins(fit, request, reach, work));

/** The same, given how the rows are asked. */
export function certifierOf(fit: Fit, threat: Threat, margins: MarginsAt): Certify | null {
  if (!hasClosedForm(fit.model, threat) || fit.inverse.method === "pseudo-inverse") return null;
  const { name } = fit.model.loss;
  if (name === "squared" || name === "half-squared") return squaredCertifier(fit, threat, name === "squared" ? 1 : 0.5);
  if (name !== "logistic") return null;
  return (request, work) => {
    const reach = request.radius * dualNormOf(fit.model, threat, request.theta).norm;
    return logisticCertificate(fit, threat, request, margins(request, reach, work));
  };
}

/** The norm that `certifier` states its bounds in. */
export const certificateNorm = ({ model }: Fit): ErrorNorm =>
  model.loss.name === "logistic" ? "robust-hessian" : "hessian";

/** ‖θ_ε − θ̃‖_H ≤ ‖g‖_{H⁻¹} / (1 − ρ√(2s) ν)², valid while ρ√(2s)ν < 1; global, kinks included. */
function squaredCertifier(fit: Fit, threat: Threat, s: number) {
  const factor = EquilibratedCholesky.factor(fit.hessian);
  if (!(factor instanceof EquilibratedCholesky)) return null;
  const nu = attackedNormBound(factor.inverse(), fit, threat);
  const length = (x: Float64Array): number => lengthIn(fit.hessian, x);
  return async ({ gradient, radius, goal }: CertificateRequest): Promise<Certificate | null> => {
    const margin = 1 - radius * Math.sqrt(2 * s) * nu;
    const size = fit.inverse.dualLength(gradient);
    const bound = margin > 0 ? size / margin ** 2 : null;
    if (goal) return { bound, length, ...proofOf(margin, size, goal(length)) };
    return bound === null ? null : { bound, length };
  };
}

/**
 * H0 = Σ w wt vv' + P, wt = σσ(−·) at the robust margins; D_i = ‖v_i‖_{H0⁻¹} + ρν;
 * κ(r) = (√λ_min(H0^{−½}(Σ w wt e^{−rD_i} vv' + P)H0^{−½}) − ρν√(Σ w min(¼, wt e^{rD_i})))²₊; error ≤ ‖g‖_{H0⁻¹}/κ(r).
 */
async function logisticCertificate(
  fit: Fit,
  threat: Threat,
  { radius, gradient, goal }: CertificateRequest,
  rows: RobustMargins,
): Promise<Certificate | null> {
  const d = fit.model.map.count;
  const withRidge = (gram: Matrix): Matrix => {
    for (let j = 0; j < d; j++) gram.data[j * d + j] += fit.ridge[j];
    return gram;
  };
  const H0 = withRidge(await rows.hessian());
  const factor = EquilibratedCholesky.factor(H0);
  if (!(factor instanceof EquilibratedCholesky)) return null;
  const nu = attackedNormBound(factor.inverse(), fit, threat);
  // Rows of `half` are L⁻¹S: ‖half·v‖² = v'H0⁻¹v.
  const half = factor.halfSolve(identity(d));
  const shrunk = await rows.shrunk(half.transposed(), radius * nu);
  const size = Math.sqrt(factor.inverseQuadratic(gradient));
  const floors = async (radii: readonly number[]): Promise<number[]> =>
    (await shrunk(radii)).map(({ hessian, spread }) => {
      const lowest = symmetricEigen(congruence(half, withRidge(hessian))).values[0];
      return Math.sqrt(Math.max(0, lowest)) - radius * nu * Math.sqrt(spread);
    });
  const length = (x: Float64Array): number => lengthIn(H0, x);
  if (!goal) {
    const kappas = async (radii: readonly number[]) => (await floors(radii)).map((floor) => Math.max(0, floor) ** 2);
    const bound = await provenBound(kappas, size);
    return bound === null ? null : { bound, length };
  }
  // Any r with rκ(r) ≥ ‖g‖ proves ‖g‖/κ(r) ≤ r.
  const asked = goal(length);
  if (!(asked > size && Number.isFinite(asked))) return { bound: null, length };
  const radii = [asked, asked / 2];
  const found = await floors(radii);
  const proven = found.flatMap((floor, k) => (floor > 0 && radii[k] * floor ** 2 >= size ? [size / floor ** 2] : []));
  return {
    bound: proven.length === 0 ? null : Math.min(...proven),
    length,
    ...proofOf(found[0], size, asked),
  };
}

/** None where no bound is asked for that could hold. */
const proofOf = (floor: number, size: number, asked: number): { proof?: Proof } =>
  asked > 0 && Number.isFinite(floor) ? { proof: { floor, need: Math.sqrt(size / asked) } } : {};

/** ν ≥ sup_{h'Hh ≤ 1} ‖b⊙h_β‖_q from C = H⁻¹ on the attacked coordinates (MATH 10b). */
function attackedNormBound(inverse: Matrix, { model: { map } }: Fit, threat: Threat): number {
  const { p, budgets } = threat.settings;
  const q = dualExponent(p);
  const C = attackedCovariance(inverse, map, budgets);
  const m = C.rows;
  const deviations = Float64Array.from({ length: m }, (_, k) => Math.sqrt(Math.max(0, C.data[k * m + k])));
  if (q === Infinity) return Math.max(...deviations);
  const spectral = Math.sqrt(Math.max(0, symmetricEigen(C).values[m - 1]));
  if (q === 2) return spectral;
  if (q === 1 && m <= MAXIMUM_SIGNS) return largestOverSigns(C);
  return Math.min(spectral * m ** Math.max(0, 1 / q - 0.5), norm(deviations, q));
}

/** diag(b)V'H⁻¹V diag(b) on the attacked coordinates, V = ∂v/∂x of a score linear in x. */
function attackedCovariance(inverse: Matrix, map: FeatureMap, budgets: Float64Array): Matrix {
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  const [a, d] = [attacked.length, map.count];
  const directions = Matrix.zeros(a, map.inputs);
  attacked.forEach((k, i) => {
    directions.data[i * map.inputs + k] = budgets[k];
  });
  const rows = map.jacobianTimes(Matrix.zeros(0, map.inputs), directions);
  const images = Matrix.zeros(a, d);
  const out = Matrix.zeros(a, a);
  if (a === 0) return out;
  blas().gemm(false, false, a, d, d, 1, rows.data, d, inverse.data, d, 0, images.data, d);
  blas().gemm(false, true, a, a, d, 1, images.data, d, rows.data, d, 0, out.data, a);
  return out;
}

/** Up to this many coordinates all sign vectors are tried. */
const MAXIMUM_SIGNS = 12;

/** max_{s ∈ {±1}^m} √(s'Cs), the exact dual norm for q = 1. */
function largestOverSigns(C: Matrix): number {
  const m = C.rows;
  let largest = 0;
  for (let code = 0; code < 2 ** (m - 1); code++) {
    let value = 0;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < m; j++) {
        const sameSign = ((code >> i) & 1) === ((code >> j) & 1);
        value += sameSign ? C.data[i * m + j] : -C.data[i * m + j];
      }
    }
    largest = Math.max(largest, value);
  }
  return Math.sqrt(largest);
}

/** √(x'Hx) */
const lengthIn = (hessian: Matrix, x: Float64Array): number => Math.sqrt(Math.max(0, dot(x, hessianTimes(hessian, x))));

function identity(d: number): Matrix {
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) out.data[j * d + j] = 1;
  return out;
}

/** A·S·A' for symmetric S (lower triangle valid), all d×d. */
function congruence(a: Matrix, s: Matrix): Matrix {
  const d = a.rows;
  const full = symmetrise(new Matrix(s.data.slice(), d, d));
  const left = Matrix.zeros(d, d);
  const out = Matrix.zeros(d, d);
  blas().gemm(false, false, d, d, d, 1, a.data, d, full.data, d, 0, left.data, d);
  blas().gemm(false, true, d, d, d, 1, left.data, d, a.data, d, 0, out.data, d);
  return out;
}
