/** From here on the asymptotic series is exact to rounding. */
const LARGE = 40;
/** Γ(x+½)/(Γ(x)√x) as a series in 1/x (Tricomi and Erdélyi). */
const SERIES = [1, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304, 39325 / 33554432];

/**
 * Γ(x+½)/Γ(x), x > 0, to a few units in the last place however large x is: log Γ would lose as many digits as it has before its
 * point. By the series at x + k and the recurrence back, Γ(x+½)/Γ(x) = Γ(x+k+½)/Γ(x+k) · Π_{j<k} (x+j)/(x+j+½).
 */
export function gammaRatio(x: number): number {
  let [at, factor] = [x, 1];
  for (; at < LARGE; at++) factor *= at / (at + 0.5);
  return factor * Math.sqrt(at) * SERIES.reduceRight((sum, term) => sum / at + term, 0);
}

/** E‖z‖₂ of a standard normal vector of m entries: √2 Γ((m+1)/2)/Γ(m/2). */
export const meanNormalLength = (m: number): number => Math.SQRT2 * gammaRatio(m / 2);
