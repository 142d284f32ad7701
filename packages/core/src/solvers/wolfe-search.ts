import { dot } from "./inverse-hessian.js";

/** A point of a function of many variables with its value and gradient there. */
export interface MinimiserPoint {
  /** d */
  readonly theta: Float64Array;
  readonly value: number;
  /** d */
  readonly gradient: Float64Array;
}

export type Evaluate = (theta: Float64Array) => Promise<Pick<MinimiserPoint, "value" | "gradient">>;

/** Strong Wolfe conditions: enough decrease, and a slope that is this much flatter. */
const DECREASE = 1e-4;
const SLOPE = 0.9;
const MAXIMUM_TRIALS = 30;
/** Values this close, relatively, are the same but for rounding. */
const ROUNDING = 1e-12;
/** A trial within a bracket keeps this share of it away from both ends. */
const INSIDE = 0.1;
/** Of a step while no minimum is bracketed. */
const GROWTH = 3;

interface Trial {
  readonly factor: number;
  readonly slope: number;
  readonly point: MinimiserPoint;
}

/**
 * A point θ + t·p that meets the strong Wolfe conditions f(t) ≤ f(0) + 10⁻⁴ t f'(0) (up to rounding) and |f'(t)| ≤ 0.9 |f'(0)|, by
 * bracketing and safeguarded cubic interpolation (Nocedal and Wright 2006, algorithms 3.5 and 3.6). A lower point that misses
 * the second condition when trials run out is taken too; null when none is lower.
 * @param direction p (d), with f'(0) = p'∇f < 0
 */
export async function wolfeSearch(
  from: MinimiserPoint,
  direction: Float64Array,
  firstFactor: number,
  evaluate: Evaluate,
): Promise<MinimiserPoint | null> {
  const slope = dot(from.gradient, direction);
  const rounding = ROUNDING * Math.abs(from.value);
  let low: Trial = { factor: 0, slope, point: from };
  let high: Trial | null = null;
  let factor = firstFactor;
  for (let trial = 0; trial < MAXIMUM_TRIALS; trial++) {
    const theta = from.theta.map((value, j) => value + factor * direction[j]);
    const point = { theta, ...(await evaluate(theta)) };
    const here: Trial = { factor, slope: dot(point.gradient, direction), point };
    const enough = point.value <= from.value + DECREASE * factor * slope + rounding;
    // What is not finite counts as too far.
    if (!(enough && Number.isFinite(here.slope) && point.value <= low.point.value + rounding)) high = here;
    else {
      if (Math.abs(here.slope) <= -SLOPE * slope) return point;
      const pastMinimum: boolean = here.slope * ((high?.factor ?? Number.POSITIVE_INFINITY) - low.factor) >= 0;
      if (pastMinimum) high = low;
      low = here;
    }
    factor = high ? between(low, high, rounding) : GROWTH * factor;
    if (!Number.isFinite(factor) || factor === low.factor || factor === high?.factor) break;
  }
  return low.point.value < from.value ? low.point : null;
}

/** Within the bracket: where the cubic through both ends is lowest, kept away from them; by the slopes where values are alike. */
function between(low: Trial, high: Trial, rounding: number): number {
  const width = high.factor - low.factor;
  const alike = Math.abs(high.point.value - low.point.value) <= rounding;
  const share = alike ? low.slope / (low.slope - high.slope) : (cubicMinimum(low, high) - low.factor) / width;
  return low.factor + width * (Number.isFinite(share) ? Math.min(1 - INSIDE, Math.max(INSIDE, share)) : 0.5);
}

/** NaN where the cubic has no minimum. */
function cubicMinimum(a: Trial, b: Trial): number {
  const width = b.factor - a.factor;
  const first = a.slope + b.slope - (3 * (a.point.value - b.point.value)) / (a.factor - b.factor);
  const second = Math.sign(width) * Math.sqrt(first * first - a.slope * b.slope);
  return b.factor - (width * (b.slope + second - first)) / (b.slope - a.slope + 2 * second);
}
