import { type KernelName, Matrix } from "../../src/index.js";
import { randomStream } from "../../src/stats/random.js";

/** Kernels as they are written down, for pairs of rows. */
export const NAIVE: Readonly<
  Record<KernelName, (x: ArrayLike<number>, z: ArrayLike<number>, gamma: number) => number>
> = {
  rbf: (x, z, gamma) => Math.exp(-gamma * distance(x, z) ** 2),
  matern52: (x, z, gamma) => {
    const d = Math.sqrt(2 * gamma) * distance(x, z);
    return (1 + Math.sqrt(5) * d + (5 * d * d) / 3) * Math.exp(-Math.sqrt(5) * d);
  },
  poly: (x, z, gamma) => (gamma * dot(x, z) + 1) ** 3,
  ntk: (x, z) => (dot(x, z) * (Math.PI - angle(x, z))) / (2 * Math.PI),
  nngp: (x, z) => {
    const a = angle(x, z);
    return (Math.sqrt(dot(x, x) * dot(z, z)) * (Math.sin(a) + (Math.PI - a) * Math.cos(a))) / (2 * Math.PI);
  },
};

const dot = (x: ArrayLike<number>, z: ArrayLike<number>): number =>
  Array.from(x).reduce((sum, value, k) => sum + value * z[k], 0);
const distance = (x: ArrayLike<number>, z: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((sum, value, k) => sum + (value - z[k]) ** 2, 0));
const angle = (x: ArrayLike<number>, z: ArrayLike<number>): number => {
  const unit = (v: ArrayLike<number>) => Array.from(v, (value) => value / Math.sqrt(dot(v, v)));
  const [a, b] = [unit(x), unit(z)];
  return 2 * Math.atan2(distance(a, b), Math.sqrt(a.reduce((sum, value, k) => sum + (value + b[k]) ** 2, 0)));
};

/** n×m normal numbers. */
export function normals(rows: number, columns: number, seed: number): Matrix {
  const out = Matrix.zeros(rows, columns);
  randomStream(seed).fillNormals(out.data);
  return out;
}

/** A regression problem: n rows, m features, k outputs, unequal weights unless told otherwise. */
export function problem(n: number, m: number, k: number, seed: number, weighted = true) {
  const x = normals(n, m, seed);
  const y = normals(n, k, seed + 1000);
  for (let i = 0; i < n; i++)
    for (let o = 0; o < k; o++) y.data[i * k + o] = Math.sin(x.row(i)[0] + o) + 0.3 * y.data[i * k + o];
  const raw = Float64Array.from({ length: n }, (_, i) => (weighted ? 1 + (i % 3) : 1));
  const total = raw.reduce((sum, w) => sum + w, 0);
  return { x, y, weights: raw.map((w) => w / total) };
}
