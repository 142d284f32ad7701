/** A whole analysis: what it says must agree with the parts computed by hand. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  analyze,
  applyEncoding,
  assignFolds,
  FLAGS,
  fit,
  fitEncoding,
  holdOut,
  influence,
  linear,
  logistic,
  lp,
  type ModelDescription,
  rowContributions,
  type Study,
  type StudyResult,
  type StudySettings,
  type Table,
} from "../../src/index.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { dot, lossOf, Random, relativeError } from "../models/naive.js";
import { categorical, houses, leaves, loans, numeric, settings, table } from "./tables.js";

const INF = Number.POSITIVE_INFINITY;
const run = (data: Table, changes: Partial<StudySettings> = {}): Promise<Study> =>
  analyze({ table: data, settings: settings(changes) });

/** Nothing is missing, NaN or infinite, and JSON brings back the same. */
function expectPlain({ result, coefficients }: Study): void {
  for (const part of [result, coefficients]) {
    for (const { path, value } of leaves(part)) {
      expect(value, path).not.toBeUndefined();
      if (typeof value === "number") expect(Number.isFinite(value), path).toBe(true);
      expect(["number", "string", "boolean", "object"], path).toContain(typeof value);
    }
    const text = JSON.stringify(part);
    expect(JSON.stringify(JSON.parse(text))).toBe(text);
  }
}

const withoutTimings = ({ result }: Study): Omit<StudyResult, "timings"> => {
  const { timings: _, ...rest } = result;
  return rest;
};

describe("every model and kind of threat gives plain data", () => {
  const bounds = [{ column: "area", lower: 0, upper: 1000 }];
  const cases: [string, Table, Partial<StudySettings>][] = [
    ["defaults", houses(), {}],
    ["several norms", houses(), { norms: [1, 1.5, 2, 3, INF] }],
    ["half-squared, raw units", houses(), { loss: "half-squared", standardize: false }],
    ["no intercept", houses(), { intercept: false, l2: 0.1 }],
    ["in sample", houses(), { evaluation: { kind: "training" } }],
    ["a share held out", houses(), { evaluation: { kind: "fraction", share: 0.25 } }],
    ["budgets", houses(), { budgets: [{ column: "area", budget: 5 }] }],
    ["bounds", houses(), { bounds, norms: [2, INF] }],
    ["frozen", houses(), { freeze: ["age"] }],
    ["nothing frozen", houses(), { freeze: ["none"] }],
    ["quadratic", houses(), { model: "quadratic", norms: [2, INF] }],
    ["basis", houses(), { model: "basis:area,age,area*age/10", norms: [1, 2] }],
    ["logistic", loans(), { target: "repaid", norms: [1, 2, INF] }],
    ["logistic with C", loans(), { target: "repaid", C: 0.5 }],
    ["sizes with 0", houses(), { epsilons: [0, 0.01, 1] }],
    ["radii", houses(), { radii: [0.1, 0] }],
    ["two folds", houses(), { evaluation: { kind: "cv", folds: 2 } }],
  ];
  test.each(cases)("%s", async (_, data, changes) => {
    const study = await run(data, changes);
    expectPlain(study);
    const { result } = study;
    expect(result.schema).toBe("aif.study/1");
    expect(result.threats.map(({ threat }) => threat.norm)).toEqual(
      (changes.norms ?? [2]).map((p) => (p === INF ? "inf" : `${p}`)),
    );
    for (const { code, level } of result.flags) expect(FLAGS[code].level).toBe(level);
    for (const {
      threat,
      scale,
      curve,
      influence: I,
      influencePerRadius,
      contributions,
      sensitivity,
      collapseRadius,
    } of result.threats) {
      expect(new Set([...threat.attacked, ...threat.frozen])).toEqual(new Set(result.data.features));
      expect(I.length).toBe(result.model.parameters.length);
      expect(
        relativeError(
          influencePerRadius,
          I.map((value) => value / scale),
        ),
      ).toBeLessThan(1e-13);
      curve.forEach((point, k) => {
        expect(point.radius).toBeCloseTo(point.epsilon * scale, 12);
        if (k > 0) expect(point.epsilon).toBeGreaterThan(curve[k - 1].epsilon);
        if (point.epsilon === 0) {
          expect(point.thisData.predicted).toBe(0);
          expect(point.extrapolated).toBe(false);
        }
        // An attack never helps the attacked; that holds for the expansion at small sizes only.
        if (point.robustLossMethod === "closed-form") {
          expect(point.robustLossNatural).toBeGreaterThanOrEqual(
            (result.fit.heldOutLoss ?? result.fit.trainingLoss) * (1 - 1e-12),
          );
        }
      });
      if (contributions.parameters.length > 0) {
        const total = contributions.parameters.reduce((sum, { value }) => sum + value, 0);
        expect(relativeError([total], [sensitivity.training.curvature])).toBeLessThan(1e-9);
        expect(contributions.parameters.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      }
      if (!changes.epsilons && !changes.radii && !changes.budgets) {
        expect(curve.length).toBe(7);
        expect(curve[6].epsilon).toBeLessThanOrEqual(Math.min(0.3, (collapseRadius ?? 1) / 2) * 1.01);
      }
    }
  });
});

/** The table as the model sees it, and its fit and influence by the parts of the library that have their own tests. */
async function parts(data: Table, changes: Partial<StudySettings> = {}, description: ModelDescription = linear()) {
  const { target, standardize } = settings(changes);
  const encoding = fitEncoding(data, { target, standardize, task: target === "repaid" ? "binary" : "regression" });
  const rows = applyEncoding(data, encoding, { role: "training" });
  const f = await fit(description, rows);
  return { rows, f };
}

describe("linear regression, by hand", () => {
  test("fit, scale, influence, losses and folds", async () => {
    const data = houses();
    const { result } = await run(data, { epsilons: [0.01, 0.1] });
    const { rows, f } = await parts(data);
    const X: number[][] = [];
    for (const { x } of rows.blocks()) for (let i = 0; i < x.rows; i++) X.push([...x.row(i)]);
    // Standardised: mean 0, standard deviation 1 (ddof 0).
    X[0].forEach((_, k) => {
      const column = X.map((row) => row[k]);
      expect(Math.abs(column.reduce((sum, value) => sum + value, 0) / 120)).toBeLessThan(1e-12);
      expect(Math.sqrt(column.reduce((sum, value) => sum + value ** 2, 0) / 120)).toBeCloseTo(1, 12);
    });
    expect(result.data.features).toEqual(["area", "age", "town=Borken", "town=Coesfeld", "garden"]);
    expect(relativeError(result.fit.parameters, f.parameters)).toBe(0);
    const [section] = result.threats;
    // Towns and the garden are frozen.
    expect(section.threat.attacked).toEqual(["area", "age"]);
    const c = X.reduce((sum, x) => sum + Math.hypot(x[0], x[1]) / 120, 0);
    expect(section.scale).toBeCloseTo(c, 12);
    const attack = await influence(f, lp(2, { budgets: [1, 1, 0, 0, 0] }));
    expect(relativeError(section.influence, attack.influence)).toBeLessThan(1e-13);
    const price = [...rows.y];
    const loss = (theta: ArrayLike<number>, reach = 0) =>
      X.reduce((sum, x, i) => sum + (Math.abs(dot([1, ...x], theta) - price[i]) + reach) ** 2 / 120, 0);
    expect(result.fit.trainingLoss).toBeCloseTo(loss(f.parameters), 9);
    // The held-out columns, fold by fold.
    const foldOf = assignFolds(rows.sourceRows, 10, 0);
    const truth = { natural: 0, change: 0, robust: 0, robustNatural: 0, slope: 0, curvature: 0 };
    for (let k = 0; k < 10; k++) {
      const others = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k));
      const without = await fit(linear(), rows.select(others));
      const own = await influence(without, lp(2, { budgets: [1, 1, 0, 0, 0] }));
      const theta = [...without.parameters];
      const moved = theta.map((value, j) => value + 0.1 * own.influence[j]);
      const reach = (at: readonly number[]) => 0.1 * own.scale * Math.hypot(at[1], at[2]);
      X.forEach((x, i) => {
        if (foldOf[i] !== k) return;
        const v = [1, ...x];
        const [r, after] = [dot(v, theta) - price[i], dot(v, moved) - price[i]];
        truth.natural += r ** 2 / 120;
        truth.change += (after ** 2 - r ** 2) / 120;
        truth.robust += (Math.abs(after) + reach(moved)) ** 2 / 120;
        truth.robustNatural += (Math.abs(r) + reach(theta)) ** 2 / 120;
        truth.slope += (2 * r * dot(v, own.influence)) / 120;
        truth.curvature += dot(v, own.influence) ** 2 / 120;
      });
    }
    const point = section.curve[1];
    expect(relativeError([result.fit.heldOutLoss ?? 0], [truth.natural])).toBeLessThan(1e-9);
    expect(relativeError([point.heldOut?.predicted ?? 0], [truth.change])).toBeLessThan(1e-7);
    expect(relativeError([point.robustLoss], [truth.robust])).toBeLessThan(1e-9);
    expect(relativeError([point.robustLossNatural], [truth.robustNatural])).toBeLessThan(1e-9);
    expect(relativeError([section.sensitivity.heldOut?.slope ?? 0], [truth.slope])).toBeLessThan(1e-7);
    expect(relativeError([section.sensitivity.heldOut?.curvature ?? 0], [truth.curvature])).toBeLessThan(1e-7);
    const free = truth.slope < 0 ? -truth.slope / truth.curvature : null;
    if (free === null) expect(section.freeRadius).toBeNull();
    else expect(relativeError([section.freeRadius ?? 0], [free])).toBeLessThan(1e-7);
    // On the training rows the slope is 0 without a ridge, and the curvature half of I'H_LI.
    expect(Math.abs(section.sensitivity.training.slope)).toBeLessThan(1e-9 * section.sensitivity.training.curvature);
    const thisData = loss(f.parameters.map((value, j) => value + 0.1 * attack.influence[j])) - loss(f.parameters);
    expect(relativeError([point.thisData.predicted], [thisData])).toBeLessThan(1e-8);
  });

  test("with a ridge the training slope is −(Pθ̂)'I, and the curvature leaves the ridge out", async () => {
    const { result } = await run(houses(), { l2: 0.5 });
    const [{ influence: I, sensitivity }] = result.threats;
    const slope = -0.5 * dot(result.fit.parameters.slice(1), I.slice(1));
    expect(relativeError([sensitivity.training.slope], [slope])).toBeLessThan(1e-8);
    const { rows } = await parts(houses());
    let curvature = 0;
    for (const { x } of rows.blocks())
      for (let i = 0; i < x.rows; i++) curvature += dot([1, ...x.row(i)], I) ** 2 / 120;
    expect(relativeError([sensitivity.training.curvature], [curvature])).toBeLessThan(1e-9);
  });

  test("the rows' pulls add up to the curvature, and those that are listed are the largest", async () => {
    const { result } = await run(houses());
    const { rows, f } = await parts(houses());
    const attack = await influence(f, lp(2, { budgets: [1, 1, 0, 0, 0] }));
    const H = f.hessian;
    const HI = Float64Array.from(attack.influence, (_, j) =>
      attack.influence.reduce((sum, value, k) => sum + H.data[Math.max(j, k) * H.columns + Math.min(j, k)] * value, 0),
    );
    const all = await rowContributions(attack, HI);
    const [{ contributions, sensitivity }] = result.threats;
    expect(
      relativeError([all.reduce((sum, value) => sum + value / 2, 0)], [sensitivity.training.curvature]),
    ).toBeLessThan(1e-9);
    const order = [...all.keys()].sort((a, b) => Math.abs(all[b]) - Math.abs(all[a]));
    expect(contributions.rows.map(({ row }) => row)).toEqual(order.slice(0, 20).map((i) => rows.sourceRows[i]));
    contributions.rows.forEach(({ value, share }, k) => {
      expect(value).toBeCloseTo(all[order[k]] / 2, 9);
      expect(share).toBeCloseTo(value / sensitivity.training.curvature, 9);
    });
  });
});

describe("what the adversary may touch, in original units", () => {
  test("a budget moves a feature by so much at radius 1, whatever the scaler", async () => {
    const budgets = [
      { column: "area", budget: 5 },
      { column: "age", budget: 2 },
    ];
    const scaled = await run(houses(), { budgets });
    const raw = await run(houses(), { budgets, standardize: false });
    for (const { result } of [scaled, raw]) {
      const [{ threat, originalUnits, curve }] = result.threats;
      expect(threat.attacked).toEqual(["area", "age"]);
      expect(Object.keys(threat.budgets)).toEqual(["area", "age"]);
      Object.values(threat.budgets).forEach((budget, k) => expect(budget).toBeCloseTo([5, 2][k], 10));
      originalUnits.forEach(({ perRadius }, k) => expect(perRadius).toBeCloseTo([5, 2][k], 10));
      // The default size with budgets is the whole budget.
      expect(curve.map(({ radius }) => radius)).toEqual([expect.closeTo(1, 12)]);
    }
    // What such an attack costs does not depend on the units of the model; c does, since raw features are not centred.
    const [a, b] = [scaled, raw].map(({ result }) => result.threats[0].curve[0]);
    expect(relativeError([a.thisData.predicted], [b.thisData.predicted])).toBeLessThan(1e-7);
    expect(Math.abs(scaled.result.threats[0].scale - raw.result.threats[0].scale)).toBeGreaterThan(1);
  });

  test("an absolute radius is the same attack in every fold and in every unit", async () => {
    const budgets = [
      { column: "area", budget: 5 },
      { column: "age", budget: 2 },
    ];
    const found = [];
    for (const standardize of [true, false]) {
      const { result } = await run(houses(), { budgets, standardize, radii: [1] });
      found.push(result.threats[0].curve[0]);
    }
    const [a, b] = found;
    expect(relativeError([a.robustLossNatural], [b.robustLossNatural])).toBeLessThan(1e-9);
    expect(relativeError([a.robustLoss], [b.robustLoss])).toBeLessThan(1e-8);
    expect(relativeError([a.heldOut?.predicted ?? 0], [b.heldOut?.predicted ?? 1])).toBeLessThan(1e-6);
  });

  test("bounds at the ends of a column stop the rows that are there", async () => {
    const data = houses();
    const area = data.columns[0].kind === "numeric" ? data.columns[0].values : new Float64Array();
    const [lower, upper] = [Math.min(...area), Math.max(...area)];
    const { result } = await run(data, { bounds: [{ column: "area", lower, upper }], norms: [2] });
    const [section] = result.threats;
    expect(section.threat.bounds).toEqual({ area: [lower, upper] });
    // Rows on a bound do not move at all; the next nearest row meets one later.
    expect(section.boundRadius).not.toBeNull();
    expect(section.boundRadius).toBeGreaterThan(1e-8);
    const free = (await run(data)).result.threats[0];
    expect(section.penalty).toBeLessThan(free.penalty);
    expect(section.collapseRadius).toBeNull();
    expect(section.trustRadius).toBeNull();
    expect(result.flags.map(({ code }) => code)).toContain("trust-unknown");
  });

  test.each<[string, Partial<StudySettings>, string, RegExp]>([
    ["a bound that leaves rows out", { bounds: [{ column: "area", lower: 60, upper: 500 }] }, "input", /row \d+ has/],
    ["crossed bounds", { bounds: [{ column: "area", lower: 60, upper: 50 }] }, "usage", /crossed/],
    ["an unknown column to freeze", { freeze: ["aera"] }, "input", /"area"/],
    ["an unknown budget column", { budgets: [{ column: "agee", budget: 1 }] }, "input", /"age"/],
    ["an unknown bounded column", { bounds: [{ column: "x", lower: 0, upper: 1 }] }, "input", /"x"/],
    ["everything frozen", { freeze: ["area", "age", "town", "garden"] }, "usage", /nothing to attack/],
    ["budgets of 0", { budgets: [{ column: "area", budget: 0 }] }, "usage", /attack/],
    [
      "a negative budget",
      { budgets: [{ column: "area", budget: -1 }] },
      "usage",
      /"area" must be 0 or a number from 1e-100 on, got -1\./,
    ],
    [
      "a budget whose square vanishes",
      { budgets: [{ column: "area", budget: 1e-160 }] },
      "usage",
      /from 1e-100 on, got 1e-160/,
    ],
    [
      "a budget twice",
      {
        budgets: [
          { column: "area", budget: 1 },
          { column: "area", budget: 2 },
        ],
      },
      "usage",
      /twice/,
    ],
    ["an unknown target", { target: "prize" }, "input", /"price"/],
    ["an unknown basis feature", { model: "basis:area,aged" }, "usage", /aged/],
    ["logistic on numbers", { model: "logistic" }, "input", /.*/],
    ["a loss of another model", { model: "linear", loss: "poisson" }, "usage", /does not go with/],
    ["C for a linear model", { C: 1 }, "usage", /--C/],
    ["a file that was not read", { evaluation: { kind: "file", path: "other.csv" } }, "usage", /other\.csv/],
  ])("%s", async (_, changes, code, message) => {
    const error: unknown = await run(houses(), changes).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(AifError);
    expect((error as AifError).message).toMatch(message);
    expect((error as AifError).code).toBe(code);
  });

  test("alpha for a logistic model", async () => {
    await expect(run(loans(), { target: "repaid", alpha: 1 })).rejects.toMatchObject({ code: "usage" });
  });

  test("a two-valued column of a quadratic model cannot be attacked without a ridge", async () => {
    const attackAll = { model: "quadratic", freeze: ["town"], budgets: null } as const;
    const open = { ...attackAll, freeze: null, budgets: [{ column: "garden", budget: 1 }] };
    await expect(run(houses(), open)).rejects.toMatchObject({ code: "numerical" });
    expectPlain(await run(houses(), { ...open, l2: 0.1 }));
  });
});

describe("scikit-learn's penalties", () => {
  test("alpha and C, converted for this many rows", async () => {
    expect((await run(houses(), { alpha: 3 })).result.model.l2).toBeCloseTo((2 * 3) / 120, 14);
    expect((await run(houses(), { alpha: 3, loss: "half-squared" })).result.model.l2).toBeCloseTo(3 / 120, 14);
    expect((await run(loans(), { target: "repaid", C: 0.5 })).result.model.l2).toBeCloseTo(1 / (0.5 * 200), 14);
  });
});

describe("evaluation", () => {
  test("a share: fitted on the rest, evaluated on the share", async () => {
    const data = houses();
    const { result } = await run(data, { evaluation: { kind: "fraction", share: 0.25 }, seed: 3, epsilons: [0.05] });
    expect([result.data.rows, result.data.evaluationRows]).toEqual([90, 30]);
    const { rows } = await parts(data);
    const split = holdOut(rows.sourceRows, 0.25, 3);
    const f = await fit(linear(), rows.select(split.training));
    expect(relativeError(result.fit.parameters, f.parameters)).toBeLessThan(1e-10);
    const attack = await influence(f, lp(2, { budgets: [1, 1, 0, 0, 0] }));
    const held = rows.select(split.evaluation);
    let [natural, moved] = [0, 0];
    for (const { x, y } of held.blocks()) {
      for (let i = 0; i < x.rows; i++) {
        const v = [1, ...x.row(i)];
        natural += (dot(v, f.parameters) - y[i]) ** 2 / 30;
        moved += (dot(v, f.parameters) + 0.05 * dot(v, attack.influence) - y[i]) ** 2 / 30;
      }
    }
    expect(relativeError([result.fit.heldOutLoss ?? 0], [natural])).toBeLessThan(1e-10);
    expect(relativeError([result.threats[0].curve[0].heldOut?.predicted ?? 0], [moved - natural])).toBeLessThan(1e-7);
  });

  test("another file, encoded as the first", async () => {
    const other = houses(40, 9);
    const { result } = await analyze({
      table: houses(),
      evaluationTable: other,
      settings: settings({ evaluation: { kind: "file", path: "other.csv" }, epsilons: [0.05] }),
    });
    expect([result.data.rows, result.data.evaluationRows, result.data.evaluation]).toEqual([120, 40, "other.csv"]);
    const { rows, f } = await parts(houses());
    const held = applyEncoding(other, rows.encoding, { role: "evaluation" });
    let natural = 0;
    for (const { x, y } of held.blocks()) {
      for (let i = 0; i < x.rows; i++) natural += (dot([1, ...x.row(i)], f.parameters) - y[i]) ** 2 / 40;
    }
    expect(relativeError([result.fit.heldOutLoss ?? 0], [natural])).toBeLessThan(1e-10);
  });

  test("the training rows: nothing is called held-out, and a warning says so", async () => {
    const { result } = await run(houses(), { evaluation: { kind: "training" } });
    expect(result.fit.heldOutLoss).toBeNull();
    for (const { curve, sensitivity, freeRadius } of result.threats) {
      expect(sensitivity.heldOut).toBeNull();
      expect(freeRadius).toBeNull();
      for (const point of curve) expect(point.heldOut).toBeNull();
    }
    expect(result.flags.map(({ code }) => code)).toContain("in-sample");
  });

  test("the same seed gives the same digits, another one other folds", async () => {
    const [a, b, c] = await Promise.all([
      run(houses(), { seed: 5 }),
      run(houses(), { seed: 5 }),
      run(houses(), { seed: 6 }),
    ]);
    expect(withoutTimings(a)).toEqual(withoutTimings(b));
    expect(a.result.fit.heldOutLoss).not.toBe(c.result.fit.heldOutLoss);
    expect(a.result.fit.parameters).toEqual(c.result.fit.parameters);
  });

  test("groups are not torn apart", async () => {
    const data = houses();
    const street = categorical(
      "street",
      Array.from({ length: 120 }, (_, i) => `s${i % 12}`),
    );
    const { result } = await run(table([...data.columns, street]), {
      splitBy: "street",
      evaluation: { kind: "cv", folds: 4 },
    });
    expect(result.data.features).not.toContain("street");
    expect(result.settings.splitBy).toBe("street");
  });

  test("a weight of 2 is a row that stands twice", async () => {
    const data = houses(60);
    const counts = Array.from({ length: 60 }, (_, i) => 1 + (i % 2));
    const rows = counts.flatMap((count, i) => new Array<number>(count).fill(i));
    const weighted = table([...data.columns, numeric("times", counts)]);
    const repeated = table(
      data.columns.map((column) =>
        column.kind === "numeric"
          ? numeric(
              column.name,
              rows.map((i) => column.values[i]),
            )
          : categorical(
              column.name,
              rows.map((i) => column.levels[column.codes[i]]),
            ),
      ),
    );
    const options = { evaluation: { kind: "training" }, epsilons: [0.01, 0.1] } as const;
    const [a, b] = [await run(weighted, { ...options, weights: "times" }), await run(repeated, options)];
    expect(relativeError(a.result.fit.parameters, b.result.fit.parameters)).toBeLessThan(1e-11);
    const [left, right] = [a.result.threats[0], b.result.threats[0]];
    expect(relativeError(left.influence, right.influence)).toBeLessThan(1e-10);
    expect(
      relativeError(
        left.curve.map((p) => p.robustLoss),
        right.curve.map((p) => p.robustLoss),
      ),
    ).toBeLessThan(1e-11);
  });

  test("scikit-learn's C multiplies a sum of weighted losses, so there too a weight of 2 is a row that stands twice", async () => {
    const counts = Array.from({ length: 60 }, (_, i) => 1 + (i % 2));
    const many = table([...loans(60).columns, numeric("times", counts)]);
    const { result } = await run(many, { target: "repaid", C: 2, weights: "times", evaluation: { kind: "training" } });
    expect(result.model.l2).toBeCloseTo(1 / (2 * 90), 12);
  });
});

describe("exact changes beside the prediction", () => {
  const changes = async (model: Partial<StudySettings>, data: Table = houses()): Promise<(number | null)[]> => {
    const { result } = await run(data, { epsilons: [0.01, 0.2], evaluation: { kind: "training" }, ...model });
    return result.threats.flatMap(({ curve }) => curve.map(({ thisData }) => thisData.exact));
  };

  test("are where the worst case is known exactly, and nowhere else", async () => {
    const known = (list: readonly (number | null)[]): boolean[] => list.map((value) => value !== null);
    expect(known(await changes({ norms: [1, 2, INF] }))).toEqual(Array(6).fill(true));
    expect(known(await changes({ target: "repaid", norms: [1, 2, INF] }, loans()))).toEqual(Array(6).fill(true));
    expect(known(await changes({ model: "quadratic" }))).toEqual([true, true]);
    expect(known(await changes({ model: "quadratic", norms: [INF] }))).toEqual([false, false]);
    expect(known(await changes({ exact: false }))).toEqual([false, false]);
  });

  test("cannot be negative on the training rows, and tend to the prediction", async () => {
    const { result } = await run(houses(), { epsilons: [1e-4, 0.3] });
    const [small, large] = result.threats[0].curve.map(({ thisData }) => thisData);
    expect((small.exact ?? 0) / small.predicted).toBeCloseTo(1, 2);
    expect(large.exact).toBeGreaterThan(0);
    expect(large.exact).not.toBeCloseTo(large.predicted, 3);
  });

  test("are met more closely to second order", async () => {
    for (const p of [2, INF]) {
      const { result } = await run(loans(), {
        target: "repaid",
        norms: [p],
        epsilons: [0.005, 0.01],
        secondOrder: "plain",
      });
      for (const { thisData } of result.threats[0].curve) {
        const exact = thisData.exact ?? Number.NaN;
        expect(Math.abs((thisData.secondOrder ?? Number.NaN) - exact)).toBeLessThan(
          0.15 * Math.abs(thisData.predicted - exact),
        );
      }
    }
    const { result } = await run(loans(), { target: "repaid", epsilons: [0.01] });
    expect(result.threats[0].curve[0].thisData.secondOrder).toBeNull();
  });

  test("to second order with densities, rows that count several times are rows that are repeated, whatever is evaluated", async () => {
    const times = (n: number) =>
      numeric(
        "times",
        new Float64Array(n).map((_, i) => 1 + (i % 3)),
      );
    const [all, few] = [houses(90, 4), houses(20, 5)];
    const [counted, other] = [all, few].map((part) => table([...part.columns, times(part.rows)]));
    const copies = Array.from({ length: 90 }, (_, i) => i).flatMap((i) => Array<number>(1 + (i % 3)).fill(i));
    const repeated = table(
      counted.columns.map((column) =>
        column.kind === "numeric"
          ? numeric(
              column.name,
              copies.map((i) => column.values[i]),
            )
          : categorical(
              column.name,
              copies.map((i) => column.levels[column.codes[i]]),
            ),
      ),
    );
    const asked: Partial<StudySettings> = {
      secondOrder: "density",
      evaluation: { kind: "file", path: "other.csv" },
      epsilons: [0.05],
      inference: "none",
    };
    const secondOrder = async (data: Table, changes: Partial<StudySettings>) => {
      const { result } = await analyze({
        table: data,
        evaluationTable: other,
        settings: settings({ ...asked, ...changes }),
      });
      return result.threats[0].curve[0].thisData.secondOrder ?? Number.NaN;
    };
    const weighted = await secondOrder(counted, { weights: "times", weightsKind: "frequency" });
    expect(relativeError([weighted], [await secondOrder(repeated, { exclude: ["times"] })])).toBeLessThan(1e-8);
  });

  test("are left out where they would take long", async () => {
    const random = new Random(4);
    const n = 60_000;
    const columns = ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) =>
      numeric(
        name,
        Array.from({ length: n }, () => random.normal()),
      ),
    );
    const wide = table([
      ...columns,
      numeric(
        "y",
        Array.from({ length: n }, () => random.normal()),
      ),
    ]);
    expect(await changes({ target: "y", norms: [1], epsilons: [0.001, 0.002, 0.003, 0.004, 0.005] }, wide)).toEqual(
      Array(5).fill(null),
    );
  });
});

describe("coefficients", () => {
  test("predict in original units what the model predicts, at θ̂, at θ̂ + εI and at θ_ε", async () => {
    const data = houses();
    const { result, coefficients } = await run(data, { epsilons: [0.05], norms: [2, INF] });
    const { rows, f } = await parts(data);
    const attacked = result.threats[0].threat.attacked;
    const budgets = rows.features.map((name) => (attacked.includes(name) ? 1 : 0));
    const exact = new Map<string, Float64Array>();
    for (const p of [2, INF]) {
      const attack = await influence(f, lp(p, { budgets }));
      exact.set(p === INF ? "inf" : "2", (await robustOptimum(f, attack.threat, 0.05 * attack.scale)).parameters);
    }
    const original = (name: string): number[] => {
      const column = data.columns.find((candidate) => candidate.name === name.split("=")[0]);
      if (column?.kind === "numeric") return [...column.values];
      return column ? Array.from(column.codes, (code) => (column.levels[code] === name.split("=")[1] ? 1 : 0)) : [];
    };
    const raw = result.data.features.map(original);
    coefficients.columns.forEach(({ norm, epsilon, kind, values }) => {
      const section = result.threats.find(({ threat }) => threat.norm === norm);
      const predicted = result.fit.parameters.map((value, j) => value + epsilon * (section?.influence[j] ?? 0));
      const theta = kind === "exact" ? [...(exact.get(norm ?? "") ?? [])] : predicted;
      let row = 0;
      for (const { x } of rows.blocks()) {
        for (let i = 0; i < x.rows; i++, row++) {
          const score = dot([1, ...raw.map((column) => column[row])], values);
          expect(score).toBeCloseTo(dot([1, ...x.row(i)], theta), 8);
        }
      }
    });
    expect(coefficients.columns.map(({ norm, kind }) => [norm, kind])).toEqual([
      [null, "natural"],
      ["2", "predicted"],
      ["2", "exact"],
      ["inf", "predicted"],
      ["inf", "exact"],
    ]);
    expect(coefficients.units).toBe("original");
  });
});

describe("data that are hard to say anything about", () => {
  const random = new Random(9);

  test("a target without any relation to the features", async () => {
    const x = Array.from({ length: 64 }, (_, i) => (i % 4) - 1.5);
    const z = Array.from({ length: 64 }, (_, i) => (Math.floor(i / 4) % 4) - 1.5);
    // Orthogonal to both columns, and to the intercept.
    const y = x.map((value, i) => Math.sign(value) * Math.sign(z[i]) * (1 + Math.floor(i / 32)) - 0);
    const flat = y.map((value, i) => (Math.abs(x[i]) > 1 ? value : -3 * value));
    const both = flat.map((value, i) => (Math.abs(z[i]) > 1 ? value : -3 * value));
    for (const standardize of [true, false]) {
      const study = await run(table([numeric("x", x), numeric("z", z), numeric("price", both)]), {
        standardize,
        norms: [1, 2, INF],
      });
      expectPlain(study);
      for (const { influence: I } of study.result.threats) expect(Math.max(...I.map(Math.abs))).toBeLessThan(1e-10);
      expect(study.result.flags.map(({ code }) => code)).toContain("zero-gradient");
    }
  });

  test("a target that the features explain exactly", async () => {
    const area = Array.from({ length: 80 }, () => 40 + 160 * random.uniform());
    const age = Array.from({ length: 80 }, () => 50 * random.uniform());
    const price = area.map((value, i) => 100 + 3 * value - age[i]);
    const study = await run(table([numeric("area", area), numeric("age", age), numeric("price", price)]), {
      norms: [1, 2, INF],
    });
    expectPlain(study);
    expect(study.result.flags.map(({ code }) => code)).toContain("zero-gradient");
    for (const { curve } of study.result.threats) {
      for (const { thisData, heldOut } of curve) {
        expect(Math.abs(thisData.predicted)).toBeLessThan(1e-8);
        expect(Math.abs(heldOut?.predicted ?? 0)).toBeLessThan(1e-8);
      }
    }
  });

  test("many rows explained exactly: a refusal of ours, not a crash", async () => {
    const area = Array.from({ length: 600 }, () => 40 + 160 * random.uniform());
    const study = run(
      table([
        numeric("area", area),
        numeric(
          "b",
          area.map((v, i) => (v * (i % 7)) / 3),
        ),
        numeric(
          "price",
          area.map((value) => 3 * value),
        ),
      ]),
    );
    const result: unknown = await study.catch((error: unknown) => error);
    if (result instanceof Error) expect(result).toBeInstanceOf(AifError);
  });

  test("a level that one fold alone has is flagged", async () => {
    const data = houses(60);
    const rare = categorical(
      "roof",
      Array.from({ length: 60 }, (_, i) => (i === 7 ? "thatch" : i % 2 ? "tile" : "slate")),
    );
    const study = await run(table([...data.columns, rare]));
    expectPlain(study);
    expect(study.result.flags.map(({ code }) => code)).toContain("singular-folds");
    // Row 7 is predicted by a fit that knows nothing of thatch: were it known, its residual would be 0.
    expect(study.result.fit.heldOutLoss).toBeGreaterThan(study.result.fit.trainingLoss);
  });

  test("separable classes", async () => {
    const x = Array.from({ length: 40 }, (_, i) => i + random.uniform());
    const data = table([
      numeric("x", x),
      numeric("u", random.normals(40)),
      categorical(
        "repaid",
        x.map((v) => (v > 20 ? "yes" : "no")),
      ),
    ]);
    await expect(run(data, { target: "repaid" })).rejects.toMatchObject({ code: "numerical" });
    expectPlain(await run(data, { target: "repaid", l2: 0.01 }));
  });
});

describe("hostile names", () => {
  test("go through every output unharmed", async () => {
    const random = new Random(3);
    const names = [
      "__proto__",
      "constructor",
      "a.b",
      "a[0]",
      'say "x"',
      "two\nlines",
      "\u001b[31mred",
      "x".repeat(10_000),
      "toString",
      "hasOwnProperty",
    ];
    const n = 80;
    const columns = names.map((name) => numeric(name, random.normals(n)));
    const y = random.normals(n);
    const levels = ["__proto__", "b\n", "\u0000c", '"'];
    const data = table([
      ...columns,
      categorical(
        "kind",
        y.map((_, i) => levels[(i * 7) % 4]),
      ),
      numeric("price", y),
    ]);
    const study = await run(data, {
      norms: [2, INF],
      freeze: ["a.b", "toString"],
      bounds: [{ column: "__proto__", lower: -10, upper: 10 }],
    });
    expectPlain(study);
    const { result, coefficients } = study;
    expect(result.data.features.slice(0, 10)).toEqual(names);
    expect(result.model.parameters.slice(1, 11)).toEqual(names);
    expect(coefficients.names.slice(1, 11)).toEqual(names);
    expect(result.threats[0].threat.frozen).toContain("toString");
    expect(result.threats[0].threat.frozen).toContain("kind=b\n");
    expect(Object.keys(result.threats[0].threat.bounds)).toEqual(["__proto__"]);
    expect(result.threats[0].contributions.parameters.map(({ name }) => name).slice(1, 11)).toEqual(names);
    const budgeted = await run(data, {
      budgets: [
        { column: "__proto__", budget: 1 },
        { column: "constructor", budget: 2 },
      ],
    });
    expect(budgeted.result.threats[0].threat.attacked).toEqual(["__proto__", "constructor"]);
    // And as the target.
    const other = await run(table([...columns, numeric("price", y)]), { target: "__proto__" });
    expect(other.result.data.target).toBe("__proto__");
    // Messages stay short.
    const error = await run(data, { freeze: ["y".repeat(10_000)] }).catch((cause: unknown) => cause as Error);
    expect((error as Error).message.length).toBeLessThan(3000);
    expect((error as Error).message).not.toContain("\n");
  });
});

describe("sizes", () => {
  test("ε and radii are sorted, repeated ones kept once, radius = ε·c", async () => {
    const { result } = await run(houses(), { epsilons: [0.2, 0.01, 0.2] });
    expect(result.threats[0].curve.map(({ epsilon }) => epsilon)).toEqual([0.01, 0.2]);
    const radii = (await run(houses(), { radii: [0.5, 0.1] })).result.threats[0];
    radii.curve.forEach(({ radius }, k) => expect(radius).toBeCloseTo([0.1, 0.5][k], 13));
    expect(radii.curve[0].epsilon).toBeCloseTo(0.1 / radii.scale, 13);
  });

  test("sizes beyond the trust radius are marked and flagged, as is what lies beyond collapse", async () => {
    const { result } = await run(houses(), { epsilons: [1e-6, 5] });
    const [{ trustRadius, collapseRadius, curve }] = result.threats;
    expect(trustRadius).toBeGreaterThan(1e-6);
    expect(trustRadius).toBeLessThan(5);
    expect(curve.map(({ extrapolated }) => extrapolated)).toEqual([false, true]);
    const codes = result.flags.map(({ code }) => code);
    expect(codes).toContain("trust-exceeded");
    if (collapseRadius !== null && collapseRadius < 5) expect(codes).toContain("beyond-collapse");
  });

  test("logistic: robust losses are worst cases of the log loss", async () => {
    const { result } = await run(loans(), { target: "repaid", epsilons: [0.1], evaluation: { kind: "training" } });
    const { rows, f } = await parts(loans(), { target: "repaid" }, logistic());
    const reach = 0.1 * result.threats[0].scale * Math.hypot(f.parameters[1], f.parameters[2]);
    let truth = 0;
    for (const { x, y } of rows.blocks()) {
      for (let i = 0; i < x.rows; i++)
        truth += lossOf("logistic", y[i] * dot([1, ...x.row(i)], f.parameters) - reach, 1)[0] / 200;
    }
    expect(relativeError([result.threats[0].curve[0].robustLossNatural], [truth])).toBeLessThan(1e-12);
    expect(result.data.labels).toEqual({ negative: "no", positive: "yes" });
  });
});

test("a study can be cancelled, and tells how far it is", async () => {
  const stopped = analyze({ table: houses(), settings: settings() }, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
});
