/** Certificates and robust losses on a few rows, by the formulas. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  poisson,
  quadratic,
  scoreShifts,
  sensitivity,
} from "../../src/index.js";
import { certificateNorm, certifier, certifierOf } from "../../src/influence/certificate.js";
import { atFixedRadius, heldOutRows, otherRows, trainingRows } from "../../src/influence/evaluated-rows.js";
import {
  attackedLosses,
  attackedMetrics,
  attackedRows,
  attackedScoresOf,
  naturalMetrics,
  robustLosses,
  robustLossMethod,
} from "../../src/influence/robust-losses.js";
import { keptMargins, largestCurvatures, leastCurvature, rowReaches } from "../../src/influence/robust-margins.js";
import { changeAt, secondOrderChange } from "../../src/influence/second-order-change.js";
import { divergence } from "../../src/threats/divergence.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import {
  budgetScale,
  conjugate,
  dot,
  hessian,
  lossOf,
  type Problem,
  pNorm,
  Random,
  relativeError,
  robustRisk,
  solve,
} from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase, smoothCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

/** (V'H⁻¹V scaled by b) on the attacked coordinates. */
function attackedCovariance(H: number[][], budgets: readonly number[]): number[][] {
  const d = H.length;
  const first = d - budgets.length;
  const inverse = H.map((_, j) =>
    solve(
      H,
      H.map((__, k) => (k === j ? 1 : 0)),
    ),
  );
  const kept = budgets.flatMap((b, k) => (b > 0 ? [k] : []));
  return kept.map((j) => kept.map((k) => budgets[j] * budgets[k] * inverse[first + j][first + k]));
}

/** sup ‖b⊙h‖_q over h'Hh ≤ 1: exact at q = 1, 2, ∞ by signs, power iteration and the diagonal. */
function exactNu(C: number[][], q: number): number {
  const form = (v: readonly number[]) => Math.sqrt(v.reduce((sum, value, j) => sum + value * dot(C[j], v), 0));
  if (q === INF) return Math.max(...C.map((row, k) => Math.sqrt(row[k])));
  if (q === 1) {
    let most = 0;
    for (let code = 0; code < 2 ** C.length; code++)
      most = Math.max(most, form(C.map((_, k) => ((code >> k) & 1 ? 1 : -1))));
    return most;
  }
  let v = C.map((_, k) => 1 + 0.1 * k);
  for (let step = 0; step < 3000; step++) {
    const next = C.map((row) => dot(row, v));
    v = next.map((value) => value / Math.hypot(...next));
  }
  return form(v);
}

describe("certificates of a squared loss", () => {
  test.each([
    ["linear", 1, 1, [1, 0.5, 2]],
    ["linear", 1, 2, [1, 0, 2]],
    ["half", 0.5, INF, [1, 0.5, 2]],
    ["half", 0.5, 2, [0, 0, 1]],
    ["half", 0.5, INF, [0.5, 0, 2]],
  ] as const)("%s (s = %d), p = %d, budgets %o: ‖g‖_{H⁻¹}/(1 − ρ√(2s) ν)²", async (model, s, p, budgets) => {
    const made = await smoothCase(model, 11, { n: 14, p, budgets: [...budgets], l2: 0.05, weighted: true }, 1e-3);
    const { problem, attack, fit: own } = made;
    expect(certificateNorm(own)).toBe("hessian");
    const certify = certifier(own, attack.threat);
    const H = hessian(problem, own.parameters);
    const nu = exactNu(attackedCovariance(H, budgets), conjugate(p));
    const g = [0.01, -0.02, 0.005, 0.03];
    for (const part of [0.2, 0.9, 0.999]) {
      const radius = part / (Math.sqrt(2 * s) * nu);
      const found = await certify?.({ theta: own.parameters, radius, gradient: Float64Array.from(g) });
      const wanted = Math.sqrt(dot(g, solve(H, g))) / (1 - part) ** 2;
      expect((found?.bound ?? 0) / wanted).toBeCloseTo(1, 5);
      const x = Float64Array.of(1, 2, -1, 0.5);
      expect(found?.length(x)).toBeCloseTo(Math.sqrt(x.reduce((sum, value, j) => sum + value * dot(H[j], x), 0)), 10);
    }
    const beyond = { theta: own.parameters, radius: 1.001 / (Math.sqrt(2 * s) * nu), gradient: Float64Array.from(g) };
    expect(await certify?.(beyond)).toBeNull();
    // Asked for a bound, a certificate tells how nearly it is proven: 1 − ρ√(2s)ν against √(‖g‖/bound), beyond its end too.
    for (const part of [0.2, 0.9, 1.001]) {
      const radius = part / (Math.sqrt(2 * s) * nu);
      const found = await certify?.({ ...beyond, radius, goal: () => 0.7 });
      expect(found?.proof?.floor).toBeCloseTo(1 - part, 5);
      expect(found?.proof?.need).toBeCloseTo(Math.sqrt(Math.sqrt(dot(g, solve(H, g))) / 0.7), 10);
      expect(found?.bound === null).toBe(part > 1);
    }
    expect((await certify?.({ ...beyond, goal: () => -1 }))?.proof).toBeUndefined();
  });

  test.each([
    [1.5, [1, 1, 1]],
    [3, [1, 1, 1]],
    [3, [1, 0, 1.5]],
  ])("p = %d, budgets %o: the bounds by eigenvalues and deviations", async (p, budgets) => {
    const made = await smoothCase("half", 11, { n: 14, p, budgets, l2: 0.05 }, 1e-3);
    const { problem, attack, fit: own } = made;
    const q = conjugate(p);
    const C = attackedCovariance(hessian(problem, own.parameters), budgets);
    const g = [0.01, -0.02, 0.005, 0.03];
    const radius = 0.05;
    const found = await certifier(
      own,
      attack.threat,
    )?.({ theta: own.parameters, radius, gradient: Float64Array.from(g) });
    const size = Math.sqrt(dot(g, solve(hessian(problem, own.parameters), g)));
    // bound = size/(1 − ρν)²
    const nu = (1 - Math.sqrt(size / (found?.bound ?? 1))) / radius;
    const spectral = exactNu(C, 2);
    const deviations = pNorm(
      C.map((row, k) => Math.sqrt(row[k])),
      q,
    );
    expect(nu).toBeCloseTo(Math.min(spectral * C.length ** Math.max(0, 1 / q - 0.5), deviations), 8);
  });

  test.each([12, 13])("q = 1 with %d features: all signs up to 12, a bound beyond", async (m) => {
    const random = new Random(5);
    const X = random.rows(30, m);
    const y = X.map((x) => x[0] - x[1] + random.normal());
    const own = await fit(linear({ loss: "half-squared" }), matrixDataset(Matrix.fromRows(X), y), { l2: 0.3 });
    const H = Array.from({ length: m + 1 }, (_, j) =>
      Array.from({ length: m + 1 }, (__, k) => own.hessian.data[(m + 1) * Math.max(j, k) + Math.min(j, k)]),
    );
    const C = attackedCovariance(H, new Array<number>(m).fill(1));
    const g = Array.from({ length: m + 1 }, (_, j) => 0.01 * Math.sin(j + 1));
    const radius = 0.01;
    const found = await certifier(own, lp(INF)(m))?.({ theta: own.parameters, radius, gradient: Float64Array.from(g) });
    const nu = (1 - Math.sqrt(Math.sqrt(dot(g, solve(H, g))) / (found?.bound ?? 1))) / radius;
    const deviations = C.reduce((sum, row, k) => sum + Math.sqrt(row[k]), 0);
    const bound = Math.min(exactNu(C, 2) * Math.sqrt(m), deviations);
    if (m > 12) expect(nu / bound).toBeCloseTo(1, 6);
    else {
      expect(nu / exactNu(C, 1)).toBeCloseTo(1, 6);
      expect(nu).toBeLessThan(0.99 * bound);
    }
  });

  test("none for counts, boxes, other bases and singular fits", async () => {
    const made = randomCase("half", 5, { n: 12, m: 2 });
    const own = await fit(linear(), made.data);
    expect(certifier(own, lp(2)(2))).not.toBeNull();
    expect(certifier(own, lp(2, { bounds: { lower: [-9, -9], upper: [9, 9] } })(2))).toBeNull();
    expect(certifier(await fit(quadratic(), made.data, { l2: 0.1 }), lp(2)(2))).toBeNull();
    const counts = randomCase("poisson", 5, { n: 12, m: 2 });
    expect(certifier(await fit(poisson(), counts.data, { l2: 0.1 }), lp(2)(2))).toBeNull();
    const twice = matrixDataset(Matrix.fromRows(made.problem.X.map(([x]) => [x, x])), [...made.problem.y]);
    expect(certifier(await fit(linear(), twice), lp(2)(2))).toBeNull();
  });
});

describe("certificates of a logistic loss", () => {
  test.each([1, 2, INF])("p = %d: κ(r) by the formula of the curvatures nearby", async (p) => {
    const made = randomCase("logistic", 15, { n: 30, m: 2, weighted: true, l2: 0.4, p, budgets: [1, 0.5] });
    const own = await fit(logistic(), new Cut(made.data, 7), { l2: 0.4 });
    const threat = lp(p, { budgets: [1, 0.5] })(2);
    expect(certificateNorm(own)).toBe("robust-hessian");
    const { problem } = made;
    const theta = own.parameters;
    const N = pNorm([theta[1], 0.5 * theta[2]], conjugate(p));
    const radius = 0.02;
    const V = problem.X.map((x) => [1, ...x]);
    const bend = V.map((v, i) => lossOf("logistic", -problem.y[i] * dot(v, theta) + radius * N, 1)[2]);
    const gram = (weights: readonly number[]): number[][] =>
      [0, 1, 2].map((j) =>
        [0, 1, 2].map(
          (k) =>
            V.reduce((sum, v, i) => sum + problem.w[i] * weights[i] * v[j] * v[k], 0) +
            (j === k ? problem.ridge[j] : 0),
        ),
      );
    const H0 = gram(bend);
    const nu = exactNu(attackedCovariance(H0, [1, 0.5]), conjugate(p));
    const D = V.map((v) => Math.sqrt(dot(v, solve(H0, v))) + radius * nu);
    /** The smallest v'Av over v'H0v = 1. */
    const smallest = (A: number[][]): number => {
      let v = [1, 0.3, -0.2];
      for (let step = 0; step < 800; step++) {
        const next = solve(
          A,
          H0.map((row) => dot(row, v)),
        );
        v = next.map((value) => value / Math.hypot(...next));
      }
      const along = (M: number[][]) => v.reduce((sum, value, j) => sum + value * dot(M[j], v), 0);
      return along(A) / along(H0);
    };
    const kappa = (r: number): number => {
      const lowest = smallest(gram(bend.map((value, i) => value * Math.exp(-r * D[i]))));
      const spread = bend.reduce((sum, value, i) => sum + problem.w[i] * Math.min(0.25, value * Math.exp(r * D[i])), 0);
      return Math.max(0, Math.sqrt(lowest) - radius * nu * Math.sqrt(spread)) ** 2;
    };
    const g = [0.01, -0.02, 0.015];
    const size = Math.sqrt(dot(g, solve(H0, g)));
    let r = size;
    for (let step = 0; step < 200; step++) r = size / kappa(r);
    const certify = certifier(own, threat);
    const request = { theta, radius, gradient: Float64Array.from(g), score: (row: number) => own.scores[row] };
    const best = await certify?.(request);
    expect((best?.bound ?? 0) / r).toBeCloseTo(1, 3);
    expect(best?.bound).toBeGreaterThanOrEqual(r * (1 - 1e-9));
    const x = Float64Array.of(1, -2, 0.5);
    expect(best?.length(x)).toBeCloseTo(Math.sqrt(x.reduce((sum, value, j) => sum + value * dot(H0[j], x), 0)), 9);
    // Without scores those of the fit are taken; an attainable goal is met by a bound below it.
    const { score: _score, ...bare } = request;
    expect((await certify?.(bare))?.bound).toBe(best?.bound);
    const goal = 3 * r;
    const met = await certify?.({ ...request, goal: () => goal });
    expect((met?.bound ?? 0) / Math.min(size / kappa(goal), size / kappa(goal / 2))).toBeCloseTo(1, 5);
    const near = await certify?.({ ...request, goal: () => 1.2 * r });
    expect((near?.bound ?? 0) / (size / kappa(1.2 * r))).toBeCloseTo(1, 5);
    // How nearly a bound is proven: √κ against √(‖g‖/r), whether it is or not.
    for (const goal of [0.99 * r, r, 1.2 * r, 3 * r]) {
      const proof = (await certify?.({ ...request, goal: () => goal }))?.proof;
      expect((proof?.floor ?? 0) / Math.sqrt(kappa(goal))).toBeCloseTo(1, 6);
      expect((proof?.need ?? 0) / Math.sqrt(size / goal)).toBeCloseTo(1, 9);
    }
    const unasked = { bound: null };
    expect(await certify?.({ ...request, goal: () => 0.9 * size })).toMatchObject(unasked);
    // Just above ‖g‖ nothing is proven, since κ < 1; at or below it, or without end, the rows are not even asked.
    const asked: number[] = [];
    const watching = certifierOf(own, threat, (question, reach) => {
      const rows = keptMargins(own, question, reach);
      return {
        ...rows,
        shrunk: async (half, extra) => {
          const answer = await rows.shrunk(half, extra);
          return (radii) => {
            asked.push(...radii);
            return answer(radii);
          };
        },
      };
    });
    expect((await watching?.({ ...request, goal: () => 1.0001 * size }))?.bound).toBeNull();
    expect(asked.map((radius) => radius / size)).toEqual([1.0001, 1.0001 / 2].map((value) => expect.closeTo(value, 9)));
    for (const none of [size, 0.9 * size, INF])
      expect(await watching?.({ ...request, goal: () => none })).toMatchObject(unasked);
    expect(asked).toHaveLength(2);
    expect(await certify?.({ ...request, gradient: Float64Array.of(9, 9, 9) })).toBeNull();
    expect(await certify?.({ ...request, radius: 50 })).toBeNull();
  });

  test("what it asks of the rows", async () => {
    const made = randomCase("logistic", 15, { n: 9, m: 2, weighted: true });
    const own = await fit(logistic(), new Cut(made.data, 4), { l2: 0.4 });
    const rows = keptMargins(
      own,
      { theta: own.parameters, radius: 0, gradient: own.parameters, score: () => 0.3 },
      0.2,
    );
    const V = made.problem.X.map((x) => [1, ...x]);
    const bend = made.problem.y.map((label) => lossOf("logistic", -label * 0.3 + 0.2, 1)[2]);
    const H = await rows.hessian();
    for (let j = 0; j < 3; j++)
      for (let k = 0; k <= j; k++)
        expect(H.data[3 * j + k]).toBeCloseTo(
          V.reduce((sum, v, i) => sum + made.problem.w[i] * bend[i] * v[j] * v[k], 0),
          12,
        );
    const half = Matrix.fromRows([
      [1, 0, 0.5],
      [0, 2, 0],
      [0, 0, 1],
    ]);
    const [shrunk, less] = await (await rows.shrunk(half, 0.1))([0.7, 0]);
    expect(relativeError(less.hessian.data, H.data)).toBeLessThan(1e-12);
    // Rows of `half` transposed: images are v'half.
    const D = V.map((v) => Math.hypot(v[0], 2 * v[1], 0.5 * v[0] + v[2]) + 0.1);
    expect(
      relativeError(
        rowReaches(
          Matrix.fromRows([
            [3, 4],
            [0, 1],
          ]),
          0.5,
        ),
        [5.5, 1.5],
      ),
    ).toBe(0);
    expect(leastCurvature(0.2, 2, 0.5)).toBeCloseTo(0.2 * Math.exp(-1), 14);
    expect(
      largestCurvatures(Float64Array.of(0.2, 0.01, 0), Float64Array.of(1, 1, 9e9), Float64Array.of(0.5, 0.3, 0.2), 1),
    ).toBeCloseTo(0.5 * 0.25 + 0.3 * 0.01 * Math.E, 14);
    const spread = bend.reduce(
      (sum, value, i) => sum + made.problem.w[i] * Math.min(0.25, value * Math.exp(0.7 * D[i])),
      0,
    );
    expect(shrunk.spread).toBeCloseTo(spread, 11);
    const entry = V.reduce((sum, v, i) => sum + made.problem.w[i] * bend[i] * Math.exp(-0.7 * D[i]) * v[2] * v[1], 0);
    expect(shrunk.hessian.data[7]).toBeCloseTo(entry, 11);
  });
});

describe("robust losses", () => {
  const worst = (problem: Problem, theta: readonly number[], rho: number): number[] => {
    const N = pNorm(
      problem.budgets.map((b, k) => b * theta[1 + k]),
      conjugate(problem.p),
    );
    return problem.X.map((x, i) => {
      const f = dot([1, ...x], theta);
      return Math.max(
        lossOf(problem.loss, f + rho * N, problem.y[i])[0],
        lossOf(problem.loss, f - rho * N, problem.y[i])[0],
      );
    });
  };

  test.each(["half", "logistic", "poisson"] as const)(
    "%s: each row under the worst move, at θ̂ and on the way",
    async (model) => {
      const made = randomCase(model, 3, { n: 15, m: 2, weighted: true, l2: 0.1, p: 3, budgets: [1, 0.5] });
      const { problem } = made;
      const own = await fit(made.describe, new Cut(made.data, 4), { l2: 0.1 });
      const attack = await influence(own, made.threat);
      const shifts = await scoreShifts(attack);
      const evaluated = trainingRows(attack, shifts);
      expect(robustLossMethod(attack)).toBe("closed-form");
      const c = budgetScale(problem);
      const at = (moved: number) => Array.from(own.parameters, (value, j) => value + moved * attack.influence[j]);
      for (const [epsilon, moved] of [
        [0.2, 0],
        [0.2, 0.2],
        [0.1, 0.4],
      ]) {
        const wanted = worst(problem, at(moved), epsilon * c);
        expect(relativeError(await attackedLosses(attack, evaluated, { epsilon, moved }), wanted)).toBeLessThan(1e-10);
        const { losses, terms } = await attackedRows(attack, evaluated, { epsilon, moved });
        expect(terms).toBe(losses);
        const scores = attackedScoresOf(attack, evaluated, { epsilon, moved });
        scores?.forEach((f, i) => expect(lossOf(problem.loss, f, problem.y[i])[0]).toBeCloseTo(wanted[i], 9));
        const metrics = attackedMetrics(attack, evaluated, { epsilon, moved })?.values ?? {};
        if (model === "half") expect(metrics["rmse"]).toBeCloseTo(Math.sqrt(2 * dot(problem.w, wanted)), 9);
        if (model === "logistic") expect(metrics["logLoss"]).toBeCloseTo(dot(problem.w, wanted), 9);
      }
      const found = await robustLosses(attack, evaluated, [0.05, 0.2]);
      expect(found.method).toBe("closed-form");
      [0.05, 0.2].forEach((epsilon, e) => {
        expect(found.natural[e]).toBeCloseTo(
          robustRisk({ ...problem, ridge: [0, 0, 0] }, epsilon * c, at(0)).value,
          10,
        );
        expect(found.robust[e]).toBeCloseTo(
          robustRisk({ ...problem, ridge: [0, 0, 0] }, epsilon * c, at(epsilon)).value,
          10,
        );
      });
      const natural = naturalMetrics(evaluated, 0.3).values;
      const f = problem.X.map((x) => dot([1, ...x], at(0.3)));
      if (model === "half")
        expect(natural["rmse"]).toBeCloseTo(
          Math.sqrt(
            dot(
              problem.w,
              f.map((value, i) => (value - problem.y[i]) ** 2),
            ),
          ),
          10,
        );
      // Held-out rows: each under its own fold, of which fold 2 has no rows.
      const foldOf = Uint16Array.from({ length: 15 }, (_, i) => [0, 1, 3][i % 3]);
      const {
        evaluated: [held],
      } = await heldOutRows([attack], foldOf, 4);
      const losses = await attackedLosses(attack, held, { epsilon: 0.2, moved: 0.2 });
      const scores = attackedScoresOf(attack, held, { epsilon: 0.2, moved: 0.2 }) ?? [];
      foldOf.forEach((k, i) => {
        const { parameters, influence: I, scale } = held.fits[k];
        const theta = Array.from(parameters, (value, j) => value + 0.2 * I[j]);
        const [wanted] = worst({ ...problem, X: [problem.X[i]], y: [problem.y[i]] }, theta, 0.2 * scale);
        expect(losses[i] / wanted).toBeCloseTo(1, 8);
        expect(lossOf(problem.loss, scores[i], problem.y[i])[0] / wanted).toBeCloseTo(1, 8);
      });
    },
  );

  test("to second order where there is no closed form, fold by fold", async () => {
    const made = randomCase("quadratic-logistic", 4, { n: 24, m: 2, l2: 0.3, weighted: true });
    const own = await fit(made.describe, new Cut(made.data, 5), { l2: 0.3 });
    const attack = await influence(own, lp(2));
    expect(robustLossMethod(attack)).toBe("expansion");
    expect(
      attackedScoresOf(attack, trainingRows(attack, await scoreShifts(attack)), { epsilon: 0.1, moved: 0 }),
    ).toBeNull();
    const foldOf = Uint16Array.from({ length: 24 }, (_, i) => 2 * (i % 2));
    const {
      evaluated: [held],
    } = await heldOutRows([attack], foldOf, 3);
    const losses = await attackedLosses(attack, held, { epsilon: 1e-3, moved: 0.1 });
    made.problem.X.forEach((x, i) => {
      const { parameters, influence: I, scale } = held.fits[foldOf[i]];
      const theta = Array.from(parameters, (value, j) => value + 0.1 * I[j]);
      const [a, b] = x;
      const f = dot([1, a, b, a * a, a * b, b * b], theta);
      const [loss, slope] = lossOf("logistic", f, made.problem.y[i]);
      const gamma = Math.hypot(theta[1] + 2 * theta[3] * a + theta[4] * b, theta[2] + theta[4] * a + 2 * theta[5] * b);
      expect(losses[i]).toBeCloseTo(loss + 1e-3 * scale * Math.abs(slope) * gamma, 4);
    });
    const whole = await attackedLosses(attack, trainingRows(attack, await scoreShifts(attack)), {
      epsilon: 0,
      moved: 0,
    });
    own.scores.forEach((f, i) => expect(whole[i]).toBeCloseTo(lossOf("logistic", f, made.problem.y[i])[0], 12));
  });

  test("rows attacked together: each fit's rows have a budget of their own", async () => {
    const made = randomCase("half", 6, { n: 12, m: 2, weighted: true });
    const { problem } = made;
    const own = await fit(made.describe, new Cut(made.data, 5));
    const attack = await influence(own, wasserstein(2, lp(2)));
    expect(robustLossMethod(attack)).toBe("shared-budget");
    const foldOf = Uint16Array.from({ length: 12 }, (_, i) => [0, 2][i % 2]);
    const {
      evaluated: [held],
    } = await heldOutRows([attack], foldOf, 3);
    const epsilon = 0.3;
    const { losses, terms } = await attackedRows(attack, held, { epsilon, moved: 0.2 });
    const scores = attackedScoresOf(attack, held, { epsilon, moved: 0.2 }) ?? new Float64Array(0);
    for (const k of [0, 2]) {
      const rows = problem.y.flatMap((_, i) => (foldOf[i] === k ? [i] : []));
      const total = rows.reduce((sum, i) => sum + problem.w[i], 0);
      const { parameters, influence: I, scale } = held.fits[k];
      const theta = Array.from(parameters, (value, j) => value + 0.2 * I[j]);
      const r = rows.map((i) => dot([1, ...problem.X[i]], theta) - problem.y[i]);
      const size = Math.sqrt(rows.reduce((sum, i, a) => sum + (problem.w[i] / total) * r[a] ** 2, 0));
      // u = 2: every residual grows by the factor 1 + ρ‖β‖/size.
      const grown = 1 + (epsilon * scale * Math.hypot(theta[1], theta[2])) / size;
      rows.forEach((i, a) => {
        expect(losses[i] / (0.5 * (grown * r[a]) ** 2)).toBeCloseTo(1, 6);
        expect((scores[i] - problem.y[i]) / (grown * r[a])).toBeCloseTo(1, 6);
      });
      const sums = [losses, terms].map((list) => rows.reduce((sum, i) => sum + (problem.w[i] / total) * list[i], 0));
      expect(sums[1] / sums[0]).toBeCloseTo(1, 6);
    }
    expect((await attackedLosses(attack, held, { epsilon, moved: 0.2 }))[3]).toBe(losses[3]);
    // A fold whose rows have no weight has no worst case; the other's is as before.
    const weightless = { ...held, rows: { ...held.rows, w: held.rows.w.map((w, i) => (foldOf[i] === 0 ? 0 : w)) } };
    const some = await attackedLosses(attack, weightless, { epsilon, moved: 0.2 });
    foldOf.forEach((k, i) => expect(some[i]).toBe(k === 0 ? 0 : losses[i]));
    const tilted: Influence = await influence(own, divergence("chi2"));
    expect(robustLossMethod(tilted)).toBe("reweighting");
    const plain = trainingRows(tilted, await scoreShifts(tilted));
    expect(attackedScoresOf(tilted, plain, { epsilon: 0.1, moved: 0 })).toBeNull();
    expect(attackedMetrics(tilted, plain, { epsilon: 0.1, moved: 0 })).toBeNull();
    // E l + ρ sd(l) while no weight is below 0.
    const natural = own.scores.map((f, i) => 0.5 * (f - problem.y[i]) ** 2);
    const mean = dot(natural, problem.w);
    const sd = Math.sqrt(natural.reduce((sum, value, i) => sum + problem.w[i] * (value - mean) ** 2, 0));
    const {
      natural: [reweighted],
    } = await robustLosses(tilted, plain, [0.01]);
    expect(reweighted).toBeCloseTo(mean + 0.01 * sd, 8);
  });
});

describe("the cost of robustness in one call", () => {
  test("sizes, radii and what is refused", async () => {
    const made = randomCase("half", 6, { n: 20, m: 2 });
    const own = await fit(made.describe, made.data, { l2: 0.1 });
    const attack = await influence(own, lp(2));
    const found = await sensitivity(attack, { on: "training" });
    expect(found.curve.map(({ epsilon }) => epsilon)).toEqual([0.01, 0.03, 0.1]);
    for (const { epsilon, radius } of found.curve) expect(radius).toBe(epsilon * attack.scale);
    const evaluated = trainingRows(attack, await scoreShifts(attack));
    const losses = await robustLosses(attack, evaluated, [0.01, 0.03, 0.1]);
    expect(found.curve.map(({ robustLoss }) => robustLoss)).toEqual(losses.robust);
    expect(found.curve.map(({ robustLossNatural }) => robustLossNatural)).toEqual(losses.natural);
    expect(found.robustLossMethod).toBe("closed-form");
    expect(found.naturalLoss).toBeCloseTo(own.trainingLoss, 12);
    for (const bad of [-0.1, INF, Number.NaN])
      await expect(sensitivity(attack, { epsilons: [0.1, bad] })).rejects.toThrow(
        `The size ε = ${bad} makes no sense: sizes are numbers ≥ 0.`,
      );
    expect((await sensitivity(attack, { epsilons: [0], on: { folds: 4 } })).curve[0].predicted).toBe(0);
    expect((await sensitivity(attack, { epsilons: [] })).estimand).toBe("held-out rows");
  });

  test("the second-order change: on the training rows, on others, at another radius; not on folds", async () => {
    const made = randomCase("logistic", 6, { n: 20, m: 2, weighted: true, l2: 0.2 });
    const own = await fit(made.describe, new Cut(made.data, 6), { l2: 0.2 });
    const attack = await influence(own, lp(2));
    const J = Float64Array.of(0.4, -0.3, 0.2);
    const chosen = new Cut(made.data.select(Int32Array.of(2, 5, 7, 11, 13)), 2);
    for (const [evaluated, factor] of [
      [trainingRows(attack, await scoreShifts(attack)), 1],
      [await otherRows(attack, chosen), 1],
      [atFixedRadius(await otherRows(attack, chosen), 2 * attack.scale), 2],
    ] as const) {
      const found = await secondOrderChange(attack, J, evaluated);
      const lossAt = (epsilon: number): number => {
        let sum = 0;
        const theta = Array.from(
          own.parameters,
          (value, j) => value + factor * epsilon * attack.influence[j] + 0.5 * (factor * epsilon) ** 2 * J[j],
        );
        for (const { x, y, w } of evaluated.data.blocks())
          for (let i = 0; i < y.length; i++) sum += w[i] * lossOf("logistic", dot([1, ...x.row(i)], theta), y[i])[0];
        return sum;
      };
      const h = 1e-3;
      expect(found.first).toBeCloseTo((lossAt(h) - lossAt(-h)) / (2 * h), 5);
      expect(found.second).toBeCloseTo((lossAt(h) - 2 * lossAt(0) + lossAt(-h)) / (2 * h * h), 4);
      expect(found.third).toBeNull();
    }
    expect(changeAt({ first: 1, second: 2, third: null }, 0.5)).toBe(1);
    expect(changeAt({ first: 1, second: 2, third: 8 }, 0.5)).toBe(2);
    const {
      evaluated: [held],
    } = await heldOutRows(
      [attack],
      Uint16Array.from({ length: 20 }, (_, i) => i % 2),
      2,
    );
    await expect(secondOrderChange(attack, J, held)).rejects.toThrow(
      "The second-order change is not available on held-out folds",
    );
  });
});
