import type { RandomStream } from "../stats/random.js";
import { norm } from "../threats/norms.js";
import type { ThreatSettings } from "../threats/threat.js";
import { linearMaximum } from "./linear-maximum.js";
import { MagnitudeProjection } from "./magnitude-projection.js";

/**
 * The perturbations {δ: ‖δ⊘b‖_p ≤ ρ, lo ≤ x+δ ≤ hi} of a row x (MATH 13), in the model's units. A row that lies outside its
 * bounds may stay where it is but goes no further out, so that δ = 0 is always allowed.
 */
export class PerturbationSet {
  readonly p: number;
  /** ρb (m) */
  readonly extents: Float64Array;
  readonly bounds: ThreatSettings["bounds"];
  private readonly projection: MagnitudeProjection;
  private readonly magnitudes: Float64Array;
  private readonly caps: Float64Array;
  /** The one number in `extents` beside 0, where there is no other: balls are then round. */
  private readonly common: number;

  constructor({ p, budgets, bounds }: ThreatSettings, radius: number) {
    this.p = p;
    this.extents = budgets.map((b) => radius * b);
    this.bounds = bounds;
    this.projection = new MagnitudeProjection(p, this.extents);
    this.magnitudes = new Float64Array(budgets.length);
    this.caps = new Float64Array(budgets.length).fill(Number.POSITIVE_INFINITY);
    const most = this.extents.reduce((a, b) => Math.max(a, b), 0);
    this.common = this.extents.every((e) => e === most || e === 0) ? most : Number.NaN;
  }

  /** Moves δ (m) to the nearest perturbation that row x (m) allows, in the Euclidean distance. */
  project(delta: Float64Array, x: Float64Array): void {
    const { p, common, magnitudes } = this;
    if (p === 2 && !this.bounds && common > 0) {
      const { extents } = this;
      for (let k = 0; k < delta.length; k++) if (extents[k] === 0) delta[k] = 0;
      const size = norm(delta, 2);
      const shrink = common / size;
      if (size > common) for (let k = 0; k < delta.length; k++) delta[k] *= shrink;
      return;
    }
    this.capAlong(delta, x);
    for (let k = 0; k < delta.length; k++) magnitudes[k] = Math.abs(delta[k]);
    this.projection.project(this.caps, magnitudes);
    for (let k = 0; k < delta.length; k++) delta[k] = delta[k] < 0 ? -magnitudes[k] : magnitudes[k];
  }

  /** max g·δ over the perturbations of row x; writes a maximiser δ (m). */
  furthest(g: Float64Array, x: Float64Array, delta: Float64Array): number {
    const { magnitudes } = this;
    this.capAlong(g, x);
    for (let k = 0; k < g.length; k++) magnitudes[k] = Math.abs(g[k]);
    const gain = linearMaximum(this.p, this.extents, this.caps, magnitudes, delta);
    for (let k = 0; k < g.length; k++) if (g[k] < 0) delta[k] = -delta[k];
    return gain;
  }

  /** A random perturbation of row x: a normal direction of random length, cut off at the bounds. */
  random(stream: RandomStream, x: Float64Array, delta: Float64Array): void {
    const m = delta.length;
    for (let k = 0; k < m; k++) delta[k] = this.extents[k] > 0 ? stream.normal() : 0;
    const size = norm(delta, this.p);
    const length = size > 0 ? Math.sqrt(stream.uniform()) / size : 0;
    this.capAlong(delta, x);
    for (let k = 0; k < m; k++) {
      const wanted = length * this.extents[k] * delta[k];
      delta[k] = Math.sign(wanted) * Math.min(Math.abs(wanted), this.caps[k]);
    }
  }

  /** x + δ (m), not a rounding error outside the bounds. */
  moveRow(x: Float64Array, delta: Float64Array, moved: Float64Array): void {
    const { bounds } = this;
    for (let k = 0; k < x.length; k++) {
      moved[k] = x[k] + delta[k];
      if (!bounds) continue;
      if (delta[k] > 0) moved[k] = Math.min(moved[k], Math.max(x[k], bounds.upper[k]));
      else moved[k] = Math.max(moved[k], Math.min(x[k], bounds.lower[k]));
    }
  }

  /** How far each coordinate may go towards the signs of a direction before it meets a bound. */
  private capAlong(direction: Float64Array, x: Float64Array): void {
    const { bounds, caps } = this;
    if (!bounds) return;
    for (let k = 0; k < caps.length; k++) {
      caps[k] = Math.max(0, direction[k] < 0 ? x[k] - bounds.lower[k] : bounds.upper[k] - x[k]);
    }
  }
}
