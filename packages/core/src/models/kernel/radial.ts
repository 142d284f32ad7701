import type { Pair } from "./pair.js";
import type { Profile } from "./profile-kernel.js";

/** f(s), f'(s), f''(s) of s = ‖x − z‖². */
interface RadialFunction {
  readonly name: string;
  readonly formula: string;
  value(s: number): number;
  first(s: number): number;
  second(s: number): number;
}

/** K = f(a + b − 2t): ∂s/∂t = −2, ∂s/∂a = ∂s/∂b = 1. */
function radial({ name, formula, value, first, second }: RadialFunction): Profile {
  return {
    name,
    formula,
    smoothAtCentres: true,
    domain: "everywhere",
    value: (pair: Pair) => value(pair.distanceSquare()),
    slope(pair, out) {
      out.a = first(pair.distanceSquare());
      out.t = -2 * out.a;
    },
    bend(pair, out) {
      const s = pair.distanceSquare();
      const bent = second(s);
      out.a = first(s);
      out.b = out.a;
      out.t = -2 * out.a;
      out.tt = 4 * bent;
      out.ta = -2 * bent;
      out.tb = out.ta;
      out.aa = bent;
      out.ab = bent;
      out.bb = bent;
    },
  };
}

/** exp(−γ‖x−z‖²) */
export const rbfProfile = (gamma: number): Profile =>
  radial({
    name: "rbf",
    formula: `exp(−γ‖x−z‖²), γ = ${Number(gamma.toPrecision(6))}`,
    value: (s) => Math.exp(-gamma * s),
    first: (s) => -gamma * Math.exp(-gamma * s),
    second: (s) => gamma * gamma * Math.exp(-gamma * s),
  });

/** (1 + √5 d + 5d²/3) e^{−√5 d} with d = √(2γ)‖x−z‖; with u = √5 d its derivatives in s are those of u = √(10γs). */
export const matern52Profile = (gamma: number): Profile =>
  radial({
    name: "matern52",
    formula: `(1+√5d+5d²/3)·exp(−√5d), d = √(2γ)‖x−z‖, γ = ${Number(gamma.toPrecision(6))}`,
    value(s) {
      const u = Math.sqrt(10 * gamma * s);
      return (1 + u + (u * u) / 3) * Math.exp(-u);
    },
    first(s) {
      const u = Math.sqrt(10 * gamma * s);
      return (-5 / 3) * gamma * (1 + u) * Math.exp(-u);
    },
    second: (s) => (25 / 3) * gamma * gamma * Math.exp(-Math.sqrt(10 * gamma * s)),
  });
