/** What computes functions of one variable. Networks spend their time here: activations have kernels of their own. */
import {
  geluBend,
  geluOf,
  geluSlope,
  geluTurn,
  reluOf,
  reluSlope,
  sigmoidBend,
  sigmoidOf,
  sigmoidSlope,
  sigmoidTimes,
  sigmoidTurn,
  softplusOf,
  tanhBend,
  tanhOf,
  tanhSlope,
  tanhTurn,
} from "../linalg/elements.js";
import { type ElementFunction, FUNCTIONS } from "./functions.js";

type Numbers = Float64Array;

type Slope = (g: Numbers, x: Numbers, y: Numbers, out: Numbers) => void;

interface Kernels {
  readonly value: (x: Numbers, out: Numbers) => void;
  /** g·f', g·f'', …, as far as there are any. */
  readonly slopes: readonly Slope[];
}

/** What is known by x, and what by y = f(x). */
const byInput =
  (kernel: (g: Numbers, x: Numbers, out: Numbers) => void): Slope =>
  (g, x, _, out) =>
    kernel(g, x, out);
const byValue =
  (kernel: (g: Numbers, y: Numbers, out: Numbers) => void): Slope =>
  (g, _, y, out) =>
    kernel(g, y, out);

const KERNELS = new Map<ElementFunction, Kernels>([
  [FUNCTIONS.relu, { value: reluOf, slopes: [reluSlope].map(byInput) }],
  [FUNCTIONS.tanh, { value: tanhOf, slopes: [tanhSlope, tanhBend, tanhTurn].map(byValue) }],
  [FUNCTIONS.sigmoid, { value: sigmoidOf, slopes: [sigmoidSlope, sigmoidBend, sigmoidTurn].map(byInput) }],
  [FUNCTIONS.softplus, { value: softplusOf, slopes: [sigmoidTimes, sigmoidSlope, sigmoidBend].map(byInput) }],
  [FUNCTIONS.gelu, { value: geluOf, slopes: [geluSlope, geluBend, geluTurn].map(byInput) }],
]);

/** out ← f(x) */
export function evaluateFunction(f: ElementFunction, x: Numbers, out: Numbers): void {
  const own = KERNELS.get(f)?.value;
  if (own) own(x, out);
  else for (let i = 0; i < out.length; i++) out[i] = f.value(x[i]);
}

/** out ← g·f⁽ᵏ⁾(x), y = f(x) */
export function evaluateSlope(
  f: ElementFunction,
  order: number,
  g: Numbers,
  x: Numbers,
  y: Numbers,
  out: Numbers,
): void {
  const own = KERNELS.get(f)?.slopes[order - 1];
  if (own) return own(g, x, y, out);
  const derivative = f.derivatives[order - 1];
  if (!derivative) throw new Error(`${f.name} has no derivative of order ${order}.`);
  for (let i = 0; i < out.length; i++) out[i] = g[i] * derivative(x[i], y[i]);
}
