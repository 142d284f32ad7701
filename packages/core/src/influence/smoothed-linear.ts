import type { Dataset } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { linear, type ModelOptions } from "../models/score-model.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dualNormOf } from "../robust/robust-loss.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import { centralProbability } from "../stats/distributions.js";
import { radiusScale } from "../threats/radius-scale.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";

/** The noise, and whether the adversary sees it. */
export interface SmoothedLinearOptions extends Work, Pick<ModelOptions, "intercept"> {
  /** σ ≥ 0, in the units of the features. */
  readonly sigma: number;
  /** "draw": the adversary sees the noisy row before it moves it; "smoothed": it attacks the mean loss over the noise. */
  readonly attack: "draw" | "smoothed";
  readonly loss?: "squared" | "half-squared";
  readonly l2?: number;
  /** c; default: the mean size of the rows without noise. */
  readonly scale?: number;
}

/** The natural loss under a change to θ̂ + εI: slope·ε + curvature·ε² exactly. */
export interface NoiseSensitivity {
  readonly naturalLoss: number;
  readonly slope: number;
  readonly curvature: number;
}

/**
 * A linear model fitted to rows with Gaussian noise of variance σ², its influence, and what robustness costs on rows with
 * and without noise.
 */
export interface SmoothedLinear {
  /** θ̃ (d), the fit to noisy rows. */
  readonly parameters: Float64Array;
  readonly scale: number;
  /** A(θ̃), Φ (d) and I (d), per unit of ε. */
  readonly penalty: number;
  readonly penaltyGradient: Float64Array;
  readonly influence: Float64Array;
  /** On the training rows with noise, and as they are. */
  readonly noisy: NoiseSensitivity;
  readonly clean: NoiseSensitivity;
}

/**
 * Squared loss l = s r² of a score linear in x under noise x + σξ, ξ ~ N(0, I), in closed form for any rows (MATH 6). The mean loss
 * is s(r² + τ²) with τ = σ‖β‖₂, a ridge of 2sσ². An adversary that sees the draw gains 2s‖b⊙β‖_q E|r + τξ| a row, one that
 * attacks the mean loss 2s‖b⊙β‖_q |r|:
 *
 *     Φ = 2sc [ (Σ w a) Eφ + N Σ w a_r v + N σ (Σ w a_τ) Eβ/‖β‖₂ ],   a = E|r + τξ| = τ√(2/π)e^{−r²/2τ²} + r(2Φ(r/τ) − 1).
 *
 * @throws usage: σ below 0, a box. As `fit`.
 */
export async function smoothedLinear(
  data: Dataset,
  describe: AnyThreat,
  { sigma, attack, loss = "squared", l2 = 0, intercept = true, scale, ...work }: SmoothedLinearOptions,
): Promise<SmoothedLinear> {
  if (!(sigma >= 0 && sigma < Infinity)) throw usageError(`The noise σ must be a number ≥ 0, got ${sigma}.`);
  const s = loss === "squared" ? 1 : 0.5;
  const ridge = 2 * s * sigma * sigma;
  const fit = await fitModel(linear({ loss, intercept }), data, { ...work, l2: l2 + ridge });
  const threat = threatOn(describe, data.features.length);
  if (threat.settings.bounds !== null) throw usageError("Noise takes rows out of any bounds: leave the bounds out.");
  const c = scale ?? (await radiusScale(data, threat, work));
  const first = intercept ? 1 : 0;
  const beta = fit.parameters.subarray(first);
  const length = Math.sqrt(dot(beta, beta));
  const tau = attack === "draw" ? sigma * length : 0;
  const { norm, direction } = dualNormOf(fit.model, threat, fit.parameters);
  let [sizes, spreads, rest] = [0, 0, 0];
  const { pull } = await sweep(
    fit.model.map,
    data,
    { pull: 1, phase: "influence" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const r = fit.scores[firstRow + i] - y[i];
        const { size, alongResidual, alongSpread } = foldedMean(r, tau);
        sizes += w[i] * size;
        spreads += w[i] * alongSpread;
        rest += w[i] * r * r;
        omega.data[i] = w[i] * alongResidual;
      }
    },
    work,
  );
  const penaltyGradient = fit.parameters.map((_, j) => {
    const own = j < first ? 0 : sizes * direction[j - first];
    const spread = j < first || length === 0 ? 0 : (norm * sigma * spreads * beta[j - first]) / length;
    return 2 * s * c * (own + norm * pull.data[j] + spread);
  });
  const influence = fit.inverse.solve(penaltyGradient).map((value) => -value);
  const penalised = influence.subarray(first);
  /** The natural loss with the part `counted` of the ridge in it. */
  const sensitivity = (counted: number): NoiseSensitivity => ({
    naturalLoss: s * rest + 0.5 * counted * length * length,
    slope: (counted - l2 - ridge) * dot(beta, penalised),
    curvature: 0.5 * (curved(fit, influence) + (counted - l2 - ridge) * dot(penalised, penalised)),
  });
  return {
    parameters: fit.parameters,
    scale: c,
    penalty: 2 * s * c * norm * sizes,
    penaltyGradient,
    influence,
    noisy: sensitivity(ridge),
    clean: sensitivity(0),
  };
}

/** I'HI */
const curved = ({ hessian }: Fit, influence: Float64Array): number => dot(influence, hessianTimes(hessian, influence));

/** E|r + τξ| and its derivatives in r and τ; |r|, sgn r and 0 without noise. */
function foldedMean(r: number, tau: number): { size: number; alongResidual: number; alongSpread: number } {
  if (tau === 0) return { size: Math.abs(r), alongResidual: Math.sign(r), alongSpread: 0 };
  const z = r / tau;
  const alongSpread = Math.sqrt(2 / Math.PI) * Math.exp(-0.5 * z * z);
  const alongResidual = Math.sign(z) * centralProbability(z);
  return { size: tau * alongSpread + r * alongResidual, alongResidual, alongSpread };
}
