/** Comparisons against single analyses, against naive selection in every fold, and over draws whose truth is known. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  analyze,
  assignFolds,
  type ComparisonFamily,
  type ComparisonResult,
  compare,
  ensureBlas,
  type FeatureRule,
  parseFeatureRule,
  parseProjects,
  type StudySettings,
  type Table,
} from "../../../src/index.js";
import { DEFAULT_SMOOTHING } from "../../../src/study/smoothing-settings.js";
import { drawsOf } from "../../long.js";
import { dot, Random, solve } from "../../models/naive.js";
import { houses, leaves, loans, numeric, settings, table } from "../tables.js";

beforeAll(() => ensureBlas());

const rule = (text: string): FeatureRule => {
  const found = parseFeatureRule(text);
  if (!found) throw new Error(text);
  return found;
};
const columns = (...names: string[]): FeatureRule => ({ kind: "columns", columns: names });

const compared = (
  rows: Table,
  family: Partial<ComparisonFamily>,
  changes: Partial<StudySettings> = {},
): Promise<ComparisonResult> =>
  compare({
    table: rows,
    settings: settings({ epsilons: [0.03], ...changes }),
    family: { models: [], features: [], l2: [], seeds: 1, ...family },
  });

const byName = (result: ComparisonResult, name: string) => {
  const found = result.models.find((model) => model.name === name);
  if (!found) throw new Error(`${name} is not among ${result.models.map((model) => model.name).join("; ")}`);
  return found;
};

const rejected = (work: Promise<unknown>) =>
  work.then(
    () => "nothing",
    (error: unknown) => (error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : "?"),
  );

describe("one model of a comparison is the model that an analysis has", () => {
  test.each<[string, Partial<StudySettings>, Table]>([
    ["linear", { model: "linear" }, houses()],
    ["quadratic", { model: "quadratic", l2: 0.05 }, houses()],
    ["logistic", { target: "repaid", model: "logistic", l2: 0.01 }, loans()],
    ["linear on rows apart", { model: "linear", evaluation: { kind: "fraction", share: 0.3 } }, houses()],
    ["linear in-sample", { model: "linear", evaluation: { kind: "training" } }, houses()],
    ["linear, bootstrap", { model: "linear", inference: "bootstrap", draws: 60 }, houses()],
    ["softmax", { target: "repaid", model: "softmax", l2: 0.01 }, loans()],
  ])("%s", async (_, changes, rows) => {
    const chosen = settings({ epsilons: [0.03], norms: [2], ...changes });
    const { result: single } = await analyze({ table: rows, settings: chosen });
    const result = await compare({
      table: rows,
      settings: { ...chosen, model: null, l2: null },
      family: { models: [chosen.model ?? ""], features: [], l2: [chosen.l2 ?? 0], seeds: 1 },
    });
    const [model] = result.models;
    const [{ curve, sensitivity, scale, trustRadius }] = single.threats;
    const [point] = curve;
    const close = (value: number | undefined, goal: number | undefined): void =>
      expect(Math.abs((value ?? Number.NaN) - (goal ?? Number.NaN))).toBeLessThan(1e-9 * (1 + Math.abs(goal ?? 0)));
    close(model.naturalLoss.value, single.fit.heldOutLoss ?? single.fit.trainingLoss);
    close(model.relative.cost.value, point.cost);
    // Of a model of all columns both conventions are one, but for the folds' own c.
    if (single.data.evaluation !== "cv:10") close(model.absolute.cost.value, point.cost);
    expect(model.absolute.radius).toBeCloseTo(point.radius, 12);
    if (point.heldOut) {
      close(model.relative.cost.interval?.[0], point.heldOut.interval?.[0]);
      close(model.relative.cost.interval?.[1], point.heldOut.interval?.[1]);
    }
    close(model.scale, scale);
    if (trustRadius === null) expect(model.trustRadius).toBeNull();
    else close(model.trustRadius ?? undefined, trustRadius);
    close(model.relative.population?.predicted, 0.03 ** 2 * (sensitivity.population?.debiased ?? Number.NaN));
    close(model.relative.population?.interval[1], 0.03 ** 2 * (sensitivity.population?.interval[1] ?? Number.NaN));
    if (model.relative.robustLoss) {
      close(model.relative.robustLoss.now, point.robustLossNatural);
      close(model.relative.robustLoss.after, point.robustLoss);
    }
  });

  test("S at a fixed radius is S of an analysis with that radius, and so is its interval", async () => {
    const rows = houses(400, 4);
    const result = await compared(rows, { features: [columns("area", "age")] }, { epsilons: null, radii: [0.04] });
    const { result: single } = await analyze({
      table: rows,
      settings: settings({ radii: [0.04], exclude: ["town", "garden"], freeze: ["none"] }),
    });
    const [{ curve, scale }] = single.threats;
    const { population } = result.models[0].absolute;
    expect(result.models[0].scale).toBeCloseTo(scale, 10);
    const goal = curve[0].population;
    // The bias that is taken off, of order 1/n, is that of the relative size.
    expect(Math.abs((population?.predicted ?? 0) / (goal?.predicted ?? 1) - 1)).toBeLessThan(0.003);
    const width = (interval: readonly [number, number] | undefined): number =>
      interval ? interval[1] - interval[0] : 0;
    expect(width(population?.interval) / width(goal?.interval)).toBeCloseTo(1, 9);
    const { relative } = result.models[0];
    const asRelative = width(relative.population?.interval) * (0.04 / relative.radius) ** 2;
    expect(Math.abs(asRelative / width(goal?.interval) - 1)).toBeGreaterThan(1e-3);
    expect(result.models[0].absolute.cost.value / curve[0].cost).toBeCloseTo(1, 9);
  });
});

describe("columns", () => {
  test("a chosen list is the model of a table without the others", async () => {
    const result = await compared(houses(), { features: [columns("age", "town"), rule("first 2")] });
    for (const [name, exclude] of [
      ["age,town", ["area", "garden"]],
      ["first 2", ["town", "garden"]],
    ] as const) {
      const { result: single } = await analyze({ table: houses(), settings: settings({ epsilons: [0.03], exclude }) });
      const model = byName(result, name);
      expect(model.naturalLoss.value).toBeCloseTo(single.fit.heldOutLoss ?? 0, 7);
      expect(model.relative.cost.value).toBeCloseTo(single.threats[0].curve[0].cost, 8);
      expect(model.parameters).toBe(single.model.parameters.length);
    }
  });

  test("nothing to attack: no cost, under either convention", async () => {
    const result = await compared(houses(), { features: [columns("town", "garden"), rule("all")] });
    const model = byName(result, "town,garden");
    expect(model.attacked).toBe(0);
    expect(model.relative.cost.value).toBe(0);
    expect(model.absolute.cost.value).toBe(0);
    expect(model.absolute.epsilon).toBeNull();
    const { result: single } = await analyze({
      table: houses(),
      settings: settings({ exclude: ["area", "age"], freeze: ["none"] }),
    });
    expect(model.naturalLoss.value).toBeCloseTo(single.fit.heldOutLoss ?? 0, 7);
    expect(result.flags.map(({ code }) => code)).toContain("unattackable-model");
  });

  test("forward selection is made anew in every fold, as by hand", async () => {
    const random = new Random(12);
    const n = 90;
    const X = random.rows(n, 5);
    const y = X.map((x) => 0.35 * x[0] + 0.33 * x[2] - 0.3 * x[3] + 0.31 * x[4] + random.normal());
    const rows = table([
      ...[0, 1, 2, 3, 4].map((k) =>
        numeric(
          `x${k}`,
          X.map((x) => x[k]),
        ),
      ),
      numeric("price", y),
    ]);
    const result = await compared(
      rows,
      { features: [rule("forward 1..4")] },
      { standardize: false, evaluation: { kind: "cv", folds: 6 } },
    );
    const foldOf = assignFolds(
      Int32Array.from({ length: n }, (_, i) => i + 1),
      6,
      0,
    );
    const fitted = (chosen: readonly number[], inside: readonly number[]): number[] => {
      const v = inside.map((i) => [1, ...chosen.map((k) => X[i][k])]);
      return solve(
        v[0].map((_, a) => v[0].map((__, b) => v.reduce((sum, row) => sum + row[a] * row[b], 0))),
        v[0].map((_, a) => v.reduce((sum, row, i) => sum + row[a] * y[inside[i]], 0)),
      );
    };
    const squares = (chosen: readonly number[], theta: readonly number[], list: readonly number[]): number =>
      list.reduce((sum, i) => sum + (y[i] - dot(theta, [1, ...chosen.map((k) => X[i][k])])) ** 2, 0);
    const order = (inside: readonly number[]): number[] => {
      const chosen: number[] = [];
      while (chosen.length < 4) {
        const left = [0, 1, 2, 3, 4].filter((k) => !chosen.includes(k));
        const losses = left.map((k) => squares([...chosen, k], fitted([...chosen, k], inside), inside));
        chosen.push(left[losses.indexOf(Math.min(...losses))]);
      }
      return chosen;
    };
    const orders = Array.from({ length: 6 }, (_, fold) => order([...X.keys()].filter((i) => foldOf[i] !== fold)));
    expect(new Set(orders.map((list) => list.join())).size).toBeGreaterThan(1);
    for (const count of [1, 2, 3, 4]) {
      const loss = orders.reduce((sum, list, fold) => {
        const chosen = list.slice(0, count);
        const theta = fitted(
          chosen,
          [...X.keys()].filter((i) => foldOf[i] !== fold),
        );
        return (
          sum +
          squares(
            chosen,
            theta,
            [...X.keys()].filter((i) => foldOf[i] === fold),
          )
        );
      }, 0);
      const model = byName(result, `forward ${count}`);
      expect(model.naturalLoss.value).toBeCloseTo(loss / n, 9);
      for (const { column, share } of model.chosen ?? []) {
        const k = Number(column.slice(1));
        expect(share).toBeCloseTo(orders.filter((list) => list.slice(0, count).includes(k)).length / 6, 12);
      }
      expect(new Set(model.columns)).toEqual(
        new Set(
          order([...X.keys()])
            .slice(0, count)
            .map((k) => `x${k}`),
        ),
      );
    }
  });

  test("terms of a basis go with their columns", async () => {
    const result = await compared(houses(), {
      models: ["basis:area,age,area*age,area^2"],
      features: [columns("area", "town"), columns("area", "age")],
    });
    expect(byName(result, "area,town").parameters).toBe(3);
    expect(byName(result, "area,age").parameters).toBe(5);
  });
});

describe("components and l1 penalties", () => {
  test.each<[string, Partial<ComparisonFamily>, Partial<StudySettings>]>([
    ["pca:2", { projects: parseProjects("pca:2") }, { project: { kind: "pca", components: 2 } }],
    ["l1", { l1: [4] }, { l1: [4] }],
  ])("one model with %s is the model of an analysis", async (_, family, changes) => {
    const rows = houses(150, 5);
    const result = await compared(rows, { models: ["linear"], ...family });
    const { result: single } = await analyze({
      table: rows,
      settings: settings({ model: "linear", epsilons: [0.03], ...changes }),
    });
    const [model] = result.models;
    const [{ curve, scale }] = single.threats;
    expect(model.naturalLoss.value / (single.fit.heldOutLoss ?? 0)).toBeCloseTo(1, 9);
    expect(model.relative.cost.value / curve[0].cost).toBeCloseTo(1, 7);
    expect(model.scale).toBeCloseTo(scale, 10);
  });

  test("all components are the columns in other words, and every model is named by what it sees", async () => {
    const result = await compared(houses(), {
      models: ["linear"],
      features: [columns("area", "age")],
      projects: [...parseProjects("none"), ...parseProjects("pca:1..2")],
    });
    expect(new Set(result.models.map(({ name }) => name))).toEqual(
      new Set(["area,age, columns", "area,age, pca:1", "area,age, pca:2"]),
    );
    const [plain, whole] = [byName(result, "area,age, columns"), byName(result, "area,age, pca:2")];
    expect(whole.naturalLoss.value).toBeCloseTo(plain.naturalLoss.value, 6);
    expect(whole.relative.cost.value).toBeCloseTo(plain.relative.cost.value, 6);
    expect(whole.project).toBe("pca:2");
  });

  test("components of a selection are learned in every fold", async () => {
    const rows = houses(100, 2);
    const result = await compared(rows, { features: [rule("forward 2")], projects: parseProjects("pca:1") });
    expect(result.models[0].chosen).not.toBeNull();
    expect(Number.isFinite(result.models[0].naturalLoss.value)).toBe(true);
  });
});

describe("differences", () => {
  test("of identical models are 0, and so are their intervals", async () => {
    const result = await compared(houses(), { models: ["linear", "linear"], features: [columns("area", "age")] });
    expect(result.models.map(({ name }) => name)).toEqual(["area,age", "area,age (2)"]);
    for (const quantity of [
      result.natural,
      result.relative.cost,
      result.absolute.cost,
      result.relative.population,
      result.absolute.population,
    ]) {
      expect(quantity?.estimates[0]).toBe(quantity?.estimates[1]);
      expect(quantity?.reach).toEqual([
        [0, 0],
        [0, 0],
      ]);
      expect(quantity?.best).toEqual([0, 1]);
    }
    expect(result.relative.frontier).toEqual([0, 1]);
  });

  test("the best set and the frontier are what the intervals and the points say", async () => {
    const result = await compared(houses(200, 3), {
      models: ["linear", "quadratic"],
      features: [rule("first"), rule("forward 1..2")],
    });
    const { estimates, reach, best } = result.natural;
    const K = estimates.length;
    expect(estimates).toEqual(estimates.toSorted((a, b) => a - b));
    const places = [...Array(K).keys()];
    expect(best).toEqual(
      places.filter((i) => places.every((j) => estimates[i] - estimates[j] - (reach?.[i][j] ?? 0) <= 0)),
    );
    for (const convention of ["relative", "absolute"] as const) {
      const { cost, frontier, dominated } = result[convention];
      const beats = (a: number, b: number): boolean =>
        estimates[a] <= estimates[b] &&
        cost.estimates[a] <= cost.estimates[b] &&
        (estimates[a] < estimates[b] || cost.estimates[a] < cost.estimates[b]);
      expect(frontier).toEqual(places.filter((b) => !places.some((a) => beats(a, b))));
      expect(dominated.map(({ model }) => model)).toEqual(places.filter((place) => !frontier.includes(place)));
      for (const { model, by, clear } of dominated) {
        expect(beats(by, model)).toBe(true);
        const loss = estimates[model] - estimates[by] > (reach?.[model][by] ?? 0);
        const price = cost.estimates[model] - cost.estimates[by] > (cost.reach?.[model][by] ?? 0);
        expect(clear).toBe(loss ? (price ? "both" : "natural") : price ? "cost" : "none");
      }
    }
  });

  const repetitions = drawsOf(80, 2000);
  test(`cover the true difference of models of equal S and equal loss over ${repetitions} draws`, {
    timeout: 600_000,
  }, async () => {
    // y = x1 + ½x2 + ½x3 + noise: by symmetry {x1, x2} and {x1, x3} lose and cost the same in the population.
    const covered = { natural: 0, relative: 0, absolute: 0 };
    for (let r = 0; r < repetitions; r++) {
      const random = new Random(1000 + r);
      const X = random.rows(250, 3);
      const y = X.map((x) => x[0] + 0.5 * x[1] + 0.5 * x[2] + random.normal());
      const rows = table([
        ...[1, 2, 3].map((k) =>
          numeric(
            `x${k}`,
            X.map((x) => x[k - 1]),
          ),
        ),
        numeric("price", y),
      ]);
      const result = await compared(
        rows,
        { features: [columns("x1", "x2"), columns("x1", "x3")] },
        { standardize: false, evaluation: { kind: "cv", folds: 5 } },
      );
      const within = ({ estimates, reach }: ComparisonResult["natural"]): number =>
        Math.abs(estimates[0] - estimates[1]) <= (reach?.[0][1] ?? 0) ? 1 : 0;
      covered.natural += within(result.natural);
      if (result.relative.population) covered.relative += within(result.relative.population);
      if (result.absolute.population) covered.absolute += within(result.absolute.population);
    }
    const slack = 4 * Math.sqrt((0.95 * 0.05) / repetitions);
    for (const count of Object.values(covered)) {
      expect(count / repetitions).toBeGreaterThan(0.925 - slack);
      expect(count / repetitions).toBeLessThan(0.975 + slack);
    }
  });
});

describe("laws", () => {
  const family = { models: ["linear", "quadratic"], features: [rule("forward 1..2"), columns("area")], l2: [0, 0.1] };
  const numbers = (result: ComparisonResult): unknown => {
    const { timings: _, settings: __, data: ___, words: ____, flags: _____, ...rest } = result;
    return rest;
  };

  test("rows in another order, evaluated on rows apart, change nothing", async () => {
    const rows = houses(150, 6);
    const evaluationTable = houses(60, 7);
    const shuffled = new Random(3).shuffled(150);
    const moved = table(
      rows.columns.map((column) =>
        column.kind === "numeric"
          ? { ...column, values: Float64Array.from(shuffled, (i) => column.values[i]) }
          : { ...column, codes: Int32Array.from(shuffled, (i) => column.codes[i]) },
      ),
    );
    const [here, there] = await Promise.all(
      [rows, moved].map((one) =>
        compare({
          table: one,
          evaluationTable,
          settings: settings({ epsilons: [0.03], evaluation: { kind: "file", path: "new.csv" } }),
          family: { seeds: 1, ...family },
        }),
      ),
    );
    const other = new Map(leaves(numbers(there)).map(({ path, value }) => [path, value]));
    for (const { path, value } of leaves(numbers(here))) {
      const twin = other.get(path);
      if (typeof value !== "number" || typeof twin !== "number") expect(twin, path).toBe(value);
      else expect(Math.abs(value - twin), path).toBeLessThan(1e-7 * (1 + Math.abs(value)));
    }
  });

  test("no field is undefined, and every number is finite", async () => {
    const result = await compared(houses(), family);
    for (const { path, value } of leaves(result)) {
      expect(value, path).toBeDefined();
      if (typeof value === "number") expect(Number.isFinite(value), path).toBe(true);
    }
  });
});

test("networks from several seeds: the median stands for them, and their spread is told", async () => {
  const result = await compared(
    loans(),
    { models: ["logistic", "mlp:3"], seeds: 3 },
    { target: "repaid", evaluation: { kind: "fraction", share: 0.3 } },
  );
  const network = byName(result, "mlp:3");
  expect(network.seeds?.runs.map(({ seed }) => seed)).toEqual([0, 1, 2]);
  const losses = (network.seeds?.runs ?? []).map(({ naturalLoss }) => naturalLoss).toSorted((a, b) => a - b);
  expect(network.seeds?.naturalLoss).toEqual({ median: losses[1], least: losses[0], most: losses[2] });
  expect(network.naturalLoss.value).toBe(losses[1]);
  const single = await analyze({
    table: loans(),
    settings: settings({
      target: "repaid",
      model: "mlp:3",
      epsilons: [0.03],
      evaluation: { kind: "fraction", share: 0.3 },
    }),
  });
  expect(network.seeds?.runs[0].naturalLoss).toBeCloseTo(single.result.fit.heldOutLoss ?? 0, 8);
  expect(network.seeds?.runs[0].relativeCost).toBeCloseTo(single.result.threats[0].curve[0].cost, 8);
});

test("a model without a fit is left out, named, with its reason; a family of such models is an error", async () => {
  const rows = table([
    numeric(
      "x",
      Array.from({ length: 40 }, (_, i) => i + ((i * 13) % 7) / 10),
    ),
    numeric(
      "z",
      Array.from({ length: 40 }, (_, i) => (i * 7) % 11),
    ),
    numeric(
      "price",
      Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : 1)),
    ),
  ]);
  const family = { models: ["logistic"], features: [rule("first 1"), columns("z")] };
  const result = await compared(rows, family, { evaluation: { kind: "training" } });
  expect(result.models.map(({ name }) => name)).toEqual(["z"]);
  expect(result.failed[0].name).toBe("first 1");
  expect(result.failed[0].reason).toContain("separate");
  expect(result.flags.map(({ code }) => code)).toContain("model-left-out");
  expect(await rejected(compared(rows, { models: ["logistic"], features: [rule("all")] }))).toContain("numerical:");
});

describe("what makes no sense is refused", () => {
  test.each<[string, Partial<ComparisonFamily>, Partial<StudySettings>, string]>([
    [
      "a column that is not there",
      { features: [columns("area", "rooms")] },
      {},
      'input: test.csv has no feature column "rooms"',
    ],
    ["a column twice", { features: [columns("area", "area")] }, {}, "usage: --features names"],
    [
      "more columns than there are",
      { features: [rule("forward 1..9")] },
      {},
      'usage: --features "forward 1..9" asks for 9 columns, but test.csv has 4',
    ],
    ["a number beside labels", { models: ["linear", "logistic"] }, {}, "usage: --model linear has a squared error"],
    ["a count beside numbers", { models: ["poisson", "quadratic"] }, {}, "usage: --model poisson has a Poisson loss"],
    [
      "too many models",
      { features: [rule("first")], l2: Array.from({ length: 60 }, (_, k) => k) },
      {},
      "usage: This family has 240 models",
    ],
    ["a negative ridge", { l2: [-1] }, {}, "usage: --l2"],
    ["an unknown model", { models: ["banana"] }, {}, "usage: Unknown --model"],
    ["two norms", {}, { norms: [1, 2] }, "usage: A comparison is made under one --norm"],
    ["two sizes", {}, { epsilons: [0.1, 0.2] }, "usage: A comparison is made at one size"],
    ["networks in folds", { models: ["mlp:4"] }, {}, "usage: --evaluation cv:10 would train"],
    ["seeds without a network", { seeds: 4 }, {}, "usage: --seeds"],
    ["no whole number of seeds", { models: ["mlp:4"], seeds: 1.5 }, {}, "usage: --seeds 1.5"],
    ["scikit-learn's ridge", {}, { alpha: 1 }, "usage: --C and --alpha"],
    ["more components than features", { projects: parseProjects("pca:1..9") }, {}, "usage: --project pca:6"],
    ["a matrix of components", { projects: parseProjects("matrix.csv") }, {}, "usage: --project matrix.csv"],
    ["two selections", { l1: [1], features: [rule("forward")] }, {}, "usage: --l1 chooses columns"],
    ["components with an l1 penalty", { l1: [1], projects: parseProjects("pca:1") }, {}, "usage: --l1 selects"],
    ["noise", {}, { smoothing: { ...DEFAULT_SMOOTHING, sigma: -1 } }, "usage: --smoothing"],
    [
      "a lasso of products",
      { models: ["quadratic"], features: [rule("lasso 1..2")] },
      {},
      "usage: Lasso selection needs scores that are linear",
    ],
    [
      "a basis without a term",
      { models: ["basis:area^2"], features: [columns("age")] },
      {},
      "usage: No term of the basis",
    ],
  ])("%s", async (_, family, changes, message) => {
    expect(await rejected(compared(houses(), family, changes))).toContain(message);
  });

  test.each(["first 0", "first 3..1", "forward x", "first 1..2 3"])("the rule %s", (text) => {
    expect(() => parseFeatureRule(text)).toThrow("--features");
  });

  test.each(["pca:0..2", "pca:3..1", "factors:0", "pca:x"])("the projection %s", (text) => {
    expect(() => parseProjects(text)).toThrow("--project");
  });

  test("what is no rule names columns", () => {
    expect(parseFeatureRule("firstly")).toBeNull();
    expect(parseFeatureRule("a, b")).toBeNull();
  });
});

test("stopping", async () => {
  const stop = new AbortController();
  stop.abort();
  const work = compare(
    { table: houses(), settings: settings(), family: { models: [], features: [], l2: [], seeds: 1 } },
    { signal: stop.signal },
  );
  expect(await rejected(work)).toContain("cancelled:");
});
