/** Sums, products and quotients entry by entry; a side of length 1 is repeated to fit the other operand's. */
import { usageError } from "../errors.js";
import { differenceOf, productOf, quotientOf, sumOf } from "../linalg/elements.js";
import { broadcastTo, reduceTo } from "./reductions.js";
import { neg } from "./scale.js";
import { apply, type Operation, sameShape, scalar, shapeName, Tensor } from "./tensor.js";

/** A plain number stands for the 1×1 tensor of it. */
export type Operand = Tensor | number;

type Numbers = Float64Array;

/** Operands of the result's shape have a kernel; one loop with strides serves all the rest. */
function evaluator(f: (a: number, b: number) => number, same: (a: Numbers, b: Numbers, out: Numbers) => void) {
  return ({ inputs: [a, b], rows, columns }: Tensor<null>, out: Numbers): void => {
    const x = a.values;
    const y = b.values;
    if (x.length === out.length && y.length === out.length) return same(x, y, out);
    const [xRow, xColumn, yRow, yColumn] = [...strides(a), ...strides(b)];
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) out[k] = f(x[i * xRow + j * xColumn], y[i * yRow + j * yColumn]);
    }
  };
}

const strides = (a: Tensor): [row: number, column: number] => [a.rows === 1 ? 0 : a.columns, a.columns === 1 ? 0 : 1];

const ADD: Operation<null> = {
  name: "add",
  evaluate: evaluator((a, b) => a + b, sumOf),
  reverse: ({ inputs }, g, k) => reduceTo(g, inputs[k].rows, inputs[k].columns),
  tangent: ({ rows, columns }, [a, b]) => broadcastTo(both(a, b), rows, columns),
};

const SUB: Operation<null> = {
  name: "sub",
  evaluate: evaluator((a, b) => a - b, differenceOf),
  reverse: ({ inputs }, g, k) => reduceTo(k === 0 ? g : neg(g), inputs[k].rows, inputs[k].columns),
  tangent: ({ rows, columns }, [a, b]) => broadcastTo(both(a, b && neg(b)), rows, columns),
};

const MUL: Operation<null> = {
  name: "mul",
  evaluate: evaluator((a, b) => a * b, productOf),
  reverse: ({ inputs }, g, k) => reduceTo(mul(g, inputs[1 - k]), inputs[k].rows, inputs[k].columns),
  tangent: ({ inputs: [a, b], rows, columns }, [s, t]) =>
    broadcastTo(both(s && mul(s, b), t && mul(a, t)), rows, columns),
};

const DIV: Operation<null> = {
  name: "div",
  evaluate: evaluator((a, b) => a / b, quotientOf),
  reverse: (result, g, k) => {
    const [a, b] = result.inputs;
    if (k === 0) return reduceTo(div(g, b), a.rows, a.columns);
    return reduceTo(neg(mul(div(g, b), result)), b.rows, b.columns);
  },
  tangent: (result, [s, t]) => {
    const [, b] = result.inputs;
    return broadcastTo(both(s && div(s, b), t && neg(div(mul(result, t), b))), result.rows, result.columns);
  },
};

/** a + b of what there is. */
function both(a: Tensor | null | undefined, b: Tensor | null | undefined): Tensor {
  const only = a && b ? add(a, b) : (a ?? b);
  if (!only) throw new Error("No input moves.");
  return only;
}

const tensor = (a: Operand): Tensor => (a instanceof Tensor ? a : scalar(a));

function binary(operation: Operation<null>, left: Operand, right: Operand): Tensor {
  const a = tensor(left);
  const b = tensor(right);
  if (sameShape(a, b)) return apply(operation, [a, b], a.rows, a.columns, null);
  const rows = a.rows === 1 ? b.rows : a.rows;
  const columns = a.columns === 1 ? b.columns : a.columns;
  if ((b.rows !== 1 && b.rows !== rows) || (b.columns !== 1 && b.columns !== columns)) {
    throw usageError(
      `${operation.name}: expected operands of one shape, or with sides of length 1, found ${shapeName(a)} and ${shapeName(b)}.`,
    );
  }
  return apply(operation, [a, b], rows, columns, null);
}

/** a + b. @throws usage: shapes that do not fit (as of sub, mul, div). */
export const add = (a: Operand, b: Operand): Tensor => binary(ADD, a, b);

/** a − b */
export const sub = (a: Operand, b: Operand): Tensor => binary(SUB, a, b);

/** a · b, entry by entry. */
export const mul = (a: Operand, b: Operand): Tensor => binary(MUL, a, b);

/** a / b, entry by entry; infinite where b is zero. */
export const div = (a: Operand, b: Operand): Tensor => binary(DIV, a, b);
