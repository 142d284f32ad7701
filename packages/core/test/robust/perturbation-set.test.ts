/** Projections and linear maxima over ball ∩ box, against the inequalities that characterise them. */
import { describe, expect, test } from "vitest";
import { decreasingRoot } from "../../src/robust/decreasing-root.js";
import { PerturbationSet } from "../../src/robust/perturbation-set.js";
import { randomStream } from "../../src/stats/random.js";
import { lp } from "../../src/threats/pointwise.js";
import { drawsOf } from "../long.js";
import { dot, largest, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const EXPONENTS = [1, 1.05, 1.5, 2, 3, 20, INF];

interface Case {
  readonly set: PerturbationSet;
  readonly x: Float64Array;
  readonly b: readonly number[];
  readonly rho: number;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

function randomSet(random: Random, p: number): Case {
  const m = 1 + random.below(6);
  const b = Array.from({ length: m }, (_, k) => (k > 0 && random.uniform() < 0.2 ? 0 : 10 ** (random.normal() / 2)));
  const uniform = random.uniform() < 0.3;
  const budgets = uniform ? b.map((value) => Math.sign(value)) : b;
  const rho = random.uniform() * 3;
  const boxed = random.uniform() < 0.6;
  const x = Float64Array.from(random.normals(m));
  // Some rows lie on a bound, some outside.
  const lower = budgets.map((_, k) =>
    boxed ? x[k] - (random.uniform() < 0.2 ? 0 : 1.2 * random.uniform() - 0.1) : -INF,
  );
  const upper = budgets.map((_, k) => (boxed ? Math.max(lower[k], x[k] + random.uniform() - 0.1) : INF));
  const threat = lp(p, boxed ? { budgets, bounds: { lower, upper } } : { budgets })(m);
  return { set: new PerturbationSet(threat.settings, rho), x, b: budgets, rho, lower, upper };
}

/** By how much δ breaks a constraint, relative to the size of the set. */
function violation({ x, b, rho, lower, upper }: Case, p: number, delta: ArrayLike<number>): number {
  let worst = 0;
  const scaled = b.map((budget, k) => {
    if (budget === 0) worst = Math.max(worst, Math.abs(delta[k]));
    worst = Math.max(worst, x[k] + delta[k] - Math.max(upper[k], x[k]), Math.min(lower[k], x[k]) - x[k] - delta[k]);
    return budget === 0 ? 0 : delta[k] / budget;
  });
  return Math.max(worst, pNorm(scaled, p) - rho) / (rho * Math.max(...b));
}

/** Feasible points of every kind: any point, shrunk until it is feasible, after a coordinatewise cut. */
function feasible(random: Random, c: Case, p: number): number[] {
  const sparse = random.uniform();
  const raw = c.b.map((b, k) => {
    const wanted = (random.uniform() < sparse ? 1 : 0.01) * 2 * c.rho * b * random.normal();
    return Math.min(Math.max(wanted, Math.min(0, c.lower[k] - c.x[k])), Math.max(0, c.upper[k] - c.x[k]));
  });
  const size = pNorm(
    raw.map((value, k) => (c.b[k] > 0 ? value / c.b[k] : 0)),
    p,
  );
  return raw.map((value) => (size > c.rho ? (value * c.rho) / size : value));
}

describe.each(EXPONENTS)("p = %d", (p) => {
  test("the projection is feasible, idempotent, and no feasible point makes an obtuse angle", () => {
    const random = new Random(1);
    for (let draw = 0; draw < drawsOf(300, 5000); draw++) {
      const c = randomSet(random, p);
      const far = 10 ** (2 * random.normal());
      const y = Float64Array.from(c.b, () => far * c.rho * random.normal());
      const projected = y.slice();
      c.set.project(projected, c.x);
      expect(violation(c, p, projected)).toBeLessThan(1e-13);
      const again = projected.slice();
      c.set.project(again, c.x);
      expect(largest(again.map((value, k) => value - projected[k]))).toBeLessThanOrEqual(1e-13 * largest(projected));
      const residual = y.map((value, k) => value - projected[k]);
      // Frozen coordinates are no direction of the set.
      const length = Math.max(Math.sqrt(dot(residual, residual)), 1e-3 * Math.sqrt(dot(y, y)));
      const size = length * c.rho * Math.max(...c.b);
      for (let point = 0; point < 20; point++) {
        const z = feasible(random, c, p);
        const angle = dot(residual, z) - dot(residual, projected);
        expect(angle / size).toBeLessThan(1e-9);
      }
      const z = new Float64Array(y.length);
      const most = c.set.furthest(residual, c.x, z);
      expect((most - dot(residual, projected)) / size).toBeLessThan(1e-9);
    }
  });

  test("a feasible point is its own projection", () => {
    const random = new Random(2);
    for (let draw = 0; draw < 100; draw++) {
      const c = randomSet(random, p);
      const z = Float64Array.from(feasible(random, c, p));
      const projected = z.slice();
      c.set.project(projected, c.x);
      expect(largest(projected.map((value, k) => value - z[k]))).toBeLessThanOrEqual(1e-14 * largest(z));
    }
  });

  test("the furthest point is feasible, attains its maximum, and no feasible point goes further", () => {
    const random = new Random(3);
    for (let draw = 0; draw < drawsOf(200, 3000); draw++) {
      const c = randomSet(random, p);
      const g = Float64Array.from(random.normals(c.b.length), (value) => (random.uniform() < 0.1 ? 0 : value));
      const delta = new Float64Array(g.length);
      const most = c.set.furthest(g, c.x, delta);
      expect(violation(c, p, delta)).toBeLessThan(1e-13);
      expect(Math.abs(dot(g, delta) - most)).toBeLessThanOrEqual(1e-13 * most);
      for (let point = 0; point < 50; point++) {
        expect(dot(g, feasible(random, c, p))).toBeLessThanOrEqual(most + 1e-12 * (1 + most));
      }
      // Optimal: δ is the projection of δ + g.
      const beyond = delta.map((value, k) => value + g[k]);
      c.set.project(beyond, c.x);
      expect(dot(g, beyond)).toBeLessThanOrEqual(most + 1e-12 * (1 + most));
      expect(most - dot(g, beyond)).toBeLessThan(1e-7 * (1 + most));
    }
  });

  test("random perturbations are feasible and differ", () => {
    const random = new Random(4);
    for (let draw = 0; draw < 50; draw++) {
      const c = randomSet(random, p);
      const delta = new Float64Array(c.b.length);
      c.set.random(randomStream(5, draw), c.x, delta);
      expect(violation(c, p, delta)).toBeLessThan(1e-13);
    }
  });
});

test("a row moved to a bound is not beyond it by a rounding error", () => {
  const random = new Random(6);
  for (let draw = 0; draw < 200; draw++) {
    const x = Float64Array.from(random.normals(3));
    const upper = x.map((value) => value + random.uniform() / 3);
    const threat = lp(2, { bounds: { lower: x.map((value) => value - 1), upper } })(3);
    const set = new PerturbationSet(threat.settings, 10);
    const [delta, moved] = [new Float64Array(3), new Float64Array(3)];
    set.furthest(Float64Array.of(1, 1, 1), x, delta);
    set.moveRow(x, delta, moved);
    moved.forEach((value, k) => {
      expect(value).toBeLessThanOrEqual(upper[k]);
      expect(value).toBeGreaterThan(upper[k] - 1e-14);
    });
  }
});

test("decreasingRoot finds zeros of convex, concave and flat-then-steep functions", () => {
  const cases: [(at: number) => [number, number], number][] = [
    [(at) => [Math.exp(-at) - 0.1, -Math.exp(-at)], Math.log(10)],
    [(at) => [4 - at * at, -2 * at], 2],
    [(at) => [1 - Math.max(0, at - 3), at > 3 ? -1 : 0], 4],
    [(at) => [1 - at / 1e9, -1e-9], 1e9],
  ];
  for (const [f, root] of cases) {
    const found = decreasingRoot((at, slope) => {
      const [value, change] = f(at);
      slope.value = change;
      return value;
    }, 1e10);
    expect(Math.abs(found - root)).toBeLessThan(1e-14 * root);
  }
});
