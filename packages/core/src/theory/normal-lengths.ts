import { usageError } from "../errors.js";
import { meanNormalLength } from "../stats/gamma-ratio.js";
import { normalDensity, normalDistribution } from "../stats/normal-distribution.js";
import { integrate, normalMean } from "../stats/quadrature.js";
import { type Exponent, exponent } from "../threats/norms.js";

/** Powers of a normal variable beyond this one have moments that float64 does not hold well. */
const LARGEST_POWER = 100;

/** E|ξ| of a standard normal ξ, √(2/π). */
export const MEAN_ABSOLUTE_NORMAL = Math.sqrt(2 / Math.PI);

/** E|μ + σξ|, ξ ~ N(0, 1): 2σφ(μ/σ) + μ(2Φ(μ/σ) − 1). */
export const meanAbsolute = (mu: number, sigma: number): number =>
  sigma === 0 ? Math.abs(mu) : 2 * sigma * normalDensity(mu / sigma) + mu * meanSign(mu, sigma);

/** E sgn(μ + σξ), ξ ~ N(0, 1): 2Φ(μ/σ) − 1. */
export const meanSign = (mu: number, sigma: number): number =>
  sigma === 0 ? Math.sign(mu) : 1 - 2 * normalDistribution(-mu / sigma);

/**
 * c = E‖x‖_p of x ~ N(0, σ²I_m): σ√2 Γ((m+1)/2)/Γ(m/2) at p = 2, mσ√(2/π) at p = 1, quadrature of P(max > t) at p = ∞; for other p
 * from E e^{−t‖z‖^p} = (E e^{−t|z|^p})^m, two quadratures.
 * @throws usage: p < 1, 100 < p < ∞, m < 1.
 */
export function meanGaussianNorm(features: number, sigma: number, p: Exponent): number {
  exponent(p);
  if (!(Number.isSafeInteger(features) && features >= 1))
    throw usageError(`The number of features must be a whole number ≥ 1, got ${features}.`);
  if (features === 1 || p === 1) return features * sigma * MEAN_ABSOLUTE_NORMAL;
  if (p === 2) return sigma * meanNormalLength(features);
  if (p > LARGEST_POWER && p < Number.POSITIVE_INFINITY)
    throw usageError(`E‖x‖_p is computed up to p = ${LARGEST_POWER} and for p = inf, not for p = ${p}.`);
  return sigma * (p === Number.POSITIVE_INFINITY ? meanMaximum(features) : meanPowerNorm(features, p));
}

/** E max|z_k| = ∫ 1 − (2Φ(t) − 1)^m dt. */
function meanMaximum(m: number): number {
  const exceeds = (t: number, out: Float64Array): void => {
    out[0] = -Math.expm1(m * Math.log1p(-2 * normalDistribution(-t)));
  };
  return integrate(exceeds, 1, [0, 1, 3, 6, 40])[0];
}

/** E‖z‖_p of independent normals; z is scaled so that E|z|^p is about 1. */
function meanPowerNorm(m: number, p: Exponent): number {
  const size = Math.max(1, Math.sqrt(p / Math.E));
  return (
    size *
    meanRoot(m, p, (t) => {
      const width = size * t ** (-1 / p);
      const kinks = [0.25, 1, 3].flatMap((k) => [k * width, -k * width]);
      return normalMean(
        (z, out) => {
          out[0] = -Math.expm1(-t * Math.abs(z / size) ** p);
        },
        1,
        kinks,
      )[0];
    })
  );
}

/** c = E‖x‖₂ of m independent x_k, uniform on (−1, 1). */
export const meanUniformLength = (m: number): number =>
  m === 1
    ? 0.5
    : meanRoot(m, 2, (t) => {
        const width = Math.min(1, 1 / Math.sqrt(t));
        const lost = (x: number, out: Float64Array): void => {
          out[0] = -Math.expm1(-t * x * x);
        };
        return integrate(lost, 1, [...new Set([0, width, Math.min(1, 4 * width), 1])])[0];
      });

/**
 * E S^a of a sum S of m independent terms |x_k|^p, a = 1/p, by S^a = ∫ (1 − e^{−tS}) t^{−a−1} dt / ∫ (1 − e^{−t}) t^{−a−1} dt, in log t.
 * @param lost t ↦ 1 − E e^{−t|x|^p}, without cancellation.
 */
function meanRoot(m: number, p: Exponent, lost: (t: number) => number): number {
  const a = 1 / p;
  const [low, high] = [-35, Math.min(700, 40 * p)];
  const mean = (share: (t: number) => number): number => {
    const [between] = integrate(
      (u, out) => {
        out[0] = share(Math.exp(u)) * Math.exp(-a * u);
      },
      1,
      [low, -10, 0, 10, high],
      1e-12,
    );
    // Below, the share is in proportion to t; above, what it lacks to 1 falls as t^{−am}.
    const below = (share(Math.exp(low)) * Math.exp(-a * low)) / (1 - a);
    const above = (Math.exp(-a * high) / a) * (1 - (1 - share(Math.exp(high))) / (m + 1));
    return below + between + above;
  };
  return mean((t) => -Math.expm1(m * Math.log1p(-Math.min(1, lost(t))))) / mean((t) => -Math.expm1(-t));
}
