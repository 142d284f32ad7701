import { describe, expect, test } from "vitest";
import {
  analyze,
  DEFAULT_SETTINGS,
  type KernelSettings,
  kernel,
  kernelFit,
  kernelInfluence,
  lp,
  Matrix,
  type Predictions,
  type StudySettings,
  verify,
  type WorstCases,
} from "../../src/index.js";
import { relativeError } from "../golden.js";
import { normals } from "../kernel/naive.js";
import { categorical, numeric, table } from "./tables.js";

const tableOf = (columns: Readonly<Record<string, readonly (number | string)[]>>) =>
  table(
    Object.entries(columns).map(([name, cells]) =>
      typeof cells[0] === "string" ? categorical(name, cells.map(String)) : numeric(name, cells.map(Number)),
    ),
  );

const n = 60;
const x = normals(n, 3, 11);
const y = Float64Array.from({ length: n }, (_, i) => Math.sin(x.row(i)[0]) + 0.5 * x.row(i)[1] ** 2);
const columns = (target: readonly (number | string)[]) => ({
  a: Array.from(x.column(0)),
  b: Array.from(x.column(1)),
  c: Array.from(x.column(2)),
  y: target,
});
const numbers = columns(Array.from(y));
const labels = columns(Array.from(y, (value) => (value > 0.4 ? "high" : "low")));
const classes = columns(Array.from(y, (value) => (value > 0.8 ? "high" : value > 0 ? "middle" : "low")));

const settings = (given: Partial<KernelSettings> = {}, rest: Partial<StudySettings> = {}): StudySettings => ({
  ...DEFAULT_SETTINGS,
  target: "y",
  model: "kernel:rbf",
  standardize: false,
  epsilons: [0.001, 0.01],
  inference: "none",
  ...rest,
  kernel: { ...DEFAULT_SETTINGS.kernel, gamma: 0.3, ridge: 0.01, ...given },
});

describe("analyze --model kernel:…", () => {
  test.each([
    [0, false],
    [100, true],
    [-100, true],
  ])("targets moved by %d: whether a constant term is missed is %s", async (by, missed) => {
    const moved = tableOf(columns(Array.from(y, (value) => value + by)));
    const { result } = await analyze({ table: moved, settings: settings({}, { evaluation: { kind: "training" } }) });
    expect(result.flags.some(({ code }) => code === "no-constant-term")).toBe(missed);
  });

  test("says what the library says", async () => {
    const { result, coefficients } = await analyze({ table: tableOf(numbers), settings: settings() });
    const rows = { x, y: new Matrix(y, n, 1), weights: new Float64Array(n).fill(1 / n) };
    const fit = await kernelFit(rows, {
      kernel: kernel("rbf", { gamma: 0.3 }),
      ridge: 0.01,
      centres: "move",
      penalty: "coefficients",
    });
    const attack = await kernelInfluence(fit, lp(2));
    const [threat] = result.threats;
    expect(relativeError(result.fit.parameters, fit.theta.data)).toBeLessThan(1e-12);
    expect(relativeError(threat.influence, attack.influence.data)).toBeLessThan(1e-10);
    expect(threat.sensitivity.training.slope).toBeCloseTo(
      -2 * 0.01 * fit.theta.data.reduce((s, v, j) => s + v * attack.influence.data[j], 0),
      10,
    );
    expect(result.model.kernel).toMatchObject({
      name: "rbf",
      gamma: 0.3,
      ridge: 0.01,
      centres: "move",
      surface: "ball",
      outputs: 1,
    });
    expect(result.data.evaluation).toBe("cv:10");
    expect(threat.trustRadius).toBeGreaterThan(0);
    expect(coefficients.columns).toHaveLength(3);
    expect(result.flags.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["row-parameters", "kernel-centres", "searched-worst-case"]),
    );
  });

  test.each(["kernel:ntk", "kernel:nngp"])(
    "%s: a row of zeros is named, also where λ is chosen from the rows",
    async (model) => {
      const zero = columns(Array.from(y));
      for (const name of ["a", "b", "c"] as const) zero[name][6] = 0;
      const wanted = settings({ gamma: null, ridge: null }, { model, evaluation: { kind: "training" } });
      await expect(analyze({ table: tableOf(zero), settings: wanted })).rejects.toThrow(
        /Data row 7 is 0 in every column/,
      );
    },
  );

  test("worst cases raise the loss that the adversary is after, row by row where centres stay", async () => {
    for (const centres of ["move", "fixed"] as const) {
      const found: WorstCases[] = [];
      const { result } = await analyze({
        table: tableOf(numbers),
        settings: settings({ centres }, { evaluation: { kind: "training" }, epsilons: [0.01] }),
        onWorstCases: (cases) => found.push(cases),
      });
      const [{ rows, radius, method }] = found[0].attacks;
      expect([method, rows.length]).toEqual(["search", n]);
      const theta = result.fit.parameters ?? [];
      const moved = rows.map(({ perturbation }, i) => x.row(i).map((v, k) => v + (perturbation?.[k] ?? Number.NaN)));
      const at = (row: Float64Array, others: readonly Float64Array[]): number =>
        others.reduce(
          (sum, z, j) => sum + theta[j] * Math.exp(-0.3 * row.reduce((s, v, k) => s + (v - z[k]) ** 2, 0)),
          0,
        );
      const still = Array.from({ length: n }, (_, j) => x.row(j));
      for (const [i, { loss, attackedLoss, perturbation }] of rows.entries()) {
        expect(Math.hypot(...(perturbation ?? []))).toBeLessThan(radius * (1 + 1e-9));
        expect(loss).toBeCloseTo((at(x.row(i), still) - y[i]) ** 2, 10);
        expect(attackedLoss).toBeCloseTo((at(moved[i], centres === "move" ? moved : still) - y[i]) ** 2, 10);
        if (centres === "fixed") expect(attackedLoss).toBeGreaterThanOrEqual(loss);
      }
      const risen = rows.reduce((sum, { gain }) => sum + gain, 0) / n;
      expect(risen).toBeGreaterThan(0.95 * result.threats[0].penalty * 0.01);
    }
  });

  test("predictions at given rows, their changes and intervals, without a target column", async () => {
    const found: Predictions[] = [];
    const rows = { c: [0.3, -1.2], a: [0.5, 0.1], b: [-0.4, 0.9] };
    const { result } = await analyze({
      table: tableOf(numbers),
      settings: settings({}, { inference: "sandwich", draws: 60, evaluation: { kind: "training" } }),
      predictionTable: tableOf(rows),
      onPredictions: (predictions) => found.push(predictions),
    });
    const at = (theta: readonly number[], i: number): number =>
      theta.reduce((sum, value, j) => {
        const [a, b, c] = x.row(j);
        return sum + value * Math.exp(-0.3 * ((rows.a[i] - a) ** 2 + (rows.b[i] - b) ** 2 + (rows.c[i] - c) ** 2));
      }, 0);
    expect(found).toHaveLength(1);
    expect([found[0].outputs, found[0].level]).toEqual([["y"], 0.95]);
    expect(found[0].attacks.map(({ epsilon }) => epsilon)).toEqual([0.001, 0.01]);
    for (const { epsilon, rows: list } of found[0].attacks) {
      for (const [i, { row, now, change, interval }] of list.entries()) {
        expect(row).toBe(i + 1);
        expect(now[0]).toBeCloseTo(at(result.fit.parameters ?? [], i), 11);
        const shift = epsilon * at(result.threats[0].influence, i);
        expect(change[0]).toBeCloseTo(shift, 11);
        const [lower, upper] = interval?.[0] ?? [Number.NaN, Number.NaN];
        expect(lower).toBeLessThan(shift);
        expect(upper).toBeGreaterThan(shift);
        expect(lower + upper).toBeCloseTo(2 * shift, 9);
      }
    }
  });

  test("predictions of classes have one output for each", async () => {
    const found: Predictions[] = [];
    await analyze({
      table: tableOf(classes),
      settings: settings({}, { evaluation: { kind: "training" } }),
      predictionTable: tableOf({ a: [0], b: [1], c: [0.5] }),
      onPredictions: (predictions) => found.push(predictions),
    });
    expect([found[0].outputs, found[0].level]).toEqual([["high", "low", "middle"], null]);
    const [{ now, interval }] = found[0].attacks[0].rows;
    expect([now.length, interval]).toEqual([3, null]);
  });

  test("held-out changes are those of folds fitted without their rows", async () => {
    const { result } = await analyze({
      table: tableOf(numbers),
      settings: settings({}, { evaluation: { kind: "cv", folds: n } }),
    });
    // Leave one out by hand: fit on the others, predict the row left out.
    let [natural, moved] = [0, 0];
    for (let i = 0; i < n; i++) {
      const others = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
      const rows = {
        x: Matrix.fromRows(others.map((j) => x.row(j))),
        y: new Matrix(
          Float64Array.from(others, (j) => y[j]),
          n - 1,
          1,
        ),
        weights: new Float64Array(n - 1).fill(1 / (n - 1)),
      };
      const fit = await kernelFit(rows, {
        kernel: kernel("rbf", { gamma: 0.3 }),
        ridge: 0.01,
        centres: "move",
        penalty: "coefficients",
      });
      const { influence } = await kernelInfluence(fit, lp(2));
      const at = (epsilon: number) =>
        others.reduce((sum, j, k) => {
          const square = x.row(i).reduce((s, v, c) => s + (v - x.row(j)[c]) ** 2, 0);
          return sum + (fit.theta.data[k] + epsilon * influence.data[k]) * Math.exp(-0.3 * square);
        }, 0);
      natural += (at(0) - y[i]) ** 2 / n;
      moved += (at(0.01) - y[i]) ** 2 / n;
    }
    expect(result.fit.heldOutLoss).toBeCloseTo(natural, 10);
    expect(result.threats[0].curve[1].heldOut?.predicted).toBeCloseTo(moved - natural, 9);
  });

  test.each([
    ["two labels", labels, 1, "mean squared distance to ±1"],
    ["three classes", classes, 3, "mean squared distance to one-hot classes"],
  ])("%s: accuracy without log loss", async (_, table, outputs, label) => {
    const { result } = await analyze({
      table: tableOf(table),
      settings: settings({}, { evaluation: { kind: "fraction", share: 0.3 } }),
    });
    expect(result.model.lossLabel).toBe(label);
    expect(result.model.parameters).toHaveLength(outputs * result.data.rows);
    const { naturalNow } = result.threats[0].curve[0].metrics;
    expect(naturalNow["accuracy"]).toBeGreaterThan(0.5);
    expect(naturalNow).not.toHaveProperty("logLoss");
  });

  test("an interval for S by subsamples, none for θ", async () => {
    const { result } = await analyze({
      table: tableOf(numbers),
      settings: settings({}, { inference: "sandwich", draws: 60, epsilons: [0.001], evaluation: { kind: "training" } }),
    });
    const [{ sensitivity, interval, standardErrors, curve }] = result.threats;
    expect(interval).toBeNull();
    expect(standardErrors).toBeNull();
    expect(sensitivity.population?.method).toBe("subsampling");
    expect(sensitivity.population?.debiased).toBe(sensitivity.training.curvature);
    expect(sensitivity.population?.interval[0]).toBeGreaterThanOrEqual(0);
    expect(curve.every(({ population }) => population === null)).toBe(true);
    const [lower, upper] = sensitivity.population?.interval ?? [0, 0];
    expect(lower).toBeLessThan(upper);
  });

  test("repeated rows are flagged, rows of zeros and repeated rows refused where there is no derivative", async () => {
    const repeat = { a: [1, 1, 2, 3, 4, 5], b: [2, 2, 1, 4, 1, 2], y: [1, 2, 3, 1, 2, 4] };
    const { result } = await analyze({
      table: tableOf(repeat),
      settings: settings({}, { evaluation: { kind: "training" } }),
    });
    expect(result.flags.map(({ code }) => code)).toContain("repeated-rows");
    const ntk = settings({ gamma: null }, { model: "kernel:ntk", evaluation: { kind: "training" } });
    await expect(analyze({ table: tableOf(repeat), settings: ntk })).rejects.toThrow(
      /Data row 1 and data row 2 have the same direction/,
    );
    const zeros = { a: [1, 0, 2, 3], b: [2, 0, 1, 4], y: [1, 2, 3, 1] };
    await expect(analyze({ table: tableOf(zeros), settings: ntk })).rejects.toThrow(/Data row 2 is 0 in every column/);
  });

  test.each([
    [
      settings({}, { local: { ...DEFAULT_SETTINGS.local, memoryBytes: 1e6 } }),
      /more than the [^:]*: allow more with --memory\.$/,
    ],
    [settings({ ridge: 0 }), /--ridge must be a number above 0.*got 0/],
    [settings({ gamma: -1 }), /--gamma must be a number above 0, got -1/],
    [
      settings({ gamma: null, centres: "fixed" }, { model: "kernel:ntk" }),
      /--centres fixed: the kernel ntk has a cusp/,
    ],
    [settings({}, { model: "kernel:laplace" }), /cusp at its centres/],
    [settings({}, { model: "kernel:cosine" }), /needs the name of a kernel/],
    [settings({ degree: 2 }), /--degree is of --model kernel:poly/],
    [settings({ surface: "sphere" }, { norms: [1] }), /--sphere keeps each row's length/],
    [settings({}, { l2: 1 }), /--l2 does not go with --model kernel:rbf/],
    [settings({}, { model: "linear" }), /--gamma is for kernel regressions/],
    [
      settings({}, { local: { ...DEFAULT_SETTINGS.local, memoryBytes: 1000 } }),
      /takes about .*allow more with --memory/,
    ],
  ])("refusal %#", async (given, message) => {
    await expect(analyze({ table: tableOf(numbers), settings: given })).rejects.toThrow(message);
  });
});

test("verify: robust training by joint search beside the prediction", async () => {
  const given = settings({ ridge: 0.05 }, { epsilons: [1e-4, 5e-4], evaluation: { kind: "training" } });
  const result = await verify({ table: tableOf(numbers), settings: given });
  const [{ curve, verification }] = result.threats;
  for (const { optimum, lossRatio, relativeParameterError } of curve) {
    expect(optimum).toMatchObject({ method: "joint-search", converged: true });
    expect(lossRatio).toBeGreaterThan(0.9);
    expect(lossRatio).toBeLessThan(1.1);
    expect(relativeParameterError).toBeLessThan(0.2);
  }
  expect(verification.text).toMatch(/all rows jointly, whose centres move with them/);
});
