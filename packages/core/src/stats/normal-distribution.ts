/** The standard normal distribution function, fast enough for every unit of a network. */
import { chiSquareTail } from "./distributions.js";

/** φ(x), the density. */
export const normalDensity = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** Taylor series of Φ about −k/16: twelve terms reach rounding for |t| ≤ 1/32, relative to Φ itself, down to −6. */
const PER_UNIT = 16;
const REACH = 6;
const TERMS = 12;
let series: Float64Array | undefined;

/** Φ⁽ⁿ⁾/n! by φ⁽ⁿ⁺¹⁾ = −xφ⁽ⁿ⁾ − nφ⁽ⁿ⁻¹⁾. */
function taylorSeries(): Float64Array {
  const out = new Float64Array((REACH * PER_UNIT + 1) * TERMS);
  for (let k = 0; k <= REACH * PER_UNIT; k++) {
    const x = -k / PER_UNIT;
    const c = out.subarray(k * TERMS, (k + 1) * TERMS);
    c[0] = 0.5 * chiSquareTail(x * x, 1);
    c[1] = normalDensity(x);
    for (let n = 0; n + 2 < TERMS; n++) c[n + 2] = (-x * c[n + 1] - (n * c[n]) / (n + 1)) / (n + 2);
  }
  return out;
}

/** Φ(x) to a few units in the last place, in both tails. */
export function normalDistribution(x: number): number {
  const far = Math.abs(x);
  // Also where x is not a number; beyond 40 the tail is 0 in float64, and the incomplete gamma function takes no infinity.
  if (!(far <= REACH)) {
    const tail = 0.5 * chiSquareTail(Math.min(x * x, 1600), 1);
    return x < 0 ? tail : 1 - tail;
  }
  series ??= taylorSeries();
  const k = Math.round(far * PER_UNIT);
  const t = k / PER_UNIT - far;
  const from = k * TERMS;
  let value = series[from + TERMS - 1];
  for (let n = from + TERMS - 2; n >= from; n--) value = value * t + series[n];
  return x < 0 ? value : 1 - value;
}
