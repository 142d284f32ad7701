/** The second-order response J against golden numbers, differences of A and B, and the exact robust paths. */
import { describe, expect, test } from "vitest";
import {
  fit,
  fitAt,
  type Influence,
  influence,
  kinkRadii,
  kinkRadius,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { atFixedRadius, heldOutRows, otherRows, trainingRows } from "../../src/influence/evaluated-rows.js";
import { naturalLoss } from "../../src/influence/moving-rows.js";
import { type SecondOrderOptions, secondOrder } from "../../src/influence/second-order.js";
import { changeAt, objectiveChange, secondOrderChange } from "../../src/influence/second-order-change.js";
import { generalRobustOptimum } from "../../src/robust/general-optimum.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { exponentOf, type GoldenCase, golden, goldenData, goldenModel, goldenName } from "../golden.js";
import { drawsOf } from "../long.js";
import {
  budgetScale,
  dot,
  features,
  growth,
  hessian,
  hessians,
  inputGradient,
  jacobian,
  lossOf,
  numericalGradient,
  objective,
  type Problem,
  pNorm,
  Random,
  relativeError,
  solve,
} from "../models/naive.js";
import { influenceJacobian } from "./jacobian.js";
import { attacked, type ModelName, type Options, randomCase, smoothCase } from "./problems.js";

const INF = Number.POSITIVE_INFINITY;

/** J, which must exist. */
async function responseOf(attack: Influence, options: SecondOrderOptions = {}): Promise<Float64Array> {
  const { response, reason } = await secondOrder(attack, await scoreShifts(attack), options);
  if (response === null) throw new Error(reason);
  return response;
}

const withSecond = golden.cases.filter((c): c is GoldenCase & { aif_second: number[] } => "aif_second" in c);

test("golden J without density terms, all cases", async () => {
  expect(withSecond.length).toBeGreaterThan(80);
  for (const c of withSecond) {
    const attack = await influence(await fit(goldenModel(c), goldenData(c), { l2: c.l2 }), lp(exponentOf(c.p)));
    // The reference differentiates A numerically: its own digits end at about 2e-9.
    expect(relativeError(await responseOf(attack), c.aif_second), goldenName(c)).toBeLessThan(5e-9);
  }
});

/** B(θ)/c² = Σ w φ'(ℓ''γγ' + ℓ'W)φ, φ the answer to g within a box. */
function secondGrowth(problem: Problem, theta: ArrayLike<number>): number {
  const { X, y, w, loss, terms, p, budgets } = problem;
  return X.reduce((sum, x, i) => {
    const [, slope, curvature] = lossOf(loss, dot(features(terms, x), theta), y[i]);
    const scaled = inputGradient(problem, i, theta).map((g, k) => g * budgets[k]);
    const q = p / (p - 1);
    const N = pNorm(scaled, q);
    const most = scaled.reduce((best, value, k) => (Math.abs(value) > Math.abs(scaled[best]) ? k : best), 0);
    const phi = scaled.map((g, k) => {
      const size = p === INF ? 1 : p === 1 ? Number(k === most) : (Math.abs(g) / N) ** (q - 1);
      return budgets[k] * Math.sign(g) * size;
    });
    const V = jacobian(terms, x);
    const second = hessians(terms, x);
    let [along, bend] = [0, 0];
    for (let a = 0; a < terms.length; a++) {
      along += theta[a] * dot(V[a], phi);
      for (let k = 0; k < x.length; k++) bend += theta[a] * phi[k] * dot(second[a][k], phi);
    }
    return sum + w[i] * (curvature * along * along + slope * bend);
  }, 0);
}

/** Small enough not to step over a corner. */
const STEP = 2e-4;

/** −H⁻¹(Σwℓ'''(v'I)²v + 2∇²A·I + ∇B) with A and B differentiated numerically. */
function naiveResponse(problem: Problem, theta: ArrayLike<number>, I: readonly number[]): number[] {
  const c = budgetScale(problem);
  const { X, y, w, loss, terms } = problem;
  const along = (at: readonly number[]): number => {
    const moved = (t: number) =>
      growth(
        problem,
        at.map((value, j) => value + t * I[j]),
      );
    const h = STEP / pNorm(I, INF);
    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
  };
  const bendA = numericalGradient(along, theta, STEP);
  const bendB = numericalGradient((at) => secondGrowth(problem, at), theta, STEP);
  const total = bendA.map((value, j) => 2 * c * value + c * c * bendB[j]);
  X.forEach((x, i) => {
    const v = features(terms, x);
    const third = lossOf(loss, dot(v, theta), y[i])[3];
    v.forEach((value, j) => {
      total[j] += w[i] * third * dot(v, I) ** 2 * value;
    });
  });
  return solve(hessian(problem, theta), total).map((value) => -value);
}

describe.each<ModelName>(["half", "logistic", "poisson", "quadratic", "quadratic-logistic", "basis"])(
  "differences of A and B: %s",
  (model) => {
    test.each<[number, Options]>([
      [1, {}],
      [1.5, { weighted: true, l2: 0.1 }],
      [2, { intercept: false }],
      [2, { budgets: [0.5, 0, 2], weighted: true }],
      [3, { budgets: [1, 0, 0.7] }],
      [INF, { l2: 0.05, budgets: [1, 0, 2] }],
      [1.5, { boxed: true }],
      [2, { boxed: true, budgets: [1, 2, 0.7] }],
      [3, { boxed: true, l2: 0.05, budgets: [1, 2, 1] }],
      [INF, { boxed: true }],
    ])("p = %d, %o", async (p, options) => {
      const n = model.startsWith("quadratic") ? 40 : 14;
      const { problem, attack, fit: f } = await smoothCase(model, 40, { n, l2: 0.02, p, ...options }, 4e-3);
      const J = await responseOf(attack);
      expect(relativeError(J, naiveResponse(problem, f.parameters, Array.from(attack.influence)))).toBeLessThan(1e-5);
    });
  },
);

/** lim 2(θ(h) − θ̂ − hI)/h² for h → 0⁺ (Richardson). */
async function pathBend(
  path: (epsilon: number) => Promise<ArrayLike<number>>,
  { fit: f, influence: I }: Influence,
  h: number,
): Promise<number[]> {
  let table: number[][] = [];
  for (const step of [h, h / 2, h / 4, h / 8]) {
    const at = await path(step);
    table.push(Array.from(I, (value, j) => (2 * (at[j] - f.parameters[j] - step * value)) / step ** 2));
  }
  for (let factor = 2; table.length > 1; factor *= 2) {
    table = table.slice(1).map((finer, i) => finer.map((value, j) => (factor * value - table[i][j]) / (factor - 1)));
  }
  return table[0];
}

describe("the exact robust path bends by J", () => {
  test.each<[ModelName, number]>([
    ["logistic", 1],
    ["logistic", 2],
    ["logistic", 3],
    ["logistic", INF],
    ["half", 2],
    ["linear", 1.5],
    ["poisson", 2],
  ])("%s, p = %d", async (model, p) => {
    const options = model === "logistic" ? { n: 60, l2: 0.05 } : { n: 8, l2: 0.05 };
    const { attack, fit: f } = await smoothCase(model, 8, { p, ...options }, model === "logistic" ? 0.1 : 0.02);
    // Losses with corners have this J up to the kink radius.
    const kink = kinkRadius(await kinkRadii(attack, await scoreShifts(attack))) ?? INF;
    const path = async (epsilon: number) => (await robustOptimum(f, attack.threat, epsilon * attack.scale)).parameters;
    const bend = await pathBend(path, attack, Math.min(p > 2 && p < INF ? 0.004 : 0.02, 0.4 * kink));
    expect(relativeError(bend, await responseOf(attack))).toBeLessThan(1e-4);
  });

  test("quadratic score, p = 2", async () => {
    const { attack, fit: f } = await smoothCase("quadratic-logistic", 3, { n: 80, m: 2, l2: 0.1 }, 0.05);
    const path = async (epsilon: number) =>
      (await generalRobustOptimum(f, attack.threat, epsilon * attack.scale, { tolerance: 1e-12 })).parameters;
    expect(relativeError(await pathBend(path, attack, 0.02), await responseOf(attack))).toBeLessThan(1e-4);
  });
});

describe("density terms", () => {
  test.each<[ModelName, number, Options]>([
    ["linear", 2, { weighted: true }],
    ["linear", INF, {}],
    ["half", 1, { l2: 0.1 }],
    ["poisson", 2, { l2: 0.1 }],
    ["quadratic", 1, {}],
    ["quadratic", INF, { budgets: [1, 0.5, 2] }],
    ["basis", 2, {}],
    ["basis", INF, { l2: 0.1 }],
  ])("%s, p = %d: the sandwich's D_δ times I, twice", async (model, p, options) => {
    const { attack, fit: f, problem } = await smoothCase(model, 60, { n: 40, p, ...options }, 1e-3);
    const shifts = await scoreShifts(attack);
    const [plain, smooth] = [await responseOf(attack), await responseOf(attack, { density: true })];
    // H(J_plain − J_smooth) = 2D_δI, and the sandwich's Jacobian is D + D_δ + T, with (D + T)I from A and B once more.
    const D = await influenceJacobian(attack, shifts);
    const d = plain.length;
    const I = Array.from(attack.influence);
    const H = hessian(problem, f.parameters);
    const DI = Array.from({ length: d }, (_, j) => dot(D.data.subarray(j * d, (j + 1) * d), I));
    const c = budgetScale(problem);
    const bendB = numericalGradient((at) => secondGrowth(problem, at), f.parameters, STEP);
    const whole = DI.map((value, j) => 2 * value + c * c * bendB[j]);
    problem.X.forEach((x, i) => {
      const v = features(problem.terms, x);
      const third = lossOf(problem.loss, dot(v, f.parameters), problem.y[i])[3];
      v.forEach((value, j) => {
        whole[j] -= problem.w[i] * third * dot(v, I) ** 2 * value;
      });
    });
    expect(
      relativeError(
        smooth,
        solve(H, whole).map((value) => -value),
      ),
    ).toBeLessThan(1e-6);
    expect(relativeError(smooth, plain)).toBeGreaterThan(1e-3);
  });

  test("logistic regression has none", async () => {
    const { attack } = await smoothCase("logistic", 61, { n: 40 }, 0);
    expect(await responseOf(attack, { density: true })).toEqual(await responseOf(attack));
  });

  test("with them J is that of the population (MATH 10b): Gaussian features, p = 2", async () => {
    const truth = [1, -2, 0.5];
    const size = pNorm(truth, 2);
    const n = drawsOf(40_000, 400_000);
    const random = new Random(11);
    const x = Matrix.zeros(n, 3);
    const y = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 3; k++) x.data[3 * i + k] = random.normal();
      y[i] = dot(x.row(i), truth) + random.normal();
    }
    const c = Math.sqrt(2) * (2 / Math.sqrt(Math.PI));
    // E‖x‖ of three normals; R = ½(s² + 2ρ√(2/π)Ns + ρ²N²) for N = ‖β‖ along β*, s² = 1 + (N − ‖β*‖)².
    const slope = (N: number, rho: number): number => {
      const s = Math.sqrt(1 + (N - size) ** 2);
      return N - size + rho * Math.sqrt(2 / Math.PI) * (s + (N * (N - size)) / s) + rho * rho * N;
    };
    const pathAt = (epsilon: number): number => {
      let [low, high] = [size / 2, size];
      for (let step = 0; step < 200; step++) {
        const middle = (low + high) / 2;
        if (slope(middle, epsilon * c) > 0) high = middle;
        else low = middle;
      }
      return low;
    };
    const exact = -2 * c * c * size * (1 - 2 / Math.PI);
    expect(exact).toBeCloseTo(-4.24, 2);
    const epsilon = 1e-3;
    const bend = (2 * (pathAt(epsilon) - size + epsilon * c * Math.sqrt(2 / Math.PI))) / epsilon ** 2;
    expect(Math.abs(bend / exact - 1)).toBeLessThan(0.01);
    const attack = await influence(
      await fit(linear({ intercept: false, loss: "half-squared" }), matrixDataset(x, y)),
      lp(2),
    );
    const along = (J: Float64Array): number => dot(J, truth) / size;
    expect(Math.abs(along(await responseOf(attack, { density: true })) / exact - 1)).toBeLessThan(drawsOf(8, 4) / 100);
    // Without them it is the response of a path that ends at the first sign change.
    expect(Math.abs(along(await responseOf(attack)) / -11.67 - 1)).toBeLessThan(0.08);
  });
});

describe("where J does not exist it is null, with a reason", () => {
  const kinked = async (p: number, X: number[][], y: number[], theta: number[]) => {
    const data = matrixDataset(Matrix.fromRows(X), y);
    const attack = await influence(await fitAt(linear({ loss: "half-squared", intercept: false }), data, theta), lp(p));
    return secondOrder(attack, await scoreShifts(attack));
  };

  test("golden kinks", async () => {
    for (const k of golden.kinks) {
      const data = matrixDataset(Matrix.fromRows(k.X), k.y);
      const attack = await influence(
        await fitAt(linear({ loss: "half-squared", intercept: k.intercept }), data, k.theta),
        lp(exponentOf(k.p)),
      );
      const { response, reason } = await secondOrder(attack, await scoreShifts(attack));
      expect(response).toBeNull();
      expect(reason).toMatch(/corner/);
    }
  });

  test("a coefficient at 0 for p > 2, but not for p ≤ 2", async () => {
    const random = new Random(5);
    const X = random.rows(12, 2);
    const y = X.map(([a]) => 2 * a + random.normal());
    const { response, reason } = await kinked(3, X, y, [2, 0]);
    expect(response).toBeNull();
    expect(reason).toMatch(/entries at 0/);
    expect((await kinked(2, X, y, [2, 0])).response?.every(Number.isFinite)).toBe(true);
    expect((await kinked(1.5, X, y, [2, 0])).response?.every(Number.isFinite)).toBe(true);
  });

  test("rows with a corner that is coupled with the score's curvature", async () => {
    const { attack } = await attacked(randomCase("basis", 3, { n: 20 }));
    const { response } = await secondOrder({ ...attack, coupledKinks: 2 }, await scoreShifts(attack));
    expect(response).toBeNull();
  });
});

test("a second-order pull that a singular Hessian cannot answer: no J", async () => {
  const { attack } = await attacked(randomCase("logistic", 3, { n: 40 }));
  const inverse = { ...attack.fit.inverse, nullResidual: () => 0.3 };
  const { response, reason } = await secondOrder(
    { ...attack, fit: { ...attack.fit, inverse } },
    await scoreShifts(attack),
  );
  expect(response).toBeNull();
  expect(reason).toMatch(/singular/);
});

test("with copied columns J is that of the sum of their coefficients", async () => {
  const { problem, attack } = await smoothCase("logistic", 12, { n: 40, m: 2 }, 0);
  // x, x, z with budgets 1: the score sees β_1 + β_2, and ‖(t/2, t/2)‖₂ = t/√2.
  const X = problem.X.map(([a, b]) => [a, a, b]);
  const data = matrixDataset(Matrix.fromRows(X), problem.y);
  const doubled = await influence(await fit(logistic(), data), lp(2));
  const merged = await influence(attack.fit, lp(2, { budgets: [Math.SQRT1_2, 1] }));
  const [J, K] = [await responseOf(doubled), await responseOf(merged)];
  const c2 = (doubled.scale / merged.scale) ** 2;
  expect(
    relativeError(
      [J[0], J[1] + J[2], J[3]],
      Array.from(K, (value) => c2 * value),
    ),
  ).toBeLessThan(1e-7);
});

describe("changes of loss", () => {
  /** Rows of a logistic model, an evaluation set from the same source. */
  const draw = (seed: number, n: number) => {
    const random = new Random(seed);
    const X = random.rows(n, 4);
    const y = X.map((x) => (random.uniform() < 1 / (1 + Math.exp(-0.3 - dot(x, [1, -0.8, 0.5, 0.1]))) ? 1 : -1));
    return matrixDataset(Matrix.fromRows(X), y);
  };

  test("full2 is what the exact optimum does to evaluation rows; quad is not", async () => {
    let [missedByFull2, missedByQuad] = [0, 0];
    for (let seed = 0; seed < 4; seed++) {
      const f = await fit(logistic(), draw(100 + seed, 200));
      const attack = await influence(f, lp(2));
      const J = await responseOf(attack);
      const evaluated = await otherRows(attack, draw(200 + seed, 150));
      const full2 = await secondOrderChange(attack, J, evaluated);
      const quad = await secondOrderChange(attack, new Float64Array(J.length), evaluated);
      expect(full2.third).toBeNull();
      for (const epsilon of [2e-3, 5e-3]) {
        const { parameters } = await robustOptimum(f, attack.threat, epsilon * attack.scale);
        const moved = { ...attack, influence: parameters.map((value, j) => (value - f.parameters[j]) / epsilon) };
        const there = await otherRows(moved, evaluated.data);
        const exact = naturalLoss(there.rows, epsilon) - naturalLoss(there.rows, 0);
        const [with2, without] = [full2, quad].map((change) => Math.abs(changeAt(change, epsilon) - exact));
        missedByFull2 += with2;
        missedByQuad += without;
        // What is left is of third order.
        expect(with2).toBeLessThan(20 * epsilon ** 3);
      }
      // At a radius given in absolute terms the same move has another ε.
      const radius = await secondOrderChange(attack, J, atFixedRadius(evaluated, 2 * attack.scale));
      expect(relativeError([radius.first, radius.second], [2 * full2.first, 4 * full2.second])).toBeLessThan(1e-12);
    }
    expect(missedByFull2).toBeLessThan(0.05 * missedByQuad);
  });

  test("on the training rows the slope of J is that of the ridge", async () => {
    const { attack, problem, fit: f } = await smoothCase("logistic", 70, { n: 60, l2: 0.3 }, 0);
    const J = await responseOf(attack);
    const shifts = await scoreShifts(attack);
    const { second } = await secondOrderChange(attack, J, trainingRows(attack, shifts));
    const { second: plain } = await secondOrderChange(attack, new Float64Array(J.length), trainingRows(attack, shifts));
    const ridge = problem.ridge.reduce((sum, P, j) => sum + P * f.parameters[j] * J[j], 0);
    expect(relativeError([2 * (second - plain)], [-ridge])).toBeLessThan(1e-8);
  });

  test.each([0, 0.2])("S_train to third order (MATH 10b), l2 = %d", async (l2) => {
    for (const p of [2, INF]) {
      const { attack, problem, fit: f } = await smoothCase("logistic", 71, { n: 80, p, l2 }, 0.1);
      const change = objectiveChange(attack, await scoreShifts(attack), await responseOf(attack));
      const errors = [1.6e-3, 8e-4].map((epsilon) => ({ epsilon, exact: 0, second: 0, third: 0 }));
      for (const entry of errors) {
        const { epsilon } = entry;
        const { parameters } = await robustOptimum(f, attack.threat, epsilon * attack.scale);
        entry.exact = objective(problem, parameters) - objective(problem, f.parameters);
        entry.third = Math.abs(changeAt(change, epsilon) - entry.exact);
        entry.second = Math.abs(changeAt({ ...change, third: null }, epsilon) - entry.exact);
        expect(entry.third).toBeLessThan(0.1 * entry.second);
      }
      // What is left falls as ε⁴.
      expect(errors[1].third / errors[0].third).toBeLessThan(1 / 12);
    }
  });

  test("held-out folds are refused", async () => {
    const f = await fit(logistic(), draw(1, 60));
    const attack = await influence(f, lp(2));
    const folds = Uint16Array.from({ length: 60 }, (_, i) => i % 3);
    const { evaluated } = await heldOutRows([attack], folds, 3);
    await expect(secondOrderChange(attack, attack.influence, evaluated[0])).rejects.toThrow(/held-out folds/);
  });
});
