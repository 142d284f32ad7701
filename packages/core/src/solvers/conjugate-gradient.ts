import { Matrix } from "../linalg/matrix.js";

export interface ConjugateGradientResult {
  /** d×K */
  readonly solution: Matrix;
  readonly iterations: number;
  /** The largest ‖Ax − b‖ / ‖b‖ over the K systems, as the recursion carries it. */
  readonly relativeResidual: number;
  readonly converged: boolean;
  /** The systems that were not solved. */
  readonly unsolved: readonly number[];
}

/**
 * Preconditioned conjugate gradients for K systems A_k x_k = b_k at once, all products taken together (columns of d×K
 * matrices). The systems do not talk to each other, and a finished one keeps still: each ends where it would alone.
 */
export async function conjugateGradients(
  product: (vectors: Matrix) => Promise<Matrix>,
  precondition: (vectors: Matrix) => Matrix,
  right: Matrix,
  { tolerance, maximumIterations }: { tolerance: number; maximumIterations: number },
): Promise<ConjugateGradientResult> {
  const [d, K] = [right.rows, right.columns];
  const solution = Matrix.zeros(d, K);
  const residual = new Matrix(right.data.slice(), d, K);
  const target = columnDots(right, right).map((square) => tolerance * Math.sqrt(square));
  let z = precondition(residual);
  const direction = new Matrix(z.data.slice(), d, K);
  let rz = columnDots(residual, z);
  const openOf = (squares: Float64Array): Uint8Array =>
    Uint8Array.from(squares, (square, k) => Number(Math.sqrt(square) > target[k]));
  let squares = columnDots(residual, residual);
  let open = openOf(squares);
  let iterations = 0;
  while (open.includes(1) && iterations < maximumIterations) {
    const ap = await product(direction);
    const pap = columnDots(direction, ap);
    const alpha = rz.map((value, k) => (open[k] === 1 && pap[k] > 0 ? value / pap[k] : 0));
    addScaledColumns(solution, direction, alpha, 1);
    addScaledColumns(residual, ap, alpha, -1);
    z = precondition(residual);
    const next = columnDots(residual, z);
    const beta = next.map((value, k) => (open[k] === 1 && rz[k] > 0 ? value / rz[k] : 0));
    for (let j = 0, at = 0; j < d; j++) {
      for (let k = 0; k < K; k++, at++) direction.data[at] = z.data[at] + beta[k] * direction.data[at];
    }
    rz = next;
    squares = columnDots(residual, residual);
    open = openOf(squares);
    iterations++;
  }
  const sizes = columnDots(right, right);
  const relativeResidual = Math.max(
    0,
    ...squares.map((square, k) => (sizes[k] > 0 ? Math.sqrt(square / sizes[k]) : 0)),
  );
  const unsolved = [...open.keys()].filter((k) => open[k] === 1);
  return { solution, iterations, relativeResidual, converged: unsolved.length === 0, unsolved };
}

/** K: a_k·b_k */
function columnDots(a: Matrix, b: Matrix): Float64Array {
  const out = new Float64Array(a.columns);
  for (let j = 0, at = 0; j < a.rows; j++) for (let k = 0; k < a.columns; k++, at++) out[k] += a.data[at] * b.data[at];
  return out;
}

function addScaledColumns(to: Matrix, from: Matrix, factors: Float64Array, sign: number): void {
  for (let j = 0, at = 0; j < to.rows; j++) {
    for (let k = 0; k < to.columns; k++, at++) to.data[at] += sign * factors[k] * from.data[at];
  }
}
