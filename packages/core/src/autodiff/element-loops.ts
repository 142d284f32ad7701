/** The loops under functions of one variable. Networks spend their time here: two activations have loops of their own. */
import { type ElementFunction, FUNCTIONS } from "./functions.js";

type Numbers = Float64Array;

interface Loops {
  readonly value: (x: Numbers, out: Numbers) => void;
  /** g·f', g·f'', as far as they are worth it. */
  readonly slopes: readonly ((g: Numbers, x: Numbers, y: Numbers, out: Numbers) => void)[];
}

/** Calls through a table are not inlined: these loops are three times as fast. */
const OWN_LOOPS = new Map<ElementFunction, Loops>([
  [
    FUNCTIONS.relu,
    {
      value(x, out) {
        for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? x[i] : 0;
      },
      slopes: [
        (g, x, _, out) => {
          for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? g[i] : 0;
        },
      ],
    },
  ],
  [
    FUNCTIONS.tanh,
    {
      value(x, out) {
        for (let i = 0; i < out.length; i++) out[i] = Math.tanh(x[i]);
      },
      slopes: [
        (g, _, y, out) => {
          for (let i = 0; i < out.length; i++) out[i] = g[i] * (1 - y[i] * y[i]);
        },
        (g, _, y, out) => {
          for (let i = 0; i < out.length; i++) out[i] = -2 * g[i] * y[i] * (1 - y[i] * y[i]);
        },
      ],
    },
  ],
]);

/** out ← f(x) */
export function evaluateFunction(f: ElementFunction, x: Numbers, out: Numbers): void {
  const own = OWN_LOOPS.get(f)?.value;
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
  const own = OWN_LOOPS.get(f)?.slopes[order - 1];
  if (own) return own(g, x, y, out);
  const derivative = f.derivatives[order - 1];
  if (!derivative) throw new Error(`${f.name} has no derivative of order ${order}.`);
  for (let i = 0; i < out.length; i++) out[i] = g[i] * derivative(x[i], y[i]);
}
