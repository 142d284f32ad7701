/** Projected models against the robust problem itself, solved naively in the features, and against the model without projection. */
import { describe, expect, test } from "vitest";
import {
  analyze,
  collapseRadius,
  crossFit,
  type Dataset,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  type Projection,
  poisson,
  principalComponents,
  projected,
  quadratic,
  robustOptimum,
  type StudySettings,
  sensitivity,
} from "../../../src/index.js";
import { generalRobustOptimum } from "../../../src/robust/general-optimum.js";
import { hasProjectedOptimum, projectedRobustOptimum } from "../../../src/robust/projected-optimum.js";
import { leaves, loans, settings } from "../../study/tables.js";
import { conjugate, lossOf, pNorm, Random, relativeError, solve } from "../naive.js";

const [N, M] = [60, 4];

function rows(seed: number, kind: "logistic" | "squared" | "poisson"): { X: number[][]; y: number[]; data: Dataset } {
  const random = new Random(seed);
  const X = Array.from({ length: N }, () => {
    const common = random.normal();
    return Array.from({ length: M }, (_, j) => 0.5 + (j % 2 === 0 ? common : -0.5 * common) + random.normal());
  });
  const y = X.map((row) => {
    const f = 0.3 + row[0] - 0.5 * row[1] + 0.3 * row[3] + random.normal();
    if (kind === "squared") return f;
    return kind === "logistic" ? (f > 0 ? 1 : -1) : Math.round(Math.exp(0.4 * f));
  });
  return { X, y, data: matrixDataset(Matrix.fromRows(X), y) };
}

/** ∇R(θ) by hand: scores b + θ'P'(x − μ), moved by ρ‖b⊙Pθ‖_q towards the worse end. */
function robustGradient(
  { X, y }: { X: number[][]; y: number[] },
  { matrix, centre }: { matrix: Matrix; centre: Float64Array },
  loss: Parameters<typeof lossOf>[0],
  { p, budgets, rho, l2 }: { p: number; budgets: number[]; rho: number; l2: number },
) {
  const k = matrix.columns;
  const q = conjugate(p);
  return (theta: ArrayLike<number>): number[] => {
    const gamma = Array.from({ length: M }, (_, j) => {
      let sum = 0;
      for (let c = 0; c < k; c++) sum += matrix.data[j * k + c] * theta[1 + c];
      return sum;
    });
    const scaled = gamma.map((value, j) => budgets[j] * value);
    const size = pNorm(scaled, q);
    const phi = scaled.map((value, j) => budgets[j] * Math.sign(value) * (Math.abs(value) / size) ** (q - 1));
    const turn = Array.from({ length: k }, (_, c) =>
      phi.reduce((sum, value, j) => sum + value * matrix.data[j * k + c], 0),
    );
    const out = Array.from({ length: k + 1 }, (_, j) => (j === 0 ? 0 : l2 * theta[j]));
    X.forEach((x, i) => {
      const z = Array.from({ length: k }, (_, c) =>
        x.reduce((sum, value, j) => sum + (value - centre[j]) * matrix.data[j * k + c], 0),
      );
      const f = theta[0] + z.reduce((sum, value, c) => sum + value * theta[1 + c], 0);
      const [up, down] = [f + rho * size, f - rho * size];
      const side = lossOf(loss, up, y[i])[0] >= lossOf(loss, down, y[i])[0] ? 1 : -1;
      const slope = lossOf(loss, side > 0 ? up : down, y[i])[1] / N;
      out[0] += slope;
      z.forEach((value, c) => (out[1 + c] += slope * (value + side * rho * turn[c])));
    });
    return out;
  };
}

/** The zero of a gradient by Newton's method with a differenced Jacobian. */
function zeroOf(gradient: (theta: ArrayLike<number>) => number[], start: ArrayLike<number>): number[] {
  let theta = Array.from(start);
  for (let step = 0; step < 40; step++) {
    const g = gradient(theta);
    if (Math.max(...g.map(Math.abs)) < 1e-13) break;
    const jacobian = theta.map((_, j) => {
      const moved = (t: number): number[] => gradient(theta.map((value, a) => (a === j ? value + t : value)));
      const [up, down] = [moved(1e-5), moved(-1e-5)];
      return up.map((value, a) => (value - down[a]) / 2e-5);
    });
    const by = solve(
      g.map((_, a) => jacobian.map((column) => column[a])),
      g,
    );
    theta = theta.map((value, j) => value - by[j]);
  }
  return theta;
}

const BUDGETS = [1, 0.5, 0, 2];

describe.each([2, 3, 1.5])("logistic on two components, p = %d, one feature frozen", (p) => {
  test.each([0, 0.05])("the influence is the slope of the true optima, ridge %d", async (l2) => {
    const problem = rows(3, "logistic");
    const learned = await principalComponents(problem.data, 2);
    const found = await fit(projected(logistic(), learned), problem.data, { l2 });
    const threat = lp(p, { budgets: BUDGETS });
    const attack = await influence(found, threat);
    const optimum = (epsilon: number): number[] => {
      const rho = epsilon * attack.scale;
      return zeroOf(robustGradient(problem, learned, "logistic", { p, budgets: BUDGETS, rho, l2 }), found.parameters);
    };
    const slope = (h: number): number[] => optimum(h).map((value, j) => (value - found.parameters[j]) / h);
    const [a, b, c] = [4e-3, 2e-3, 1e-3].map(slope);
    const extrapolated = c.map((value, j) => (8 * value - 6 * b[j] + a[j]) / 3);
    expect(relativeError(attack.influence, extrapolated)).toBeLessThan(1e-6);
    // Without P on the way back into the features, or out of them, it would not be.
    expect(relativeError((await influence(found, lp(p))).influence, extrapolated)).toBeGreaterThan(1e-2);

    const exact = optimum(0.1);
    const general = await generalRobustOptimum(found, threat, 0.1 * attack.scale, { tolerance: 1e-10 });
    expect(relativeError(general.parameters, exact)).toBeLessThan(1e-6);
    expect(hasProjectedOptimum(found, threat(M))).toBe(p === 2 && l2 === 0);
    if (p === 2 && l2 === 0) {
      const turned = await projectedRobustOptimum(found, threat(M), 0.1 * attack.scale);
      expect(relativeError(turned.parameters, exact)).toBeLessThan(1e-8);
    }
  });
});

test("with a ridge, principal components without budgets have the exact optimum too", async () => {
  const problem = rows(5, "poisson");
  const learned = await principalComponents(problem.data, 2);
  const found = await fit(projected(poisson(), learned), problem.data, { l2: 0.1 });
  const { parameters } = await projectedRobustOptimum(found, lp(2)(M), 0.02);
  const options = { p: 2, budgets: [1, 1, 1, 1], rho: 0.02, l2: 0.1 };
  const gradient = robustGradient(problem, learned, "poisson", options)(parameters);
  expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-9);
});

test("quadratic in components: exact robust training has the predicted slope", async () => {
  const { data } = rows(7, "logistic");
  const found = await fit(projected(quadratic({ loss: "logistic" }), await principalComponents(data, 2)), data, {
    l2: 0.1,
  });
  const attack = await influence(found, lp(2));
  const slope = async (epsilon: number): Promise<number[]> => {
    const options = { tolerance: 1e-10, search: { steps: 200, restarts: 0 } };
    const { parameters } = await generalRobustOptimum(found, lp(2), epsilon * attack.scale, options);
    return [...parameters].map((value, j) => (value - found.parameters[j]) / epsilon);
  };
  const [b, c] = [await slope(4e-3), await slope(2e-3)];
  expect(
    relativeError(
      attack.influence,
      c.map((value, j) => 2 * value - b[j]),
    ),
  ).toBeLessThan(2e-3);
});

describe("all components are the features turned", () => {
  const cases: readonly (readonly [string, ModelDescription, Parameters<typeof rows>[1]])[] = [
    ["linear", linear(), "squared"],
    ["logistic", logistic(), "logistic"],
    ["poisson", poisson(), "poisson"],
  ];
  test.each(cases)("%s: sensitivity, c and A stay", async (_, model, kind) => {
    const { data } = rows(9, kind);
    const plain = await fit(model, data);
    const turned = await fit(projected(model, await principalComponents(data, M)), data);
    for (const p of [1, 1.5, 2, 4, Number.POSITIVE_INFINITY]) {
      const threat = lp(p, { budgets: [1, 2, 0.5, 0] });
      const [a, b] = [await influence(plain, threat), await influence(turned, threat)];
      expect(b.scale).toBe(a.scale);
      expect(b.penalty / a.penalty).toBeCloseTo(1, 9);
      const [s, t] = [await sensitivity(a), await sensitivity(b)];
      expect(t.curvature / s.curvature).toBeCloseTo(1, 8);
    }
  });

  test("but for what speaks of parameters, an analysis says the same", async () => {
    const asked: Partial<StudySettings> = {
      target: "repaid",
      epsilons: [0.002, 0.01],
      norms: [1.5, 2, 4],
      evaluation: { kind: "fraction", share: 0.3 },
      exact: false,
    };
    const run = async (project: StudySettings["project"]) =>
      (await analyze({ table: loans(), settings: settings({ ...asked, project }) })).result;
    const [plain, turned] = [await run(null), await run({ kind: "pca", components: 2 })];
    const own = /enaltyGradient|\.influence|tandardErrors|\]\.interval|simultaneous|contributions|collapse|verdict/;
    const said = (result: typeof plain) => leaves(result.threats).filter(({ path }) => !own.test(path));
    const there = new Map(said(turned).map(({ path, value }) => [path, value]));
    expect(said(plain).length).toBeGreaterThan(200);
    for (const { path, value } of said(plain)) {
      const found = there.get(path);
      if (typeof value === "number" && typeof found === "number") {
        // The search for the trust radius closes in on it to a hundredth.
        const tolerance = path.endsWith("trustRadius") ? 1e-2 : 1e-6;
        expect(Math.abs(found - value), path).toBeLessThan(tolerance * Math.max(1e-3, Math.abs(value)));
      } else expect(found, path).toEqual(value);
    }
  });
});

test("a collapse radius is not claimed where coefficients are shared", async () => {
  const { data } = rows(9, "squared");
  const found = await fit(projected(linear(), await principalComponents(data, 2)), data);
  expect(await collapseRadius(await influence(found, lp(2)))).toBeNull();
  await expect(robustOptimum(found, lp(2), 0.1)).rejects.toThrow("coefficients of the features");
});

/** The components of all rows, taken as given. */
async function frozen(data: Dataset): Promise<Projection> {
  const { relearn: _relearn, ...rest } = await principalComponents(data, 2);
  return rest;
}

test("every fold learns its own components, from its own rows", async () => {
  const { data } = rows(11, "squared");
  const folds = 4;
  const foldOf = Uint16Array.from({ length: N }, (_, i) => (i * 7) % folds);
  const model = projected(linear(), await principalComponents(data, 2));
  const found = await fit(model, data);
  const attack = await influence(found, lp(Number.POSITIVE_INFINITY));
  const [crossed] = await crossFit(found, [attack], foldOf, folds);
  const fixed = await crossFit(await fit(projected(linear(), await frozen(data)), data), [attack], foldOf, folds);
  expect(relativeError(crossed.scores, fixed[0].scores)).toBeGreaterThan(1e-4);
  for (let k = 0; k < folds; k++) {
    const outside = data.select(Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k)));
    const own = await fit(projected(linear(), await principalComponents(outside, 2)), outside);
    const there = await influence(own, lp(Number.POSITIVE_INFINITY));
    expect(crossed.folds[k].scale).toBeCloseTo(there.scale, 12);
    for (const { x, firstRow } of data.blocks()) {
      for (let i = 0; i < x.rows; i++) {
        if (foldOf[firstRow + i] !== k) continue;
        const row = new Matrix(x.row(i).slice(), 1, M);
        const [f, s] = [own.parameters, there.influence].map(
          (theta) => own.model.map.scores(new Matrix(theta, 3, 1), row).data[0],
        );
        expect(crossed.scores[firstRow + i]).toBeCloseTo(f, 10);
        expect(crossed.shifts[firstRow + i]).toBeCloseTo(s, 10);
      }
    }
  }
});
