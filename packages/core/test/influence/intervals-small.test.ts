/** Simultaneous factors and intervals of S, by the definition. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, independentRows, Matrix, meanStandardError } from "../../src/index.js";
import { drawnDifferences, pairedDifferences } from "../../src/influence/paired-differences.js";
import { curvatureInterval, largestOverBall, smallestOverBall } from "../../src/influence/sensitivity-interval.js";
import { pairwiseFactor, supremumFactor } from "../../src/influence/simultaneous.js";
import { chiSquareQuantile, chiSquareTail, normalQuantile } from "../../src/stats/distributions.js";
import { dot, Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

describe("differences of several means", () => {
  const random = new Random(6);
  const n = 12;
  const raw = Array.from({ length: n }, () => 0.5 + random.uniform());
  const total = raw.reduce((sum, value) => sum + value, 0);
  const w = Float64Array.from(raw, (value) => value / total);
  const columns = [0, 1].map(() => Float64Array.from(random.normals(n)));

  test.each([
    independentRows(n),
    { weightsKind: "frequency", totalWeight: 30 },
    { ...independentRows(n), clusters: Int32Array.from({ length: n }, (_, i) => i % 3) },
  ] as const)("of two: the normal quantile, however rows were drawn: %o", (sampling) => {
    for (const level of [0.9, 0.95]) {
      const { factor, errors } = pairedDifferences(columns, w, sampling, level, 1);
      expect(factor).toBeCloseTo(normalQuantile(0.5 + level / 2), 5);
      const moves = columns[0].map((value, i) => value - columns[1][i]);
      const error = meanStandardError(moves, w, sampling);
      expect([...errors.data]).toEqual([0, error, error, 0]);
    }
    // What all have in common does not count.
    const shifted = columns.map((values) => values.map((value, i) => value + 100 * Math.sin(i)));
    expect(pairedDifferences(shifted, w, sampling, 0.9, 1).factor).toBeCloseTo(normalQuantile(0.95), 5);
  });

  test("more rows than are held at once; fewer clusters than codes", () => {
    const rows = 4097;
    const many = [1, 2].map((k) => Float64Array.from({ length: rows }, (_, i) => Math.sin(k * i * i)));
    const equal = new Float64Array(rows).fill(1 / rows);
    expect(pairedDifferences(many, equal, independentRows(rows), 0.95, 1).factor).toBeCloseTo(normalQuantile(0.975), 5);
    const clusters = Int32Array.from({ length: rows }, (_, i) => 5 * (i % 11));
    const grouped = pairedDifferences(many, equal, { ...independentRows(rows), clusters }, 0.95, 1);
    expect(grouped.factor).toBeCloseTo(normalQuantile(0.975), 5);
    const alone = pairedDifferences(many, equal, { ...independentRows(rows), clusters: new Int32Array(rows) }, 0.95, 1);
    expect(alone.errors.data[1]).toBeCloseTo(0, 14);
  });

  test("of draws: by hand", () => {
    const draws = [Float64Array.of(1, 2, 3, 6), Float64Array.of(0, 2, 2, 0), Float64Array.of(1, 2, 3, 6)];
    const { factor, errors } = drawnDifferences(draws, 0.5);
    // Differences 1, 0, 1, 6 about 2: −1, −2, −1, 4, so that s² = 22/3.
    const error = Math.sqrt(22 / 3);
    expect([...errors.data]).toEqual([0, error, 0, error, 0, error, 0, error, 0]);
    // The third of four: ⌈0.5·5⌉.
    expect(factor).toBeCloseTo(2 / error, 14);
    expect(drawnDifferences(draws, 0.99).factor).toBeCloseTo(4 / error, 14);
    expect(drawnDifferences(draws, 0.2).factor).toBeCloseTo(1 / error, 14);
    expect(drawnDifferences([], 0.9).factor).toBe(0);
    const single = drawnDifferences([Float64Array.of(1), Float64Array.of(3)], 0.9);
    expect([single.factor, ...single.errors.data]).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("simultaneous factors", () => {
  test("of equal, independent and degenerate estimates", () => {
    const one = Matrix.fromRows([[4]]);
    for (const level of [0.5, 0.9, 0.99]) {
      expect(supremumFactor(one, level, 1)).toBeCloseTo(normalQuantile(0.5 + level / 2), 3);
      const twice = Matrix.fromRows([
        [4, -6],
        [-6, 9],
      ]);
      expect(supremumFactor(twice, level, 1)).toBeCloseTo(normalQuantile(0.5 + level / 2), 3);
      // The same two but for rounding, which would draw other directions if it counted as one more.
      const rounded = Matrix.fromRows([
        [4, -6 + 1e-10],
        [-6 + 1e-10, 9],
      ]);
      expect(supremumFactor(rounded, level, 1)).toBeCloseTo(supremumFactor(twice, level, 1), 9);
      const apart = Matrix.fromRows([
        [4, 0, 0],
        [0, 9, 0],
        [0, 0, 0],
      ]);
      expect(Math.abs(supremumFactor(apart, level, 1) - normalQuantile(0.5 + 0.5 * level ** 0.5))).toBeLessThan(0.02);
    }
    expect(supremumFactor(Matrix.zeros(2, 2), 0.9, 1)).toBe(0);
    expect(
      supremumFactor(
        Matrix.fromRows([
          [1, 0.5],
          [0.5, 1],
        ]),
        0.9,
        1,
      ),
    ).not.toBe(
      supremumFactor(
        Matrix.fromRows([
          [1, 0.5],
          [0.5, 1],
        ]),
        0.9,
        2,
      ),
    );
  });

  test("of equally varying estimates: nearly the same however their correlations are rounded, which decides the axes", () => {
    const identity = Matrix.fromRows([0, 1, 2, 3].map((j) => [0, 1, 2, 3].map((k) => Number(j === k))));
    const sidak = normalQuantile(0.5 + 0.5 * 0.95 ** 0.25);
    const factors = Array.from({ length: 5 }, (_, seed) => {
      const noise = new Random(seed);
      const rounded = identity.data.slice();
      for (let j = 0; j < 4; j++) {
        for (let k = 0; k < j; k++) rounded[4 * j + k] = rounded[4 * k + j] = 1e-12 * noise.normals(1)[0];
      }
      return supremumFactor(new Matrix(rounded, 4, 4), 0.95, 1);
    });
    for (const factor of factors) {
      expect(Math.abs(factor - sidak)).toBeLessThan(0.03);
      expect(Math.abs(factor - factors[0])).toBeLessThan(1e-10);
    }
  });

  test("of all pairs: independent differences by Šidák's factor; pairs without an error do not count", () => {
    // Z_1 − Z_0 and Z_3 − Z_2 are independent, all other pairs are left out.
    const covariance = Matrix.fromRows([
      [1, 0, 0, 0],
      [0, 3, 0, 0],
      [0, 0, 2, 0],
      [0, 0, 0, 2],
    ]);
    const errors = Matrix.zeros(4, 4);
    errors.data[4] = errors.data[1] = 2;
    errors.data[14] = errors.data[11] = 2;
    const wanted = normalQuantile(0.5 + 0.5 * Math.sqrt(0.95));
    expect(Math.abs(pairwiseFactor(covariance, errors, 0.95, 1) - wanted)).toBeLessThan(0.02);
    expect(pairwiseFactor(covariance, Matrix.zeros(4, 4), 0.95, 1)).toBe(0);
    // Rank 1: all differences are one.
    const a = [1, 2, 4];
    const same = Matrix.fromRows(a.map((u) => a.map((v) => u * v)));
    const own = Matrix.fromRows(a.map((u) => a.map((v) => Math.abs(u - v))));
    expect(pairwiseFactor(same, own, 0.9, 1)).toBeCloseTo(normalQuantile(0.95), 3);
  });
});

describe("intervals of S", () => {
  const H = [
    [2, 0.3],
    [0.3, 1],
  ];
  const times = (u: Float64Array): Float64Array => Float64Array.from(H, (row) => dot(row, u));
  const quadratic = (u: readonly number[]): number =>
    0.5 *
    dot(
      u,
      H.map((row) => dot(row, u)),
    );

  test("a response that is clearly there: debiased ± z·se, not below 0, bias taken off", () => {
    const I = Float64Array.of(1, -2);
    const covariance = Matrix.fromRows([
      [0.01, 0.002],
      [0.002, 0.02],
    ]);
    const found = {
      covariance,
      standardErrors: Float64Array.of(0.1, 0.14),
      debiased: 0.5,
      sensitivityStandardError: 0.2,
    };
    const interval = curvatureInterval(I, times, found, 0.9);
    const z = normalQuantile(0.95);
    expect(interval.method).toBe("delta");
    expect(interval.upper).toBeCloseTo(0.5 + z * 0.2, 12);
    expect(interval.lower).toBeCloseTo(0.5 - z * 0.2, 12);
    const det = 0.01 * 0.02 - 0.002 ** 2;
    const wald = (0.02 * 1 + 2 * 0.002 * 2 + 0.01 * 4) / det;
    expect(interval.waldProbability).toBeCloseTo(chiSquareTail(wald, 2), 12);
    const bias = { influence: Float64Array.of(0.1, 0), parameters: I, sensitivity: 0.3 };
    const moved = curvatureInterval(I, times, found, 0.9, bias);
    expect([moved.lower, moved.upper - (0.2 + z * 0.2)]).toEqual([0, expect.closeTo(0, 12)]);
  });

  test("one that may be 0: all of ½I'HI over the confidence ellipsoid", () => {
    const I = Float64Array.of(0.1, -0.15);
    const covariance = Matrix.fromRows([
      [0.02, 0.005],
      [0.005, 0.03],
    ]);
    const widths = { covariance, standardErrors: Float64Array.of(0.1, 0.1), sensitivityStandardError: 0.2 };
    for (const [level, bias, debiased] of [
      [0.8, null, null],
      [0.3, null, null],
      [0.3, [0.05, -0.3], null],
      [0.3, [0.05, -0.3], -0.1],
      [0.3, [0.05, -0.3], 0.001],
      [0.3, null, 7],
    ] as const) {
      const shift = bias ? { influence: Float64Array.from(bias), parameters: I, sensitivity: 0 } : null;
      const centre = [...I].map((value, j) => value - (bias ? bias[j] : 0));
      const found = { ...widths, debiased: debiased ?? quadratic(centre) };
      const interval = curvatureInterval(I, times, found, level, shift);
      expect(interval.method).toBe("projection");
      // Cholesky of the covariance, and a circle of directions with all lengths.
      const a = Math.sqrt(0.02);
      const b = 0.005 / a;
      const c = Math.sqrt(0.03 - b * b);
      const size = Math.sqrt(chiSquareQuantile(level, 2));
      // The estimate without its bias is always in the interval, as far as it is one of a curvature.
      let [least, most] = [Math.max(0, found.debiased), Math.max(0, found.debiased)];
      for (let t = 0; t < 400; t++) {
        for (let r = 0; r <= 40; r++) {
          const [u, v] = [Math.cos((t * Math.PI) / 200), Math.sin((t * Math.PI) / 200)].map(
            (value) => (value * size * r) / 40,
          );
          const S = quadratic([centre[0] + a * u, centre[1] + b * u + c * v]);
          least = Math.min(least, S);
          most = Math.max(most, S);
        }
      }
      expect(interval.upper / most).toBeCloseTo(1, 3);
      expect(Math.abs(interval.lower - least)).toBeLessThan(2e-4);
    }
  });

  test("in any unit of the parameters, with a direction that does not vary", () => {
    const found = (unit: number, size: number) => {
      const covariance = Matrix.fromRows([
        [0.02, 0.02],
        [0.02, 0.02],
      ]);
      const data = covariance.data.map((value) => value * unit * unit);
      return curvatureInterval(
        Float64Array.of(size * unit, size * unit),
        times,
        {
          covariance: new Matrix(data, 2, 2),
          standardErrors: Float64Array.of(0.1, 0.1),
          debiased: 0.4 * unit * unit,
          sensitivityStandardError: 0.1 * unit * unit,
        },
        0.9,
      );
    };
    for (const [size, method] of [
      [0.1, "projection"],
      [1, "delta"],
    ] as const) {
      const one = found(1, size);
      expect(one.method).toBe(method);
      // One direction varies: Î'V̂⁺Î = size²/0.02 on one degree of freedom.
      expect(one.waldProbability).toBeCloseTo(chiSquareTail(size ** 2 / 0.02, 1), 10);
      for (const unit of [1e-9, 1e9]) {
        const other = found(unit, size);
        expect(other.method).toBe(method);
        expect(other.waldProbability).toBeCloseTo(one.waldProbability, 9);
        expect(other.upper / unit ** 2 / one.upper).toBeCloseTo(1, 8);
        expect(other.lower / unit ** 2).toBeCloseTo(one.lower, 8);
      }
    }
  });

  test("over the ball: minima inside and on the sphere, maxima with and without a slope along the top", () => {
    const of = (...values: number[]): Float64Array => Float64Array.from(values);
    // Inside: −b²/2a. On the sphere: −|b| + a/2.
    expect(smallestOverBall(of(4), of(2))).toBeCloseTo(-0.5, 12);
    expect(smallestOverBall(of(1), of(3))).toBeCloseTo(-2.5, 9);
    expect(smallestOverBall(of(1, 0), of(0, 3))).toBeCloseTo(-3, 9);
    expect(smallestOverBall(of(2, 5), of(0, 0))).toBe(0);
    // A direction with neither slope nor bend takes no part.
    expect(smallestOverBall(of(0, 1), of(0, 3))).toBeCloseTo(-2.5, 9);
    expect(largestOverBall(of(0, 1), of(0, 3))).toBeCloseTo(3.5, 9);
    expect(largestOverBall(of(4), of(2))).toBeCloseTo(4, 9);
    expect(largestOverBall(of(0, 0), of(3, 4))).toBeCloseTo(5, 9);
    expect(largestOverBall(of(0, 0), of(0, 0))).toBe(0);
    expect(largestOverBall(of(2, 1), of(0, 0))).toBeCloseTo(1, 12);
    // b has no part along a = 4: z₂ = b₂/(4 − 1) = 0.2, the rest goes to z₁.
    const z = 0.6 / 3;
    expect(largestOverBall(of(4, 1), of(0, 0.6))).toBeCloseTo(0.6 * z + 0.5 * z * z + 0.5 * 4 * (1 - z * z), 10);
  });
});
