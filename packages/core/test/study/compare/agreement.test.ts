/** Models with noise, kernel regressions and every adversary: each compared model is the model that an analysis has. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  analyze,
  type ComparisonFamily,
  type ComparisonResult,
  compare,
  ensureBlas,
  type StudySettings,
  type Table,
} from "../../../src/index.js";
import { DEFAULT_KERNEL } from "../../../src/study/kernel-settings.js";
import { DEFAULT_SMOOTHING, type SmoothingSettings } from "../../../src/study/smoothing-settings.js";
import { houses, loans, settings } from "../tables.js";

beforeAll(() => ensureBlas());

const SIZE = 0.02;

const noise = (sigma: number, changes: Partial<SmoothingSettings> = {}): Partial<StudySettings> => ({
  smoothing: { ...DEFAULT_SMOOTHING, draws: 16, sigma, ...changes },
});

const fraction = { evaluation: { kind: "fraction", share: 0.3 } } as const;

/** An analysis of a model and the comparison that holds it alone. */
async function both(rows: Table, changes: Partial<StudySettings>) {
  const chosen = settings({ norms: [2], epsilons: [SIZE], ...changes });
  const { result: single } = await analyze({ table: rows, settings: chosen });
  const compared = await compare({
    table: rows,
    settings: { ...chosen, model: null, l2: null },
    family: { models: [chosen.model ?? ""], l2: chosen.l2 === null ? [] : [chosen.l2] },
  });
  return { single, compared };
}

function close(value: number | null | undefined, goal: number | null | undefined, tolerance = 1e-9): void {
  if (goal === null || goal === undefined) expect(value ?? null).toBeNull();
  else expect(Math.abs((value ?? Number.NaN) - goal)).toBeLessThan(tolerance * (1 + Math.abs(goal)));
}

describe("one model of a comparison is the model that an analysis has", () => {
  test.each<[string, Partial<StudySettings>, Table]>([
    ["draws of the noise", { model: "linear", ...noise(0.4) }, houses()],
    ["draws of a quadratic model", { model: "quadratic", l2: 0.05, ...noise(0.2) }, houses(80)],
    ["noise, judged without it", { model: "linear", ...noise(0.4, { evaluation: "clean" }) }, houses()],
    ["the same on rows apart", { model: "linear", ...fraction, ...noise(0.4, { evaluation: "clean" }) }, houses()],
    ["c of noisy rows", { model: "linear", ...fraction, ...noise(0.4, { budget: "noisy" }) }, houses()],
    ["draws, bootstrap", { model: "linear", inference: "bootstrap", draws: 50, ...fraction, ...noise(0.3) }, houses()],
    ["the mean loss over the noise", { model: "linear", ...noise(0.4, { attack: "smoothed" }) }, houses()],
    [
      "draws of a softmax model",
      { target: "repaid", model: "softmax", l2: 0.05, ...fraction, ...noise(0.3) },
      loans(80),
    ],
    ["one budget for all rows", { model: "linear", wasserstein: 2 }, houses()],
    [
      "the same, bootstrap",
      { model: "linear", wasserstein: 2, inference: "bootstrap", draws: 50, ...fraction },
      houses(),
    ],
    ["one budget, one row", { model: "linear", wasserstein: 1, ...fraction }, houses()],
    ["one budget, a quadratic model", { model: "quadratic", l2: 0.05, wasserstein: 2 }, houses()],
    ["one budget, classes", { target: "repaid", model: "softmax", l2: 0.05, wasserstein: 2, ...fraction }, loans(100)],
    ["a χ² ball", { target: "repaid", model: "logistic", l2: 0.01, divergence: "chi2", norms: [] }, loans()],
    ["a KL ball", { model: "linear", divergence: "kl", norms: [] }, houses()],
    ["a network", { model: "mlp:2", l2: 0.05, ...fraction }, loansAsNumbers()],
    [
      "a kernel",
      { model: "kernel:rbf", kernel: { ...DEFAULT_KERNEL, gamma: 0.2, ridge: 0.5 }, ...fraction },
      houses(70),
    ],
    ["a kernel in folds", { model: "kernel:rbf", evaluation: { kind: "cv", folds: 4 }, draws: 50 }, houses(60)],
  ])("%s", async (_, changes, rows) => {
    const sizes = changes.divergence ? { epsilons: null, radii: [SIZE] } : {};
    const { single, compared } = await both(rows, { ...changes, ...sizes });
    const [model] = compared.models;
    const [{ curve, sensitivity, scale, trustRadius }] = single.threats;
    const [point] = curve;
    close(model.naturalLoss.value, single.fit.heldOutLoss ?? single.fit.trainingLoss);
    close(model.trainingLoss, single.fit.trainingLoss);
    close(model.relative.cost.value, point.cost);
    close(model.scale, scale);
    close(model.trustRadius, trustRadius, 1e-6);
    close(model.sensitivity?.slope, sensitivity.heldOut?.slope);
    close(model.sensitivity?.curvature, sensitivity.heldOut?.curvature);
    expect(model.relative.robustLoss).not.toBeNull();
    close(model.relative.robustLoss?.now, point.robustLossNatural, 1e-6);
    close(model.relative.robustLoss?.after, point.robustLoss, 1e-6);
    const judged = changes.smoothing?.evaluation === "noisy" || compared.data.evaluation.startsWith("cv");
    const draws = changes.smoothing?.attack === "draw" && judged ? compared.data.evaluationRows : 1;
    // The draws of a row are one cluster of an analysis, with the factor n/(n − 1); here they are one row.
    const factor = draws === 1 ? 1 : Math.sqrt((draws - 1) / draws);
    const reach = ([lower, upper]: readonly [number, number]): number => upper - lower;
    if (point.heldOut?.interval && model.relative.cost.interval) {
      close(reach(model.relative.cost.interval), factor * reach(point.heldOut.interval));
    }
    if (model.populationReason?.startsWith("the size lies beyond")) expect(model.relative.population).toBeNull();
    else {
      close(
        model.relative.population?.predicted,
        sensitivity.population && SIZE ** 2 * sensitivity.population.debiased,
      );
      close(
        model.relative.population?.interval[0],
        sensitivity.population && SIZE ** 2 * sensitivity.population.interval[0],
      );
    }
  });
});

/** A target that a small network fits from every seed. */
function loansAsNumbers(): Table {
  const rows = houses(150, 3);
  return { ...rows, columns: rows.columns.filter(({ name }) => name !== "town" && name !== "garden") };
}

const family = (
  rows: Table,
  given: ComparisonFamily,
  changes: Partial<StudySettings> = {},
): Promise<ComparisonResult> =>
  compare({ table: rows, settings: settings({ epsilons: [SIZE], ...changes }), family: given });

describe("noise as an axis of the family", () => {
  test("σ = 0 is the model without noise, and equal models with noise do not differ", async () => {
    const result = await family(houses(), { smoothing: [0, 0.3, 0.3] }, noise(0));
    const plain = await family(houses(), {});
    const [zero, noisy, again] = result.models;
    expect(result.models.map(({ name }) => name)).toEqual(["σ = 0", "σ = 0.3", "σ = 0.3 (2)"]);
    expect(zero.naturalLoss).toEqual(plain.models[0].naturalLoss);
    expect(zero.relative).toEqual(plain.models[0].relative);
    expect(noisy.smoothing).toBe(0.3);
    expect(noisy.relative).toEqual(again.relative);
    expect(result.natural.reach?.[2][1]).toBe(0);
    expect(noisy.scale).toBeCloseTo(zero.scale, 10);
    expect(noisy.information).toBeNull();
    expect(result.settings.noise).toEqual({ attack: "draw", evaluation: "noisy", budget: "clean", draws: 16 });
  });

  test("differences are paired row by row: a row's draws count as one", async () => {
    // The standard error of a mean of n rows whatever the number of draws: draws of a row are no further rows.
    const of = async (draws: number): Promise<number> => {
      const { natural } = await family(houses(200, 7), { smoothing: [0, 0.5] }, noise(0, { draws }));
      return (natural.reach?.[1][0] ?? Number.NaN) / (natural.factor ?? Number.NaN);
    };
    const [few, many] = [await of(16), await of(64)];
    expect(many / few).toBeGreaterThan(0.6);
    expect(many / few).toBeLessThan(1.1);
  });

  test("selections with noise are made on noisy rows in every fold", async () => {
    const { parseFeatureRule } = await import("../../../src/index.js");
    const rule = parseFeatureRule("forward 2") ?? { kind: "all" };
    const result = await family(houses(), { features: [rule], smoothing: [0.3] }, noise(0));
    expect(result.models[0].columns).toHaveLength(2);
    const chosen = result.models[0].chosen ?? [];
    expect(chosen.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(2, 12);
  });

  test("σ below 0 is refused in one sentence", async () => {
    await expect(family(houses(), { smoothing: [0, -0.25] })).rejects.toThrow(/^--smoothing -0.25 must be [^.]*\.$/);
  });
});

describe("the size where none is given", () => {
  test("is the largest, to two digits, that every trust radius allows under both conventions", async () => {
    const rules = [["area"], ["area", "age"], ["area", "age", "garden"]];
    const result = await family(
      houses(200, 5),
      { features: rules.map((columns) => ({ kind: "columns", columns })), models: ["linear", "quadratic"], l2: [0.05] },
      { epsilons: null },
    );
    const { sizes, models } = result;
    expect(sizes.given).toBe("none");
    expect(models.every(({ relative, absolute }) => !relative.extrapolated && !absolute.extrapolated)).toBe(true);
    const limits = models.map(
      ({ trustRadius, scale }) => (trustRadius ?? 1) * Math.min(1, scale / sizes.referenceScale),
    );
    const next = sizes.epsilon + 10 ** (Math.floor(Math.log10(sizes.epsilon)) - 1);
    expect(Math.min(0.3, ...limits)).toBeLessThan(next);
    const given = await family(
      houses(200, 5),
      { features: rules.map((columns) => ({ kind: "columns", columns })), models: ["linear", "quadratic"], l2: [0.05] },
      { epsilons: [sizes.epsilon] },
    );
    expect(given.models.map(({ relative }) => relative)).toEqual(models.map(({ relative }) => relative));
  });

  test("S of a network beyond its trust radius is no number", async () => {
    const { models, flags } = await family(
      loansAsNumbers(),
      { models: ["mlp:2", "linear"], l2: [0.05], seeds: 2 },
      { ...fraction, epsilons: [3] },
    );
    const network = models.find(({ model }) => model === "mlp:2");
    expect(network?.relative.population).toBeNull();
    expect(network?.populationReason).toContain("beyond the trust radius");
    expect(network?.seeds?.runs.every(({ trustRadius }) => trustRadius !== null && trustRadius < 3)).toBe(true);
    expect(flags.some(({ code, message }) => code === "trust-exceeded" && message.includes("of the seeds"))).toBe(true);
  });
});

describe("families with kernel regressions", () => {
  test("a ridge of the others and the kernel's own", async () => {
    const { models } = await family(
      houses(60),
      { models: ["linear", "kernel:rbf"], l2: [0, 0.1] },
      { kernel: { ...DEFAULT_KERNEL, gamma: 0.3 }, inference: "none", ...fraction },
    );
    expect(models.map(({ name }) => name).sort()).toEqual(["kernel:rbf", "linear, λ = 0", "linear, λ = 0.1"]);
    const kernel = models.find(({ model }) => model === "kernel:rbf");
    expect(kernel?.kernel?.gamma).toBe(0.3);
    expect(kernel?.information).toBeNull();
    expect(kernel?.informationReason).toContain("parameter for every row");
  });

  test("a model without a closed form that nobody can attack is left out, with the reason", async () => {
    const { failed } = await family(
      houses(60),
      {
        models: ["linear", "mlp:2", "kernel:rbf"],
        features: [
          { kind: "columns", columns: ["garden"] },
          { kind: "columns", columns: ["age"] },
        ],
      },
      { inference: "none", ...fraction },
    );
    expect(failed.map(({ name }) => name)).toEqual(["mlp:2, garden", "kernel:rbf, garden"]);
    expect(failed[0].reason).toContain("can be attacked");
  });

  test.each<[string, ComparisonFamily, Partial<StudySettings>, string]>([
    ["a log loss beside it", { models: ["logistic", "kernel:rbf"] }, { target: "repaid" }, "cannot be compared"],
    [
      "its options without it",
      { models: ["linear"] },
      { kernel: { ...DEFAULT_KERNEL, gamma: 1 } },
      "--gamma is for kernel",
    ],
    ["noise", { models: ["kernel:rbf"], smoothing: [0.1] }, {}, "--smoothing does not go with"],
    ["ridges of nobody", { models: ["kernel:rbf"], l2: [0.1] }, {}, "--l2 does not go with"],
    ["one budget", { models: ["kernel:rbf"] }, { wasserstein: 2 }, "--wasserstein does not go with"],
  ])("refuse %s", async (_, given, changes, message) => {
    await expect(family(changes.target ? loans(60) : houses(60), given, changes)).rejects.toThrow(message);
  });
});
