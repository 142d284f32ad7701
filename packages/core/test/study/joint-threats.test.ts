/** Rows that share a budget or are reweighted, end to end: against the pointwise result, exact optima and plain loops. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  AifError,
  analyze,
  encode,
  fit,
  influence,
  linear,
  lp,
  readTable,
  type StudySettings,
  type Table,
  verify,
  wasserstein,
} from "../../src/index.js";
import { empRobustOptimum } from "../../src/robust/emp-optimum.js";
import { cpuTime } from "../cpu-time.js";
import { Random } from "../models/naive.js";
import { categorical, houses, leaves, loans, numeric, settings, table } from "./tables.js";

const INF = Number.POSITIVE_INFINITY;
const study = async (data: Table, changes: Partial<StudySettings>) =>
  (await analyze({ table: data, settings: settings(changes) })).result;

/** Counts that a Poisson model fits. */
function visits(n = 120): Table {
  const random = new Random(9);
  const distance = Array.from({ length: n }, () => 5 * random.uniform());
  const age = Array.from({ length: n }, () => 20 + 50 * random.uniform());
  const price = distance.map((d) => Math.floor(Math.exp(1.2 - 0.3 * d) * 2 * random.uniform() + random.uniform()));
  return table([numeric("distance", distance), numeric("age", age), numeric("price", price)]);
}

const MODELS: readonly (readonly [string, Table, Partial<StudySettings>])[] = [
  ["linear", houses(), {}],
  ["quadratic", houses(), { model: "quadratic", l2: 1 }],
  ["basis", houses(), { model: "basis:area,age,area*age/100" }],
  ["logistic", loans(), { target: "repaid", positive: "yes" }],
  ["poisson", visits(), { model: "poisson" }],
];

describe.each(MODELS)("%s", (name, data, model) => {
  test("u = ∞ is the pointwise result", async () => {
    const changes = { ...model, evaluation: { kind: "cv", folds: 3 }, epsilons: [0.01] } as const;
    const [plain, infinite] = [await study(data, changes), await study(data, { ...changes, wasserstein: INF })];
    expect(infinite.threats[0].threat.wasserstein).toBe("inf");
    expect(infinite.settings.wasserstein).toBe("inf");
    const { threat: _, ...one } = infinite.threats[0];
    const { threat: __, ...other } = plain.threats[0];
    expect(one).toEqual(other);
  });

  test.each([1, 1.5, 2, 4])("u = %d: every part of the result is there, and the adversary gains", async (u) => {
    const changes = {
      ...model,
      evaluation: { kind: "cv", folds: 3 },
      epsilons: [0.002, 0.02],
      wasserstein: u,
    } as const;
    const { threats, flags } = await study(data, changes);
    const [{ curve, threat, influence, contributions, trustRadius, kinkRadius: __, sensitivity }] = threats;
    expect([threat.norm, threat.wasserstein, threat.divergence]).toEqual(["2", String(u), null]);
    expect(influence.every(Number.isFinite)).toBe(true);
    expect(contributions.parameters.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(sensitivity.heldOut?.curvature ?? 0).toBeGreaterThan(0);
    const closed = name !== "quadratic" && name !== "basis";
    expect(curve.map(({ robustLossMethod }) => robustLossMethod)).toEqual(
      Array(2).fill(closed ? "shared-budget" : "expansion"),
    );
    expect(trustRadius !== null).toBe(closed);
    for (const { robustLossNatural } of curve) expect(robustLossNatural).toBeGreaterThan(curve[0].cost - INF);
    expect(curve[1].robustLossNatural).toBeGreaterThan(curve[0].robustLossNatural);
    expect(flags.some(({ code }) => code === "one-row-budget")).toBe(u === 1);
    expect(flags.some(({ code }) => code === "no-inference")).toBe(true);
    expect(leaves(threats).every(({ value }) => value !== undefined && !Number.isNaN(value))).toBe(true);
  });

  test.each(["chi2", "kl"] as const)("%s: every part is there, and the exact optimum agrees", async (divergence) => {
    const { threats, flags } = await verify({
      table: data,
      settings: settings({ ...model, norms: [], divergence, radii: [0.001, 0.01], evaluation: { kind: "training" } }),
    });
    const [{ curve, threat, scale, trustRadius }] = threats;
    expect([threat.norm, threat.wasserstein, threat.divergence, scale]).toEqual([null, null, divergence, 1]);
    expect([threat.attacked, threat.frozen]).toEqual([[], []]);
    expect(trustRadius ?? 0).toBeGreaterThan(0);
    for (const point of curve) {
      expect(point.optimum?.converged).toBe(true);
      expect(point.relativeParameterError ?? 1).toBeLessThan(0.3);
      expect(point.robustLossMethod).toBe("reweighting");
      // κ is the error, while that is small.
      expect(Math.abs((point.stationarity ?? 1) - (point.relativeParameterError ?? 0))).toBeLessThan(0.05);
    }
    expect(curve[0].relativeParameterError ?? 1).toBeLessThan(0.05);
    expect(flags.some(({ code }) => code === "loss-without-constant")).toBe(name === "poisson");
  });
});

test("a Wasserstein adversary is verified against the exact optimum of its empirical problem", async () => {
  for (const [data, model] of [
    [houses(), {}],
    [loans(), { target: "repaid", positive: "yes" }],
  ] as const) {
    const { threats } = await verify({
      table: data,
      settings: settings({ ...model, wasserstein: 2, epsilons: [0.001, 0.01], evaluation: { kind: "training" } }),
    });
    for (const point of threats[0].curve) {
      expect([point.optimum?.method, point.optimum?.converged]).toEqual(["newton", true]);
      expect(Math.abs((point.stationarity ?? 1) - (point.relativeParameterError ?? 0))).toBeLessThan(0.02);
    }
    expect(threats[0].curve[0].relativeParameterError ?? 1).toBeLessThan(0.03);
  }
});

test("squared losses under u = 2 are (√MSE + ρN)², in every fold by itself", async () => {
  const data = houses(90);
  const { threats, model } = await study(data, { wasserstein: 2, radii: [0.1], evaluation: { kind: "training" } });
  const { curve, threat } = threats[0];
  const { result } = await analyze({ table: data, settings: settings({ evaluation: { kind: "training" } }) });
  const { parameters, trainingLoss } = result.fit;
  const slopes = threat.attacked.map((feature) => parameters[model.parameters.indexOf(feature)]);
  const N = Math.hypot(...slopes);
  expect(curve[0].robustLossNatural).toBeCloseTo((Math.sqrt(trainingLoss) + 0.1 * N) ** 2, 6);
});

test("the result is continuous in u", async () => {
  const at = async (u: number) =>
    (await study(houses(), { wasserstein: u, epsilons: [0.01], evaluation: { kind: "training" } })).threats[0];
  const [low, high, far, infinite] = [await at(2), await at(2.0001), await at(2000), await at(INF)];
  const away = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((value, j) => Math.abs(value - b[j]))) / Math.max(...b.map(Math.abs));
  expect(away(high.influence, low.influence)).toBeLessThan(1e-3);
  expect(away(far.influence, infinite.influence)).toBeLessThan(0.01);
  expect(high.curve[0].robustLossNatural / low.curve[0].robustLossNatural).toBeCloseTo(1, 3);
  expect(far.curve[0].robustLossNatural / infinite.curve[0].robustLossNatural).toBeCloseTo(1, 2);
});

describe("models without a closed form", () => {
  const random = new Random(4);
  const x = random.normals(90);
  const z = random.normals(90);
  const kinds = categorical(
    "kind",
    x.map((value, i) =>
      value + 0.8 * random.normal() > 0.4 ? "ash" : z[i] + 0.8 * random.normal() > 0 ? "beech" : "cedar",
    ),
  );
  const trees = table([numeric("x", x), numeric("z", z), kinds]);
  const sizes = [
    [{ wasserstein: 2, epsilons: [0.001, 0.01] }, "projected-gradient"],
    [{ wasserstein: 1, epsilons: [0.0001] }, "projected-gradient"],
    [{ norms: [], divergence: "chi2", radii: [0.001, 0.05] }, "reweighting"],
    [{ norms: [], divergence: "kl", radii: [0.001, 0.05] }, "reweighting"],
  ] as const;

  test.each(sizes)("softmax, %o", async (changes, method) => {
    const base = { target: "kind", model: "softmax", l2: 0.05, ...changes } as const;
    const { threats } = await verify({
      table: trees,
      settings: settings({ ...base, evaluation: { kind: "training" } }),
    });
    const [{ curve, threat }] = threats;
    expect(curve[0].robustLossMethod).toBe(method);
    expect(curve[0].relativeParameterError ?? 1).toBeLessThan(0.05);
    expect(Object.keys(curve[0].metrics.robust).length > 0).toBe(threat.divergence === null);
    const held = await study(trees, { ...base, evaluation: { kind: "cv", folds: 3 } });
    expect(held.threats[0].curve[0].heldOut).not.toBeNull();
    expect(held.threats[0].curve[0].robustLossNatural).toBeGreaterThan(held.fit.heldOutLoss ?? 0);
    const shares = held.threats[0].contributions.parameters.reduce((sum, { share }) => sum + share, 0);
    expect(shares).toBeCloseTo(1, 6);
  });

  test("a network", async () => {
    for (const [changes] of sizes.slice(0, 3)) {
      const { threats } = await study(trees, {
        target: "kind",
        model: "mlp:4",
        l2: 0.02,
        evaluation: { kind: "fraction", share: 0.2 },
        ...changes,
      });
      expect(threats[0].influence.every(Number.isFinite)).toBe(true);
      expect(threats[0].curve[0].robustLossNatural).toBeGreaterThan(0);
    }
  });
});

describe("intervals", () => {
  test("come from the bootstrap, but not for u = 1", async () => {
    const data = houses(150);
    const base = { inference: "bootstrap", draws: 60, evaluation: { kind: "training" } } as const;
    for (const changes of [{ wasserstein: 2 }, { norms: [], divergence: "chi2" as const }]) {
      const { threats, flags } = await study(data, { ...base, ...changes });
      expect(threats[0].standardErrors?.every((se) => se > 0)).toBe(true);
      expect(threats[0].sensitivity.population?.interval[1]).toBeGreaterThan(0);
      expect(flags.some(({ code }) => code === "no-inference")).toBe(false);
    }
    const { threats, flags } = await study(data, { ...base, wasserstein: 1 });
    expect(threats[0].standardErrors).toBeNull();
    expect(flags.find(({ code }) => code === "no-inference")?.message).toMatch(/u = 1 one row takes everything/);
  });
});

test("adversaries that contradict themselves are refused in one sentence", async () => {
  const refusals: readonly (readonly [Partial<StudySettings>, RegExp])[] = [
    [{ wasserstein: 0.5 }, /--wasserstein 0.5 is no order/],
    [{ wasserstein: Number.NaN }, /is no order/],
    [{ divergence: "kl" }, /--divergence does not go with --norm/],
    [{ norms: [], divergence: "kl", epsilons: [0.1] }, /--divergence does not go with --epsilon: .*--radius/],
    [{ norms: [], divergence: "kl", wasserstein: 2 }, /does not go with --wasserstein/],
    [{ norms: [], divergence: "kl", budgets: [{ column: "area", budget: 1 }] }, /does not go with --budget/],
    [{ norms: [], divergence: "kl", freeze: ["area"] }, /does not go with --freeze/],
    [{ norms: [], divergence: "kl", bounds: [{ column: "area", lower: 0, upper: 500 }] }, /does not go with --bounds/],
    [{ norms: [], divergence: "tv" as "kl" }, /no divergence "tv"; use chi2 or kl/],
    [{ norms: [] }, /--norm needs at least one/],
  ];
  for (const [changes, message] of refusals) {
    const error: unknown = await study(houses(), changes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AifError);
    expect(String(error)).toMatch(message);
  }
  await expect(
    verify({ table: houses(), settings: settings({ model: "quadratic", l2: 1, wasserstein: 2 }) }),
  ).rejects.toThrow(/share a budget is not known exactly for a quadratic model/);
});

/** Where the worst case changes its branch Newton's method never ends, and each of its thousands of steps solves inner maxima. */
describe("an optimum that is not found", () => {
  const houseRows = async (rows: number): Promise<Table> => {
    const text = await readFile(new URL("../../../../examples/house-prices.csv", import.meta.url), "utf8");
    const some = text
      .split("\n")
      .slice(0, rows + 1)
      .join("\n");
    return readTable(new TextEncoder().encode(some));
  };

  test("takes an analysis seconds, not minutes, and leaves the optima of smaller sizes", async () => {
    const data = await houseRows(80);
    const start = cpuTime();
    const { threats } = await study(data, {
      target: "price_thousands",
      wasserstein: 1.5,
      norms: [1.25],
      epsilons: [0.002, 0.1, 0.2],
      evaluation: { kind: "training" },
      freeze: null,
    });
    const [found, ...others] = threats[0].curve.map(({ thisData }) => thisData.exact);
    expect(found).not.toBeNull();
    expect(others).toEqual([null, null]);
    expect(cpuTime() - start).toBeLessThan(8000);
  });

  test("ends after as many evaluations as it may take", async () => {
    const data = encode(await houseRows(40), { target: "price_thousands" });
    const budgets = data.featureInfo.map(({ kind }) => (kind === "indicator" ? 0 : 1));
    const fitted = await fit(linear(), data);
    const { scale } = await influence(fitted, wasserstein(1.5, lp(1.25, { budgets })));
    const few = await empRobustOptimum(fitted, lp(1.25, { budgets }), 1.5, 0.2 * scale, { evaluations: 5 });
    const more = await empRobustOptimum(fitted, lp(1.25, { budgets }), 1.5, 0.2 * scale, { evaluations: 30 });
    expect(few.converged).toBe(false);
    expect(few.iterations).toBeLessThanOrEqual(5);
    expect(more.iterations).toBeGreaterThan(few.iterations);
    expect(more.objective).toBeLessThanOrEqual(few.objective);
  });
});
