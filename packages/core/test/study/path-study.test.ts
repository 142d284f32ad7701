/** The robust path of a table: every point against sums over plain arrays and against optima that were found apart. */
import { describe, expect, test } from "vitest";
import { AifError, fit, linear, logistic, lp, type PathResult, pathStudy, type Table } from "../../src/index.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { encodeTraining } from "../../src/study/prepare.js";
import { conjugate, dot, lossOf, pNorm, Random, relativeError } from "../models/naive.js";
import { houses, leaves, loans, numeric, settings, table } from "./tables.js";

const INF = Number.POSITIVE_INFINITY;

/** Three numbers in different units and a price; the first cell is missing where asked for. */
function flats(missing = false): Table {
  const random = new Random(5);
  const columns = [3, 10, 0.1].map((unit, k) => Array.from({ length: 60 }, () => unit * (random.normal() + k)));
  const price = columns[0].map((a, i) => a - 0.1 * columns[1][i] + 3 * columns[2][i] + 1.5 * random.normal());
  if (missing) columns[1][0] = Number.NaN;
  return table([...columns.map((values, k) => numeric(`x${k}`, values)), numeric("price", price)]);
}

interface Plain {
  readonly X: number[][];
  readonly y: number[];
  readonly loss: "squared" | "logistic";
}

const standardised = (values: number[]): number[] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.map((value) => (value - mean) / deviation);
};

/** The table as plain arrays: numeric columns standardised with the divisor n, labels as ±1, the last one in order positive. */
function plain({ columns }: Table): Plain {
  const target = columns[columns.length - 1];
  const inputs = columns.slice(0, -1).map((column) => {
    if (column.kind !== "numeric") throw new Error("numbers only");
    return standardised([...column.values]);
  });
  const y = target.kind === "numeric" ? [...target.values] : Array.from(target.codes, (code) => (code === 1 ? 1 : -1));
  const X = y.map((_, i) => inputs.map((column) => column[i]));
  return { X, y, loss: target.kind === "numeric" ? "squared" : "logistic" };
}

const scoresOf = ({ X }: Plain, theta: readonly number[]): number[] =>
  X.map((row) => theta[0] + dot(row, theta.slice(1)));

const meanLoss = ({ y, loss }: Plain, scores: readonly number[]): number =>
  scores.reduce((sum, f, i) => sum + lossOf(loss, f, y[i])[0], 0) / y.length;

/** Mean of the larger loss at f ± ρ‖β‖_q, and the scores there. */
function attacked({ X, y, loss }: Plain, theta: readonly number[], radius: number, p: number) {
  const reach = radius * pNorm(theta.slice(1), conjugate(p));
  const scores = scoresOf({ X, y, loss }, theta).map((f, i) =>
    lossOf(loss, f + reach, y[i])[0] > lossOf(loss, f - reach, y[i])[0] ? f + reach : f - reach,
  );
  return { scores, loss: meanLoss({ X, y, loss }, scores) };
}

const run = (data: Table, p: number, epsilonMax: number | null, changes = {}): Promise<PathResult> =>
  pathStudy({
    table: data,
    settings: settings({ norms: [p], target: data.columns[data.columns.length - 1].name, ...changes }),
    epsilonMax,
  });

describe.each([
  ["squared", flats()],
  ["logistic", loans()],
])("%s loss", (loss, data) => {
  describe.each([1, 1.5, 2, INF])("p = %s", (p) => {
    const plainData = plain(data);
    const result = run(data, p, null);

    test("losses and metrics are the training rows' own", async () => {
      const { paths } = await result;
      const { points, scale } = paths[0];
      const c = plainData.X.reduce((sum, row) => sum + pNorm(row, p), 0) / plainData.X.length;
      expect(scale).toBeCloseTo(c, 12);
      expect(points.length).toBeGreaterThan(11);
      for (const { epsilon, radius, parameters, naturalLoss, robustLoss, metrics } of points) {
        expect(radius).toBeCloseTo(epsilon * c, 12);
        const scores = scoresOf(plainData, parameters);
        const worst = attacked(plainData, parameters, radius, p);
        expect(relativeError([naturalLoss], [meanLoss(plainData, scores)])).toBeLessThan(1e-12);
        expect(relativeError([robustLoss], [worst.loss])).toBeLessThan(1e-9);
        for (const [found, f] of [
          [metrics.natural, scores],
          [metrics.robust, worst.scores],
        ] as const) {
          if (loss === "squared") expect(found["rmse"]).toBeCloseTo(Math.sqrt(meanLoss(plainData, f)), 8);
          else expect(found["accuracy"]).toBeCloseTo(f.filter((v, i) => v * plainData.y[i] > 0).length / f.length, 12);
        }
      }
    });

    test("every point is the best of all points against attacks of its own size", async () => {
      const { points } = (await result).paths[0];
      for (const { radius, robustLoss } of points) {
        for (const { parameters } of points) {
          expect(attacked(plainData, parameters, radius, p).loss).toBeGreaterThan(robustLoss * (1 - 1e-9));
        }
      }
    });

    test("points are the optima found apart, from the fit", async () => {
      const { points } = (await result).paths[0];
      const encoded = encodeTraining(data, settings({ target: data.columns[data.columns.length - 1].name }));
      const fitted = await fit(loss === "squared" ? linear() : logistic(), encoded);
      const some = points.filter(({ radius }, k) => radius > 0 && k % Math.ceil(points.length / 12) === 0);
      for (const { radius, parameters, zeroCoefficients } of some) {
        const apart = await robustOptimum(fitted, lp(p)(encoded.features.length), radius);
        expect(relativeError(parameters, apart.parameters)).toBeLessThan(1e-7);
        expect(zeroCoefficients).toEqual(encoded.features.filter((_, k) => parameters[1 + k] === 0));
      }
    });

    test("events lie where they happen", async () => {
      const { points, events, collapseRadius } = (await result).paths[0];
      const at = (epsilon: number) => points.find((point) => Math.abs(point.epsilon - epsilon) < 1e-12);
      for (const { epsilon, kind, row, feature, within } of events) {
        expect(within).toBe(0);
        const here = at(epsilon);
        expect(here).toBeDefined();
        if (here === undefined) continue;
        const residual =
          row === null ? Number.NaN : scoresOf(plainData, here.parameters)[row - 1] - plainData.y[row - 1];
        if (kind === "residual-sticks" || kind === "residual-leaves") expect(Math.abs(residual)).toBeLessThan(1e-8);
        if (kind === "coefficient-zero") expect(here.zeroCoefficients).toContain(feature);
        if (kind === "collapse") expect(epsilon).toBe(collapseRadius);
      }
      expect(events.map(({ epsilon }) => epsilon)).toEqual(
        events.map(({ epsilon }) => epsilon).toSorted((a, b) => a - b),
      );
      expect(events[events.length - 1].kind).toBe("collapse");
      if (p === INF) expect(events.some(({ kind }) => kind === "coefficient-zero")).toBe(true);
      if (loss === "squared") expect(events.some(({ kind }) => kind === "residual-sticks")).toBe(true);
    });
  });
});

describe("the path's end", () => {
  test("is the ε asked for, or the collapse", async () => {
    const [short, whole] = [(await run(loans(), 2, 0.05)).paths[0], (await run(loans(), 2, 50)).paths[0]];
    expect(short.end).toBe("epsilon-max");
    expect(short.points[short.points.length - 1].epsilon).toBeCloseTo(0.05, 14);
    expect(short.events.some(({ kind }) => kind === "collapse")).toBe(false);
    expect(short.collapseRadius).toBe(whole.collapseRadius);
    const last = whole.points[whole.points.length - 1];
    expect(whole.end).toBe("collapse");
    expect(last.epsilon).toBe(whole.collapseRadius);
    expect(last.zeroCoefficients).toEqual(["income", "debt"]);
    expect(last.parameters.slice(1)).toEqual([0, 0]);
    expect(last.robustLoss).toBe(last.naturalLoss);
    for (let k = 0; k <= 10; k++) {
      expect(short.points.some(({ epsilon }) => Math.abs(epsilon - 0.005 * k) < 1e-12)).toBe(true);
    }
  });

  test("frozen features stay in the model, and budgets set the pace", async () => {
    const { paths, settings: kept } = await run(houses(), INF, null, { budgets: [{ column: "area", budget: 10 }] });
    const { attacked: may, points, frozen } = paths[0];
    expect(may).toEqual(["area"]);
    expect(frozen).toContain("age");
    const last = points[points.length - 1];
    expect(last.zeroCoefficients).toEqual(["area"]);
    expect(last.parameters.filter((value) => value === 0)).toHaveLength(1);
    expect(kept.budgets).toEqual([{ column: "area", budget: 10 }]);
  });
});

describe("the result", () => {
  test("is plain data for several norms", async () => {
    const result = await pathStudy({
      table: houses(60),
      settings: settings({ norms: [1, INF], l2: 0.01 }),
      epsilonMax: 0.2,
      readSeconds: 1,
    });
    expect(result.schema).toBe("aif.path/1");
    expect(result.paths.map(({ norm }) => norm)).toEqual(["1", "inf"]);
    expect(result.settings).toMatchObject({ epsilonMax: 0.2, l2: 0.01, norms: ["1", "inf"] });
    expect(Object.keys(result.settings)).not.toContain("evaluation");
    expect(result.timings.total).toBeGreaterThan(1);
    for (const { path, value } of leaves(result)) {
      expect(value, path).not.toBeUndefined();
      if (typeof value === "number") expect(Number.isFinite(value), path).toBe(true);
      expect(["number", "string", "boolean", "object"], path).toContain(typeof value);
    }
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test("rows are counted as in the file", async () => {
    const { paths } = await run(flats(true), 2, null, { missing: "drop" });
    const kept = flats(true).columns.map((column) =>
      column.kind === "numeric" ? numeric(column.name, column.values.slice(1)) : column,
    );
    const data = plain(table(kept));
    const events = paths[0].events.filter(({ kind }) => kind === "residual-sticks");
    expect(events.length).toBeGreaterThan(3);
    for (const { epsilon, row } of events) {
      const point = paths[0].points.find((candidate) => Math.abs(candidate.epsilon - epsilon) < 1e-12);
      const i = (row ?? 0) - 2;
      expect(Math.abs(scoresOf(data, point?.parameters ?? [])[i] - data.y[i])).toBeLessThan(1e-8);
    }
  });
});

describe("what has no path is refused in one sentence", () => {
  test.each<[string, object, number | null, RegExp]>([
    ["ε = 0", {}, 0, /--epsilon-max must be a number above 0, got 0/],
    ["a negative ε", {}, -0.1, /--epsilon-max must be a number above 0, got -0\.1/],
    ["no number", {}, Number.NaN, /--epsilon-max must be a number above 0/],
    ["an infinite ε", {}, INF, /--epsilon-max must be a number above 0/],
    ["a box", { bounds: [{ column: "area", lower: 0, upper: 1e6 }] }, null, /bounds has no exact robust path/],
    ["a quadratic model", { model: "quadratic" }, null, /A quadratic model has no exact robust path/],
    ["no norm", { norms: [0.5] }, null, /--norm 0\.5 is not a norm/],
  ])("%s", async (_, changes, epsilonMax, sentence) => {
    const error = await pathStudy({ table: houses(60), settings: settings(changes), epsilonMax }).catch((e) => e);
    expect(error).toBeInstanceOf(AifError);
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(sentence);
  });
});
