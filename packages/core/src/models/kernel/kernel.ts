import { Matrix } from "../../linalg/matrix.js";

/** Rows with their squared lengths. */
export interface KernelPoints {
  /** r×m */
  readonly x: Matrix;
  /** r: ‖x_i‖² */
  readonly squares: Float64Array;
}

/** Points (n×m) with their squared norms, as kernels take them. */
export function kernelPoints(x: Matrix): KernelPoints {
  const { rows, columns, data } = x;
  const squares = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let square = 0;
    for (let k = 0; k < columns; k++, at++) square += data[at] * data[at];
    squares[i] = square;
  }
  return { x, squares };
}

/** Rows `from` (inclusive) to `to` (exclusive), as views. */
export const pointRange = ({ x, squares }: KernelPoints, from: number, to: number): KernelPoints => ({
  x: x.rowRange(from, to),
  squares: squares.subarray(from, to),
});

/**
 * A symmetric kernel K(x, z), seen through sums over a block of r rows x and s rows z, so that nothing of size r×s×m is ever
 * formed. ∂₁K is the derivative in the first argument; at x = z it is ½ d/dx K(x, x), the derivative where both move together.
 */
export interface Kernel {
  readonly name: string;
  /** K as a formula, with its constants. */
  readonly formula: string;
  /** Whether ∂₁K(x, z) exists at x = z while z stays where it is. */
  readonly smoothAtCentres: boolean;
  /** "direction": K depends on directions, so that a row of zeros has no derivative; parallel rows have none unless smooth. */
  readonly domain: "everywhere" | "direction";
  /** r×s: K(x_i, z_j) */
  values(x: KernelPoints, z: KernelPoints): Matrix;
  /** r×m: Σ_j C_ij ∂₁K(x_i, z_j), C r×s */
  pull(x: KernelPoints, z: KernelPoints, C: Matrix): Matrix;
  /** r×s: ∂₁K(x_i, z_j)·φ_i, φ r×m */
  slopes(x: KernelPoints, z: KernelPoints, phi: Matrix): Matrix;
  /** r×s: d²/dτ² K(x_i + τφ_i, z_j + τψ_j) at τ = 0, by the pure and mixed second derivatives; φ r×m, ψ s×m */
  bends?(x: KernelPoints, z: KernelPoints, phi: Matrix, psi: Matrix): Matrix;
}

/** Entries of the r×s blocks that sums over kernels are cut into: 16 MB. */
const BLOCK_ENTRIES = 1 << 21;

/** Row ranges [from, to) of n rows against s others. */
export function* rowRanges(n: number, s: number): Generator<readonly [from: number, to: number]> {
  const step = Math.max(16, Math.floor(BLOCK_ENTRIES / Math.max(1, s)));
  for (let from = 0; from < n; from += step) yield [from, Math.min(n, from + step)];
}

/** n×s: all of K(x_i, z_j). */
export function gramOf(kernel: Kernel, x: KernelPoints, z: KernelPoints = x): Matrix {
  const out = Matrix.zeros(x.x.rows, z.x.rows);
  for (const [from, to] of rowRanges(out.rows, out.columns)) {
    out.data.set(kernel.values(pointRange(x, from, to), z).data, from * out.columns);
  }
  return out;
}
