import type { Pair } from "./pair.js";
import type { Profile } from "./profile-kernel.js";

/**
 * K = ‖x‖‖z‖ κ(cos α), α the angle between x and z: the kernels of infinitely wide networks with one layer of ReLU units,
 * homogeneous in the length of each argument. At α = 0 and π the derivatives of κ are their finite parts: what is left where
 * both arguments move together, K(x, x) = ½‖x‖².
 */
interface ArcFunction {
  readonly name: string;
  readonly formula: string;
  readonly smoothAtCentres: boolean;
  /** κ, κ', κ − cκ', κ'' of c = cos α; `sine` is never 0 but in `value`. */
  value(angle: number, sine: number, cosine: number): number;
  first(angle: number, sine: number, cosine: number): number;
  rest(angle: number, sine: number, cosine: number): number;
  second(angle: number, sine: number, cosine: number): number;
}

const HALF_TURN = 1 / (2 * Math.PI);

function arc({ name, formula, smoothAtCentres, value, first, rest, second }: ArcFunction): Profile {
  const g = { angle: 0, sine: 0, cosine: 0, lengths: 0 };
  const firstOrder = (pair: Pair, out: { t: number; a: number }): void => {
    pair.angle(g);
    const { angle, sine, cosine, lengths } = g;
    if (sine === 0) {
      out.t = (Math.PI - angle) * HALF_TURN;
      out.a = 0;
      return;
    }
    out.t = first(angle, sine, cosine);
    out.a = (0.5 * lengths * rest(angle, sine, cosine)) / pair.a;
  };
  return {
    name,
    formula,
    smoothAtCentres,
    domain: "direction",
    value(pair) {
      pair.angle(g);
      return g.lengths * value(g.angle, g.sine, g.cosine);
    },
    slope: firstOrder,
    bend(pair, out) {
      firstOrder(pair, out);
      const { a, b } = pair;
      const { angle, sine, cosine: c, lengths } = g;
      const flat = sine === 0;
      const over = flat ? 0 : rest(angle, sine, c);
      const bent = flat ? 0 : second(angle, sine, c);
      out.b = (0.5 * lengths * over) / b;
      out.tt = bent / lengths;
      out.ta = (-0.5 * c * bent) / a;
      out.tb = (-0.5 * c * bent) / b;
      out.aa = (0.25 * lengths * (c * c * bent - over)) / (a * a);
      out.bb = (0.25 * lengths * (c * c * bent - over)) / (b * b);
      out.ab = (0.25 * (over + c * c * bent)) / lengths;
    },
  };
}

/** x·z(π−α)/(2π): the tangent kernel of the first layer, extended to rows of any length (MATH 7). */
export const NTK_PROFILE: Profile = arc({
  name: "ntk",
  formula: "x·z(π−α)/(2π), α the angle between x and z",
  smoothAtCentres: false,
  value: (angle, _, c) => c * (Math.PI - angle) * HALF_TURN,
  first: (angle, sine, c) => (Math.PI - angle + c / sine) * HALF_TURN,
  rest: (_, sine, c) => ((-c * c) / sine) * HALF_TURN,
  second: (_, sine, c) => (2 / sine + (c * c) / sine ** 3) * HALF_TURN,
});

/** ‖x‖‖z‖(sin α + (π−α)cos α)/(2π): the prior of the network's outputs. */
export const NNGP_PROFILE: Profile = arc({
  name: "nngp",
  formula: "‖x‖‖z‖(sin α+(π−α)cos α)/(2π), α the angle between x and z",
  smoothAtCentres: true,
  value: (angle, sine, c) => (sine + (Math.PI - angle) * c) * HALF_TURN,
  first: (angle) => (Math.PI - angle) * HALF_TURN,
  rest: (_, sine) => sine * HALF_TURN,
  second: (_, sine) => HALF_TURN / sine,
});
