/** Functions of one variable, entry by entry. */
import { usageError } from "../errors.js";
import { add, mul } from "./arithmetic.js";
import { evaluateFunction, evaluateSlope } from "./element-loops.js";
import { type ElementFunction, FUNCTIONS, powerFunction } from "./functions.js";
import { apply, type Operation, type Tensor } from "./tensor.js";

/** y = f(x) */
const FUNCTION: Operation<{ f: ElementFunction }> = {
  name: "function",
  evaluate: ({ inputs: [x], parameters: { f } }, out) => evaluateFunction(f, x.values, out),
  reverse: (result, g) => slope(g, result.inputs[0], result, result.parameters.f, 1),
  tangent: (result, [t]) => t && slope(t, result.inputs[0], result, result.parameters.f, 1),
};

/** g·f⁽ᵏ⁾(x) in one pass. y = f(x) is among the inputs for its values; what it varies with is counted through x. */
const SLOPE: Operation<{ f: ElementFunction; order: number }> = {
  name: "slope",
  evaluate: ({ inputs: [g, x, y], parameters: { f, order } }, out) =>
    evaluateSlope(f, order, g.values, x.values, y.values, out),
  reverse({ inputs: [g, x, y], parameters: { f, order } }, h, k) {
    if (k === 0) return slope(h, x, y, f, order);
    return k === 1 ? slope(mul(h, g), x, y, f, order + 1) : null;
  },
  tangent({ inputs: [g, x, y], parameters: { f, order } }, [s, t]) {
    const first = s && slope(s, x, y, f, order);
    const second = t && slope(mul(g, t), x, y, f, order + 1);
    return first && second ? add(first, second) : (first ?? second);
  },
};

/** g·f⁽ᵏ⁾(x), or null where that derivative is zero. */
function slope(g: Tensor, x: Tensor, y: Tensor, f: ElementFunction, order: number): Tensor | null {
  const last = f.derivatives.length;
  if (f.derivatives.at(-1) === null && order >= last) return null;
  if (order > last)
    throw usageError(`${f.name}: derivatives are provided up to order ${last}, and one more was asked for.`);
  return apply(SLOPE, [g, x, y], x.rows, x.columns, { f, order });
}

/** f(x) for each entry. Differentiable as far as f's derivatives are given. */
export const map = (f: ElementFunction, x: Tensor): Tensor => apply(FUNCTION, [x], x.rows, x.columns, { f });

/** e^x, entry by entry. */
export const exp = (x: Tensor): Tensor => map(FUNCTIONS.exp, x);
/** e^x − 1, accurate near 0. */
export const expm1 = (x: Tensor): Tensor => map(FUNCTIONS.expm1, x);
/** The natural logarithm; NaN below 0, −∞ at 0. */
export const log = (x: Tensor): Tensor => map(FUNCTIONS.log, x);
/** log(1 + x), accurate near 0. */
export const log1p = (x: Tensor): Tensor => map(FUNCTIONS.log1p, x);
/** The derivative at 0 is infinite. */
export const sqrt = (x: Tensor): Tensor => map(FUNCTIONS.sqrt, x);
/** x² */
export const square = (x: Tensor): Tensor => map(FUNCTIONS.square, x);
/** x^exponent, the exponent a plain number. */
export const power = (x: Tensor, exponent: number): Tensor => map(powerFunction(exponent), x);
/** tanh x, entry by entry. */
export const tanh = (x: Tensor): Tensor => map(FUNCTIONS.tanh, x);
/** 1 / (1 + e^{−x}) */
export const sigmoid = (x: Tensor): Tensor => map(FUNCTIONS.sigmoid, x);
/** log(1 + e^x) without overflow. */
export const softplus = (x: Tensor): Tensor => map(FUNCTIONS.softplus, x);
/** max(x, 0). Kink at 0: the derivative there is taken as 0, and the second derivative is 0 everywhere. */
export const relu = (x: Tensor): Tensor => map(FUNCTIONS.relu, x);
/** xΦ(x), Φ the exact normal distribution function. */
export const gelu = (x: Tensor): Tensor => map(FUNCTIONS.gelu, x);
/** |x|. Kink at 0: the derivative there is taken as 0, and the second derivative is 0 everywhere. */
export const abs = (x: Tensor): Tensor => map(FUNCTIONS.abs, x);
