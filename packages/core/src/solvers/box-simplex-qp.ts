import { Matrix } from "../linalg/matrix.js";
import { pseudoInverseSolver } from "../linalg/symmetric.js";
import { maximumMagnitude } from "../threats/norms.js";

/** min ½u'Gu + g'u, G positive semidefinite, with bounds on some entries and one group that is a probability vector. */
export interface BoxSimplexProblem {
  readonly g: Float64Array;
  /** K×K, symmetric, full. */
  readonly G: Matrix;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Indices of entries that are ≥ 0 and sum to 1 (their bounds are ignored); may be empty. */
  readonly simplex: readonly number[];
}

const TOLERANCE = 1e-13;
const SWEEPS_BETWEEN_POLISHES = 20;
const MAXIMUM_ROUNDS = 500;

/**
 * Coordinate descent finds which bounds hold with equality; an exact solve on the free entries then finishes. Returns null
 * when the optimality conditions are not met to 1e-10 of the largest gradient in the end.
 */
export function solveBoxSimplex(problem: BoxSimplexProblem): Float64Array | null {
  const { g, lower, upper, simplex } = problem;
  const inSimplex = new Set(simplex);
  const u = g.map((_, k) => (inSimplex.has(k) ? 1 / simplex.length : Math.min(Math.max(0, lower[k]), upper[k])));
  const scale = Math.max(1e-300, maximumMagnitude(g), maximumMagnitude(problem.G.data));
  for (let round = 0; round < MAXIMUM_ROUNDS; round++) {
    for (let pass = 0; pass < SWEEPS_BETWEEN_POLISHES; pass++) descend(problem, inSimplex, u);
    polish(problem, inSimplex, u);
    if (violation(problem, inSimplex, u) <= TOLERANCE * scale) return u;
  }
  return violation(problem, inSimplex, u) <= 1e-10 * scale ? u : null;
}

/** ∇ = Gu + g */
function gradient({ G, g }: BoxSimplexProblem, u: Float64Array): Float64Array {
  const out = g.slice();
  for (let i = 0; i < u.length; i++) {
    for (let j = 0; j < u.length; j++) out[i] += G.data[i * u.length + j] * u[j];
  }
  return out;
}

function descend(problem: BoxSimplexProblem, inSimplex: ReadonlySet<number>, u: Float64Array): void {
  const { G, lower, upper, simplex } = problem;
  const K = u.length;
  const grad = gradient(problem, u);
  const move = (k: number, by: number) => {
    u[k] += by;
    for (let i = 0; i < K; i++) grad[i] += G.data[i * K + k] * by;
  };
  for (let k = 0; k < K; k++) {
    if (inSimplex.has(k)) continue;
    const curvature = G.data[k * K + k];
    const target = curvature > 0 ? u[k] - grad[k] / curvature : grad[k] > 0 ? lower[k] : grad[k] < 0 ? upper[k] : u[k];
    move(k, Math.min(Math.max(target, lower[k]), upper[k]) - u[k]);
  }
  for (const a of simplex) {
    for (const b of simplex) {
      if (a >= b) continue;
      // Mass moves from b to a along e_a − e_b.
      const curvature = G.data[a * K + a] + G.data[b * K + b] - 2 * G.data[a * K + b];
      const slope = grad[a] - grad[b];
      const free = curvature > 0 ? -slope / curvature : slope < 0 ? u[b] : slope > 0 ? -u[a] : 0;
      const by = Math.min(Math.max(free, -u[a]), u[b]);
      move(a, by);
      move(b, -by);
    }
  }
}

/** Solves exactly on the entries strictly inside their bounds, and takes the step as far as the bounds allow. */
function polish(problem: BoxSimplexProblem, inSimplex: ReadonlySet<number>, u: Float64Array): void {
  const { G, lower, upper, simplex } = problem;
  const K = u.length;
  const inside = (k: number) => (inSimplex.has(k) ? u[k] > 1e-12 : u[k] > lower[k] && u[k] < upper[k]);
  const anchor = simplex.reduce((best, k) => (best < 0 || u[k] > u[best] ? k : best), -1);
  const free = [...u.keys()].filter((k) => k !== anchor && inside(k));
  if (free.length === 0) return;
  // A free entry of the simplex moves against the anchor, so that the sum stays 1.
  const paired = (k: number) => inSimplex.has(k);
  const entry = (i: number, j: number) => G.data[i * K + j];
  const reduced = Matrix.zeros(free.length, free.length);
  free.forEach((i, row) => {
    free.forEach((j, column) => {
      let value = entry(i, j);
      if (paired(i)) value -= entry(anchor, j);
      if (paired(j)) value -= entry(i, anchor);
      if (paired(i) && paired(j)) value += entry(anchor, anchor);
      reduced.data[row * free.length + column] = value;
    });
  });
  const grad = gradient(problem, u);
  const right = Float64Array.from(free, (k) => -(grad[k] - (paired(k) ? grad[anchor] : 0)));
  const step = pseudoInverseSolver(reduced, 1e-13).solve(right);
  const direction = new Float64Array(K);
  free.forEach((k, i) => {
    direction[k] += step[i];
    if (paired(k)) direction[anchor] -= step[i];
  });
  let length = 1;
  for (let k = 0; k < K; k++) {
    const [lo, hi] = inSimplex.has(k) ? [0, Number.POSITIVE_INFINITY] : [lower[k], upper[k]];
    if (direction[k] > 0) length = Math.min(length, (hi - u[k]) / direction[k]);
    if (direction[k] < 0) length = Math.min(length, (lo - u[k]) / direction[k]);
  }
  for (let k = 0; k < K; k++) u[k] += length * direction[k];
}

/** The largest breach of the optimality conditions, in units of the gradient. */
function violation(problem: BoxSimplexProblem, inSimplex: ReadonlySet<number>, u: Float64Array): number {
  const { lower, upper, simplex } = problem;
  const grad = gradient(problem, u);
  let worst = 0;
  for (let k = 0; k < u.length; k++) {
    if (inSimplex.has(k)) continue;
    const downhill = grad[k] > 0 ? u[k] > lower[k] : u[k] < upper[k];
    if (downhill) worst = Math.max(worst, Math.abs(grad[k]));
  }
  const lowest = Math.min(...simplex.map((k) => grad[k]));
  for (const k of simplex) if (u[k] > 0) worst = Math.max(worst, (grad[k] - lowest) * Math.min(1, u[k] / 1e-12));
  return worst;
}
