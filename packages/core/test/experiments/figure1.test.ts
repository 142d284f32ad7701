/** Figure 1 against MATH 2, by naive code on the same rows. */
import { beforeAll, describe, expect, test } from "vitest";
import { FIGURE1_PROCESS } from "../../src/data/linear-process.js";
import type { ExperimentRun, Summary } from "../../src/experiments/experiment.js";
import { figure1 } from "../../src/experiments/figure1.js";
import { figure1Verdicts } from "../../src/experiments/figure1-verdicts.js";
import { runExperiment } from "../../src/experiments/run.js";
import { randomStream } from "../../src/stats/random.js";

type Pair = readonly [number, number];
const N = 500;
let run: ExperimentRun;
let truth: ReturnType<typeof naive>;

beforeAll(async () => {
  run = await runExperiment(figure1);
  truth = naive();
});

/** θ̂ by normal equations, c, and I = −H⁻¹Φ with p = 2: Φ = 2c[N Σw sgn(r) x + Σw|r|·θ̂/N] (MATH 1). */
function naive() {
  const { x, y } = FIGURE1_PROCESS.draw(N, randomStream(0, 0));
  const rows = Array.from({ length: N }, (_, i) => ({ x: [x.data[2 * i], x.data[2 * i + 1]] as Pair, y: y[i] }));
  const mean = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((sum, row) => sum + of(row), 0) / N;
  const [a, b, d] = [mean(({ x }) => x[0] ** 2), mean(({ x }) => x[0] * x[1]), mean(({ x }) => x[1] ** 2)];
  const solve = ([u, v]: Pair): Pair => [(d * u - b * v) / (a * d - b * b), (a * v - b * u) / (a * d - b * b)];
  const theta = solve([mean(({ x, y }) => x[0] * y), mean(({ x, y }) => x[1] * y)]);
  const residual = ({ x, y }: (typeof rows)[number], [s, t]: Pair): number => s * x[0] + t * x[1] - y;
  const c = mean(({ x }) => Math.hypot(...x));
  const size = Math.hypot(...theta);
  const spread = mean((row) => Math.abs(residual(row, theta)));
  const pull = [0, 1].map(
    (k) => 2 * c * (size * mean((row) => Math.sign(residual(row, theta)) * row.x[k]) + (spread * theta[k]) / size),
  );
  const [i, j] = solve([pull[0] / 2, pull[1] / 2]);
  const influence: Pair = [-i, -j];
  const quadratic = 2 * (a * i * i + 2 * b * i * j + d * j * j);
  const crossings = rows
    .map((row) => -residual(row, theta) / (influence[0] * row.x[0] + influence[1] * row.x[1]))
    .filter((epsilon) => epsilon > 0);
  const robust = (t: Pair, radius: number): number =>
    mean((row) => (Math.abs(residual(row, t)) + radius * Math.hypot(...t)) ** 2);
  const natural = (t: Pair): number => mean((row) => residual(row, t) ** 2);
  return { theta, c, influence, quadratic, kink: Math.min(...crossings), robust, natural };
}

/** The minimum of a convex function near a centre, by golden sections. */
function golden(f: (t: number) => number, centre: number, reach: number): { at: number; value: number } {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [centre - reach, centre + reach];
  for (let step = 0; step < 45; step++) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (f(left) < f(right)) high = right;
    else low = left;
  }
  const at = (low + high) / 2;
  return { at, value: f(at) };
}

const column = (name: string): readonly number[] => run.summary.columns[name].mean;
const at = (name: string, epsilon: number): number => {
  const k = column("epsilon").findIndex((value) => Math.abs(value / epsilon - 1) < 1e-9);
  expect(k).toBeGreaterThanOrEqual(0);
  return column(name)[k];
};

test("the values of the data set are those of the formulas", () => {
  const { scale, influence, curvature, kinkRadius } = run.summary.values;
  expect(scale.mean).toBeCloseTo(truth.c, 12);
  expect(influence.mean).toBeCloseTo(Math.hypot(...truth.influence), 10);
  expect(curvature.mean).toBeCloseTo(truth.quadratic / 2, 10);
  expect((kinkRadius.mean ?? 0) / truth.kink).toBeCloseTo(1, 8);
});

test.each([0.01, 0.1])("the errors at ε = %d are those of a naive minimiser of the robust loss", (epsilon) => {
  const { theta, c, influence, quadratic, robust, natural } = truth;
  const inner = (s: number) => golden((t) => robust([s, t], epsilon * c), theta[1], 0.1);
  const s = golden((value) => inner(value).value, theta[0], 0.1).at;
  const best: Pair = [s, inner(s).at];
  const shift = Math.hypot(...best.map((value, j) => (value - theta[j]) / epsilon - influence[j]));
  const rate = (natural(best) - natural(theta)) / epsilon ** 2;
  expect(at("influence.exact", epsilon) / shift).toBeCloseTo(1, 3);
  expect(at("printed.exact", epsilon) / Math.abs(rate - quadratic)).toBeCloseTo(1, 2);
  expect(at("corrected.exact", epsilon) / Math.abs(rate - quadratic / 2)).toBeCloseTo(1, 2);
});

test("below the kink radius ΔI and the corrected ΔS are linear in ε; the printed ΔS tends to ½I'HI", () => {
  expect(at("influence.exact", 1e-4) / at("influence.exact", 1e-5)).toBeCloseTo(10, 2);
  expect(at("corrected.exact", 1e-4) / at("corrected.exact", 1e-5) / 10).toBeGreaterThan(0.95);
  expect(at("corrected.exact", 1e-4) / at("corrected.exact", 1e-5) / 10).toBeLessThan(1.1);
  expect(at("printed.exact", 1e-5) / (truth.quadratic / 2)).toBeCloseTo(1, 2);
  expect(at("corrected.exact", 1e-5)).toBeLessThan(1e-3 * at("printed.exact", 1e-5));
});

test("PGD's own error is what parts its ΔI from the exact one; it dominates at small ε only", () => {
  column("epsilon").forEach((_, k) => {
    const [own, pgd, exact] = ["pgd.own", "influence.pgd", "influence.exact"].map((name) => column(name)[k]);
    expect(Math.abs(pgd - exact)).toBeLessThanOrEqual(own * (1 + 1e-9) + 1e-12);
    expect(pgd).toBeGreaterThanOrEqual(own - exact - 1e-12);
  });
  expect(at("pgd.own", 1e-5)).toBeGreaterThan(10 * at("influence.exact", 1e-5));
  expect(at("pgd.own", 1e-3)).toBeLessThan(0.1 * at("influence.exact", 1e-3));
});

test("ΔS by PGD parts from the exact one by no more than PGD's own error allows", () => {
  // √(Ŝ/ε²) is the norm √(½v'Hv) of v = (θ − θ̂)/ε, so a shift of v moves it by at most √(½λ_max) ≈ 1 times its length.
  const root = (name: string, k: number): number => {
    const [printed, corrected] = [column(`printed.${name}`)[k], column(`corrected.${name}`)[k]];
    const misfit = (rate: number): number => Math.abs(Math.abs(rate - truth.quadratic) - printed);
    const [low, high] = [truth.quadratic / 2 - corrected, truth.quadratic / 2 + corrected];
    const rate = misfit(low) < misfit(high) ? low : high;
    expect(misfit(rate)).toBeLessThan(1e-12);
    return Math.sqrt(rate);
  };
  column("pgd.own").forEach((own, k) => {
    expect(Math.abs(root("exact", k) - root("pgd", k))).toBeLessThanOrEqual(1.3 * own + 1e-9);
  });
});

test("the verdicts say so", () => {
  expect(run.verdicts.map(({ holds }) => holds)).toEqual([true, false, true, null, null]);
  expect(run.summary.values["order.influence"].mean).toBeCloseTo(1, 4);
  expect(run.verdicts[1].text).toContain(`½I'HI`);
  expect(run.verdicts[3].text).toContain("ε = 0.0136");
  const last = column("epsilon").findLastIndex((_, k) => column("pgd.own")[k] > column("influence.exact")[k]);
  expect(column("epsilon")[last]).toBe(1e-4);
  expect(run.verdicts[4].text).toMatch(/^up to ε = 1e-4 /);
});

describe("verdicts of other numbers", () => {
  const estimate = (mean: number | null) => ({ mean, standardError: null, count: mean === null ? 0 : 1 });
  const summary = (orders: readonly (number | null)[], own: readonly number[]): Summary => ({
    dataSets: 1,
    columns: Object.fromEntries(
      Object.entries({
        epsilon: [0.001, 0.01],
        "influence.exact": [1, 2],
        "printed.exact": [1, 2],
        "pgd.own": own,
      }).map(([name, mean]) => [name, { mean, standardErrors: null }]),
    ),
    values: {
      kinkRadius: estimate(null),
      curvature: estimate(1),
      "order.influence": estimate(orders[0]),
      "order.printed": estimate(orders[1]),
      "order.corrected": estimate(orders[2]),
    },
  });
  test.each<[readonly (number | null)[], readonly (boolean | null)[]]>([
    [
      [2, 1, 0],
      [false, true, false],
    ],
    [
      [1, 0, 1.1],
      [true, false, true],
    ],
    [
      [null, null, null],
      [null, null, null],
    ],
  ])("orders %j are judged %j", (orders, holds) => {
    expect(
      figure1Verdicts(summary(orders, [0, 0]))
        .slice(0, 3)
        .map((verdict) => verdict.holds),
    ).toEqual(holds);
  });
  test("PGD that is nowhere worse is said to be so", () => {
    expect(figure1Verdicts(summary([1, 0, 1], [0.5, 1]))[4].text).toContain("stays below the linearisation error");
    expect(figure1Verdicts(summary([1, 0, 1], [0.5, 3]))[4].text).toContain("up to ε = 0.01 its own error");
    expect(figure1Verdicts(summary([1, 0, 1], [0, 0]))[3].text).toContain("no residual or coefficient ever");
  });
});

test("the rows are those of the process", () => {
  const n = 40_000;
  const { x, y } = FIGURE1_PROCESS.draw(n, randomStream(3));
  const mean = (of: (i: number) => number): number =>
    Array.from({ length: n }, (_, i) => of(i)).reduce((s, v) => s + v, 0) / n;
  const noise = (i: number): number => y[i] - 2 * x.data[2 * i] + 3.4 * x.data[2 * i + 1];
  const close = (value: number, goal: number, sd: number): void =>
    expect(Math.abs(value - goal)).toBeLessThan((5 * sd) / Math.sqrt(n));
  for (const k of [0, 1]) {
    close(
      mean((i) => x.data[2 * i + k]),
      0,
      1,
    );
    close(
      mean((i) => x.data[2 * i + k] ** 2),
      1,
      Math.SQRT2,
    );
    close(
      mean((i) => x.data[2 * i + k] * noise(i)),
      0,
      0.1,
    );
  }
  close(
    mean((i) => x.data[2 * i] * x.data[2 * i + 1]),
    0,
    1,
  );
  close(mean(noise), 0, 0.1);
  close(
    mean((i) => noise(i) ** 2),
    0.01,
    0.01 * Math.SQRT2,
  );
});
