/** Adversarial training against the exact robust optimum, and its checkpoints. */
import { describe, expect, test } from "vitest";
import { fit, Matrix, matrixDataset } from "../../src/index.js";
import {
  type AdversarialTraining,
  type AdversarialTrainingOptions,
  adversarialTraining,
} from "../../src/robust/adversarial-training.js";
import { descend, EMPTY_MEMORY } from "../../src/robust/descent.js";
import type { TrainingState } from "../../src/robust/training-state.js";
import { dataFingerprint } from "../../src/robust/training-state.js";
import { MODELS, type ModelName, type Options, randomCase } from "../influence/problems.js";
import { relativeError, robustOptimum, robustOptimumByContinuation, robustRisk } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;

async function trained(
  model: ModelName,
  seed: number,
  radius: number,
  options: Options,
  training: AdversarialTrainingOptions,
) {
  const made = randomCase(model, seed, { l2: 0.1, n: 40, ...options });
  const fitted = await fit(made.describe, made.data, { l2: made.l2 });
  const adversary = made.threat(made.problem.budgets.length);
  const run = (more: AdversarialTrainingOptions = {}) =>
    adversarialTraining(fitted, adversary, radius, { ...training, ...more });
  return { ...made, fitted, adversary, run, result: await run() };
}

describe.each(["lbfgs", "gradient"] as const)("%s", (outer) => {
  test.each([
    ["logistic", 2],
    ["logistic", 3],
    ["poisson", 2],
    ["half", 2],
    ["logistic", INF],
    ["linear", INF],
    ["linear", 1],
  ] as [ModelName, number][])("reaches the exact robust optimum of %s, p = %d", async (model, p) => {
    const { problem, result, fitted } = await trained(
      model,
      3,
      0.15,
      { p },
      { outer, outerSteps: 400, innerSteps: 30, restarts: 2 },
    );
    const smooth = model === "logistic" && (p === 2 || p === 3);
    const exact = smooth
      ? robustOptimum(problem, 0.15, [...fitted.parameters]).theta
      : robustOptimumByContinuation(problem, 0.15, [...fitted.parameters]);
    const least = robustRisk(problem, 0.15, exact).value;
    const found = robustRisk(problem, 0.15, [...result.parameters]).value;
    expect(found).toBeGreaterThan(least - 1e-7 * Math.abs(least));
    // Corners of R stop a descent early; smooth risks are solved.
    expect(found - least).toBeLessThan((smooth ? 1e-10 : 2e-3) * Math.abs(least));
    if (smooth && outer === "lbfgs") {
      expect(result.converged).toBe(true);
      expect(relativeError(result.parameters, exact)).toBeLessThan(1e-6);
    }
    const penalty = problem.ridge.reduce((sum, P, j) => sum + 0.5 * P * result.parameters[j] ** 2, 0);
    expect(Math.abs((result.exactRobustLoss ?? INF) + penalty - found)).toBeLessThan(1e-12 * (1 + Math.abs(found)));
    expect(result.innerGap).toBeGreaterThan(-1e-13);
    expect(result.innerGap).toBeLessThan(1e-6);
  });
});

test("an inner search that is cut short says by how much", async () => {
  const rough = await trained("logistic", 3, 0.5, { p: 1, m: 4 }, { innerSteps: 1, innerStepSize: 0.3, outerSteps: 5 });
  expect(rough.result.innerGap).toBeGreaterThan(1e-3);
  const exact = await rough.run({ exactInner: true });
  expect(exact.innerGap).toBe(0);
});

test.each(MODELS)("the risk never rises from step to step, boxes and frozen features included: %s", async (model) => {
  for (const p of [1, 1.5, INF]) {
    const { result, fitted } = await trained(model, 6, 0.3, { p, boxed: true, budgets: [1, 0, 2] }, { outerSteps: 25 });
    for (const [k, { objective }] of result.history.entries()) {
      if (k > 0) expect(objective).toBeLessThan(result.history[k - 1].objective * (1 + 1e-12));
    }
    expect(result.history[0].objective).toBeGreaterThan(fitted.trainingLoss);
    expect(result.naturalLoss).toBeLessThan(result.robustLoss);
    expect(result.iterations).toBe(result.history.length - 1);
  }
});

test("training ends once the duality gap is small, and tells of every step", async () => {
  const told: (number | null)[] = [];
  const gap = { every: 2, tolerance: 1e-4 };
  const options = { gap, exactInner: true, onStep: (step: { gap: number | null }) => void told.push(step.gap) };
  const { result, run, problem, fitted } = await trained("half", 3, 0.15, { p: INF }, options);
  expect(result).toMatchObject({ stopped: "gap", converged: true });
  expect(told).toEqual(result.history.map((step) => step.gap));
  expect(told.every((value, k) => (value === null) === (k % 2 === 1))).toBe(true);
  const before = told.filter((value) => value !== null).slice(0, -1);
  expect(before.length).toBeGreaterThan(1);
  for (const value of before) expect(value).toBeGreaterThan(gap.tolerance);
  expect(result.gap?.relative).toBeLessThanOrEqual(gap.tolerance);
  const least = robustRisk(problem, 0.15, robustOptimumByContinuation(problem, 0.15, [...fitted.parameters])).value;
  expect(robustRisk(problem, 0.15, [...result.parameters]).value - least).toBeLessThanOrEqual(
    (result.gap?.gap ?? 0) + 1e-12,
  );
  expect((await run({ gap: { every: 3, tolerance: 0.9 } })).iterations).toBe(0);
  expect(
    (await run({ gap: { every: 1000, tolerance: 0 }, outerSteps: 3 })).history.map((step) => step.gap).slice(1),
  ).toEqual([null, null, null]);
  await expect(run({ gap: { every: 0, tolerance: 0 } })).rejects.toMatchObject({ code: "usage" });
  await expect(run({ gap: { every: 1, tolerance: -1 } })).rejects.toMatchObject({ code: "usage" });
});

const digits = ({ parameters, robustLoss, history }: AdversarialTraining) =>
  JSON.stringify([[...parameters], robustLoss, history]);

describe.each(["lbfgs", "gradient"] as const)("a checkpoint of %s", (outer) => {
  const options = { outer, outerSteps: 12, restarts: 1, seed: 4 };

  test("is plain data, and a run resumed from it ends in the same digits", async () => {
    const written: string[] = [];
    const save = (state: TrainingState): void => void written.push(JSON.stringify(state));
    const { result, run } = await trained("basis", 2, 0.2, { p: INF }, options);
    await run({ outerSteps: 7, checkpoint: { every: 3, save } });
    expect(written.map((text) => (JSON.parse(text) as TrainingState).iteration)).toEqual([3, 6, 7]);
    for (const text of written) {
      expect(digits(await run({ resume: JSON.parse(text) as TrainingState }))).toBe(digits(result));
    }
    expect(result.iterations).toBe(12);
  });

  test("of other data or settings is refused", async () => {
    const states: TrainingState[] = [];
    const checkpoint = { every: 5, save: (state: TrainingState) => void states.push(state) };
    const { run } = await trained("half", 2, 0.2, { p: 2 }, { ...options, checkpoint });
    const [resume] = states;
    const refused = (more: AdversarialTrainingOptions, code: string, message: RegExp) =>
      expect(run({ ...more })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await refused({ resume, innerSteps: 3 }, "usage", /innerSteps: 10, now 3/);
    await refused({ resume, start: new Float64Array(4) }, "usage", /start/);
    await refused({ resume: { ...resume, theta: [1] } }, "input", /cannot be read/);
    await refused(
      { resume: { ...resume, memory: { pairs: [{ step: [1], change: [] }], factor: 1 } } },
      "input",
      /read/,
    );
    await refused({ resume: null as unknown as TrainingState, outerSteps: -1 }, "usage", /outer steps/);
    const other = await trained("half", 3, 0.2, { p: 2 }, options);
    await expect(other.run({ resume })).rejects.toMatchObject({ code: "input" });
    const wider = await trained("half", 2, 0.3, { p: 2 }, options);
    await expect(wider.run({ resume })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/radius/),
    });
  });
});

test("L-BFGS solves a badly scaled quadratic where steepest descent crawls", async () => {
  const scales = [1, 7, 40, 300, 2500, 10_000];
  const evaluate = async (theta: Float64Array) => {
    const gradient = theta.map((value, j) => scales[j] * (value - 1));
    const objective = gradient.reduce((sum, g, j) => sum + (0.5 * g * g) / scales[j], 0);
    return { theta, objective, gradient };
  };
  const after = async (method: "lbfgs" | "gradient", steps: number): Promise<number> => {
    let point = await evaluate(new Float64Array(scales.length));
    let memory = EMPTY_MEMORY;
    for (let step = 0; step < steps; step++) {
      const next = await descend(method, point, memory, evaluate);
      if (next === null) break;
      ({ point, memory } = next);
    }
    return point.objective;
  };
  expect(await after("lbfgs", 40)).toBeLessThan(1e-15);
  expect(await after("gradient", 40)).toBeGreaterThan(1e-3);
});

test("the L-BFGS image of the latest change of the gradient is its step (the secant equation)", async () => {
  const pairs = [
    { step: [1, 0.2, -0.4], change: [2, 1, 0.5] },
    { step: [0.3, -1, 0.6], change: [-0.5, -3, 1] },
  ];
  const gradient = Float64Array.from(pairs[1].change);
  const tried: Float64Array[] = [];
  const evaluate = async (theta: Float64Array) => {
    tried.push(theta);
    return { theta, objective: 0, gradient: new Float64Array(3) };
  };
  await descend("lbfgs", { theta: new Float64Array(3), objective: 1, gradient }, { pairs, factor: 1 }, evaluate);
  tried[0].forEach((value, j) => expect(Math.abs(value + pairs[1].step[j])).toBeLessThan(1e-14));
});

test("a data fingerprint sees every number, and not the blocks", () => {
  const X = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const of = (rows: number[][], y: number[]) => dataFingerprint(matrixDataset(Matrix.fromRows(rows), y)).hash;
  const hash = of(X, [1, 2, 3]);
  expect(of(X.with(1, [3, 4.0000000001]), [1, 2, 3])).not.toBe(hash);
  expect(of([X[1], X[0], X[2]], [1, 2, 3])).not.toBe(hash);
  expect(of(X, [1, 2, 3.5])).not.toBe(hash);
  const data = matrixDataset(Matrix.fromRows(X), [1, 2, 3]);
  const cut = Object.create(data, { blocks: { value: () => data.blocks(1) } });
  expect(dataFingerprint(cut).hash).toBe(hash);
});

test("work can be stopped, and nonsense is refused", async () => {
  const { run } = await trained("half", 2, 0.2, { p: 2 }, { outerSteps: 1 });
  await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  await expect(run({ outer: "newton" as "lbfgs" })).rejects.toMatchObject({ code: "usage" });
  await expect(run({ innerSteps: 0 })).rejects.toMatchObject({ code: "usage" });
  await expect(run({ tolerance: -1 })).rejects.toMatchObject({ code: "usage" });
  await expect(run({ checkpoint: { every: 0, save: () => {} } })).rejects.toMatchObject({ code: "usage" });
});
