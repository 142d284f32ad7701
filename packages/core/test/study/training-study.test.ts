/** Adversarial training of a table: against the exact optimum, sums over plain arrays, and itself after a checkpoint. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  DEFAULT_TRAINING,
  type StudySettings,
  type TrainingResult,
  type TrainingSettings,
  type TrainingState,
  type TrainingWork,
  trainingStudy,
  verify,
} from "../../src/index.js";
import { conjugate, dot, lossOf, pNorm, relativeError } from "../models/naive.js";
import { houses, loans, settings } from "./tables.js";

const INF = Number.POSITIVE_INFINITY;

const run = (
  changes: Partial<StudySettings>,
  training: Partial<TrainingSettings> = {},
  work: TrainingWork = {},
  data = houses(),
): Promise<TrainingResult> =>
  trainingStudy(
    {
      table: data,
      settings: settings({ epsilons: [0.05], ...changes }),
      training: { ...DEFAULT_TRAINING, ...training },
    },
    work,
  );

const loanSettings = { target: "repaid", epsilons: [0.05], freeze: ["none"] };

test.each([
  [2, {}, houses()],
  [3, loanSettings, loans()],
  [2, { ...loanSettings, l2: 0.1 }, loans()],
])("p = %d: reaches the exact optimum of aif verify, and repeats its prediction", async (norm, changes, data) => {
  const result = await run({ norms: [norm], ...changes }, {}, {}, data);
  const exact = await verify({ table: data, settings: settings({ norms: [norm], epsilons: [0.05], ...changes }) });
  const [{ curve, scale, threat }] = exact.threats;
  const [point] = curve;
  // Residuals stuck at the corner of their robust loss stop a descent close to the optimum.
  expect(result.training.converged).toBe(data.columns.length === 3);
  expect(relativeError(result.trained.parameters, point.robustParameters ?? [])).toBeLessThan(1e-4);
  expect(result.trained.naturalLoss / (point.robustNaturalLoss ?? 0)).toBeCloseTo(1, 5);
  expect(
    relativeError(
      result.predicted?.parameters ?? [],
      exact.fit.parameters.map((value, j) => value + 0.05 * exact.threats[0].influence[j]),
    ),
  ).toBeLessThan(1e-12);
  expect(result.comparison?.predictedChange).toBeCloseTo(point.thisData.predicted, 9);
  expect(Math.abs(result.radius - 0.05 * scale)).toBeLessThan(1e-12 * scale);
  expect(result.threat.attacked).toEqual(threat.attacked);
  const objective = result.training.gap?.objective ?? 0;
  expect(result.training.gap?.relative).toBeLessThan(1e-7);
  expect(
    result.trained.parameters.reduce(
      (sum, value, j) => sum + (j > 0 ? 0.5 * result.model.l2 * value ** 2 : 0),
      result.trained.robustLoss,
    ),
  ).toBeCloseTo(objective, 9);
});

test("beyond the collapse nothing is trained, and the best model without the attacked features comes back", async () => {
  for (const p of [1, 2, INF]) {
    const result = await run({ ...loanSettings, norms: [p], epsilons: [5] }, {}, {}, loans());
    expect(result.training).toMatchObject({ stopped: "collapse", converged: true, iterations: 0 });
    expect(result.trained.parameters.slice(1)).toEqual(result.trained.parameters.slice(1).map(() => 0));
    const shares = loans().columns.find(({ name }) => name === "repaid");
    const positives = shares?.kind === "categorical" ? Array.from(shares.codes).filter((code) => code === 1).length : 0;
    expect(result.trained.parameters[0]).toBeCloseTo(Math.log(positives / (loans().rows - positives)), 9);
    expect(result.trained.robustLoss).toBeCloseTo(result.trained.naturalLoss, 12);
    expect(result.flags.map(({ code }) => code)).toContain("beyond-collapse");
  }
});

test("losses, metrics and original coefficients are those of plain sums", async () => {
  const data = loans();
  const result = await run({ ...loanSettings, norms: [INF] }, { outerSteps: 5 }, {}, data);
  const [income, debt, repaid] = data.columns;
  if (income.kind !== "numeric" || debt.kind !== "numeric" || repaid.kind !== "categorical") throw new Error("shape");
  const y = [...repaid.codes].map((code) => (repaid.levels[code] === "yes" ? 1 : -1));
  const { names, natural, predicted, trained } = result.coefficients;
  expect(names).toEqual(["(intercept)", "income", "debt"]);
  const scale = result.model.scaler?.scale ?? [];
  for (const [values, model] of [
    [natural, result.natural],
    [predicted ?? [], result.predicted],
    [trained, result.trained],
  ] as const) {
    const scores = y.map((_, i) => values[0] + values[1] * income.values[i] + values[2] * debt.values[i]);
    const reach = result.radius * pNorm([values[1] * scale[0], values[2] * scale[1]], conjugate(INF));
    const mean = (f: (score: number, i: number) => number): number =>
      scores.reduce((sum, score, i) => sum + f(score, i), 0) / y.length;
    expect(model?.naturalLoss).toBeCloseTo(
      mean((f, i) => lossOf("logistic", f, y[i])[0]),
      10,
    );
    expect(model?.robustLoss).toBeCloseTo(
      mean((f, i) => lossOf("logistic", f - y[i] * reach, y[i])[0]),
      10,
    );
    expect(model?.metrics.robust["accuracy"]).toBeCloseTo(
      mean((f, i) => (y[i] * (f - y[i] * reach) > 0 ? 1 : 0)),
      10,
    );
    expect(model?.metrics.natural["accuracy"]).toBeCloseTo(
      mean((f, i) => (y[i] * f > 0 ? 1 : 0)),
      10,
    );
  }
  const [change, objective] = [result.comparison?.change, result.training.history.map((step) => step.objective)];
  expect(change).toBeCloseTo(result.trained.naturalLoss - result.natural.naturalLoss, 12);
  expect(objective).toHaveLength(result.training.iterations + 1);
  expect(objective[0]).toBeCloseTo(result.natural.robustLoss, 6);
  expect(dot(result.trained.parameters, result.trained.parameters)).toBeGreaterThan(0);
});

describe("a checkpoint", () => {
  test("is gone on from with the same digits, and the start of the run is not repeated", async () => {
    const states: TrainingState[] = [];
    const iterations: number[] = [];
    const whole = await run(
      { norms: [INF] },
      { outerSteps: 9 },
      { onStep: ({ iteration }) => void iterations.push(iteration) },
    );
    expect(iterations).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, whole.training.iterations + 1));
    const checkpoint = { every: 1, save: (state: TrainingState) => void states.push(structuredClone(state)) };
    await run({ norms: [INF] }, { outerSteps: 4 }, { checkpoint });
    const resumed = await run(
      { norms: [INF] },
      { outerSteps: 9 },
      { resume: JSON.parse(JSON.stringify(states.at(-1))) },
    );
    expect(resumed.training.resumedAt).toBe(4);
    expect(resumed.trained).toEqual(whole.trained);
    expect(resumed.training.history).toEqual(whole.training.history);
    expect(resumed.training.gap).toEqual(whole.training.gap);
  });

  test("of other data or settings is refused by its name", async () => {
    const states: TrainingState[] = [];
    await run({}, { outerSteps: 2 }, { checkpoint: { every: 1, save: (state) => void states.push(state) } });
    const work = { resume: states[0], resumeName: "The checkpoint c.json" };
    const refusal = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });
    await expect(run({}, {}, work, houses(121))).rejects.toMatchObject(
      refusal("input", /^The checkpoint c\.json is of other data \(120 rows/),
    );
    await expect(run({ exclude: ["age"] }, {}, work)).rejects.toMatchObject(
      refusal("input", /c\.json is of other data/),
    );
    await expect(run({ epsilons: [0.06] }, {}, work)).rejects.toMatchObject(
      refusal("usage", /c\.json .* settings \(radius/),
    );
    await expect(run({ seed: 3 }, {}, work)).rejects.toMatchObject(refusal("usage", /seed: 0, now 3/));
  });
});

test("where training does not converge, a warning says so with what is proven", async () => {
  const result = await run({ norms: [INF] }, { outerSteps: 1 });
  expect(result.training).toMatchObject({ converged: false, stopped: "steps", iterations: 1 });
  const flag = result.flags.find(({ code }) => code === "training-not-converged");
  expect(flag?.level).toBe("warning");
  expect(flag?.message).toMatch(/ended after 1 iterations? .* proven to be within/);
});

test("a weak inner search is told, exact inner maxima are not", async () => {
  const weak = { innerSteps: 1, innerStepSize: 0.1, outerSteps: 3 };
  const codes = async (training: Partial<TrainingSettings>) =>
    (await run({ norms: [1], epsilons: [0.5] }, training)).flags.map(({ code }) => code);
  expect(await codes(weak)).toContain("weak-inner-search");
  expect(await codes({ ...weak, exactInner: true })).not.toContain("weak-inner-search");
});

test("models without an exact worst case are trained too, without a gap", async () => {
  const result = await run({ model: "quadratic", norms: [INF], l2: 0.1, epsilons: [0.02] }, { outerSteps: 10 });
  expect(result.training.gap).toBeNull();
  expect(result.trained.method).toBe("projected-gradient");
  expect(result.flags.map(({ code }) => code)).toContain("searched-worst-case");
  const [first, last] = [result.training.history[0], result.training.history.at(-1)];
  expect(last?.objective).toBeLessThan(first.objective);
  expect(result.coefficients.units).toBe("standardized");
});

test.each<[string, Partial<StudySettings>, string, RegExp]>([
  ["no size", { epsilons: null }, "usage", /--epsilon 0\.01, or --radius/],
  ["two sizes", { epsilons: [0.1, 0.2] }, "usage", /one size of the attack, got 2/],
  ["two norms", { norms: [1, 2] }, "usage", /one --norm, got 2/],
  [
    "rows outside their bounds",
    { bounds: [{ column: "area", lower: 0, upper: 10 }] },
    "input",
    /"area" leave out rows: data row \d+ has/,
  ],
])("refuses %s", async (_, changes, code, message) => {
  await expect(run(changes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  await expect(run(changes)).rejects.toBeInstanceOf(AifError);
});

test("the size is ρ, or the whole budget, where those are given", async () => {
  const outerSteps = { outerSteps: 1 };
  const absolute = await run({ epsilons: null, radii: [0.3] }, outerSteps);
  expect([absolute.radius, absolute.settings.radius, absolute.settings.epsilon]).toEqual([0.3, 0.3, null]);
  expect(absolute.epsilon * absolute.scale).toBeCloseTo(0.3, 12);
  const budget = await run({ epsilons: null, budgets: [{ column: "area", budget: 5 }] }, outerSteps);
  expect([budget.radius, budget.threat.attacked]).toEqual([1, ["area"]]);
});
