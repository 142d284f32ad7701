/** What computes functions of one variable. Networks spend their time here: two activations have kernels of their own. */
import { reluOf, reluSlope, tanhBend, tanhOf, tanhSlope, tanhTurn } from "../linalg/elements.js";
import { type ElementFunction, FUNCTIONS } from "./functions.js";

type Numbers = Float64Array;

interface Kernels {
  readonly value: (x: Numbers, out: Numbers) => void;
  /** g·f', g·f'', …, as far as there are any. */
  readonly slopes: readonly ((g: Numbers, x: Numbers, y: Numbers, out: Numbers) => void)[];
}

const KERNELS = new Map<ElementFunction, Kernels>([
  [FUNCTIONS.relu, { value: reluOf, slopes: [(g, x, _, out) => reluSlope(g, x, out)] }],
  [
    FUNCTIONS.tanh,
    {
      value: tanhOf,
      slopes: [
        (g, _, y, out) => tanhSlope(g, y, out),
        (g, _, y, out) => tanhBend(g, y, out),
        (g, _, y, out) => tanhTurn(g, y, out),
      ],
    },
  ],
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
