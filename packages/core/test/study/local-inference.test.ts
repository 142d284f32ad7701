/** Intervals for the population of models without a closed form, end to end. */
import { describe, expect, it } from "vitest";
import { analyze, DEFAULT_SETTINGS, type StudyInput, type StudySettings, verify } from "../../src/index.js";
import { Random } from "../models/naive.js";
import { categorical, leaves, loans, numeric, table } from "./tables.js";

const settings = (changes: Partial<StudySettings>, local: Partial<StudySettings["local"]> = {}): StudySettings => ({
  ...DEFAULT_SETTINGS,
  target: "repaid",
  evaluation: { kind: "training" },
  epsilons: [0, 0.001],
  ...changes,
  local: { ...DEFAULT_SETTINGS.local, ...local },
});

const coefficients = {
  coef_: [[0.05, -0.08]],
  intercept_: [-1.3],
  classes_: ["no", "yes"],
  feature_names_in_: ["income", "debt"],
};

const imported = (changes: Partial<StudySettings> = {}, local: Partial<StudySettings["local"]> = {}): StudyInput => ({
  table: loans(),
  importedModel: new TextEncoder().encode(JSON.stringify(coefficients)),
  settings: settings(changes, { import: "model.json", ...local }),
});

/** Why there is no interval, and that none is given. */
async function refusal(input: StudyInput): Promise<string | undefined> {
  const { result } = await analyze(input);
  const [{ standardErrors, interval, simultaneous, sensitivity, curve }] = result.threats;
  expect({ standardErrors, interval, simultaneous, population: sensitivity.population }).toEqual({
    standardErrors: null,
    interval: null,
    simultaneous: null,
    population: null,
  });
  expect(curve[0].population).toBeNull();
  expect(result.fit.estimationLoss).toBeNull();
  return result.flags.find(({ code }) => code === "no-inference")?.message;
}

describe("an imported linear model, polished", () => {
  it.each([[2], [Number.POSITIVE_INFINITY], [1]])("has the intervals of the closed form, p = %d", async (p) => {
    const ours = await analyze(imported({ norms: [p] }));
    const theirs = await analyze({
      table: loans(),
      settings: settings({ model: "logistic", standardize: false, norms: [p] }),
    });
    const [a, b] = [ours, theirs].map(({ result }) => result.threats[0]);
    const place = (names: readonly string[], name: RegExp) => names.findIndex((other) => name.test(other));
    for (const name of [/intercept/i, /income/, /debt/]) {
      const i = place(ours.result.model.parameters, name);
      const j = place(theirs.result.model.parameters, name);
      expect((a.standardErrors?.[i] ?? 0) / (b.standardErrors?.[j] ?? 1)).toBeCloseTo(1, 5);
      expect((a.interval?.upper[i] ?? 0) / (b.interval?.upper[j] ?? 1)).toBeCloseTo(1, 4);
      expect((a.simultaneous?.lower[i] ?? 0) / (b.simultaneous?.lower[j] ?? 1)).toBeCloseTo(1, 1);
    }
    expect((ours.result.fit.estimationLoss ?? 0) / (theirs.result.fit.estimationLoss ?? 1)).toBeCloseTo(1, 5);
    const { standardError = 0 } = a.sensitivity.population ?? {};
    expect(standardError / (b.sensitivity.population?.standardError ?? 1)).toBeCloseTo(1, 5);
    expect(ours.result.flags.map(({ code }) => code)).not.toContain("no-inference");
  });

  it("has none as it came, damped, or where none was asked for", async () => {
    expect(await refusal(imported({}, { polish: false }))).toMatch(/since --no-polish leaves/);
    expect(await refusal(imported({}, { damping: 0.1 }))).toMatch(/since the response is damped/);
    expect(await refusal(imported({ inference: "none" }))).toBeUndefined();
  });
});

describe("a softmax model", () => {
  const random = new Random(3);
  const kinds = Array.from({ length: 120 }, (_, i) => ["ash", "beech", "cedar"][i % 3]);
  const x = kinds.map((_, i) => [0, 1.2, 0.3][i % 3] + random.normal());
  const y = kinds.map((_, i) => [0, 0.2, 1.5][i % 3] + random.normal());
  const trees = table([numeric("x", x), numeric("y", y), categorical("kind", kinds)], "clouds.csv");
  const input = { table: trees, settings: settings({ target: "kind", model: "softmax", l2: 0.02 }) };

  it("has intervals for its shifts and its curvature, wider with many parameters", async () => {
    const { result } = await analyze(input);
    const [{ influence, interval, simultaneous, standardErrors, sensitivity, curve }] = result.threats;
    influence.forEach((value, j) => {
      const error = standardErrors?.[j] ?? 0;
      expect(error).toBeGreaterThan(0);
      expect((interval?.upper[j] ?? 0) - value).toBeCloseTo(1.959964 * error, 5);
      // Eight directions at once: between one and Bonferroni's nine.
      expect(((simultaneous?.upper[j] ?? 0) - value) / error).toBeGreaterThan(2.2);
      expect(((simultaneous?.upper[j] ?? 0) - value) / error).toBeLessThan(2.78);
    });
    const { population } = sensitivity;
    expect(population?.debiased).toBeLessThan(sensitivity.training.curvature);
    expect(curve[1].population?.predicted).toBeCloseTo(1e-6 * (population?.debiased ?? 0), 12);
    expect(curve[1].rowsShare).toBeGreaterThan(0);
    expect(result.flags.map(({ code }) => code)).toContain("few-rows");
    expect(leaves(result).filter(({ value }) => value === undefined)).toEqual([]);
  });

  it("has a bootstrap, all threats from the same draws", async () => {
    const bootstrap = {
      ...input.settings,
      inference: "bootstrap",
      draws: 60,
      norms: [2, Number.POSITIVE_INFINITY],
    } as const;
    const [drawn, sandwich] = [
      (await analyze({ ...input, settings: bootstrap })).result,
      (await analyze(input)).result,
    ];
    expect(drawn.threats).toHaveLength(2);
    const [a, b] = [drawn, sandwich].map(({ threats }) => threats[0]);
    a.standardErrors?.forEach((value, j) => {
      expect(Math.abs(Math.log(value / (b.standardErrors?.[j] ?? 0)))).toBeLessThan(0.5);
    });
    const T = [drawn, sandwich].map(({ fit }) => fit.estimationLoss ?? 0);
    expect(Math.abs(Math.log(T[0] / T[1]))).toBeLessThan(0.5);
    expect(a.sensitivity.population?.curvature).toBeCloseTo(a.sensitivity.training.curvature, 12);
    expect(drawn.settings.draws).toBe(60);
  });

  it("warns of features whose corner is within chance: p = ∞ where nothing is known to depend on them", async () => {
    const noise = new Random(8).normals(120);
    const wider = table([...trees.columns, numeric("noise", noise)], "clouds.csv");
    const at = (norm: number) => ({ table: wider, settings: { ...input.settings, norms: [norm] } });
    const corners = async (norm: number) =>
      (await analyze(at(norm))).result.flags.filter(({ code }) => code === "near-corner").map(({ message }) => message);
    expect(await corners(Number.POSITIVE_INFINITY)).toEqual([
      'p = inf: chance may put the coefficients of "noise" on the other side of a corner.',
    ]);
    expect(await corners(2)).toEqual([]);
  });

  it("tells verify how much of S is sampling", async () => {
    const { threats } = await verify(input);
    const { result } = await analyze(input);
    const { standardError = 0, curvature = 1 } = result.threats[0].sensitivity.population ?? {};
    expect(threats[0].errorBudget?.sampling).toBeCloseTo(standardError / curvature, 8);
  });
});

it("networks with ReLU units have none", async () => {
  const network = settings({ model: "mlp:1", l2: 0.1 }, { activation: "relu" });
  expect(await refusal({ table: loans(), settings: network })).toMatch(/since the network has ReLU units/);
});
