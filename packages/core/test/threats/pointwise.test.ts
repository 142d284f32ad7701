/** The dual direction against its definition, budgets and boxes against MATH 13. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AifError, dualDirection, dualExponent, exponentName, lp, Matrix, norm } from "../../src/index.js";
import { conjugate, dot, largest, pNorm, Random } from "../models/naive.js";

const EXPONENTS = [1, 1.2, 1.5, 2, 3, 10, Number.POSITIVE_INFINITY];

/** Entries over 400 orders of magnitude, with zeros and ties. */
const entry = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -3, max: 3, noNaN: true }).map((v) => (Math.abs(v) < 1e-200 ? 0 : v)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(-1, 1), fc.integer({ min: -200, max: 200 }), fc.double({ min: 1, max: 9, noNaN: true }))
      .map(([s, e, v]) => s * v * 10 ** e),
  },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, -1, 2, -2, 1e-200, 1e200, -1e200) },
);
const vector = fc.array(entry, { minLength: 1, maxLength: 8 });

/** g·φ without overflow on the way. */
function scaledDot(g: readonly number[], phi: ArrayLike<number>): number {
  const most = largest(g);
  return most === 0
    ? 0
    : most *
        dot(
          g.map((value) => value / most),
          phi,
        );
}

describe.each(EXPONENTS)("p = %d", (p) => {
  const q = conjugate(p);

  test("the dual exponent", () => expect(dualExponent(p)).toBe(q));

  test("norm: against powers of ratios, homogeneous, 0 only at 0", () => {
    fc.assert(
      fc.property(vector, (v) => {
        const value = norm(Float64Array.from(v), p);
        expect(Math.abs(value - pNorm(v, p))).toBeLessThanOrEqual(1e-12 * value);
        expect(value === 0).toBe(largest(v) === 0);
        // A stretch of a longer array.
        const inside = norm(Float64Array.from([7, ...v, 9]), p, 1, v.length);
        expect(Math.abs(inside - value)).toBeLessThanOrEqual(1e-14 * value);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("direction: g·φ = ‖g‖_q, ‖φ‖_p = 1, φ(0) = 0, the sign of g", () => {
    fc.assert(
      fc.property(vector, (g) => {
        const phi = new Float64Array(g.length).fill(Number.NaN);
        const value = dualDirection(Float64Array.from(g), p, phi);
        const truth = pNorm(g, q);
        expect(Math.abs(value - truth)).toBeLessThanOrEqual(1e-12 * truth);
        const inPlace = Float64Array.from(g);
        expect(dualDirection(inPlace, p, inPlace)).toBe(value);
        expect([...inPlace]).toEqual([...phi]);
        if (truth === 0) {
          expect([...phi].every((entry) => entry === 0)).toBe(true);
          return;
        }
        expect(Math.abs(scaledDot(g, phi) - truth)).toBeLessThanOrEqual(1e-11 * truth);
        expect(Math.abs(pNorm(phi, p) - 1)).toBeLessThanOrEqual(1e-11);
        g.forEach((entry, k) => {
          expect(phi[k] * Math.sign(entry)).toBeGreaterThanOrEqual(0);
          if (entry === 0) expect(phi[k]).toBe(0);
        });
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  test("no feasible direction gains more", () => {
    const random = new Random(1 + EXPONENTS.indexOf(p));
    for (let trial = 0; trial < 40; trial++) {
      const g = Array.from({ length: 1 + random.below(6) }, () => (random.uniform() < 0.2 ? 0 : random.normal()));
      const best = dualDirection(Float64Array.from(g), p, new Float64Array(g.length));
      for (let draw = 0; draw < 250; draw++) {
        // Directions of every shape: powers of normals, some coordinates 0.
        const shape = 10 ** (2 * random.uniform() - 1);
        const d = g.map(() =>
          random.uniform() < 0.3 ? 0 : Math.sign(random.normal()) * Math.abs(random.normal()) ** shape,
        );
        const size = pNorm(d, p);
        if (size > 0) expect(dot(g, d) / size).toBeLessThanOrEqual(best * (1 + 1e-12) + 1e-300);
      }
    }
  });
});

test("exponents have names", () => {
  expect([1, 1.5, 2, Number.POSITIVE_INFINITY].map(exponentName)).toEqual(["1", "1.5", "2", "inf"]);
});

const block = (rows: number[][]) => ({
  x: Matrix.fromRows(rows),
  y: new Float64Array(rows.length),
  w: new Float64Array(rows.length).fill(1 / rows.length),
  firstRow: 0,
});

/** Room for n numbers, with something else in it. */
const unknown = (n: number): Float64Array => new Float64Array(n).fill(Number.NaN);

const times = (row: ArrayLike<number>, factor: number): number[] => Array.from(row, (value) => factor * value);

describe.each(EXPONENTS)("a threat of p = %d", (p) => {
  const q = conjugate(p);
  const random = new Random(17);

  test.each([true, false])("budgets and frozen features; gradients shared by all rows: %s", (shared) => {
    for (let trial = 0; trial < 50; trial++) {
      const m = 2 + random.below(5);
      const n = 1 + random.below(4);
      const b = Array.from({ length: m }, (_, k) =>
        k > 0 && random.uniform() < 0.3 ? 0 : 10 ** (4 * random.uniform() - 2),
      );
      const threat = lp(p, { budgets: b })(m);
      const base = random.rows(shared ? 1 : n, m);
      const slope = Array.from({ length: n }, () => (random.uniform() < 0.2 ? 0 : random.normal()));
      const X = random.rows(n, m);
      const gradients = { slope: Float64Array.from(slope), base: Matrix.fromRows(base) };
      const inPlace = trial % 2 === 1;
      const into = { sign: unknown(n), base: gradients.base, gain: unknown(n) };
      const { sign, base: phi, gain } = threat.respond(gradients, block(X), inPlace ? into : undefined);
      expect(phi.data === gradients.base.data).toBe(inPlace);
      const sizes = threat.rowScales(block(X), inPlace ? unknown(n) : undefined);
      for (let i = 0; i < n; i++) {
        const g = times(base[shared ? 0 : i], slope[i]);
        const direction = times(phi.row(phi.rows === 1 ? 0 : i), sign[i]);
        const truth = pNorm(
          g.map((value, k) => b[k] * value),
          q,
        );
        expect(Math.abs(gain[i] - truth)).toBeLessThanOrEqual(1e-12 * truth);
        expect(Math.abs(dot(g, direction) - truth)).toBeLessThanOrEqual(1e-11 * truth);
        b.forEach((budget, k) => {
          if (budget === 0) expect(Math.abs(direction[k])).toBe(0);
        });
        if (slope[i] !== 0) {
          const relative = direction.map((value, k) => (b[k] > 0 ? value / b[k] : 0));
          expect(Math.abs(pNorm(relative, p) - 1)).toBeLessThan(1e-11);
        }
        const size = pNorm(
          X[i].map((value, k) => (b[k] > 0 ? value / b[k] : 0)),
          p,
        );
        expect(Math.abs(sizes[i] - size)).toBeLessThanOrEqual(1e-12 * size);
      }
    }
  });

  test("a box: what points out of it at a bound counts for nothing, the rest as ever", () => {
    for (let trial = 0; trial < 50; trial++) {
      const m = 2 + random.below(4);
      const n = 4;
      const lower = Array.from({ length: m }, () => (random.uniform() < 0.3 ? Number.NEGATIVE_INFINITY : -1));
      const upper = Array.from({ length: m }, () => (random.uniform() < 0.3 ? Number.POSITIVE_INFINITY : 1));
      const b = Array.from({ length: m }, (_, k) => (k > 0 && random.uniform() < 0.2 ? 0 : 0.5 + random.uniform()));
      // Many entries sit exactly on a bound.
      const X = Array.from({ length: n }, () =>
        Array.from({ length: m }, () => [-1, 1, 1.8 * random.uniform() - 0.9][random.below(3)]),
      );
      const threat = lp(p, { budgets: b, bounds: { lower, upper } })(m);
      const base = random.rows(trial % 2 ? 1 : n, m);
      const slope = random.normals(n);
      const gradients = { slope: Float64Array.from(slope), base: Matrix.fromRows(base) };
      const inPlace = trial % 4 === 0;
      const into = { sign: unknown(n), base: gradients.base, gain: unknown(n) };
      const { sign, base: phi, gain } = threat.respond(gradients, block(X), inPlace ? into : undefined);
      expect(phi.data === gradients.base.data).toBe(inPlace);
      for (let i = 0; i < n; i++) {
        const g = times(base[base.length === 1 ? 0 : i], slope[i]);
        const inside = g.map((value, k) =>
          (value > 0 && X[i][k] === upper[k]) || (value < 0 && X[i][k] === lower[k]) ? 0 : value,
        );
        const direction = times(phi.row(phi.rows === 1 ? 0 : i), sign[i]);
        const truth = pNorm(
          inside.map((value, k) => b[k] * value),
          q,
        );
        expect(Math.abs(gain[i] - truth)).toBeLessThanOrEqual(1e-12 * truth);
        expect(Math.abs(dot(g, direction) - truth)).toBeLessThanOrEqual(1e-11 * truth);
        direction.forEach((value, k) => {
          if (X[i][k] === upper[k]) expect(value).toBeLessThanOrEqual(0);
          if (X[i][k] === lower[k]) expect(value).toBeGreaterThanOrEqual(0);
        });
      }
    }
  });
});

describe("what makes no sense is refused", () => {
  const refused = (build: () => unknown) => {
    let caught: unknown = null;
    try {
      build();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(AifError);
    expect((caught as AifError).code).toBe("usage");
  };
  test.each([0.99, 0, -1, Number.NaN, Number.NEGATIVE_INFINITY])("p = %d", (p) => refused(() => lp(p)(3)));
  test.each([
    ["too few budgets", { budgets: [1, 1] }],
    ["a negative budget", { budgets: [1, -1, 1] }],
    ["a budget that is no number", { budgets: [1, Number.NaN, 1] }],
    ["an infinite budget", { budgets: [1, Number.POSITIVE_INFINITY, 1] }],
    ["nothing to attack", { budgets: [0, 0, 0] }],
    ["too many lower bounds", { bounds: { lower: [0, 0, 0, 0], upper: [1, 1, 1] } }],
    ["too few upper bounds", { bounds: { lower: [0, 0, 0], upper: [1, 1] } }],
    ["crossed bounds", { bounds: { lower: [0, 2, 0], upper: [1, 1, 1] } }],
    ["a bound that is no number", { bounds: { lower: [0, Number.NaN, 0], upper: [1, 1, 1] } }],
  ])("%s", (_, options) => refused(() => lp(2, options)(3)));
});
