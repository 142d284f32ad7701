/** The bootstrap's draws against the laws that they are drawn from. */
import { describe, expect, test } from "vitest";
import { AifError, ensureBlas, Matrix } from "../../src/index.js";
import { drawWeights, weightMatrix, writeDraws } from "../../src/influence/bootstrap-weights.js";
import { WeightedGrams } from "../../src/influence/weighted-grams.js";
import { chiSquareQuantile } from "../../src/stats/distributions.js";
import { DrawnCounts } from "../../src/stats/drawn-counts.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

/** P(count = k) of a Poisson count, k = 0 … most. */
function poissonChances(mean: number, most: number): number[] {
  let logFactorial = 0;
  return Array.from({ length: most + 1 }, (_, k) => {
    if (k > 0) logFactorial += Math.log(k);
    return Math.exp(k * Math.log(mean) - mean - logFactorial);
  });
}

/** χ² of counts against chances, cells merged until 10 are expected in each, over its bound. */
function misfit(counts: readonly number[], chances: readonly number[]): number {
  const draws = sum(counts);
  let [statistic, cells, expected, seen, rest] = [0, 0, 0, 0, draws];
  chances.forEach((chance, k) => {
    expected += chance * draws;
    seen += counts[k] ?? 0;
    rest -= chance * draws;
    if (expected < 10 || (rest < 10 && k < chances.length - 1)) return;
    statistic += (seen - expected) ** 2 / expected;
    cells++;
    [expected, seen] = [0, 0];
  });
  expect(cells).toBeGreaterThan(3);
  return statistic / chiSquareQuantile(1 - 1e-4, cells - 1);
}

describe("how often a unit is drawn", () => {
  const K = 40;
  const units = drawsOf(5000, 50_000);
  const drawn = (seed: number, first = 0): Float64Array => {
    const out = new Float64Array(units * K);
    const counts = new DrawnCounts(seed, 3, K);
    for (let i = 0; i < units; i++) counts.writeUnit(first + i, out, i * K);
    return out;
  };

  test.each([0, 2 ** 32 - 2000, 2 ** 45])("mean 1, from unit %d on: the frequencies of a Poisson count", (first) => {
    const seen = new Array<number>(20).fill(0);
    for (const count of drawn(7, first)) seen[count]++;
    expect(misfit(seen, poissonChances(1, 19))).toBeLessThan(1);
  });

  test("mean 1: the first digits of a hash tell a count only where all that begin so have it", () => {
    const counts = new DrawnCounts(7, 3, K);
    const [looked, inverted] = [new Float64Array(K), new Float64Array(K)];
    let differ = 0;
    for (let i = 0; i < units; i++) {
      counts.writeUnit(i, looked, 0);
      counts.write(i, 1, inverted, 0);
      for (let k = 0; k < K; k++) if (looked[k] !== inverted[k]) differ++;
    }
    expect(differ).toBe(0);
  });

  test.each([0.03, 2.5, 12, 49])("mean %d", (mean) => {
    const counts = new DrawnCounts(1, 0, K);
    const out = new Float64Array(K);
    const seen = new Array<number>(121).fill(0);
    for (let i = 0; i < units; i++) {
      counts.write(i, mean, out, 0);
      for (const count of out) seen[count]++;
    }
    const chances = poissonChances(mean, 120);
    if (mean > 1) expect(misfit(seen, chances)).toBeLessThan(1);
    else for (const k of [0, 1, 2]) expect(Math.abs(seen[k] / (units * K) - chances[k])).toBeLessThan(0.002);
  });

  test("a large mean: mean and variance", () => {
    const counts = new DrawnCounts(5, 0, K);
    const all = new Float64Array(units * K);
    for (let i = 0; i < units; i++) counts.write(i, 400, all, i * K);
    const mean = sum(all) / all.length;
    const variance = all.reduce((total, count) => total + (count - mean) ** 2, 0) / all.length;
    expect(Math.abs(mean - 400)).toBeLessThan((5 * 20) / Math.sqrt(all.length));
    expect(Math.abs(variance / 400 - 1)).toBeLessThan(5 * Math.sqrt(2 / all.length));
  });

  test("units, draws and seeds do not hang together", () => {
    const [one, two] = [drawn(7), drawn(8)];
    const correlation = (a: (at: number) => number, b: (at: number) => number): number => {
      let total = 0;
      for (let at = 0; at < one.length; at++) total += (a(at) - 1) * (b(at) - 1);
      return total / one.length; // of variance 1
    };
    const bound = 5 / Math.sqrt(one.length);
    const here = (at: number): number => one[at];
    expect(Math.abs(correlation(here, (at) => two[at]))).toBeLessThan(bound);
    for (const lag of [1, 2, 8, K - 1, K, K + 1, 16 * K, 256 * K]) {
      expect(Math.abs(correlation(here, (at) => one[(at + lag) % one.length]))).toBeLessThan(bound);
    }
  });

  test("a count hangs on its seed, draw and unit alone", () => {
    const whole = drawn(7);
    const part = new Float64Array(1);
    for (const [unit, k] of [
      [0, 0],
      [17, 39],
      [units - 1, 5],
    ]) {
      new DrawnCounts(7, 3 + k, 1).writeUnit(unit, part, 0);
      expect(part[0]).toBe(whole[unit * K + k]);
    }
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
      if (sum(out) === 0) continue; // no row at all: one draw in 148
      expect(sum(out)).toBeCloseTo(1, 12);
      const counts = out.map((value, i) => value / weights[i]);
      const own = new Float64Array(5);
      writeDraws({ seed: 4 }, draw, draw + 1)({ firstRow: 0, weights }, own);
      const drawnRows = own.map((value, i) => value / weights[i]);
      counts.forEach((count, i) => {
        expect(drawnRows[i]).toBeCloseTo(Math.round(drawnRows[i]), 9);
        expect(count * sum(own)).toBeCloseTo(drawnRows[i], 9);
        chosen[i] += drawnRows[i] / 4000;
      });
    }
    for (const mean of chosen) expect(Math.abs(mean - 1)).toBeLessThan(0.08);
  });

  test("frequency weights: about as many units as there are, drawn by weight", () => {
    const mean = new Float64Array(5);
    const options = { seed: 4, weightsKind: "frequency", totalWeight: 40 } as const;
    let units = 0;
    for (let draw = 0; draw < 4000; draw++) {
      const counts = new Float64Array(5);
      writeDraws(options, draw, draw + 1)({ firstRow: 0, weights }, counts);
      expect(counts).toEqual(counts.map(Math.round));
      units += sum(counts) / 4000;
      const out = drawn(options, draw);
      out.forEach((value, i) => {
        expect(value).toBeCloseTo(counts[i] / sum(counts), 14);
        mean[i] += value / 4000;
      });
      expect(sum(out)).toBeCloseTo(1, 12);
    }
    expect(Math.abs(units - 40)).toBeLessThan(5 * Math.sqrt(40 / 4000));
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
    const whole = weightMatrix(weights, { seed: 2 }, 0, 21);
    const part = weightMatrix(weights, { seed: 2 }, 13, 21);
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
  drawWeights(Float64Array.of(0.5, 0.5), { weightsKind: "frequency", totalWeight: 2 })(1, out);
  expect(out[0] + out[1]).toBeCloseTo(1, 15);
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
    // Neither of the two with weight: one draw in 7.4.
    expect(empty).toBeGreaterThan(0);
    expect(empty).toBeLessThan(20);
  }
});
