import { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { hessianTimes } from "../solvers/inverse-hessian.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import { type Influence, RANGE_TOLERANCE, responseAt } from "./aif.js";
import { bandwidthRate, gradientDensity } from "./gradient-density.js";
import { type Densities, slopeDensity } from "./influence-jacobian.js";
import type { Sampling } from "./sampling.js";
import { normHessianTimes } from "./second-order-norm.js";

/** Whether the second order allows for the corners beyond the kink radius. */
export interface SecondOrderOptions extends Work, Partial<Sampling> {
  /** Adds the density terms D_δ of MATH 3 to ∇²A: the mean effect of the corners that the path crosses (default false). */
  readonly density?: boolean;
}

/** J of θ_ε = θ̂ + εI + ½ε²J, or why there is none. */
export type SecondOrder =
  | {
      /** J = d²θ_ε/dε² at ε = 0⁺ (d), per unit of ε². */
      readonly response: Float64Array;
      readonly reason: null;
    }
  | { readonly response: null; readonly reason: string };

/**
 * The second-order response J = −H⁻¹(Σwℓ'''(v'I)²v + 2∇²A·I + ∇B), A = cΣw‖b⊙g‖_q, B = c²Σwφ'L^{xx}φ (MATH 10b), by products
 * with V and ∇²v, in O(nd): no Hessian of A is formed but for the density terms of bases that are not affine in x.
 * Without density J is exact for logistic losses. For squared and Poisson losses it holds up to the kink radius only, about 1/n:
 * beyond, residuals change sign one after the other, and `density` adds what they do on average.
 * θ̂ must be away from every corner of A: at a corner the path need not have a second derivative, and J is null.
 * @param shifts n: v_i'I, from `scoreShifts`.
 * @throws usage: rows that share one budget or are reweighted; cancelled
 */
export async function secondOrder(
  attack: Influence,
  shifts: Float64Array,
  options: SecondOrderOptions = {},
): Promise<SecondOrder> {
  requirePointwise(attack.threat, "The second-order response is");
  const atCorner = cornerReason(attack);
  if (atCorner !== null) return none(atCorner);
  const rate = bandwidthRate(attack.fit.data.weights, options);
  const densities = options.density
    ? { density: slopeDensity(attack, attack.pull.slopes, rate), corners: await gradientDensity(attack, rate, options) }
    : null;
  return secondOrderFrom(attack, await gradientBend(attack, shifts, densities, options));
}

const none = (reason: string): SecondOrder => ({ response: null, reason });

/** Why there is no second order whatever the rows say; null: there may be one. */
export const cornerReason = ({
  oneSided,
  coupledKinks,
}: Pick<Influence, "oneSided" | "coupledKinks">): string | null =>
  oneSided || coupledKinks > 0
    ? "the fit lies on a corner of the robust risk, where training has a one-sided first derivative only"
    : null;

/** What the rows say of J. */
export interface GradientBend {
  /** −HJ (d) */
  readonly total: Float64Array;
  /** How many terms have no second derivative. */
  readonly infinite: number;
}

/** J from −HJ. */
export function secondOrderFrom(
  { fit: { inverse } }: Pick<Influence, "fit">,
  { total, infinite }: GradientBend,
): SecondOrder {
  if (infinite > 0)
    return none("some input gradients have entries at 0, where the dual norm of this p has no second derivative");
  if (inverse.nullResidual(total) > RANGE_TOLERANCE)
    return none("the Hessian is singular and the adversary bends the path where the data do not determine the fit");
  return { response: inverse.solve(total).map((value) => -value), reason: null };
}

/**
 * −HJ, a sum over the rows of `attack`. With s = v'I, a = V'I, ψ = φ(g), N = ‖b⊙γ‖_q, σ = sgn(ℓ') a row's score moves by t = s + cσN and its input gradient by
 * u = a + c(∇²_x f)ψ per unit of ε, through parameters and inputs together; the three terms of MATH 10b are the weighted sum of
 * [ℓ'''t² + cℓ''ψ·(a + u) + 4cNK_h(ℓ')ℓ''²s] v + V[2cℓ''tψ + 2c|ℓ'|∇²N u] + c²ℓ'∇²v[ψ, ψ].
 */
export async function gradientBend(
  attack: Influence,
  shifts: Float64Array,
  densities: Densities | null,
  work: Work,
): Promise<GradientBend> {
  const { fit, threat, scale: c, influence: I, pull } = attack;
  const { model, data, parameters, scores } = fit;
  const { map, loss } = model;
  const crossings = densities?.density ?? (() => 0);
  const corners = densities?.corners ?? null;
  const cornerGram = corners && Matrix.zeros(map.count, map.count);
  const throughInputs = new Float64Array(map.count);
  let infinite = 0;
  const { pull: throughFeatures } = await sweep(
    map,
    data,
    { pull: 1, phase: "second order" },
    ({ block, pull: onFeatures }) => {
      const { x, y, w, firstRow } = block;
      const r = y.length;
      const { sign, base, gain } = responseAt(attack, block);
      const gamma = pull.gamma ?? map.inputGradients(parameters, x);
      const along = map.inputGradients(I, x);
      const moves = gradientMoves(along, map.curvatureTimes(parameters, x, base), sign, c);
      const alongBase = alongDirections(base, along, moves);
      const norms = new Float64Array(r);
      const onDirections = new Float64Array(r);
      const onMoves = new Float64Array(r);
      const onSecond = new Float64Array(r);
      for (let i = 0; i < r; i++) {
        const row = firstRow + i;
        const slope = pull.slopes[row];
        const second = loss.second(scores[row], y[i]);
        norms[i] = slope === 0 ? 0 : gain[i] / Math.abs(slope);
        const shift = shifts[row] + c * Math.sign(slope) * norms[i];
        onFeatures.data[i] =
          w[i] *
          (loss.third(scores[row], y[i]) * shift * shift +
            c * second * sign[i] * alongBase(i) +
            4 * c * norms[i] * crossings(slope) * second * second * shifts[row]);
        onDirections[i] = 2 * c * w[i] * second * shift * sign[i];
        onMoves[i] = 2 * c * w[i] * Math.abs(slope);
        onSecond[i] = c * c * w[i] * slope;
      }
      map.addJacobianPullback(x, base, onDirections, throughInputs);
      map.addCurvaturePullback(x, base, onSecond, throughInputs);
      const bend = normHessianTimes(moves, { gamma, base, norms }, threat.settings);
      if (bend) {
        map.addJacobianPullback(x, bend.product, onMoves, throughInputs);
        infinite += bend.infinite;
      }
      if (corners && cornerGram) corners(x, gamma, onMoves, cornerGram);
    },
    work,
  );
  const crossed = cornerGram ? hessianTimes(cornerGram, I) : new Float64Array(map.count);
  return { total: throughInputs.map((value, j) => value + throughFeatures.data[j] + crossed[j]), infinite };
}

/** u_i = a_i + c(∇²_x f)ψ_i, ψ_i = sign_i base_i, from (∇²_x f)base_i; a itself where f is affine in x. */
function gradientMoves(along: Matrix, turned: Matrix | null, sign: Float64Array, c: number): Matrix {
  if (turned === null) return along;
  const { rows, columns } = turned;
  const out = Matrix.zeros(rows, columns);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++, at++) out.data[at] = along.data[at] + c * sign[i] * turned.data[at];
  }
  return out;
}

/** i ↦ base_i·(a_i + u_i), worked out once where all rows share them. */
function alongDirections(base: Matrix, along: Matrix, moves: Matrix): (i: number) => number {
  const at = (i: number): number => {
    const [direction, a, u] = [base, along, moves].map((matrix) => matrix.row(matrix.rows === 1 ? 0 : i));
    return direction.reduce((sum, value, k) => sum + value * (a[k] + u[k]), 0);
  };
  if (Math.max(base.rows, along.rows, moves.rows) > 1) return at;
  const shared = at(0);
  return () => shared;
}
