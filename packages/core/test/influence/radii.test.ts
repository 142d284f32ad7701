/** Certificates, trust, kink, collapse and bound radii against the exact robust optimum and against brute force. */
import { describe, expect, test } from "vitest";
import {
  checkValidity,
  collapseRadius,
  fit,
  fitAt,
  type Influence,
  influence,
  kinkFraction,
  kinkRadii,
  kinkRadius,
  linear,
  lp,
  Matrix,
  matrixDataset,
  residualFraction,
  scoreShifts,
} from "../../src/index.js";
import { boundRadius } from "../../src/influence/bound-radius.js";
import {
  budgetScale,
  conjugate,
  dot,
  features,
  gradient,
  hessian,
  inputGradient,
  lossOf,
  type Problem,
  pNorm,
  Random,
  relativeError,
  robustOptimum,
  robustOptimumByContinuation,
  robustRisk,
  solve,
} from "../models/naive.js";
import { attacked, type ModelName, type Options, randomCase, smoothCase, type TestCase } from "./problems.js";

const INF = Number.POSITIVE_INFINITY;

const quadraticForm = (H: readonly number[][], x: readonly number[]): number =>
  x.reduce((sum, value, j) => sum + value * dot(H[j], x), 0);

/** H at the robust margins of θ: the norm of the logistic certificate. */
function robustHessian(problem: Problem, rho: number, theta: ArrayLike<number>): number[][] {
  const { X, y, w, terms, budgets, p, ridge } = problem;
  const first = terms.length - budgets.length;
  const N = pNorm(
    budgets.map((b, k) => b * theta[first + k]),
    conjugate(p),
  );
  const H = ridge.map((P, j) => ridge.map((_, k) => (j === k ? P : 0)));
  X.forEach((x, i) => {
    const v = features(terms, x);
    const curvature = w[i] * lossOf("logistic", -y[i] * dot(v, theta) + rho * N, 1)[2];
    for (let j = 0; j < v.length; j++) for (let k = 0; k < v.length; k++) H[j][k] += curvature * v[j] * v[k];
  });
  return H;
}

/** The exact optimum, from θ̂ by Newton's method where it is smooth, else by smoothing; null where neither can be trusted. */
function exactOptimum(
  problem: Problem,
  rho: number,
  start: ArrayLike<number>,
): { theta: number[]; accuracy: number } | null {
  const direct = robustOptimum(problem, rho, start);
  if (direct.gradient < 1e-12) return { theta: direct.theta, accuracy: 1e-9 };
  const theta = robustOptimumByContinuation(problem, rho, start);
  // It must at least be as good as the point it came from.
  const [value, other] = [theta, Array.from(start)].map((at) => robustRisk(problem, rho, at).value);
  return value <= other + 1e-12 ? { theta, accuracy: 5e-6 } : null;
}

describe.each(["linear", "half", "logistic"] as const)("certificate: %s", (model) => {
  test.each([1, 1.5, 2, 3, INF])("never violated, p = %d", async (p) => {
    let certified = 0;
    let solved = 0;
    for (let seed = 0; seed < 14; seed++) {
      const random = new Random(500 + seed);
      const options: Options = {
        n: 30 + random.below(60),
        p,
        intercept: seed % 3 !== 0,
        l2: seed % 2 ? 0.05 : 0,
        weighted: seed % 4 === 0,
        budgets: seed % 5 === 0 ? [1, 0, 2] : [1, 1, 1],
      };
      const { problem, fit: f, attack } = await smoothCase(model, 5000 + 17 * seed, options, 0);
      const shifts = await scoreShifts(attack);
      // A generous tolerance: bounds are worked out up to a few trust radii only.
      const validity = await checkValidity(attack, shifts, { tolerance: model === "logistic" ? 0.9 : 100 });
      const c = budgetScale(problem);
      const epsilons = [1e-3, 1e-2, 0.04, 0.1];
      const checks = await validity.at(epsilons);
      for (const [e, { errorBound, stationarity }] of checks.entries()) {
        const rho = epsilons[e] * c;
        const moved = f.parameters.map((value, j) => value + epsilons[e] * attack.influence[j]);
        expect(stationarity).toBeGreaterThanOrEqual(0);
        if (errorBound === null) continue;
        certified++;
        const exact = exactOptimum(problem, rho, moved);
        if (!exact) continue;
        solved++;
        const H =
          validity.trust.errorNorm === "robust-hessian"
            ? robustHessian(problem, rho, moved)
            : hessian(problem, f.parameters);
        const error = Math.sqrt(
          quadraticForm(
            H,
            exact.theta.map((value, j) => value - moved[j]),
          ),
        );
        expect(error).toBeLessThanOrEqual(errorBound * (1 + 1e-3) + exact.accuracy);
      }
    }
    expect(certified).toBeGreaterThan(20);
    expect(solved).toBeGreaterThan(0.9 * certified);
  });
});

describe("the squared certificate is the formula of MATH 10b", () => {
  test.each([1, 2, INF])("‖g‖_{H⁻¹} / (1 − ρ√(2s) ν)², p = %d", async (p) => {
    for (const [model, s] of [
      ["linear", 1],
      ["half", 0.5],
    ] as const) {
      const budgets = [1, 0.5, 2];
      const { problem, fit: f, attack } = await smoothCase(model, 83, { n: 40, p, budgets, l2: 0.02 }, 1e-2);
      const H = hessian(problem, f.parameters);
      const inverse = [0, 1, 2, 3].map((j) =>
        solve(
          H,
          [0, 1, 2, 3].map((k) => (k === j ? 1 : 0)),
        ),
      );
      const C = budgets.map((a, j) => budgets.map((b, k) => a * b * inverse[j + 1][k + 1]));
      const value = (v: readonly number[]) => Math.sqrt(v.reduce((sum, entry, j) => sum + entry * dot(C[j], v), 0));
      const signs = [
        [1, 1, 1],
        [1, 1, -1],
        [1, -1, 1],
        [-1, 1, 1],
      ];
      let top = [1, 1, 1];
      for (let step = 0; step < 2000; step++) {
        const next = C.map((row) => dot(row, top));
        top = next.map((entry) => entry / pNorm(next, 2));
      }
      // q = ∞: the largest √C_kk; q = 2: √λ_max; q = 1: the largest √(s'Cs).
      const nu =
        { 1: Math.max(...C.map((row, k) => Math.sqrt(row[k]))), 2: value(top) }[p] ?? Math.max(...signs.map(value));
      // A generous tolerance: bounds are worked out up to a few trust radii only.
      const { at } = await checkValidity(attack, await scoreShifts(attack), { tolerance: 1e9 });
      const epsilon = 0.4 / (Math.sqrt(2 * s) * nu * budgetScale(problem));
      for (const part of [0.1, 0.5, 1]) {
        const rho = part * epsilon * budgetScale(problem);
        const moved = Array.from(f.parameters, (entry, j) => entry + part * epsilon * attack.influence[j]);
        if (p === INF && moved.some((entry, j) => entry * f.parameters[j] < 0)) continue;
        const g = robustRisk(problem, rho, moved).gradient;
        const bound = Math.sqrt(dot(g, solve(H, g))) / (1 - rho * Math.sqrt(2 * s) * nu) ** 2;
        const [{ errorBound }] = await at([part * epsilon]);
        expect(relativeError([errorBound ?? 0], [bound])).toBeLessThan(1e-9);
      }
      // Beyond ρ√(2s)ν = 1 nothing is certified.
      expect((await at([2.6 * epsilon]))[0].errorBound).toBeNull();
    }
  });
});

describe("trust radius", () => {
  test.each<[ModelName, number]>([
    ["linear", 2],
    ["linear", 1.5],
    ["linear", INF],
    ["half", 1],
    ["logistic", 2],
    ["logistic", 3],
    ["logistic", INF],
    ["poisson", 2],
  ])("%s, p = %d: up to it the true error is at most 10 %", async (model, p) => {
    for (let seed = 0; seed < 5; seed++) {
      const { problem, fit: f, attack } = await smoothCase(model, 7000 + 31 * seed, { n: 120, p }, 0);
      const shifts = await scoreShifts(attack);
      const collapse = await collapseRadius(attack);
      const { trust } = await checkValidity(attack, shifts, { ceiling: collapse });
      expect(trust.radius).not.toBeNull();
      if (trust.radius === null || trust.radius === 0) continue;
      expect(trust.method).toBe(model === "poisson" ? "stationarity" : "certificate");
      const c = budgetScale(problem);
      for (const epsilon of [trust.radius, 0.3 * trust.radius]) {
        const moved = f.parameters.map((value, j) => value + epsilon * attack.influence[j]);
        const exact = exactOptimum(problem, epsilon * c, moved);
        if (!exact) continue;
        const H =
          trust.errorNorm === "robust-hessian"
            ? robustHessian(problem, epsilon * c, moved)
            : hessian(problem, f.parameters);
        const error = Math.sqrt(
          quadraticForm(
            H,
            exact.theta.map((value, j) => value - moved[j]),
          ),
        );
        const size = epsilon * Math.sqrt(quadraticForm(H, Array.from(attack.influence)));
        // The estimate of Poisson models is no bound; it is allowed to be a little off.
        expect(error).toBeLessThanOrEqual((model === "poisson" ? 0.13 : 0.1001) * size + exact.accuracy);
      }
      // And it is not needlessly short: the error there or soon after is not negligible.
      expect(trust.radius).toBeGreaterThan(1e-5);
    }
  });

  test("a tolerance of one's own, and none where there is no closed form", async () => {
    const smooth = await smoothCase("logistic", 3, { n: 60 }, 0);
    const shifts = await scoreShifts(smooth.attack);
    const loose = await checkValidity(smooth.attack, shifts, { tolerance: 0.5 });
    const strict = await checkValidity(smooth.attack, shifts, { tolerance: 0.01 });
    expect(strict.trust.radius ?? INF).toBeLessThan(loose.trust.radius ?? 0);
    // The bound itself knows nothing of the tolerance.
    const usual = await checkValidity(smooth.attack, shifts);
    const epsilon = usual.trust.radius ?? 0;
    const [bound] = await usual.at([epsilon]);
    expect(bound.errorBound).toBeGreaterThan(0);
    expect((await strict.at([epsilon]))[0].errorBound).toBeCloseTo(bound.errorBound ?? 0, 12);
    for (const [model, options] of [
      ["quadratic", {}],
      ["logistic", { boxed: true }],
    ] as const) {
      const other = await smoothCase(model, 3, { n: 60, ...options }, 0);
      const { trust, at } = await checkValidity(other.attack, await scoreShifts(other.attack));
      expect(trust.radius).toBeNull();
      expect(trust.reason).toMatch(/closed form/);
      expect((await at([0.1]))[0].errorBound).toBeNull();
    }
  });

  /** Every row twice, its residual once with either sign: the plane is the exact fit, and more rows on it change nothing. */
  const around = (seed: number, plane: (x: readonly number[]) => number, onPlane: readonly number[][] = []) => {
    const random = new Random(seed);
    const half = random.rows(60, 2);
    const noise = random.normals(60).map((u) => u + 0.5 * Math.sign(u));
    const X = [...half, ...half, ...onPlane];
    const y = [
      ...half.map((x, i) => plane(x) + noise[i]),
      ...half.map((x, i) => plane(x) - noise[i]),
      ...onPlane.map(plane),
    ];
    return matrixDataset(Matrix.fromRows(X), y);
  };
  const trusted = async (data: ReturnType<typeof around>, p: number) => {
    const attack = await influence(await fit(linear(), data), lp(p));
    const ceiling = await collapseRadius(attack);
    return { attack, radius: (await checkValidity(attack, await scoreShifts(attack), { ceiling })).trust.radius };
  };

  test("corners that the path stays on do not cut it short (MATH 14.10)", async () => {
    const residual = await trusted(
      around(7, (x) => 1 + 2 * x[0] - x[1], [[0.1, 0.2]]),
      2,
    );
    expect(Math.abs(residual.attack.multipliers?.residuals[0].value ?? 1)).toBeLessThan(1);
    expect(residual.radius).toBeGreaterThan(0.01);
    const zero = await trusted(
      around(1, (x) => 1 + 2 * x[0]),
      INF,
    );
    expect(Math.abs(zero.attack.multipliers?.coordinates[0].value ?? 1)).toBeLessThan(1);
    expect(zero.radius).toBeGreaterThan(0.01);
    const tie = await trusted(
      around(1, (x) => 1 + 2 * x[0] - 2 * x[1]),
      1,
    );
    expect(tie.attack.multipliers?.ties.every(({ value }) => value > 0 && value < 1)).toBe(true);
    expect(tie.radius).toBeGreaterThan(0.01);
  });
});

/** The first ε of a fine grid at which something about θ̂ + εI differs from θ̂. */
function firstChange(problem: Problem, attack: Influence, limit: number): number {
  const theta = attack.fit.parameters;
  const state = (epsilon: number): string => {
    const at = theta.map((value, j) => value + epsilon * attack.influence[j]);
    return problem.X.map((x, i) => {
      const f = dot(features(problem.terms, x), at);
      const slope = lossOf(problem.loss, f, problem.y[i])[1];
      const sign = problem.loss === "logistic" ? 0 : Math.sign(slope);
      // γ = g/ℓ': signs at p = ∞, the arg-max at p = 1, among the attacked.
      const gamma = inputGradient(problem, i, at).map((g, k) => (g / slope) * problem.budgets[k]);
      if (problem.p === INF)
        return `${sign}:${gamma.map((g, k) => (problem.budgets[k] > 0 ? Math.sign(g) : 0)).join()}`;
      if (problem.p === 1)
        return `${sign}:${gamma.reduce((best, g, k) => (Math.abs(g) > Math.abs(gamma[best]) ? k : best), 0)}`;
      return `${sign}`;
    }).join(";");
  };
  const before = state(0);
  let [low, high] = [0, limit];
  let found = false;
  for (let step = 1; step <= 400; step++) {
    const epsilon = (limit * step) / 400;
    if (state(epsilon) !== before) {
      [low, high, found] = [(limit * (step - 1)) / 400, epsilon, true];
      break;
    }
  }
  if (!found) return INF;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (state(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

describe.each(["linear", "logistic", "poisson", "quadratic", "quadratic-logistic", "basis"] as const)(
  "kink radius: %s",
  (model) => {
    test.each([1, 1.5, 2, INF])("is where something changes first, p = %d", async (p) => {
      for (const budgets of [
        [1, 1, 1],
        [0.5, 0, 2],
      ]) {
        const { problem, attack } = await smoothCase(
          model,
          91,
          { n: model === "quadratic-logistic" ? 50 : 12, p, budgets },
          1e-3,
        );
        const radii = await kinkRadii(attack, await scoreShifts(attack));
        const radius = kinkRadius(radii);
        const limit = Math.min(2, 4 * (radius ?? 0.5));
        const truth = firstChange(problem, attack, limit);
        if (radius === null || radius > limit) expect(truth).toBe(INF);
        else expect(relativeError([radius], [truth])).toBeLessThan(1e-6);
        // Fractions count what has changed by then.
        const { weights } = attack.fit.data;
        const before = kinkFraction(radii, weights, (radius ?? 1) * 0.999);
        expect(before).toBe(0);
        if (radius !== null) expect(kinkFraction(radii, weights, radius * 1.001)).toBeGreaterThan(0);
        const epsilon = 0.2;
        const theta = attack.fit.parameters;
        const moved = theta.map((value, j) => value + epsilon * attack.influence[j]);
        const changed = problem.X.filter((x, i) => {
          const v = features(problem.terms, x);
          const signs = [theta, moved].map((at) => Math.sign(lossOf(problem.loss, dot(v, at), problem.y[i])[1]));
          return signs[0] !== signs[1];
        }).length;
        expect(residualFraction(radii, weights, epsilon)).toBeCloseTo(changed / problem.X.length, 12);
      }
    });
  },
);

describe.each(["linear", "logistic", "poisson"] as const)("collapse radius: %s", (model) => {
  test.each([
    [1, [1, 1, 1]],
    [1.5, [1, 1, 1]],
    [2, [0.5, 2, 1]],
    [INF, [1, 1, 1]],
    [2, [1, 0, 3]],
    [INF, [0, 1, 1]],
  ])("β = 0 is optimal above it and not below, p = %d, budgets %o", async (p, budgets) => {
    for (const options of [{}, { weighted: true, l2: 0.05 }]) {
      const { problem, attack } = await smoothCase(model, 95, { n: 40, p, budgets, ...options }, 0);
      const epsilon = (await collapseRadius(attack)) ?? Number.NaN;
      expect(epsilon).toBeGreaterThan(0);
      // The null model: intercept and frozen features alone, by Newton's method on the others.
      const free = problem.terms.map((_, j) => (j === 0 || budgets[j - 1] === 0 ? j : -1)).filter((j) => j >= 0);
      let theta = problem.terms.map(() => 0);
      for (let step = 0; step < 60; step++) {
        const H = hessian(problem, theta);
        const g = gradient(problem, theta);
        const small = solveSmall(
          free.map((j) => free.map((k) => H[j][k])),
          free.map((j) => g[j]),
        );
        theta = theta.map((value, j) => (free.includes(j) ? value - small[free.indexOf(j)] : value));
      }
      const natural = gradient(problem, theta);
      const slopes = problem.X.reduce(
        (sum, x, i) =>
          sum + problem.w[i] * Math.abs(lossOf(problem.loss, dot(features(problem.terms, x), theta), problem.y[i])[1]),
        0,
      );
      // 0 is a subgradient iff the attacked part of ∇L, measured against ρ Σ w|ℓ'| ‖b⊙·‖_q, lies in the dual ball.
      const pull = pNorm(
        budgets.map((b, k) => (b > 0 ? natural[k + 1] / b : 0)),
        p,
      );
      const needed = pull / (budgetScale(problem) * slopes);
      expect(relativeError([epsilon], [needed])).toBeLessThan(1e-9);
      // By the risk itself: above, no direction helps; below, one does.
      const rho = (share: number) => share * epsilon * budgetScale(problem);
      const random = new Random(4);
      const above = robustRisk(problem, rho(1.02), theta).value;
      for (let draw = 0; draw < 200; draw++) {
        const there = theta.map((value) => value + 10 ** (-4 * random.uniform()) * random.normal());
        expect(robustRisk(problem, rho(1.02), there).value).toBeGreaterThanOrEqual(above - 1e-13);
      }
      const below = robustRisk(problem, rho(0.98), theta).value;
      const downhill = bestDescent(budgets, natural, p);
      const better = [1e-2, 1e-3, 1e-4].some(
        (t) =>
          robustRisk(
            problem,
            rho(0.98),
            theta.map((value, j) => value + t * (j === 0 ? 0 : downhill[j - 1])),
          ).value <
          below - 1e-14,
      );
      expect(better).toBe(true);
    }
  });
});

function solveSmall(A: number[][], b: number[]): number[] {
  const n = b.length;
  const M = A.map((row, i) => [...row, b[i]]);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = M[i][k] / M[k][k];
      for (let j = 0; j <= n; j++) M[i][j] -= factor * M[k][j];
    }
  }
  return M.map((row, i) => row[n] / row[i]);
}

/** v with ‖b⊙v‖_q = 1 along which Σ natural_k v_k is as negative as can be. */
function bestDescent(budgets: readonly number[], natural: readonly number[], p: number): number[] {
  const scaled = budgets.map((b, k) => (b > 0 ? natural[k + 1] / b : 0));
  const size = pNorm(scaled, p);
  const most = scaled.reduce((best, value, k) => (Math.abs(value) > Math.abs(scaled[best]) ? k : best), 0);
  return scaled.map((value, k) => {
    if (budgets[k] === 0) return 0;
    const direction =
      p === INF ? (k === most ? Math.sign(value) : 0) : Math.sign(value) * (Math.abs(value) / size) ** (p - 1);
    return -direction / budgets[k];
  });
}

describe("bound radius", () => {
  test("the first row to meet a bound under the first-order attack", async () => {
    for (const p of [1, 2, INF]) {
      const chosen: TestCase = randomCase("logistic", 97, { n: 30, p });
      const bounds = { lower: [-4, -5, -6], upper: [5, 4, 6] };
      const { attack } = await attacked({ ...chosen, threat: lp(p, { bounds }) });
      const { problem } = chosen;
      const c = budgetScale(problem);
      let truth = INF;
      problem.X.forEach((x, i) => {
        const g = inputGradient(problem, i, attack.fit.parameters);
        const N = pNorm(g, conjugate(p));
        const most = g.reduce((best, value, k) => (Math.abs(value) > Math.abs(g[best]) ? k : best), 0);
        g.forEach((value, k) => {
          const phi = p === 1 ? (k === most ? Math.sign(value) : 0) : p === INF ? Math.sign(value) : value / N;
          if (phi !== 0)
            truth = Math.min(truth, (phi > 0 ? bounds.upper[k] - x[k] : bounds.lower[k] - x[k]) / (c * phi));
        });
      });
      expect(relativeError([(await boundRadius(attack)) ?? -1], [truth])).toBeLessThan(1e-10);
    }
    const free = await smoothCase("logistic", 3, {}, 0);
    expect(await boundRadius(free.attack)).toBeNull();
  });

  test("rows on a bound that are pushed off it do not count, rows pushed against it never move", async () => {
    const { attack } = await smoothCase("logistic", 98, { boxed: true, n: 40 }, 0);
    expect((await boundRadius(attack)) ?? INF).toBeGreaterThan(0);
  });
});

test("nothing to move: no trust radius, with a reason", async () => {
  const X = [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ];
  const data = matrixDataset(
    Matrix.fromRows(X),
    X.map(([a, b]) => a * b),
  );
  const f = await fitAt(linear(), data, [0, 0, 0]);
  const attack = await influence(f, lp(2));
  const { trust, at } = await checkValidity(attack, await scoreShifts(attack), {
    ceiling: await collapseRadius(attack),
  });
  expect(trust.radius).toBeNull();
  expect(trust.reason).toMatch(/does not move/);
  for (const check of await at([0.01, 0.1])) expect(Number.isNaN(check.relativeError ?? 0)).toBe(false);
});
