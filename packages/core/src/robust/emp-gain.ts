import type { Loss } from "../models/losses.js";

/** Steps of a bisection in log α over the 35 powers of e that matter. */
const BISECTIONS = 60;
const NEWTON_STEPS = 60;
/** Where a range that begins at 0 is looked at instead, as a share of its end. */
const SMALLEST = 1e-15;
/** log of the smallest number. */
const LOG_TINY = -744;

/** A stretch of α on which the gain is concave in α^u, attained at one end of the score's range. */
interface ConcaveRange {
  readonly side: 1 | -1;
  readonly from: number;
  readonly to: number;
}

/**
 * What one row gains when it moves by α times the radius: g(α) = max(ℓ(f − Rα), ℓ(f + Rα)), R = ρN, for a loss convex in the
 * score; it costs α^u. g rises and is convex in α; whether it is concave in the cost depends on its elasticity
 * E(α) = α g''/g' being below u − 1. For every loss of `LOSSES` E has at most one stationary point on each side.
 */
export class RowGain {
  private readonly concave: readonly ConcaveRange[];

  /** @param most the α beyond which the row alone breaks the budget, w^{−1/u}. */
  constructor(
    private readonly loss: Loss,
    private readonly f: number,
    private readonly y: number,
    private readonly R: number,
    private readonly u: number,
    readonly most: number,
  ) {
    this.concave = this.pieces().flatMap((piece) => this.concaveParts(piece));
  }

  /** The worse side of the score at α. */
  side(alpha: number): 1 | -1 {
    return this.loss.worseEnd(this.f, this.y, this.R * alpha);
  }

  value(alpha: number): number {
    return this.loss.value(this.f + this.side(alpha) * this.R * alpha, this.y);
  }

  /** g'(α)/R on a side. */
  slope(alpha: number, side: 1 | -1 = this.side(alpha)): number {
    return side * this.loss.first(this.f + side * this.R * alpha, this.y);
  }

  /** log g'(α) */
  logSlope(alpha: number): number {
    return Math.log(this.R * this.slope(alpha));
  }

  /** g'(0) */
  slopeAtZero(): number {
    return this.R * this.slope(0, this.side(SMALLEST * this.most));
  }

  /** E(α) on a side; 1, the limit, where both g' and α vanish. */
  elasticity(alpha: number, side: 1 | -1 = this.side(alpha)): number {
    const slope = this.slope(alpha, side);
    return slope > 0 ? (this.R * alpha * this.loss.second(this.f + side * this.R * alpha, this.y)) / slope : 1;
  }

  /** The α in [low, high] of largest g(α) − ν α^u: at an end, or the stationary point of a concave range. */
  best(nu: number, low: number, high: number): number {
    const only = this.concave[0];
    if (this.concave.length === 1 && only.from <= low && only.to >= high)
      return this.stationary(nu, only.side, low, high);
    let best = low;
    let most = this.lagrangian(low, nu);
    const look = (alpha: number): void => {
      const value = this.lagrangian(alpha, nu);
      if (value > most) [best, most] = [alpha, value];
    };
    for (const { side, from, to } of this.concave) {
      const [lo, hi] = [Math.max(from, low), Math.min(to, high)];
      if (lo < hi) look(this.stationary(nu, side, lo, hi));
    }
    look(high);
    return best;
  }

  lagrangian(alpha: number, nu: number): number {
    return this.value(alpha) - nu * alpha ** this.u;
  }

  /** The root of log g'(α) = log(ν u α^{u−1}) in a concave range, where the difference falls in log α; an end if there is none. */
  private stationary(nu: number, side: 1 | -1, from: number, to: number): number {
    const { R, u } = this;
    const level = Math.log(nu * u);
    const difference = (x: number): number => Math.log(R * this.slope(Math.exp(x), side)) - level - (u - 1) * x;
    if (difference(Math.log(to)) >= 0) return to;
    if (from > 0 && difference(Math.log(from)) <= 0) return from;
    // g' ≥ g'(0) puts the root to the right of the one for a constant slope.
    const first = this.slope(0, side);
    const least = first > 0 ? (Math.log(R * first) - level) / (u - 1) : LOG_TINY;
    let low = Math.max(from > 0 ? Math.log(from) : LOG_TINY, least);
    let high = Math.log(to);
    if (low <= LOG_TINY && difference(LOG_TINY) <= 0) return 0;
    let x = least > LOG_TINY && least < high ? Math.max(low, least) : high;
    for (let step = 0; step < NEWTON_STEPS; step++) {
      const value = difference(x);
      if (value >= 0) low = x;
      else high = x;
      const newton = x + value / (u - 1 - this.elasticity(Math.exp(x), side));
      const next = newton > low && newton < high ? newton : 0.5 * (low + high);
      if (Math.abs(next - x) <= 2e-15 * Math.max(1, Math.abs(x)) || newton === x) break;
      x = next;
    }
    return Math.min(to, Math.max(from, Math.exp(x)));
  }

  /** [0, most] cut where the worse side changes, which it does at most once: from − to + (Poisson). */
  private pieces(): ConcaveRange[] {
    const { most } = this;
    const near = this.side(SMALLEST * most);
    const far = this.side(most);
    if (near === far) return [{ side: near, from: 0, to: most }];
    const turn = crossing((alpha) => (this.side(alpha) === near ? 1 : -1), SMALLEST * most, most);
    return [
      { side: near, from: 0, to: turn },
      { side: far, from: turn, to: most },
    ];
  }

  private concaveParts({ side, from, to }: ConcaveRange): ConcaveRange[] {
    // Squared losses: E = Rα/(|r| + Rα), which reaches u − 1 at one point if at all.
    if (this.loss.quadratic && this.u < 2) {
      const cut = (Math.abs(this.f - this.y) * (this.u - 1)) / (this.R * (2 - this.u));
      return cut > SMALLEST * to ? [{ side, from, to: Math.min(cut, to) }] : [];
    }
    const excess = (alpha: number): number => this.u - 1 - this.elasticity(alpha, side);
    const bend = (alpha: number): number => this.elasticitySlope(alpha, side);
    const start = Math.max(from, SMALLEST * to);
    const knots = bend(start) * bend(to) < 0 ? [start, crossing(bend, start, to), to] : [start, to];
    const parts: ConcaveRange[] = [];
    for (let k = 0; k + 1 < knots.length; k++) {
      const [a, b] = [knots[k], knots[k + 1]];
      const [atA, atB] = [excess(a) > 0, excess(b) > 0];
      if (!(atA || atB)) continue;
      const cut = atA === atB ? b : crossing(excess, a, b);
      const part = { side, from: atA ? (k === 0 ? from : a) : cut, to: atB ? b : cut };
      const last = parts[parts.length - 1];
      if (last?.to === part.from) parts[parts.length - 1] = { ...last, to: part.to };
      else parts.push(part);
    }
    return parts;
  }

  /** The sign of E'. */
  private elasticitySlope(alpha: number, side: 1 | -1): number {
    const score = this.f + side * this.R * alpha;
    const [first, second] = [side * this.loss.first(score, this.y), this.loss.second(score, this.y)];
    const reach = this.R * alpha;
    return first * (second + reach * side * this.loss.third(score, this.y)) - reach * second * second;
  }
}

/** Where a function changes sign between two positive numbers, by bisection of the logarithm. */
function crossing(f: (at: number) => number, from: number, to: number): number {
  const positive = f(from) > 0;
  let [low, high] = [Math.log(from), Math.log(to)];
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = 0.5 * (low + high);
    if (f(Math.exp(middle)) > 0 === positive) low = middle;
    else high = middle;
  }
  return Math.exp(0.5 * (low + high));
}
