/** The exact robust optimum against the golden fixture, and against the definition: no direction lowers R_ρ. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collapseRadius, fit, influence, linear, lp, Matrix, matrixDataset } from "../../src/index.js";
import { certifier } from "../../src/influence/certificate.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { robustGradients } from "../../src/robust/robust-gradient.js";
import { relativeSize } from "../../src/robust/smoothing-newton.js";
import { exponentOf, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";
import { type ModelName, type Options, randomCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { conjugate, dot, features, lossOf, type Problem, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const MODELS: readonly ModelName[] = ["linear", "half", "logistic", "poisson"];

/** R_ρ(θ) as it is defined: both ends of every row. */
function robustObjective(
  { X, y, w, loss, terms, ridge, p, budgets }: Problem,
  rho: number,
  theta: readonly number[],
): number {
  const first = terms.length - budgets.length;
  const reach =
    rho *
    pNorm(
      budgets.map((b, k) => b * theta[first + k]),
      conjugate(p),
    );
  let sum = 0;
  X.forEach((x, i) => {
    const f = dot(features(terms, x), theta);
    sum += w[i] * Math.max(lossOf(loss, f + reach, y[i])[0], lossOf(loss, f - reach, y[i])[0]);
  });
  return ridge.reduce((total, P, j) => total + 0.5 * P * theta[j] ** 2, sum);
}

/** The most that R_ρ falls along coordinates and random directions, relative to its size. */
function largestFall(problem: Problem, rho: number, theta: readonly number[], random: Random, draws: number): number {
  const base = robustObjective(problem, rho, theta);
  let fall = 0;
  const look = (direction: readonly number[], h: number): void => {
    const moved = theta.map((value, j) => value + h * direction[j]);
    fall = Math.max(fall, (base - robustObjective(problem, rho, moved)) / (1 + Math.abs(base)));
  };
  theta.forEach((_, j) => {
    for (const h of [1e-6, 1e-4, 1e-2, -1e-6, -1e-4, -1e-2])
      look(
        theta.map((__, k) => (j === k ? 1 : 0)),
        h,
      );
  });
  for (let draw = 0; draw < draws; draw++) {
    const direction = theta.map(() => (random.uniform() < 0.4 ? 0 : random.normal()));
    look(direction, 10 ** (-7 + 6 * random.uniform()));
  }
  return fall;
}

describe("golden robust fits", () => {
  const cases = golden.cases.filter((c) => c.robust && !c.model.startsWith("quadratic"));
  test.each(cases.map((c) => [goldenName(c), c] as const))("%s", async (_, c) => {
    const data = goldenData(c);
    const fitted = await fit(goldenModel(c), data, { l2: c.l2 });
    const threat = lp(exponentOf(c.p))(data.features.length);
    for (const [epsilon, truth] of Object.entries(c.robust ?? {})) {
      const { stuck, zero_beta, ties } = truth as unknown as { stuck: number; zero_beta: number; ties: number };
      const found = await robustOptimum(fitted, threat, Number(epsilon) * c.c);
      expect(found.residual).toBeLessThan(1e-10);
      expect(Math.abs(found.objective - truth.objective)).toBeLessThan(1e-11);
      expect(Math.abs(found.naturalLoss - truth.risk)).toBeLessThan(1e-9);
      expect(found.collapsed).toBe(Number(epsilon) >= (c.collapse_eps ?? INF));
      if (found.collapsed) {
        expect([...found.parameters].slice(c.intercept ? 1 : 0).every((value) => value === 0)).toBe(true);
        continue;
      }
      expect(relativeError(found.parameters, truth.theta)).toBeLessThan(1e-9);
      const { stuckRows, zeroCoordinates, tiedCoordinates } = found.active;
      expect([stuckRows.length, zeroCoordinates.length, tiedCoordinates.length]).toEqual([stuck, zero_beta, ties]);
    }
  });
});

const anyProblem = fc.record({
  model: fc.constantFrom(...MODELS),
  p: fc.constantFrom(1, 1.01, 1.5, 2, 3, 20, INF),
  m: fc.integer({ min: 1, max: 6 }),
  extra: fc.integer({ min: 6, max: 40 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
  intercept: fc.boolean(),
  weighted: fc.boolean(),
  budgets: fc.boolean(),
  l2: fc.constantFrom(0, 0, 0.01, 0.3),
  epsilon: fc.constantFrom(1e-4, 0.01, 0.05, 0.2, 0.5),
});

type Drawn = Omit<typeof anyProblem extends fc.Arbitrary<infer T> ? T : never, "epsilon"> & { epsilon: number };

async function prepared(drawn: Drawn) {
  const { model, m, extra, seed, epsilon } = drawn;
  const random = new Random(seed);
  const options: Options = {
    n: m + extra,
    m,
    p: drawn.p,
    intercept: drawn.intercept,
    weighted: drawn.weighted,
    l2: drawn.l2,
    ...(drawn.budgets
      ? { budgets: Array.from({ length: m }, (_, k) => (k > 0 && random.uniform() < 0.3 ? 0 : 0.3 + random.uniform())) }
      : {}),
  };
  const one = randomCase(model, seed, options);
  // Separable draws have no fit to start from.
  const fitted = await fit(one.describe, one.data, { l2: one.l2 }).catch(() => null);
  if (fitted === null) return null;
  const attack = await influence(fitted, one.threat);
  return { ...one, fitted, attack, random, radius: epsilon * attack.scale };
}

describe("random problems", () => {
  test("no direction lowers the robust risk", async () => {
    await fc.assert(
      fc.asyncProperty(anyProblem, async (drawn) => {
        const one = await prepared(drawn);
        fc.pre(one !== null);
        const found = await robustOptimum(one.fitted, one.attack.threat, one.radius);
        const theta = [...found.parameters];
        const objective = robustObjective(one.problem, one.radius, theta);
        expect(Math.abs(found.objective - objective)).toBeLessThan(1e-12 * (1 + Math.abs(objective)));
        const penalty = one.problem.ridge.reduce((sum, P, j) => sum + 0.5 * P * theta[j] ** 2, 0);
        expect(Math.abs(found.robustLoss + penalty - objective)).toBeLessThan(1e-12 * (1 + Math.abs(objective)));
        expect(found.residual).toBeLessThan(1e-10);
        expect(largestFall(one.problem, one.radius, theta, one.random, 150)).toBeLessThan(1e-12);
        const { active } = found;
        const within = [...active.stuckMultipliers, ...active.zeroMultipliers].every((value) => Math.abs(value) <= 1);
        expect(within && active.tiedMultipliers.every((value) => value >= 0)).toBe(true);
        // Any other start leads to the same place.
        const again = await robustOptimum(one.fitted, one.attack.threat, one.radius, {
          start: Float64Array.from(one.random.normals(theta.length)),
        });
        expect(Math.abs(again.objective - found.objective)).toBeLessThan(1e-11 * (1 + Math.abs(objective)));
      }),
      { numRuns: drawsOf(150, 2000), seed: 11 },
    );
  });

  test("the certificate holds for θ̂ + εI", async () => {
    let held = 0;
    await fc.assert(
      fc.asyncProperty(anyProblem, async (drawn) => {
        const one = await prepared({ ...drawn, epsilon: drawn.epsilon / 4 });
        fc.pre(one !== null && drawn.model !== "poisson");
        const { fitted, attack, radius } = one;
        const certify = certifier(fitted, attack.threat);
        if (certify === null) return;
        const epsilon = radius / attack.scale;
        const theta = fitted.parameters.map((value, j) => value + epsilon * attack.influence[j]);
        const scores = one.problem.X.map((x) => dot(features(one.problem.terms, x), theta));
        const score = (row: number): number => scores[row];
        const [{ gradient }] = await robustGradients(fitted, attack.threat, [{ theta, radius }]);
        const certificate = await certify({ theta, radius, gradient, score });
        if (certificate === null || certificate.bound === null) return;
        held++;
        const found = await robustOptimum(fitted, attack.threat, radius);
        const error = certificate.length(found.parameters.map((value, j) => value - theta[j]));
        expect(error).toBeLessThanOrEqual(certificate.bound * (1 + 1e-9) + 1e-12);
      }),
      { numRuns: drawsOf(100, 600), seed: 12 },
    );
    expect(held).toBeGreaterThan(15);
  });
});

describe("awkward problems", () => {
  test.each([1, 1.5, 2, 3, INF])(
    "repeated rows, round targets, a constant and a repeated column, p = %d",
    async (p) => {
      const random = new Random(5);
      const X = Array.from({ length: 12 }, () => {
        const x = random.below(3) - 1;
        return [x, random.below(2), 0, x];
      });
      const rows = [...X, ...X, ...X.slice(0, 6)];
      const y = rows.map((x) => x[0] + random.below(3) - 1);
      const w = rows.map(() => 1 / rows.length);
      const unit = (k: number): number[] => [0, 0, 0, 0].map((_, j) => (j === k ? 1 : 0));
      const terms = [0, 1, 2, 3, 4].map((j) => ({ coefficient: 1, powers: j === 0 ? [0, 0, 0, 0] : unit(j - 1) }));
      const l2 = 0.05;
      const ridge = [0, l2, l2, l2, l2];
      const problem: Problem = { X: rows, y, w, loss: "squared", terms, ridge, p, budgets: [1, 1, 1, 1] };
      const fitted = await fit(linear(), matrixDataset(Matrix.fromRows(rows), y), { l2 });
      for (const radius of [0.01, 0.05, 0.1, 0.2, 0.3, 0.5]) {
        const found = await robustOptimum(fitted, lp(p)(4), radius);
        expect(found.residual).toBeLessThan(1e-10);
        expect(largestFall(problem, radius, [...found.parameters], random, 300)).toBeLessThan(1e-12);
      }
    },
  );

  test("just below the collapse radius all is nearly given up, at it everything, frozen features never", async () => {
    for (const p of [1, 1.5, 2, 3, INF]) {
      for (const model of MODELS) {
        const one = randomCase(model, 21, { n: 40, m: 3, p, budgets: [1, 0, 0.5] });
        const fitted = await fit(one.describe, one.data);
        const attack = await influence(fitted, one.threat);
        const collapse = ((await collapseRadius(attack)) ?? 0) * attack.scale;
        const before = await robustOptimum(fitted, attack.threat, collapse * (1 - 1e-4));
        const after = await robustOptimum(fitted, attack.threat, collapse * (1 + 1e-9));
        expect([before.collapsed, after.collapsed]).toEqual([false, true]);
        expect(Math.max(Math.abs(before.parameters[1]), Math.abs(before.parameters[3]))).toBeGreaterThan(0);
        expect([after.parameters[1], after.parameters[3]]).toEqual([0, 0]);
        expect(Math.abs(after.parameters[2])).toBeGreaterThan(1e-3);
        expect(relativeError(before.parameters, after.parameters)).toBeLessThan(3e-3);
        expect(largestFall(one.problem, collapse, [...after.parameters], new Random(1), 200)).toBeLessThan(1e-12);
        expect(after.residual).toBeLessThan(1e-10);
      }
    }
  });

  test("a point whose terms have overflown is no optimum, however small its gradient looks beside them", () => {
    expect(relativeSize(Float64Array.of(1e200), Float64Array.of(INF))).toBeNaN();
    expect(relativeSize(Float64Array.of(2, -6), Float64Array.of(4, 3))).toBe(2);
    expect(relativeSize(Float64Array.of(0), Float64Array.of(0))).toBe(0);
  });

  test.each([1, 1.5, 2, 3, INF])("radius 0 is the fit, from anywhere, p = %d", async (p) => {
    for (const model of MODELS) {
      const one = randomCase(model, 3, { p });
      const fitted = await fit(one.describe, one.data);
      for (const start of [fitted.parameters, fitted.parameters.map((value) => value + 0.3), new Float64Array(4)]) {
        const found = await robustOptimum(fitted, one.threat(3), 0, { start });
        expect(relativeError(found.parameters, fitted.parameters)).toBeLessThan(1e-9);
        expect(found.robustLoss).toBe(found.naturalLoss);
        expect(found.residual).toBeLessThan(1e-10);
      }
    }
  });

  test("bad input is refused", async () => {
    const one = randomCase("linear", 3);
    const fitted = await fit(one.describe, one.data);
    await expect(robustOptimum(fitted, one.threat(3), -1)).rejects.toThrow(/radius/);
    await expect(robustOptimum(fitted, one.threat(3), 0.1, { start: new Float64Array(2) })).rejects.toThrow(/start/);
    const bounds = { lower: [-9, -9, -9], upper: [9, 9, 9] };
    await expect(robustOptimum(fitted, lp(2, { bounds })(3), 0.1)).rejects.toThrow(/bounds/);
    const curved = randomCase("quadratic", 3);
    await expect(robustOptimum(await fit(curved.describe, curved.data), curved.threat(3), 0.1)).rejects.toThrow(
      /linear in the features/,
    );
    const stop = new AbortController();
    stop.abort();
    const class2 = randomCase("logistic", 3);
    const separate = await fit(class2.describe, class2.data);
    await expect(robustOptimum(separate, class2.threat(3), 0.1, { signal: stop.signal })).rejects.toThrow(/cancelled/);
  });
});
