/** Every operation as a function of tensors, with the shapes it is tried on. Names are those of the PyTorch fixture. */
import {
  abs,
  add,
  broadcastTo,
  columns,
  concatColumns,
  constant,
  crossEntropy,
  dense,
  div,
  exp,
  expm1,
  gelu,
  halfSquaredLoss,
  log,
  log1p,
  logisticLoss,
  logSoftmax,
  logSumExp,
  matmul,
  mean,
  mul,
  neg,
  pick,
  power,
  reduceTo,
  relu,
  reshape,
  rows,
  scale,
  sigmoid,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  squaredLoss,
  sub,
  sum,
  sumOverColumns,
  sumOverRows,
  type Tensor,
  tanh,
  transpose,
} from "../../src/autodiff/index.js";

export type Shape = readonly [rows: number, columns: number];

export interface OperationCase {
  readonly shapes: readonly Shape[];
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** Where inputs lie: anywhere, above 0, or away from a kink at 0. */
  readonly domain?: "positive" | "off zero";
}

export const LABELS = constant(Float64Array.of(2, 0, 1, 2), 4, 1);
export const SIGNS = constant(Float64Array.of(1, -1, -1, 1), 4, 1);

const entrywise = (f: (x: Tensor) => Tensor, domain?: OperationCase["domain"]): OperationCase => ({
  shapes: [[4, 3]],
  f,
  ...(domain ? { domain } : {}),
});

const binary = (f: (a: Tensor, b: Tensor) => Tensor, a: Shape, b: Shape, domain?: "positive"): OperationCase => ({
  shapes: [a, b],
  f,
  ...(domain ? { domain } : {}),
});

export const CASES: Readonly<Record<string, OperationCase>> = {
  add: binary(add, [4, 3], [4, 3]),
  "add row": binary(add, [4, 3], [1, 3]),
  "add outer": binary(add, [4, 1], [1, 3]),
  sub: binary(sub, [4, 3], [4, 3]),
  "sub column": binary(sub, [4, 1], [4, 3]),
  mul: binary(mul, [4, 3], [4, 3]),
  "mul column": binary(mul, [4, 3], [4, 1]),
  "mul one number": binary(mul, [1, 1], [4, 3]),
  "mul outer": binary(mul, [4, 1], [1, 3]),
  div: binary(div, [4, 3], [4, 3], "positive"),
  "div row": binary(div, [4, 3], [1, 3], "positive"),
  "div outer": binary(div, [1, 3], [4, 1], "positive"),
  neg: entrywise(neg),
  scale: entrywise((x) => scale(x, -1.7)),
  exp: entrywise(exp),
  expm1: entrywise(expm1),
  log: entrywise(log, "positive"),
  log1p: entrywise(log1p, "positive"),
  sqrt: entrywise(sqrt, "positive"),
  square: entrywise(square),
  "power 3": entrywise((x) => power(x, 3)),
  "power 2": entrywise((x) => power(x, 2)),
  "power -1.5": entrywise((x) => power(x, -1.5), "positive"),
  tanh: entrywise(tanh),
  sigmoid: entrywise(sigmoid),
  softplus: entrywise(softplus),
  relu: entrywise(relu, "off zero"),
  gelu: entrywise(gelu),
  abs: entrywise(abs, "off zero"),
  matmul: binary(matmul, [4, 3], [3, 2]),
  "matmul a'": binary((a, b) => matmul(a, b, { transposeA: true }), [3, 4], [3, 2]),
  "matmul b'": binary((a, b) => matmul(a, b, { transposeB: true }), [4, 3], [2, 3]),
  "matmul a' b'": binary((a, b) => matmul(a, b, { transposeA: true, transposeB: true }), [3, 4], [2, 3]),
  "matmul vector": binary(matmul, [4, 3], [3, 1]),
  "matmul b' vector": binary((a, b) => matmul(a, b, { transposeB: true }), [4, 3], [1, 3]),
  "matmul a' vector": binary((a, b) => matmul(a, b, { transposeA: true }), [3, 4], [3, 1]),
  "matmul row": binary(matmul, [1, 3], [3, 2]),
  "matmul row b'": binary((a, b) => matmul(a, b, { transposeB: true }), [1, 3], [2, 3]),
  "matmul plus row": {
    shapes: [
      [4, 3],
      [3, 2],
      [1, 2],
    ],
    f: (a, b, plus) => matmul(a, b, { plus }),
  },
  "matmul plus column": {
    shapes: [
      [4, 3],
      [3, 2],
      [4, 1],
    ],
    f: (a, b, plus) => matmul(a, b, { plus }),
  },
  "matmul plus one number": {
    shapes: [
      [4, 3],
      [3, 2],
      [1, 1],
    ],
    f: (a, b, plus) => matmul(a, b, { plus }),
  },
  "matmul plus": {
    shapes: [
      [4, 3],
      [3, 2],
      [4, 2],
    ],
    f: (a, b, plus) => matmul(a, b, { plus }),
  },
  sum: entrywise(sum),
  mean: entrywise(mean),
  sumOverRows: entrywise(sumOverRows),
  sumOverColumns: entrywise(sumOverColumns),
  reduceTo: entrywise((x) => reduceTo(x, 1, 3)),
  "broadcastTo row": { shapes: [[1, 3]], f: (x) => broadcastTo(x, 4, 3) },
  "broadcastTo column": { shapes: [[4, 1]], f: (x) => broadcastTo(x, 4, 3) },
  reshape: entrywise((x) => reshape(x, 2, 6)),
  transpose: entrywise(transpose),
  slice: entrywise((x) => slice(x, [1, 3], [0, 2])),
  rows: entrywise((x) => rows(x, 1, 4)),
  columns: entrywise((x) => columns(x, 1, 3)),
  concatColumns: binary((a, b) => concatColumns([a, b, a]), [4, 3], [4, 1]),
  logSumExp: entrywise(logSumExp),
  softmax: entrywise(softmax),
  logSoftmax: entrywise(logSoftmax),
  pick: entrywise((x) => pick(x, LABELS)),
  crossEntropy: entrywise((x) => crossEntropy(x, LABELS)),
  squaredLoss: binary(squaredLoss, [4, 1], [4, 1]),
  halfSquaredLoss: binary(halfSquaredLoss, [4, 1], [4, 1]),
  logisticLoss: { shapes: [[4, 1]], f: (x) => logisticLoss(x, SIGNS) },
  "dense tanh": {
    shapes: [
      [4, 3],
      [2, 3],
      [1, 2],
    ],
    f: (x, w, b) => dense(x, w, b, "tanh"),
  },
  "dense gelu": {
    shapes: [
      [4, 3],
      [2, 3],
      [1, 2],
    ],
    f: (x, w, b) => dense(x, w, b, "gelu"),
  },
  "dense softplus": {
    shapes: [
      [4, 3],
      [2, 3],
      [1, 2],
    ],
    f: (x, w, b) => dense(x, w, b, "softplus"),
  },
  "dense sigmoid": {
    shapes: [
      [4, 3],
      [2, 3],
      [1, 2],
    ],
    f: (x, w, b) => dense(x, w, b, "sigmoid"),
  },
  "dense without bias": {
    shapes: [
      [4, 3],
      [2, 3],
    ],
    f: (x, w) => dense(x, w, undefined, "tanh"),
  },
};
