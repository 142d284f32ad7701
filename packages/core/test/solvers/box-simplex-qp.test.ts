/** The small quadratic program behind one-sided derivatives, against its optimality conditions and a fine grid. */
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/index.js";
import { solveBoxSimplex } from "../../src/solvers/box-simplex-qp.js";
import { cpuTime } from "../cpu-time.js";
import { dot, Random } from "../models/naive.js";

interface Problem {
  readonly G: number[][];
  readonly g: number[];
  readonly lower: number[];
  readonly upper: number[];
  readonly simplex: number[];
}

function randomProblem(random: Random, K: number, rank: number, simplexSize: number): Problem {
  const half = random.rows(rank, K);
  return {
    G: Array.from({ length: K }, (_, i) =>
      Array.from({ length: K }, (__, j) => half.reduce((s, r) => s + r[i] * r[j], 0)),
    ),
    // In the range of G, as in every problem that comes from a Hessian.
    g: Array.from({ length: K }, (_, i) => half.reduce((s, r, a) => s + 1.5 * r[i] * Math.sin(3 * a + 1), 0)),
    lower: Array.from({ length: K }, () => -1 - random.uniform()),
    upper: Array.from({ length: K }, () => 0.5 + random.uniform()),
    simplex: Array.from({ length: simplexSize }, (_, k) => k),
  };
}

const solved = ({ G, g, lower, upper, simplex }: Problem): Float64Array | null =>
  solveBoxSimplex({
    G: Matrix.fromRows(G),
    g: Float64Array.from(g),
    lower: Float64Array.from(lower),
    upper: Float64Array.from(upper),
    simplex,
  });

const value = ({ G, g }: Problem, u: ArrayLike<number>): number =>
  dot(g, u) + 0.5 * G.reduce((sum, row, i) => sum + u[i] * dot(row, u), 0);

/** Convex: u is the minimum if no feasible point of the linearisation lies lower. */
function gap({ G, g, lower, upper, simplex }: Problem, u: ArrayLike<number>): number {
  const slope = g.map((value, k) => value + dot(G[k], u));
  let best = 0;
  let now = 0;
  slope.forEach((s, k) => {
    now += s * u[k];
    if (!simplex.includes(k)) best += Math.min(s * lower[k], s * upper[k]);
  });
  if (simplex.length > 0) best += Math.min(...simplex.map((k) => slope[k]));
  return now - best;
}

describe.each([
  [1, 1, 0],
  [3, 3, 0],
  [5, 5, 3],
  [6, 6, 6],
  [12, 4, 0],
  [12, 4, 5],
  [40, 6, 0],
])("%d unknowns, rank %d, %d of them a probability vector", (K, rank, simplexSize) => {
  test("feasible, and optimal by duality", () => {
    for (let seed = 0; seed < 20; seed++) {
      const problem = randomProblem(new Random(seed), K, rank, simplexSize);
      const u = solved(problem);
      expect(u).not.toBeNull();
      if (!u) continue;
      u.forEach((entry, k) => {
        const inSimplex = problem.simplex.includes(k);
        expect(entry).toBeGreaterThanOrEqual(inSimplex ? -1e-14 : problem.lower[k]);
        expect(entry).toBeLessThanOrEqual(inSimplex ? 1 + 1e-14 : problem.upper[k]);
      });
      if (simplexSize > 0) expect(Math.abs(problem.simplex.reduce((s, k) => s + u[k], 0) - 1)).toBeLessThan(1e-12);
      expect(gap(problem, u)).toBeLessThan(1e-9 * (1 + Math.abs(value(problem, u))));
    }
  });
});

test("what does not matter stays within its bounds", () => {
  const u = solved({ G: [[0]], g: [0], lower: [-1], upper: [1], simplex: [] });
  expect(u?.[0]).toBe(0);
});

test("many unknowns of low rank end in time", () => {
  const start = cpuTime();
  const problem = randomProblem(new Random(3), 400, 5, 0);
  const u = solved(problem);
  expect(u).not.toBeNull();
  if (u) expect(gap(problem, u)).toBeLessThan(1e-7);
  expect(cpuTime() - start).toBeLessThan(5000);
});

test("nearly parallel unknowns, where descent by coordinates alone would not end", () => {
  const near = 1 - 1e-7;
  const u = solved({
    G: [
      [1, near],
      [near, 1],
    ],
    g: [0.4 * near - 0.3, 0.4 - 0.3 * near],
    lower: [-1, -1],
    upper: [1, 1],
    simplex: [],
  });
  expect(u?.[0]).toBeCloseTo(0.3, 6);
  expect(u?.[1]).toBeCloseTo(-0.4, 6);
});
