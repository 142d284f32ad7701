/**
 * Metrics under attack against brute force: every row is attacked with thousands of moves from the whole ball, and the
 * model's score is computed at each of them.
 */
import { describe, expect, test } from "vitest";
import {
  assignFolds,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { type EvaluatedRows, heldOutRows, trainingRows } from "../../src/influence/evaluated-rows.js";
import { attackedMetrics, naturalMetrics } from "../../src/influence/robust-losses.js";
import { dot, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;

/** Moves δ with ‖δ ⊘ b‖_p = 1, frozen coordinates 0: thousands of directions, every axis and every corner. */
function moves(budgets: readonly number[], p: number): number[][] {
  const m = budgets.length;
  const directions: number[][] = [];
  for (let code = 0; code < 3 ** m; code++) {
    directions.push(budgets.map((_, k) => (Math.floor(code / 3 ** k) % 3) - 1));
  }
  const count = 6000;
  for (let i = 0; i < count; i++) {
    if (m === 2) {
      const angle = (2 * Math.PI * i) / count;
      directions.push([Math.cos(angle), Math.sin(angle)]);
    } else {
      // Points of a spiral round the sphere, evenly spread; a frozen coordinate is taken out below.
      const [height, angle] = [1 - (2 * i + 1) / count, i * Math.PI * (3 - Math.sqrt(5))];
      const radius = Math.sqrt(1 - height * height);
      directions.push([radius * Math.cos(angle), radius * Math.sin(angle), height]);
    }
  }
  return directions
    .map((direction) => direction.map((value, k) => (budgets[k] > 0 ? value : 0)))
    .filter((direction) => pNorm(direction, p) > 0)
    .map((direction) => direction.map((value, k) => (value * budgets[k]) / pNorm(direction, p)));
}

interface Setup {
  X: number[][];
  y: number[];
  w: number[];
  p: number;
  budgets: number[];
}

async function attacked(describeModel: ModelDescription, m: number, budgets: number[], p: number, seed: number) {
  const random = new Random(seed);
  const n = 60;
  const X = random.rows(n, m).map((row) => row.map((value, k) => value * (1 + k) + 0.4));
  const raw = X.map(() => 0.3 + random.uniform());
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const score = X.map((x) => 0.3 + dot(x, [1, -0.6, 0.4].slice(0, m)));
  const classes = describeModel === MODELS.logistic;
  const y = score.map((f) => (classes ? (random.uniform() < 1 / (1 + Math.exp(-f)) ? 1 : -1) : f + random.normal()));
  const data = matrixDataset(Matrix.fromRows(X), y, { weights: raw });
  const fitted = await fit(describeModel, data, { l2: 0.01 });
  const attack = await influence(fitted, lp(p, { budgets }));
  return { attack, setup: { X, y, w: raw.map((weight) => weight / total), p, budgets } };
}

const MODELS = { logistic: logistic(), linear: linear() };

/** c = Σ w_i ‖x_i ⊘ b‖_p over the features with a budget, on the rows that `chosen` keeps. */
function scaleOf({ X, w, p, budgets }: Setup, chosen: (row: number) => boolean): number {
  let [sum, weight] = [0, 0];
  X.forEach((x, i) => {
    if (!chosen(i)) return;
    weight += w[i];
    sum +=
      w[i] *
      pNorm(
        x.flatMap((value, k) => (budgets[k] > 0 ? [value / budgets[k]] : [])),
        p,
      );
  });
  return sum / weight;
}

/** The least and the greatest score of every row over all the moves, each row under its own θ̂ + moved·I. */
function scoreRanges(setup: Setup, evaluated: EvaluatedRows, moved: number, epsilon: number): [number, number][] {
  const directions = moves(setup.budgets, setup.p);
  const { fitOf, fits } = evaluated;
  const attackers = fits.map(({ parameters, influence: I }, fold) => {
    const theta = parameters.map((value, j) => value + moved * I[j]);
    const radius = epsilon * scaleOf(setup, (row) => fitOf === null || fitOf[row] !== fold);
    return { theta, shifts: directions.map((direction) => radius * dot(theta.slice(1), direction)) };
  });
  return setup.X.map((x, i) => {
    const { theta, shifts } = attackers[fitOf ? fitOf[i] : 0];
    const score = theta[0] + dot(theta.slice(1), x);
    let [least, greatest] = [INF, -INF];
    for (const shift of shifts) {
      least = Math.min(least, score + shift);
      greatest = Math.max(greatest, score + shift);
    }
    return [least, greatest];
  });
}

/** Weighted share of rows that no move gets wrong. */
function bruteAccuracy({ y, w, p }: Setup, ranges: readonly [number, number][]): number {
  let share = 0;
  ranges.forEach(([least, greatest], i) => {
    const margin = y[i] > 0 ? least : -greatest;
    // At p = 1 and ∞ the worst move, an axis or a corner, is among those tried; at p = 2 one close to it is.
    const nearest = p === 2 ? 1e-3 : 1e-9;
    expect(Math.abs(margin) / (greatest - least + 1e-9), `row ${i} is too near to a tie`).toBeGreaterThan(nearest);
    if (margin > 0) share += w[i];
  });
  return share;
}

const budgetSets: [string, number[]][] = [
  ["two features", [1, 1]],
  ["two features with budgets", [0.5, 2]],
  ["two features, one frozen", [0, 1]],
  ["three features", [1, 1, 1]],
  ["three features with budgets, one frozen", [1.5, 0, 0.5]],
];

const everything = budgetSets.flatMap(([name, budgets]) => [1, 2, INF].map((p) => [name, p, budgets] as const));

describe("robust accuracy of a linear classifier is that of a brute-force attack on every row", () => {
  test.each(everything)("%s, p = %s", async (_name, p, budgets) => {
    const { attack, setup } = await attacked(MODELS.logistic, budgets.length, [...budgets], p, 3);
    const everyRow = trainingRows(attack, await scoreShifts(attack));
    const folds = assignFolds(Int32Array.from(setup.y.keys()), 4, 0);
    const { evaluated } = await heldOutRows([attack], folds, 4);
    for (const rows of [everyRow, evaluated[0]]) {
      const lost: number[] = [];
      for (const epsilon of [0.03, 0.15, 0.4]) {
        const attacked = (moved: number) => attackedMetrics(attack, rows, { epsilon, moved })?.values ?? {};
        const now = bruteAccuracy(setup, scoreRanges(setup, rows, 0, epsilon));
        const then = bruteAccuracy(setup, scoreRanges(setup, rows, epsilon, epsilon));
        expect(attacked(0)["accuracy"]).toBeCloseTo(now, 12);
        expect(attacked(epsilon)["accuracy"]).toBeCloseTo(then, 12);
        expect(naturalMetrics(rows, epsilon).values["accuracy"]).toBeCloseTo(
          bruteAccuracy(setup, scoreRanges(setup, rows, epsilon, 0)),
          12,
        );
        lost.push(naturalMetrics(rows, 0).values["accuracy"] - now);
      }
      expect(lost[2]).toBeGreaterThan(0.05);
    }
  });
});

describe("the root mean squared error under attack is that of a brute-force attack on every row", () => {
  test.each(everything)("%s, p = %s", async (_name, p, budgets) => {
    const { attack, setup } = await attacked(MODELS.linear, budgets.length, [...budgets], p, 5);
    const rows = trainingRows(attack, await scoreShifts(attack));
    const epsilon = 0.2;
    const square = scoreRanges(setup, rows, epsilon, epsilon).reduce(
      (sum, ends, i) => sum + setup.w[i] * Math.max(...ends.map((f) => (f - setup.y[i]) ** 2)),
      0,
    );
    const robust = attackedMetrics(attack, rows, { epsilon, moved: epsilon })?.values ?? {};
    const miss = 1 - Math.sqrt(square) / robust["rmse"];
    expect(miss).toBeGreaterThan(-1e-12);
    expect(miss).toBeLessThan(p === 2 ? 5e-4 : 1e-12);
  });
});
