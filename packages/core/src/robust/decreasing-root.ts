/** A function of one variable, told point by point: returns its value and writes its slope. */
export type SlopedFunction = (at: number, slope: { value: number }) => number;

const MAXIMUM_STEPS = 200;

/**
 * The zero of a decreasing function on [0, upper] that is positive at 0 and not at `upper`, to rounding: Newton's method from
 * the left, kept within the bracket that the function's signs give by halving it where a step would leave it.
 */
export function decreasingRoot(f: SlopedFunction, upper: number): number {
  const slope = { value: 0 };
  let [low, high] = [0, upper];
  let at = 0;
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    const value = f(at, slope);
    if (value === 0) return at;
    if (value > 0) low = at;
    else high = at;
    const newton = at - value / slope.value;
    if (newton === at) return at;
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (!(next > low && next < high)) break;
    at = next;
  }
  return high;
}
