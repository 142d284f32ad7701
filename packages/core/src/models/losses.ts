import { LOGISTIC_ROWS, logisticBends, logisticJets } from "../linalg/logistic-rows.js";

/** First and second derivatives of a loss in f, row by row. */
export interface Bends {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** The same with values. */
export interface Jets extends Bends {
  readonly values: Float64Array;
}

/** The most rows whose jets are taken at a time. */
export const JET_ROWS = LOGISTIC_ROWS;

/** A loss l = ℓ(f, y) of the score f = θ'v(x): values and derivatives in f (MATH 0). */
export interface Loss {
  readonly name: LossName;
  /** Whether ℓ = ½ℓ''·(f − y)² with the same ℓ'' everywhere, so that H is the same at every θ. */
  readonly quadratic: boolean;
  /** What a person calls the mean of this loss. */
  readonly label: string;
  /** Its unit, given the target's name: "price²", "nats per row". */
  unit(target: string): string;
  value(f: number, y: number): number;
  first(f: number, y: number): number;
  second(f: number, y: number): number;
  third(f: number, y: number): number;
  /** Value, first and second derivative at once, to `out`: what a fit needs of every row. */
  jet(f: number, y: number, out: Float64Array): void;
  /** The same of at most `JET_ROWS` rows; it stays until the next call. */
  jets(f: Float64Array, y: Float64Array): Jets;
  /** The same without values, which may take most of the time; they too stay until the next call of either. */
  bends(f: Float64Array, y: Float64Array): Bends;
  /** The score at which ℓ' changes sign for this target (a kink of |ℓ'|), or NaN where there is none. */
  kink(y: number): number;
  /**
   * How a shift s of the score, continued for ever, changes the row's loss: ≤ 0 where it never rises. A direction along
   * which no row's loss rises and some row's falls is one along which no minimiser exists (separable data).
   */
  recession(s: number, y: number): number;
  /** The worse end of [f − reach, f + reach]: +1 or −1. The loss is convex in the score, so no point between is worse. */
  worseEnd(f: number, y: number, reach: number): 1 | -1;
  /** The score of the best constant prediction for targets of mean ȳ. */
  constantScore(mean: number): number;
}

/** (f − y)², half of it, log(1 + e^{−yf}) with y = ±1, e^f − yf: a key of `LOSSES`. */
export type LossName = "squared" | "half-squared" | "logistic" | "poisson";

/** σ(t) = 1 / (1 + e^{−t}), accurate in both tails. */
export function sigmoid(t: number): number {
  if (t >= 0) return 1 / (1 + Math.exp(-t));
  const e = Math.exp(t);
  return e / (1 + e);
}

/** σ'(t) = σ(t)σ(−t) by one exponential. */
function sigmoidSlope(t: number): number {
  const e = Math.exp(-Math.abs(t));
  return e / ((1 + e) * (1 + e));
}

/** σ''(t) = σ'(t)(1 − 2σ(t)) by one exponential. */
function sigmoidBend(t: number): number {
  const e = Math.exp(-Math.abs(t));
  const bend = (e * (1 - e)) / ((1 + e) * (1 + e) * (1 + e));
  return t > 0 ? -bend : bend;
}

/** log(1 + e^t) without overflow. */
export const softplus = (t: number): number => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));

/** Jets of many rows from what writes them. @param curvature what the curvatures are until they are written */
function jetsBy(write: (f: Float64Array, y: Float64Array, jets: Jets) => void, curvature = 0): Loss["jets"] {
  const room = (): Float64Array => new Float64Array(JET_ROWS).fill(curvature);
  const [values, slopes, curvatures] = [room(), room(), room()];
  return (f, y) => {
    const r = f.length;
    const jets = {
      values: values.subarray(0, r),
      slopes: slopes.subarray(0, r),
      curvatures: curvatures.subarray(0, r),
    };
    write(f, y, jets);
    return jets;
  };
}

/** l = s (f − y)², s ∈ {1, ½}: both conventions are in use and sensitivities are proportional to s. */
function squaredLoss(name: LossName, s: number, label: string): Loss {
  const jets = jetsBy((f, y, { values, slopes }) => {
    for (let i = 0; i < f.length; i++) {
      const residual = f[i] - y[i];
      values[i] = s * residual * residual;
      slopes[i] = 2 * s * residual;
    }
  }, 2 * s);
  return {
    name,
    quadratic: true,
    label,
    unit: (target) => `${target}²`,
    value: (f, y) => s * (f - y) * (f - y),
    first: (f, y) => 2 * s * (f - y),
    second: () => 2 * s,
    third: () => 0,
    jet(f, y, out) {
      out[0] = s * (f - y) * (f - y);
      out[1] = 2 * s * (f - y);
      out[2] = 2 * s;
    },
    jets,
    bends: jets,
    kink: (y) => y,
    recession: (shift) => Math.abs(shift),
    worseEnd: (f, y) => (f >= y ? 1 : -1),
    constantScore: (mean) => mean,
  };
}

const poissonJets = jetsBy((f, y, { values, slopes, curvatures }) => {
  for (let i = 0; i < f.length; i++) {
    const mean = Math.exp(f[i]);
    values[i] = mean - y[i] * f[i];
    slopes[i] = mean - y[i];
    curvatures[i] = mean;
  }
});

/**
 * The losses of scores f by name, with their first three derivatives in f, their kinks and their worse end under an
 * attack.
 */
export const LOSSES: Readonly<Record<LossName, Loss>> = {
  squared: squaredLoss("squared", 1, "mean squared error"),
  "half-squared": squaredLoss("half-squared", 0.5, "half the mean squared error"),
  /** l = log(1 + e^{−yf}), y ∈ {−1, +1}. */
  logistic: {
    name: "logistic",
    quadratic: false,
    label: "log loss",
    unit: () => "nats per row",
    value: (f, y) => softplus(-y * f),
    first: (f, y) => -y * sigmoid(-y * f),
    second: (f) => sigmoidSlope(f),
    third: (f) => sigmoidBend(f),
    jet(f, y, out) {
      const t = -y * f;
      const e = Math.exp(-Math.abs(t));
      const inverse = 1 / (1 + e);
      out[0] = (t > 0 ? t : 0) + Math.log1p(e);
      out[1] = -y * (t >= 0 ? inverse : e * inverse);
      out[2] = e * inverse * inverse;
    },
    jets: logisticJets,
    bends: logisticBends,
    kink: () => Number.NaN,
    recession: (shift, y) => -y * shift,
    worseEnd: (_f, y) => (y > 0 ? -1 : 1),
    constantScore: (mean) => Math.log((1 + mean) / (1 - mean)),
  },
  /** l = e^f − y f, y ≥ 0: the negative log likelihood of a Poisson count with mean e^f, less the constant log y!. */
  poisson: {
    name: "poisson",
    quadratic: false,
    label: "Poisson loss",
    unit: () => "nats per row, without the constant log y!",
    value: (f, y) => Math.exp(f) - y * f,
    first: (f, y) => Math.exp(f) - y,
    second: (f) => Math.exp(f),
    third: (f) => Math.exp(f),
    jet(f, y, out) {
      const mean = Math.exp(f);
      out[0] = mean - y * f;
      out[1] = mean - y;
      out[2] = mean;
    },
    jets: poissonJets,
    bends: poissonJets,
    kink: (y) => (y > 0 ? Math.log(y) : Number.NaN),
    recession: (shift, y) => (y > 0 ? Math.abs(shift) : shift),
    worseEnd: (f, y, reach) => (Math.exp(f) * Math.sinh(reach) >= y * reach ? 1 : -1),
    constantScore: (mean) => Math.log(mean),
  },
};
