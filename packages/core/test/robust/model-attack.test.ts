/** The attack on any model against closed forms and random search, and training against it. */
import { describe, expect, test } from "vitest";
import { lp, Matrix, matrixDataset } from "../../src/index.js";
import { perceptron } from "../../src/models/perceptron.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { adversarialTraining } from "../../src/robust/adversarial-training.js";
import { attack } from "../../src/robust/attack.js";
import { modelAttack } from "../../src/robust/model-attack.js";
import { modelAdversarialTraining } from "../../src/robust/model-training.js";
import type { TrainingState } from "../../src/robust/training-state.js";
import { userLoss } from "../influence/local/user-losses.js";
import { attacked, type ModelName, type Options, randomCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { pNorm, Random, relativeError } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;

const SETTINGS: readonly Options[] = [
  { p: 1, n: 20, budgets: [0.3, 1, 2] },
  { p: 1.5, n: 20, budgets: [1, 0, 0.5], weighted: true },
  { p: 2, n: 20, intercept: false },
  { p: 3, n: 20, boxed: true },
  { p: INF, n: 20, boxed: true, budgets: [1, 0, 0.5] },
];

describe.each(["linear", "logistic", "poisson", "quadratic"] as const)("%s as a loss of one's own", (name) => {
  test.each(SETTINGS)("is attacked as the closed form is: %o", async (options) => {
    const { describe: description, data, threat, problem } = randomCase(name, 31, options);
    const theta = Float64Array.from(new Random(5).normals(problem.terms.length), (value) => 0.6 * value);
    const scored = description(data);
    const model = userLoss(name, 3, options.intercept ?? true);
    for (const radius of [0, 0.1, 0.7]) {
      const exact = await attack({ model: scored }, theta, threat(3), data, radius);
      const found = await modelAttack(model, theta, threat(3), data, radius);
      expect(found.losses.length).toBe(20);
      exact.losses.forEach((loss, i) => {
        const size = 1 + Math.abs(loss);
        expect(Math.abs(found.losses[i] - loss)).toBeLessThan((radius === 0 ? 1e-13 : 1e-6) * size);
        if (exact.certified[i]) expect(found.losses[i]).toBeLessThan(loss + 1e-11 * size);
      });
      expect(Math.abs(found.robustLoss - exact.robustLoss)).toBeLessThan(1e-6 * (1 + Math.abs(exact.robustLoss)));
    }
  });
});

test.each([1, 1.5, 2, 3, INF])("no random move of a network's rows is worse, p = %d", async (p) => {
  const random = new Random(9);
  const X = random.rows(12, 3);
  const y = X.map(() => random.below(3));
  const data = matrixDataset(Matrix.fromRows(X), y);
  for (const activation of ["tanh", "relu"] as const) {
    const model = perceptron({ inputs: 3, hidden: [6], activation, loss: "softmax", classes: 3 });
    const theta = Float64Array.from(random.normals(model.parameterNames.length));
    const budgets = [1, 0.5, 2];
    const moved = Matrix.zeros(12, 3);
    const radius = 0.3;
    const { losses, robustLoss } = await modelAttack(model, theta, lp(p, { budgets })(3), data, radius, {
      restarts: 6,
      onMoved: (x, firstRow) => moved.data.set(x.data, 3 * firstRow),
    });
    const [block] = data.blocks(12);
    expect(relativeError(model.losses(theta, { ...block, x: moved }), losses)).toBeLessThan(1e-12);
    expect(robustLoss).toBeCloseTo(
      losses.reduce((sum, loss) => sum + loss / 12, 0),
      12,
    );
    X.forEach((row, i) => {
      const delta = row.map((value, k) => (moved.row(i)[k] - value) / budgets[k]);
      expect(pNorm(delta, p)).toBeLessThan(radius * (1 + 1e-12));
    });
    for (let draw = 0; draw < drawsOf(400, 4000); draw++) {
      const tried = Matrix.fromRows(
        X.map((row) => {
          const raw = random
            .normals(3)
            .map((value) => Math.sign(value) * Math.abs(value) ** (1 + 2 * random.uniform()));
          const size = pNorm(raw, p);
          return row.map((value, k) => value + (radius * budgets[k] * raw[k]) / size);
        }),
      );
      model.losses(theta, { ...block, x: tried }).forEach((loss, i) => {
        expect(loss).toBeLessThan(losses[i] + 1e-9);
      });
    }
  }
});

test("rows that rest where little is left to gain cost the share that the precision allows, sure ones of a softmax too", async () => {
  const random = new Random(9);
  const [n, m] = [60, 4];
  const model = perceptron({ inputs: m, hidden: [6], activation: "relu", loss: "softmax", classes: 3 });
  // Far from 0 the softmax is sure of itself, and the first slopes promise next to nothing.
  const theta = (model.initialParameters?.(2) ?? new Float64Array(0)).map((value) => 8 * value);
  const x = Matrix.fromRows(random.rows(n, m));
  const outputs = model.outputs(theta, x);
  const y = Float64Array.from({ length: n }, (_, i) => {
    const scores = [...outputs.row(i)];
    return scores.indexOf(Math.max(...scores));
  });
  const data = matrixDataset(x, y);
  for (const p of [1, 2, INF]) {
    for (const radius of [1e-3, 0.1, 1]) {
      const search = { steps: 40, restarts: 0, firstOrderStarts: false };
      let evaluated = 0;
      const counted = {
        ...model,
        lossesAndInputGradients: (...parts: Parameters<typeof model.lossesAndInputGradients>) => {
          evaluated += parts[1].x.rows;
          return model.lossesAndInputGradients(...parts);
        },
      };
      const natural = await modelAttack(model, theta, lp(p)(m), data, 0, search);
      const long = await modelAttack(counted, theta, lp(p)(m), data, radius, search);
      const steps = evaluated;
      evaluated = 0;
      const short = await modelAttack(counted, theta, lp(p)(m), data, radius, { ...search, precision: 1e-3 });
      const gain = long.robustLoss - natural.robustLoss;
      expect(short.robustLoss).toBeLessThan(long.robustLoss + 0.02 * gain + 1e-12);
      expect(short.robustLoss).toBeGreaterThan(long.robustLoss - 0.02 * gain - 1e-12);
      expect(evaluated).toBeLessThan(0.6 * steps);
    }
  }
});

test("rows of which a softmax is so sure that slopes are the smallest numbers there are: attacks stay finite and find the worst", async () => {
  const model = softmaxRegression({ features: ["a", "b"], classes: ["no", "yes"] });
  const [a, b] = [300, -400];
  const theta = Float64Array.of(0, 0, -a, -b, a, b);
  // Score differences 2(ax + by) from 650 to 745, the last of which exp(−745) is not 0.
  const x = Matrix.fromRows(Array.from({ length: 20 }, (_, i) => [(650 + 5 * i) / (2 * a), 0]));
  const data = matrixDataset(x, new Float64Array(20).fill(1));
  for (const [p, dual] of [
    [1, 400],
    [2, 500],
    [INF, 700],
  ] as const) {
    for (const radius of [1e-3, 0.5, 2]) {
      const { losses } = await modelAttack(model, theta, lp(p)(2), data, radius);
      for (let i = 0; i < 20; i++) {
        const margin = 650 + 5 * i - 2 * dual * radius;
        const worst = Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
        expect(Math.abs(losses[i] - worst)).toBeLessThan(1e-9 * (1 + worst));
      }
    }
  }
});

test("an attack that makes no sense is refused", async () => {
  const { data, threat } = randomCase("logistic", 1, {});
  const model = userLoss("logistic", 3, true);
  const theta = new Float64Array(4);
  await expect(modelAttack(model, theta, threat(3), data, -1)).rejects.toThrow(/radius/);
  await expect(modelAttack(model, theta, threat(3), data, 1, { steps: 0 })).rejects.toThrow(/steps/);
  await expect(modelAttack(model, theta.slice(1), threat(3), data, 1)).rejects.toThrow(/4 parameters, got 3/);
  await expect(modelAttack(model, theta, lp(2)(2), data, 1)).rejects.toThrow(/3 features, the threat 2/);
});

describe("adversarial training of a loss of one's own", () => {
  const trainedCase = async (name: ModelName, options: Options) => {
    const made = randomCase(name, 3, options);
    const { fit: fitted } = await attacked(made);
    const model = userLoss(name, 3, true);
    const { data, l2 } = made;
    const ridge = Float64Array.from(model.penalised, (flag) => flag * l2);
    return { fitted, threat: made.threat(3), trained: { model, data, ridge, parameters: fitted.parameters } };
  };

  test.each([
    ["logistic", { p: 2, l2: 0.1, weighted: true }],
    ["logistic", { p: 3, l2: 0.1, boxed: true }],
    ["half", { p: 1.5, l2: 0.1 }],
  ] as const)("%s %o reaches where training of the closed form ends", async (name, options) => {
    const { fitted, threat, trained } = await trainedCase(name, options);
    const settings = { innerSteps: 60, tolerance: 1e-9 };
    const wanted = await adversarialTraining(fitted, threat, 0.1, settings);
    const found = await modelAdversarialTraining(trained, threat, 0.1, settings);
    expect(relativeError(found.parameters, wanted.parameters)).toBeLessThan(1e-6);
    expect(Math.abs(found.robustLoss - wanted.robustLoss)).toBeLessThan(1e-9);
    expect(Math.abs(found.naturalLoss - wanted.naturalLoss)).toBeLessThan(1e-7);
    expect(found).toMatchObject({ exactRobustLoss: null, innerGap: null, gap: null });
    const objectives = found.history.map(({ objective }) => objective);
    objectives.forEach((value, k) => k > 0 && expect(value).toBeLessThan(objectives[k - 1] + 1e-12));
    if (name === "logistic") expect(found).toMatchObject({ stopped: "tolerance", converged: true });
  });

  test("goes on from a checkpoint with the same digits, and refuses one of another question", async () => {
    const { threat, trained } = await trainedCase("logistic", { p: 2, l2: 0.05 });
    const whole = await modelAdversarialTraining(trained, threat, 0.2, { outerSteps: 7, tolerance: 0, restarts: 1 });
    const states: TrainingState[] = [];
    await modelAdversarialTraining(trained, threat, 0.2, {
      outerSteps: 3,
      tolerance: 0,
      restarts: 1,
      checkpoint: { every: 2, save: (state) => void states.push(JSON.parse(JSON.stringify(state))) },
    });
    expect(states.map(({ iteration }) => iteration)).toEqual([2, 3]);
    for (const resume of states) {
      const resumed = await modelAdversarialTraining(trained, threat, 0.2, {
        outerSteps: 7,
        tolerance: 0,
        restarts: 1,
        resume,
      });
      expect([...resumed.parameters]).toEqual([...whole.parameters]);
      expect(resumed.history).toEqual(whole.history);
    }
    const again = (radius: number, options = {}) =>
      modelAdversarialTraining(trained, threat, radius, { resume: states[0], restarts: 1, ...options });
    await expect(again(0.3)).rejects.toThrow(/other settings \(radius/);
    await expect(again(0.2, { seed: 4 })).rejects.toThrow(/other settings \(seed/);
    await expect(modelAdversarialTraining(trained, threat, 0.2, { outer: "newton" as "lbfgs" })).rejects.toThrow(
      /outer method/,
    );
    await expect(modelAdversarialTraining(trained, threat, 0.2, { tolerance: -1 })).rejects.toThrow(/tolerance/);
  });

  test("can be stopped", async () => {
    const { threat, trained } = await trainedCase("logistic", { p: 2 });
    await expect(modelAdversarialTraining(trained, threat, 0.2, { signal: AbortSignal.abort() })).rejects.toThrow(
      /cancelled/,
    );
  });
});
