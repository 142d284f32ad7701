/**
 * The functions of one variable that `map` applies, each with its derivatives in closed form. Where a function has a kink,
 * the derivative taken there is stated: it is one of the subgradients, and a study whose rows sit on a kink has only
 * one-sided derivatives (MATH 1.2).
 */
import { normalDensity, normalDistribution } from "../stats/normal-distribution.js";

/** f with its derivatives, given x and y = f(x). */
export interface ElementFunction {
  readonly name: string;
  value(x: number): number;
  /** f', f'', f''', as far as they are provided; null: zero, and so are all beyond. */
  readonly derivatives: readonly (((x: number, y: number) => number) | null)[];
}

/** σ(x) = 1 / (1 + e^{−x}), accurate in both tails. */
function logisticSigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** σ'(x) = σ(x)σ(−x) by one exponential: 1 − σ(x) would lose the upper tail. */
function sigmoidSlope(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return e / ((1 + e) * (1 + e));
}

const one = (): number => 1;

export const FUNCTIONS = {
  exp: { name: "exp", value: Math.exp, derivatives: [(_, y) => y, (_, y) => y, (_, y) => y] },
  expm1: { name: "expm1", value: Math.expm1, derivatives: [(_, y) => y + 1, (_, y) => y + 1, (_, y) => y + 1] },
  log: {
    name: "log",
    value: Math.log,
    derivatives: [(x) => 1 / x, (x) => -1 / (x * x), (x) => 2 / (x * x * x)],
  },
  log1p: {
    name: "log1p",
    value: Math.log1p,
    derivatives: [(x) => 1 / (1 + x), (x) => -1 / (1 + x) ** 2, (x) => 2 / (1 + x) ** 3],
  },
  sqrt: {
    name: "sqrt",
    value: Math.sqrt,
    derivatives: [(_, y) => 0.5 / y, (_, y) => -0.25 / (y * y * y), (_, y) => 0.375 / y ** 5],
  },
  square: { name: "square", value: (x) => x * x, derivatives: [(x) => 2 * x, () => 2, null] },
  tanh: {
    name: "tanh",
    value: Math.tanh,
    derivatives: [(_, y) => 1 - y * y, (_, y) => -2 * y * (1 - y * y), (_, y) => (6 * y * y - 2) * (1 - y * y)],
  },
  sigmoid: {
    name: "sigmoid",
    value: logisticSigmoid,
    derivatives: [
      sigmoidSlope,
      (x) => sigmoidSlope(x) * (logisticSigmoid(-x) - logisticSigmoid(x)),
      (x) => sigmoidSlope(x) * (1 - 6 * sigmoidSlope(x)),
    ],
  },
  /** log(1 + e^x) without overflow. */
  softplus: {
    name: "softplus",
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    derivatives: [logisticSigmoid, sigmoidSlope, (x) => sigmoidSlope(x) * (logisticSigmoid(-x) - logisticSigmoid(x))],
  },
  /** max(x, 0). Kink at 0, where the derivative is taken as 0; the second derivative is 0 everywhere, 0 included. */
  relu: { name: "relu", value: (x) => (x > 0 ? x : 0), derivatives: [(x) => (x > 0 ? 1 : 0), null] },
  /** xΦ(x), with the exact normal distribution function (not the tanh approximation). */
  gelu: {
    name: "gelu",
    value: (x) => x * normalDistribution(x),
    derivatives: [
      (x, y) => (x === 0 ? 0.5 : y / x) + x * normalDensity(x),
      (x) => (2 - x * x) * normalDensity(x),
      (x) => (x * x - 4) * x * normalDensity(x),
    ],
  },
  /** |x|. Kink at 0, where the derivative is taken as 0; the second derivative is 0 everywhere, 0 included. */
  abs: { name: "abs", value: Math.abs, derivatives: [Math.sign, null] },
  identity: { name: "identity", value: (x) => x, derivatives: [one, null] },
} as const satisfies Record<string, ElementFunction>;

/** x^exponent; derivatives whose factor p(p − 1)… is 0 vanish, at x = 0 too. */
export function powerFunction(exponent: number): ElementFunction {
  const derivatives: ((x: number) => number)[] = [];
  let factor = 1;
  for (let order = 1; order <= 3; order++) {
    factor *= exponent - order + 1;
    if (factor === 0)
      return { name: `power ${exponent}`, value: (x) => x ** exponent, derivatives: [...derivatives, null] };
    const [scale, rest] = [factor, exponent - order];
    derivatives.push((x) => scale * x ** rest);
  }
  return { name: `power ${exponent}`, value: (x) => x ** exponent, derivatives };
}
