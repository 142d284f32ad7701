/** Solutions with a sum C ⊗ G + I ⊗ diag(d), part by part in the eigenvectors of C. */
import { Matrix } from "../linalg/matrix.js";
import { product, transposedProduct } from "../linalg/products.js";

/** An eigenvalue of C below this share of the largest is 0 but for rounding. */
const NO_CURVATURE = 1e-13;

/** @param values all, ascending */
export const isCurved = (value: number, values: Float64Array): boolean =>
  value > NO_CURVATURE * values[values.length - 1];

/** q×c: X for R. */
export type Solve = (right: Matrix) => Matrix;

/** Of the same change of all parts, which changes no l: without a ridge no step goes there. */
export const divided =
  (diagonal: Float64Array): Solve =>
  (right) => {
    const out = Matrix.zeros(right.rows, right.columns);
    for (let j = 0, at = 0; j < right.rows; j++) {
      const own = diagonal[j] > 0 ? 1 / diagonal[j] : 0;
      for (let c = 0; c < right.columns; c++, at++) out.data[at] = own * right.data[at];
    }
    return out;
  };

/** Σ_k u_k ⊗ solve_k((u_k' ⊗ I) R) for the rows u_k of `vectors`. */
export function inEigenvectors(
  vectors: Matrix,
  parameters: readonly Int32Array[],
  residuals: Matrix,
  parts: readonly Solve[],
): Matrix {
  const { columns } = residuals;
  const turned = product(vectors, partByPart(parameters, residuals));
  const solved = Matrix.zeros(turned.rows, turned.columns);
  parts.forEach((solve, k) => {
    solved.row(k).set(solve(new Matrix(turned.row(k), turned.columns / columns, columns)).data);
  });
  return parametersOf(parameters, transposedProduct(vectors, solved), columns);
}

/** K×qc: the rows of R (d×c) in the order of the parts, those of a part side by side. */
export function partByPart(parameters: readonly Int32Array[], { data, columns }: Matrix): Matrix {
  const out = Matrix.zeros(parameters.length, parameters[0].length * columns);
  let to = 0;
  for (const members of parameters)
    for (const j of members) for (let c = 0, from = j * columns; c < columns; c++) out.data[to++] = data[from++];
  return out;
}

/** The other way round. */
export function parametersOf(parameters: readonly Int32Array[], { data }: Matrix, columns: number): Matrix {
  const out = Matrix.zeros(data.length / columns, columns);
  let from = 0;
  for (const members of parameters)
    for (const j of members) for (let c = 0, to = j * columns; c < columns; c++) out.data[to++] = data[from++];
  return out;
}
