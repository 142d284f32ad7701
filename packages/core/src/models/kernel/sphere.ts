import type { Matrix } from "../../linalg/matrix.js";

/** Where attacked rows may go: anywhere within the radius, or only to rows of their own length (the paper's sphere). */
export type AttackSurface = "ball" | "sphere";

/** Takes from each row g_i (n×m) what lies along x_i. */
export function tangentParts(g: Matrix, x: Matrix, squares: Float64Array): void {
  for (let i = 0; i < g.rows; i++) {
    if (squares[i] > 0) addAlong(g.row(i), x.row(i), -product(g.row(i), x.row(i)) / squares[i]);
  }
}

/**
 * max g·x' over rows x' of the length of x within ‖x' − x‖ ≤ ρ; writes x' (m): x turned towards g, at most by the angle whose
 * chord is ρ. @returns g·(x' − x)
 */
export function furthestOnSphere(g: Float64Array, x: Float64Array, radius: number, out: Float64Array): number {
  const length = Math.sqrt(product(x, x));
  out.set(x);
  if (length === 0) return 0;
  const towards = g.slice();
  const along = product(g, x) / length;
  addAlong(towards, x, -along / length);
  const across = Math.sqrt(product(towards, towards));
  if (across === 0) return 0;
  const most = 2 * Math.asin(Math.min(1, radius / (2 * length)));
  const angle = Math.min(most, Math.atan2(across, along));
  for (let k = 0; k < x.length; k++) {
    out[k] = Math.cos(angle) * x[k] + ((Math.sin(angle) * length) / across) * towards[k];
  }
  return product(g, out) - product(g, x);
}

/** Scales a row to a length (m), in place. */
export function toLength(row: Float64Array, length: number): void {
  const now = Math.sqrt(product(row, row));
  if (now > 0) for (let k = 0; k < row.length; k++) row[k] *= length / now;
}

function addAlong(row: Float64Array, direction: Float64Array, share: number): void {
  for (let k = 0; k < row.length; k++) row[k] += share * direction[k];
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
