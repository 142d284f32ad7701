/** The bootstrap's draws against the laws that they are drawn from. */
import { describe, expect, test } from "vitest";
import { AifError, ensureBlas, Matrix } from "../../src/index.js";
import { drawWeights, weightMatrix } from "../../src/influence/bootstrap-weights.js";
import { WeightedGrams } from "../../src/influence/weighted-grams.js";
import { binomial } from "../../src/stats/binomial.js";
import { chiSquareQuantile } from "../../src/stats/distributions.js";
import { drawEqual, drawMultinomial } from "../../src/stats/multinomial.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

/** P(k) for k = 0…n by the recursion from the mode, which neither under- nor overflows. */
function binomialChances(n: number, p: number): number[] {
  const mode = Math.min(n, Math.floor((n + 1) * p));
  const chances = new Array<number>(n + 1).fill(0);
  chances[mode] = 1;
  for (let k = mode; k < n; k++) chances[k + 1] = ((chances[k] * (n - k)) / (k + 1)) * (p / (1 - p));
  for (let k = mode; k > 0; k--) chances[k - 1] = ((chances[k] * k) / (n - k + 1)) * ((1 - p) / p);
  const total = sum(chances);
  return chances.map((chance) => chance / total);
}

describe("binomial numbers", () => {
  // Walks below a mean of 10, rejection above, and p > ½ by reflection.
  test.each([
    [5, 0.3],
    [200, 0.02],
    [19, 0.5],
    [40, 0.3],
    [300, 0.07],
    [1000, 0.5],
    [60, 0.8],
    [100_000, 0.001],
  ])("n = %d, p = %d have the distribution's frequencies", (n, p) => {
    const random = randomStream(3);
    const draws = drawsOf(40_000, 1_000_000);
    const counts = new Array<number>(n + 1).fill(0);
    for (let draw = 0; draw < draws; draw++) counts[binomial(random, n, p)]++;
    const chances = binomialChances(n, p);
    // Cells in a row are merged until 10 draws are expected in each.
    let [statistic, cells, expected, seen, rest] = [0, 0, 0, 0, draws];
    chances.forEach((chance, k) => {
      expected += chance * draws;
      seen += counts[k];
      rest -= chance * draws;
      if (expected < 10 || (rest < 10 && k < n)) return;
      statistic += (seen - expected) ** 2 / expected;
      cells++;
      [expected, seen] = [0, 0];
    });
    expect(cells).toBeGreaterThan(3);
    expect(statistic).toBeLessThan(chiSquareQuantile(1 - 1e-4, cells - 1));
  });

  test("edges", () => {
    const random = randomStream(1);
    expect([binomial(random, 7, 0), binomial(random, 7, 1), binomial(random, 0, 0.4)]).toEqual([0, 7, 0]);
  });
});

describe("multinomial counts", () => {
  const equal = new Array<number>(6).fill(1 / 6);
  test.each([
    [
      "equal chances",
      equal,
      6,
      (draws: number, out: Float64Array, seed: number) => drawEqual(randomStream(seed), draws, out),
    ],
    [
      "odd number of equal draws",
      equal,
      7,
      (draws: number, out: Float64Array, seed: number) => drawEqual(randomStream(seed), draws, out),
    ],
    [
      "unequal",
      [0.5, 0, 0.2, 0.05, 0.25],
      40,
      (draws: number, out: Float64Array, seed: number) =>
        drawMultinomial(randomStream(seed), Float64Array.of(0.5, 0, 0.2, 0.05, 0.25), draws, out),
    ],
    [
      "last cell empty",
      [0.7, 0.3, 0],
      9,
      (draws: number, out: Float64Array, seed: number) =>
        drawMultinomial(randomStream(seed), Float64Array.of(0.7, 0.3, 0), draws, out),
    ],
  ] as const)("%s: totals, means and covariances", (_, chances, draws, draw) => {
    const repeats = drawsOf(20_000, 200_000);
    const d = chances.length;
    const mean = new Array<number>(d).fill(0);
    const products = Array.from({ length: d }, () => new Array<number>(d).fill(0));
    for (let repeat = 0; repeat < repeats; repeat++) {
      const counts = new Float64Array(d);
      draw(draws, counts, repeat);
      expect(sum(counts)).toBe(draws);
      counts.forEach((a, j) => {
        mean[j] += a / repeats;
        counts.forEach((b, k) => {
          products[j][k] += (a * b) / repeats;
        });
      });
    }
    chances.forEach((p, j) => {
      expect(Math.abs(mean[j] - draws * p)).toBeLessThan(5 * Math.sqrt((draws * p * (1 - p)) / repeats) + 1e-9);
      chances.forEach((q, k) => {
        const truth = draws * (j === k ? p * (1 - p) : -p * q);
        const tolerance = (5 * draws * Math.sqrt(3 * p * q)) / Math.sqrt(repeats) + 1e-9;
        expect(Math.abs(products[j][k] - mean[j] * mean[k] - truth)).toBeLessThan(tolerance);
      });
    });
  });
});

describe("weights of a draw", () => {
  const weights = Float64Array.of(0.1, 0.2, 0.3, 0.15, 0.25);
  const drawn = (options: Parameters<typeof drawWeights>[1], draw = 0, of = weights): Float64Array => {
    const out = new Float64Array(of.length);
    drawWeights(of, options)(draw, out);
    return out;
  };

  test("sampling weights: counts times weights, rescaled; rows keep equal chances", () => {
    const chosen = new Float64Array(5);
    for (let draw = 0; draw < 4000; draw++) {
      const out = drawn({ seed: 4 }, draw);
      expect(sum(out)).toBeCloseTo(1, 12);
      const counts = out.map((value, i) => value / weights[i]);
      const unit = 5 / sum(counts);
      counts.forEach((count, i) => {
        expect(count * unit).toBeCloseTo(Math.round(count * unit), 9);
        chosen[i] += Math.round(count * unit) / 4000;
      });
    }
    for (const mean of chosen) expect(Math.abs(mean - 1)).toBeLessThan(0.08);
  });

  test("frequency weights: as many units as there are, drawn by weight", () => {
    const mean = new Float64Array(5);
    for (let draw = 0; draw < 4000; draw++) {
      const out = drawn({ seed: 4, weightsKind: "frequency", totalWeight: 40 }, draw);
      out.forEach((value, i) => {
        expect(value * 40).toBeCloseTo(Math.round(value * 40), 9);
        mean[i] += value / 4000;
      });
      expect(sum(out)).toBeCloseTo(1, 12);
    }
    mean.forEach((value, i) => expect(Math.abs(value - weights[i])).toBeLessThan(0.006));
  });

  test("clusters are drawn whole, their codes in any order", () => {
    const clusters = Int32Array.of(7, 2, 7, 9, 2);
    const places: [number, number][] = [
      [0, 2],
      [1, 4],
    ];
    let apart = 0;
    for (let draw = 0; draw < 50; draw++) {
      const out = drawn({ seed: 1, clusters }, draw);
      for (const [a, b] of places) expect(out[a] * weights[b]).toBeCloseTo(out[b] * weights[a], 12);
      if (Math.abs(out[0] * weights[1] - out[1] * weights[0]) > 1e-9) apart++;
    }
    expect(apart).toBeGreaterThan(10);
  });

  test("clusters of one row are rows; clusters and rows permuted together give the same weights", () => {
    const own = Int32Array.of(0, 1, 2, 3, 4);
    const order = [3, 0, 4, 2, 1];
    for (let draw = 0; draw < 20; draw++) {
      const rows = drawn({ seed: 8 }, draw);
      expect(drawn({ seed: 8, clusters: own }, draw)).toEqual(rows);
      const moved = drawn(
        { seed: 8, clusters: Int32Array.from(order) },
        draw,
        Float64Array.from(order, (i) => weights[i]),
      );
      moved.forEach((value, i) => expect(value).toBeCloseTo(rows[order[i]], 13));
    }
  });

  test("a matrix of draws has each draw in its column, wherever it begins", () => {
    const weightsOf = drawWeights(weights, { seed: 2 });
    const whole = weightMatrix(weightsOf, 0, 21, 5);
    const part = weightMatrix(weightsOf, 13, 21, 5);
    const own = new Float64Array(5);
    for (let draw = 0; draw < 21; draw++) {
      weightsOf(draw, own);
      expect(whole.column(draw)).toEqual(own);
      if (draw >= 13) expect(part.column(draw - 13)).toEqual(own);
    }
    expect(whole.column(0)).not.toEqual(whole.column(1));
    expect(drawn({ seed: 2 })).not.toEqual(drawn({ seed: 3 }));
  });

  test.each([
    ["codes of another length", { clusters: Int32Array.of(1, 2) }, "2 cluster codes were given for 5 rows"],
    ["one cluster", { clusters: new Int32Array(5) }, "at least two clusters, got 1"],
    ["no total of frequency weights", { weightsKind: "frequency" }, "needs their total"],
  ] as const)("refuses %s", (_, options, message) => {
    expect(() => drawWeights(weights, options)).toThrow(AifError);
    expect(() => drawWeights(weights, options)).toThrow(message);
  });
});

test("weighted Gram matrices of many sets, more rows and features than are multiplied at a time", async () => {
  await ensureBlas();
  const [rows, d, sets] = [600, 30, 3];
  const random = randomStream(6);
  const v = Matrix.zeros(rows, d);
  random.fillNormals(v.data);
  const omega = Matrix.zeros(rows, sets);
  for (let at = 0; at < omega.data.length; at++) omega.data[at] = random.uniform();
  const grams = new WeightedGrams(d, sets);
  // Sums go on from block to block.
  for (const [from, to] of [
    [0, 100],
    [100, rows],
  ]) {
    const weights = grams.room(to - from);
    weights.set(omega.rowRange(from, to).data);
    grams.add(v.rowRange(from, to), weights);
  }
  for (let k = 0; k < sets; k++) {
    const gram = grams.gram(k);
    for (let j = 0; j < d; j++) {
      for (let l = 0; l <= j; l++) {
        let truth = 0;
        for (let i = 0; i < rows; i++) truth += omega.data[i * sets + k] * v.data[i * d + j] * v.data[i * d + l];
        expect(Math.abs(gram.data[j * d + l] - truth)).toBeLessThan(1e-10);
      }
    }
  }
});

test("frequency weights need a total of 2 or more that can be counted", () => {
  for (const totalWeight of [1, 0, -3, Number.NaN, 2 ** 60]) {
    expect(() => drawWeights(Float64Array.of(0.5, 0.5), { weightsKind: "frequency", totalWeight })).toThrow(
      "needs their total, 2 or more",
    );
  }
  const out = new Float64Array(2);
  drawWeights(Float64Array.of(0.5, 0.5), { weightsKind: "frequency", totalWeight: 2 })(0, out);
  expect(out[0] + out[1]).toBe(1);
});

test("a draw of rows without weight has none, and is no number only where nothing is drawn", () => {
  const weights = Float64Array.of(0.5, 0, 0.5, 0);
  const out = new Float64Array(4);
  for (const options of [{ seed: 1 }, { seed: 1, clusters: Int32Array.of(0, 1, 2, 3) }]) {
    const draw = drawWeights(weights, options);
    let empty = 0;
    for (let k = 0; k < 60; k++) {
      draw(k, out);
      const total = sum(out);
      if (total === 0) empty++;
      else expect(total).toBeCloseTo(1, 14);
      expect([out[1], out[3]]).toEqual([0, 0]);
    }
    // All four drawn from the two without weight: one draw in 16.
    expect(empty).toBeGreaterThan(0);
    expect(empty).toBeLessThan(20);
  }
});
