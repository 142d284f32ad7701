/** The quadratic program over a box and a simplex where the minimum can be written down. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { solveBoxSimplex } from "../../src/solvers/box-simplex-qp.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const INFINITY = Number.POSITIVE_INFINITY;

function solved(
  G: readonly (readonly number[])[],
  g: readonly number[],
  bounds: readonly (readonly [number, number])[],
  simplex: readonly number[] = [],
): number[] | null {
  const found = solveBoxSimplex({
    G: Matrix.fromRows(G.map((row) => [...row])),
    g: Float64Array.from(g),
    lower: Float64Array.from(bounds, ([low]) => low),
    upper: Float64Array.from(bounds, ([, high]) => high),
    simplex,
  });
  return found && [...found];
}

const close = (found: number[] | null, expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, k) => expect(found?.[k]).toBeCloseTo(value, 11));
};

describe("in a box", () => {
  test("entries that do not touch: −g/G, or the bound before it", () => {
    const G = [
      [2, 0, 0],
      [0, 4, 0],
      [0, 0, 1],
    ];
    const box = [
      [-1, 1],
      [-1, 1],
      [-1, 1],
    ] as const;
    close(solved(G, [-1, 2, 0.25], box), [0.5, -0.5, -0.25]);
    close(solved(G, [-10, 40, 0], box), [1, -1, 0]);
    // A box away from 0.
    close(
      solved(
        G,
        [0, 0, 0],
        [
          [0.5, 2],
          [-3, -1],
          [-1, 1],
        ],
      ),
      [0.5, -1, 0],
    );
  });

  test("entries without curvature go where they gain, or stay", () => {
    const G = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    close(
      solved(
        G,
        [1, -1, 0],
        [
          [-2, 3],
          [-2, 3],
          [-2, 3],
        ],
      ),
      [-2, 3, 0],
    );
    close(
      solved(
        G,
        [0, 0, 0],
        [
          [1, 3],
          [-3, -1],
          [-2, 3],
        ],
      ),
      [1, -1, 0],
    );
  });

  test("entries that touch: free, one at its bound, both", () => {
    const G = [
      [2, 1],
      [1, 2],
    ];
    close(
      solved(
        G,
        [-3, 0],
        [
          [-9, 9],
          [-9, 9],
        ],
      ),
      [2, -1],
    );
    // u_2 at −½: 2u_1 = 3 + ½
    close(
      solved(
        G,
        [-3, 0],
        [
          [-9, 9],
          [-0.5, 9],
        ],
      ),
      [1.75, -0.5],
    );
    // u_1 at 1: 2u_2 = −1
    close(
      solved(
        G,
        [-3, 0],
        [
          [-9, 1],
          [-9, 9],
        ],
      ),
      [1, -0.5],
    );
    close(
      solved(
        G,
        [-3, 0],
        [
          [-9, 1],
          [-0.25, 9],
        ],
      ),
      [1, -0.25],
    );
    close(
      solved(
        G,
        [-3, 0],
        [
          [-INFINITY, INFINITY],
          [-INFINITY, INFINITY],
        ],
      ),
      [2, -1],
    );
  });

  test("the size of the problem changes nothing", () => {
    for (const size of [1e-9, 1e9])
      close(
        solved(
          [
            [2 * size, size],
            [size, 2 * size],
          ],
          [-3 * size, 0],
          [
            [-9, 9],
            [-0.5, 9],
          ],
        ),
        [1.75, -0.5],
      );
  });
});

describe("on a simplex", () => {
  const free = [
    [0, 0],
    [0, 0],
    [0, 0],
  ] as const;

  test("without curvature all goes to the least slope; of equals nothing moves", () => {
    const G = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    close(solved(G, [3, 1, 2], free, [0, 1, 2]), [0, 1, 0]);
    close(solved(G, [1, 1, 1], free, [0, 1, 2]), [1 / 3, 1 / 3, 1 / 3]);
    close(solved(G, [1, 2, 3], free, [0]), [1, -0, -0]);
  });

  test("of two: ½(at² + b(1 − t)²) + gt has its minimum at (b − g)/(a + b), or at an end", () => {
    const G = [
      [2, 0],
      [0, 6],
    ];
    const pair = [
      [0, 0],
      [0, 0],
    ] as const;
    close(solved(G, [0, 0], pair, [0, 1]), [0.75, 0.25]);
    close(solved(G, [4, 0], pair, [0, 1]), [0.25, 0.75]);
    close(solved(G, [9, 0], pair, [0, 1]), [0, 1]);
    close(solved(G, [0, 9], pair, [0, 1]), [1, 0]);
    // With a product of the two: curvature 2 + 6 − 2·1.
    close(
      solved(
        [
          [2, 1],
          [1, 6],
        ],
        [0, 0],
        pair,
        [0, 1],
      ),
      [5 / 6, 1 / 6],
    );
  });

  test("of three: the nearest point of the simplex", () => {
    // ½‖u − c‖²: c less a constant, what is negative left out.
    const G = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
    close(solved(G, [-0.5, -0.4, -0.3], free, [0, 1, 2]), [0.5 - 1 / 15, 0.4 - 1 / 15, 0.3 - 1 / 15]);
    close(solved(G, [-2, -1.5, 0], free, [0, 1, 2]), [0.75, 0.25, 0]);
    close(solved(G, [-5, 0, 0], free, [0, 1, 2]), [1, 0, 0]);
  });

  test("beside an entry in a box that it touches", () => {
    // u = (t, 1 − t, v): ½(t + v)² + ½(1 − t)² − v has v = 1 − t, and then its minimum at t = 0.
    const G = [
      [1, 0, 1],
      [0, 1, 0],
      [1, 0, 1],
    ];
    const upTo = (top: number) =>
      [
        [0, 0],
        [0, 0],
        [-9, top],
      ] as const;
    close(solved(G, [0, 0, -1], upTo(9), [0, 1]), [0, 1, 1]);
    // v at ½: (t + ½) − (1 − t) = 0
    close(solved(G, [0, 0, -1], upTo(0.5), [0, 1]), [0.25, 0.75, 0.5]);
  });
});

describe("nearly parallel entries, where descent by coordinates would not arrive", () => {
  /** A program whose minimum is u: multipliers are above 0 at lower bounds and zeros of the simplex, below 0 at upper bounds. */
  function known(random: Random, K: number, inSimplex: number) {
    const half = random.rows(2, K);
    const G = Array.from({ length: K }, (_, i) =>
      Array.from({ length: K }, (__, j) => half.reduce((sum, row) => sum + row[i] * row[j], i === j ? 1e-5 : 0)),
    );
    const bounds = Array.from({ length: K }, () => [-1 - random.uniform(), 1 + random.uniform()] as const);
    const sides = Array.from({ length: K }, (_, k) => (k === 0 || k === inSimplex ? 0 : random.below(3)));
    const shares = Array.from({ length: inSimplex }, (_, k) => (sides[k] === 1 ? 0 : 0.2 + random.uniform()));
    const total = shares.reduce((a, b) => a + b, 0);
    const u = bounds.map(([low, high], k) => {
      if (k < inSimplex) return shares[k] / total;
      return sides[k] === 1 ? low : sides[k] === 2 ? high : low + (high - low) * (0.2 + 0.6 * random.uniform());
    });
    const g = G.map((row, k) => {
      const multiplier = sides[k] === 1 ? 0.5 : sides[k] === 2 && k >= inSimplex ? -0.5 : 0;
      return multiplier + (k < inSimplex ? 0.7 : 0) - row.reduce((sum, value, j) => sum + value * u[j], 0);
    });
    return { G, g, bounds, u, simplex: Array.from({ length: inSimplex }, (_, k) => k) };
  }

  test.each([
    [4, 0],
    [4, 4],
    [7, 3],
    [30, 0],
  ])("%d entries, %d of them on a simplex", (K, inSimplex) => {
    for (let seed = 1; seed <= 12; seed++) {
      const { G, g, bounds, u, simplex } = known(new Random(seed), K, inSimplex);
      const found = solved(G, g, bounds, simplex);
      for (const [k, value] of u.entries()) expect(Math.abs((found?.[k] ?? Number.NaN) - value)).toBeLessThan(1e-6);
    }
  });
});

test("small programs against a fine grid of feasible points", () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = new Random(seed);
    const half = random.rows(3, 3);
    const G = [0, 1, 2].map((i) => [0, 1, 2].map((j) => half.reduce((sum, row) => sum + row[i] * row[j], 0)));
    const g = random.normals(3);
    const value = (u: readonly number[]): number =>
      u.reduce((sum, entry, i) => sum + entry * (g[i] + 0.5 * G[i].reduce((s, q, j) => s + q * u[j], 0)), 0);
    for (const simplex of [[], [0, 1], [0, 2]]) {
      const found = solved(
        G,
        g,
        [
          [-1, 0.5],
          [-0.5, 1],
          [-0.25, 0.75],
        ],
        simplex,
      );
      if (!found) throw new Error("no solution");
      const best = value(found);
      const range = (k: number): [number, number] =>
        simplex.includes(k)
          ? [0, 1]
          : ([
              [-1, 0.5],
              [-0.5, 1],
              [-0.25, 0.75],
            ][k] as [number, number]);
      found.forEach((entry, k) => {
        expect(entry).toBeGreaterThanOrEqual(range(k)[0] - 1e-13);
        expect(entry).toBeLessThanOrEqual(range(k)[1] + 1e-13);
      });
      if (simplex.length > 0) expect(simplex.reduce((sum, k) => sum + found[k], 0)).toBeCloseTo(1, 12);
      // No feasible step from it gains: in one entry, and in two of the simplex.
      for (let k = 0; k < 3; k++) {
        for (const step of [0.01, -0.01]) {
          const moved = [...found];
          moved[k] += step;
          if (simplex.includes(k)) moved[simplex[simplex[0] === k ? 1 : 0]] -= step;
          const inside = moved.every((entry, j) => entry >= range(j)[0] && entry <= range(j)[1]);
          if (inside) expect(value(moved)).toBeGreaterThanOrEqual(best);
        }
      }
    }
  }
});
