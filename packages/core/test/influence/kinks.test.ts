/** Corners of A: the least-norm element by brute force, the true one-sided path, and never a NaN. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  collapseRadius,
  crossFit,
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
  poisson,
  quadratic,
  rowContributions,
  scoreShifts,
} from "../../src/index.js";
import { cpuTime } from "../cpu-time.js";
import {
  budgetScale,
  dot,
  features,
  growth,
  hessian,
  inputGradient,
  linearTerms,
  lossOf,
  type NaiveLossName,
  oneSidedDerivative,
  type Problem,
  quadraticTerms,
  Random,
  type Rows,
  relativeError,
  robustOptimumByContinuation,
  solve,
} from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const data = (X: Rows, y: readonly number[]) => matrixDataset(Matrix.fromRows([...X]), y);

function problemOf(
  X: Rows,
  y: readonly number[],
  loss: NaiveLossName,
  p: number,
  budgets = X[0].map(() => 1),
  intercept = true,
): Problem {
  const terms = linearTerms(X[0].length, intercept);
  return { X, y, w: y.map(() => 1 / y.length), loss, terms, ridge: terms.map(() => 0), p, budgets };
}

/** Nothing that is reported is NaN, and rows share the influence out exactly. */
async function expectSound(attack: Influence): Promise<void> {
  const { fit: f } = attack;
  const d = f.parameters.length;
  const shifts = await scoreShifts(attack);
  const numbers = [
    attack.scale,
    attack.penalty,
    ...attack.penaltyGradient,
    ...attack.influence,
    ...shifts,
    attack.relativeResidual,
  ];
  expect(numbers.every(Number.isFinite)).toBe(true);
  for (let j = 0; j < d; j++) {
    const metric = new Float64Array(d);
    metric[j] = 1;
    const rows = await rowContributions(attack, metric);
    const total = rows.reduce((sum, value) => sum + value, 0);
    const size = rows.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(Math.abs(total - attack.influence[j])).toBeLessThan(1e-10 * (size + Math.abs(attack.influence[j])) + 1e-14);
  }
  const radius = kinkRadius(await kinkRadii(attack, shifts));
  if (radius !== null) expect(radius).toBeGreaterThan(0);
}

/** The growth of the risk in direction v, one-sided: v'Φ* = max over the subdifferential, by a difference of A. */
function oneSidedGrowth(problem: Problem, theta: ArrayLike<number>, v: readonly number[]): number {
  const c = budgetScale(problem);
  const at = (h: number) =>
    c *
    growth(
      problem,
      Array.from(theta, (value, j) => value + h * v[j]),
    );
  const size = Math.max(...v.map(Math.abs)) || 1;
  const h = 1e-6 / size;
  return (at(h) - at(0)) / h;
}

/**
 * I minimises ½v'Hv + A'(θ̂; v) (MATH 1.2, (K) without curvature): checked along many directions from I, which is enough since
 * the function is convex.
 */
function expectMinimiser(problem: Problem, theta: ArrayLike<number>, I: ArrayLike<number>): void {
  const H = hessian(problem, theta);
  const value = (v: readonly number[]) =>
    0.5 * v.reduce((sum, entry, j) => sum + entry * dot(H[j], v), 0) + oneSidedGrowth(problem, theta, v);
  const at = Array.from(I);
  const least = value(at);
  const random = new Random(77);
  const size = Math.max(...at.map(Math.abs), 1e-2);
  for (let draw = 0; draw < 400; draw++) {
    const scale = size * 10 ** (-2 * random.uniform());
    const other = at.map((entry) => entry + scale * random.normal() * (random.uniform() < 0.5 ? 1 : 0));
    expect(value(other)).toBeGreaterThanOrEqual(least - 1e-8 * (1 + Math.abs(least)));
  }
}

/** Rows in pairs (x, −x) and the like, so that chosen coefficients are exactly what is wanted. */
const crossed: Rows = [
  [1, 1, 1],
  [1, -1, 1],
  [-1, 1, 1],
  [-1, -1, 1],
  [1, 1, -1],
  [1, -1, -1],
  [-1, 1, -1],
  [-1, -1, -1],
];

describe("linear models", () => {
  const random = new Random(1);
  const X = random.rows(14, 3);

  /** Targets whose least-squares fit is θ, but for rounding, with given residuals projected off the columns. */
  function targets(theta: readonly number[], zeroRows: readonly number[]): number[] {
    const V = X.map((x) => [1, ...x]);
    // A residual orthogonal to all columns with zeros in the given rows.
    const rows = V.map((_, i) => i).filter((i) => !zeroRows.includes(i));
    let r = V.map((_, i) => (zeroRows.includes(i) ? 0 : Math.sin(5 * i + 1)));
    const A = [0, 1, 2, 3].map((j) => [0, 1, 2, 3].map((k) => rows.reduce((s, i) => s + V[i][j] * V[i][k], 0)));
    for (let pass = 0; pass < 3; pass++) {
      const b = [0, 1, 2, 3].map((j) => rows.reduce((s, i) => s + V[i][j] * r[i], 0));
      const z = solve(A, b);
      r = r.map((value, i) => (zeroRows.includes(i) ? 0 : value - dot(V[i], z)));
    }
    return V.map((v, i) => dot(v, theta) - r[i]);
  }

  test.each([
    ["zero residuals, p = 2", 2, [0.3, 1, -2, 0.5], [0, 3]],
    ["zero residuals, p = 1", 1, [0.3, 1, -2, 0.5], [1]],
    ["zero residuals, p = ∞", INF, [0.3, 1, -2, 0.5], [2, 5, 7]],
    ["a zero coefficient, p = ∞", INF, [0.3, 1, 0, 0.5], []],
    ["two zero coefficients and a zero residual, p = ∞", INF, [0.3, 0, 0, 0.5], [4]],
    ["a tie, p = 1", 1, [0.3, 1, -1, 0.5], []],
    ["a tie of three and zero residuals, p = 1", 1, [0.3, 1, -1, 1], [0, 6]],
    ["a zero coefficient, p = 1.5: no corner", 1.5, [0.3, 1, 0, 0.5], []],
  ] as const)("%s", async (name, p, theta, zeroRows) => {
    const y = targets(theta, zeroRows);
    for (const loss of ["squared", "half-squared"] as const) {
      const f = await fit(linear({ loss }), data(X, y));
      expect(relativeError(f.parameters, theta)).toBeLessThan(1e-12);
      const attack = await influence(f, lp(p));
      expect(attack.oneSided).toBe(!name.includes("no corner"));
      expectMinimiser(problemOf(X, y, loss, p), theta, attack.influence);
      await expectSound(attack);
      const { multipliers } = attack;
      for (const { value } of [...(multipliers?.residuals ?? []), ...(multipliers?.coordinates ?? [])]) {
        expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-9);
      }
      if (multipliers?.ties.length)
        expect(multipliers.ties.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(1, 10);
    }
  });

  test("the true path leaves the corner along I", async () => {
    for (const [p, theta, zeroRows] of [
      [2, [0.3, 1, -2, 0.5], [0, 3]],
      [INF, [0.3, 1, 0, 0.5], []],
    ] as const) {
      const y = targets(theta, zeroRows);
      const problem = problemOf(X, y, "half-squared", p);
      const f = await fit(linear({ loss: "half-squared" }), data(X, y));
      const attack = await influence(f, lp(p));
      const c = budgetScale(problem);
      const derivative = oneSidedDerivative(
        (h) => robustOptimumByContinuation(problem, h * c, f.parameters),
        f.parameters,
        4e-3,
      );
      expect(relativeError(attack.influence, derivative)).toBeLessThan(2e-3);
    }
  });

  test("budgets and frozen features at corners", async () => {
    // b⊙β is tied where β is not; a frozen zero is no corner.
    const budgets = [2, 1, 0];
    const tie = targets([0.3, 1, -2, 0], []);
    const f = await fit(linear(), data(X, tie));
    const atTie = await influence(f, lp(1, { budgets }));
    expect(atTie.oneSided).toBe(true);
    expect(atTie.multipliers?.ties.map(({ feature }) => feature)).toEqual([0, 1]);
    expectMinimiser(problemOf(X, tie, "squared", 1, budgets), f.parameters, atTie.influence);
    const frozen = await influence(f, lp(INF, { budgets }));
    expect(frozen.oneSided).toBe(false);
    await expectSound(frozen);
  });

  test("a box at a zero residual: the adversary gains less on one side", async () => {
    const y = targets([0.3, 1, -2, 0.5], [0, 3]);
    // Row 0 may not move up in feature 0, row 3 not down in feature 1.
    const bounds = { lower: [-INF, X[3][1], -INF], upper: [X[0][0], INF, INF] };
    const problem = { ...problemOf(X, y, "squared", 2), ...bounds };
    const f = await fit(linear(), data(X, y));
    const attack = await influence(f, lp(2, { bounds }));
    expect(attack.oneSided).toBe(true);
    expectMinimiser(problem, f.parameters, attack.influence);
    await expectSound(attack);
  });

  test("a box with a zero coefficient at p = ∞ is flagged, and its rows still add up", async () => {
    const y = targets([0.3, 1, 0, 0.5], []);
    const bounds = { lower: X[0].map(() => -1), upper: X[0].map(() => 1) };
    const attack = await influence(await fit(linear(), data(X, y)), lp(INF, { bounds }));
    expect(attack.coupledKinks).toBeGreaterThan(0);
    await expectSound(attack);
  });
});

describe("no effect at all: β = 0", () => {
  test.each([1, 2, 3, INF])("exactly, p = %d: I = 0", async (p) => {
    // The target is the product of the first two columns, which is orthogonal to all of them and to the intercept.
    const y = crossed.map(([a, b]) => a * b);
    const attack = await influence(await fit(linear(), data(crossed, y)), lp(p));
    expect([...attack.influence].every((value) => value === 0)).toBe(true);
    expect(attack.oneSided).toBe(true);
    await expectSound(attack);
    const collapse = await collapseRadius(attack);
    if (collapse !== null) expect(collapse).toBeLessThan(1e-12);
  });

  test.each([1, 2, 3, INF])("but for rounding, p = %d: I = 0", async (p) => {
    const random = new Random(3);
    const X = random.rows(30, 2);
    // Residuals of a regression on X: their own regression on X has β = 0 up to rounding.
    const V = X.map((x) => [1, ...x]);
    const A = [0, 1, 2].map((j) => [0, 1, 2].map((k) => V.reduce((s, v) => s + v[j] * v[k], 0)));
    let r = random.normals(30);
    for (let pass = 0; pass < 3; pass++) {
      const z = solve(
        A,
        [0, 1, 2].map((j) => V.reduce((s, v, i) => s + v[j] * r[i], 0)),
      );
      r = r.map((value, i) => value - dot(V[i], z));
    }
    const f = await fit(linear(), data(X, r));
    expect(Math.max(...f.parameters.map(Math.abs))).toBeLessThan(1e-14);
    const attack = await influence(f, lp(p));
    expect(Math.max(...attack.influence.map(Math.abs))).toBeLessThan(1e-12);
    expect(attack.oneSided).toBe(true);
  });

  test("the attacked coefficients only, others frozen", async () => {
    // The target depends on the frozen third column and on what no column explains.
    const y = crossed.map(([a, b, c]) => 2 * c + a * b);
    const f = await fit(linear(), data(crossed, y));
    const attack = await influence(f, lp(2, { budgets: [1, 1, 0] }));
    expect(Math.max(...attack.influence.map(Math.abs))).toBeLessThan(1e-12);
    expect(attack.oneSided).toBe(true);
    await expectSound(attack);
  });
});

describe("rows that the fit meets exactly", () => {
  test.each([1, 1.5, 2, INF])("all of them, p = %d", async (p) => {
    const random = new Random(4);
    for (const [X, theta] of [
      [random.rows(40, 3), [0.5, 1, -2, 3]],
      [random.rows(40, 3).map((x) => x.map((value) => 10 + value)), [7, 0.1, -0.2, 0.3]],
      [Array.from({ length: 50 }, (_, i) => [i, i % 7]), [1, 2, 3]],
      [Array.from({ length: 50 }, (_, i) => [2000 + i, (i * i) % 11]), [1, 0.1, 0.3]],
    ] as [Rows, number[]][]) {
      const y = X.map((x) => dot([1, ...x], theta));
      const f = await fit(linear(), data(X, y));
      const attack = await influence(f, lp(p));
      await expectSound(attack);
      expect(attack.oneSided).toBe(true);
      // Every residual is 0, so that κ can make up for all else: the least Φ is 0 where the columns reach it.
      expect(Math.max(...attack.influence.map(Math.abs))).toBeLessThan(1e-8 * Math.max(...theta.map(Math.abs)));
    }
  });

  test("a few hundred of them: an answer or a refusal of ours, in time", async () => {
    const random = new Random(5);
    const X = random.rows(600, 3);
    const f = await fit(
      linear(),
      data(
        X,
        X.map((x) => dot([1, ...x], [0.5, 1, -2, 3])),
      ),
    );
    const start = cpuTime();
    try {
      const attack = await influence(f, lp(2));
      expect(Math.max(...attack.influence.map(Math.abs))).toBeLessThan(1e-8);
    } catch (error) {
      expect(error).toBeInstanceOf(AifError);
    }
    expect(cpuTime() - start).toBeLessThan(10_000);
  });

  test("more than can be resolved: refused, not crashed", async () => {
    const random = new Random(5);
    const X = random.rows(2500, 2);
    const y = X.map((x, i) => 1 + x[0] + (i === 0 ? 1 : 0));
    const f = await fitAt(linear(), data(X, y), [1, 1, 0]);
    await expect(influence(f, lp(2))).rejects.toMatchObject({ code: "numerical" });
  });

  test("a quadratic model: zero residuals are resolved, and what is coupled is counted", async () => {
    const random = new Random(6);
    const X = random.rows(20, 2);
    const terms = quadraticTerms(2, true);
    const y = X.map((x, i) => dot(features(terms, x), [1, 2, -1, 0.5, 0.3, -0.7]) + (i < 4 ? 0 : random.normal()));
    // Evaluate at a point that meets four rows exactly; ∇L need not vanish for A's subdifferential.
    const f = await fitAt(quadratic(), data(X, y), [1, 2, -1, 0.5, 0.3, -0.7]);
    const attack = await influence(f, lp(2));
    expect(attack.multipliers?.residuals.map(({ row }) => row)).toEqual([0, 1, 2, 3]);
    const problem: Problem = { ...problemOf(X, y, "squared", 2), terms, ridge: terms.map(() => 0) };
    expectMinimiser(problem, f.parameters, attack.influence);
    await expectSound(attack);
  });

  test("a quadratic model whose gradient is 0 in a coordinate, p = ∞: flagged, rows add up", async () => {
    const X: Rows = [...crossed.map(([a, b]) => [a, b]), [0, 2], [2, 0], [0, 0], [0.5, 1]];
    const theta = [1, 0, 1, 1, 0, 0.5];
    const y = X.map((_, i) => Math.sin(3 * i));
    const f = await fitAt(quadratic(), data(X, y), theta);
    // γ_1 = 2x_1 is 0 in two rows, γ_2 = 1 + x_2 in four.
    const attack = await influence(f, lp(INF));
    expect(attack.coupledKinks).toBe(6);
    await expectSound(attack);
    // Also where it is 0 but for rounding.
    const shaken = await fitAt(
      quadratic(),
      data(
        X.map(([a, b]) => [a + 1e-13, b]),
        y,
      ),
      theta,
    );
    const again = await influence(shaken, lp(INF));
    expect(again.coupledKinks).toBe(6);
    await expectSound(again);
  });

  test("Poisson: a row whose count is its mean", async () => {
    const random = new Random(7);
    const X = random.rows(16, 2);
    const theta = [0.2, 0.5, -0.3];
    const y = X.map((x, i) => (i < 3 ? Math.exp(dot([1, ...x], theta)) : random.below(4)));
    const f = await fitAt(poisson(), data(X, y), theta);
    const attack = await influence(f, lp(2));
    expect(attack.multipliers?.residuals.map(({ row }) => row)).toEqual([0, 1, 2]);
    expectMinimiser(problemOf(X, y, "poisson", 2), theta, attack.influence);
    await expectSound(attack);
  });

  test("logistic: no residual is ever 0", async () => {
    const y = crossed.map((x, i) => (i % 3 === 0 ? 1 : -1));
    const attack = await influence(await fit(logistic(), data(crossed, y), { l2: 0.1 }), lp(2));
    expect(attack.multipliers?.residuals ?? []).toEqual([]);
  });
});

describe("singular Hessians", () => {
  const random = new Random(8);
  const base = random.rows(40, 2);
  const noise = random.normals(40);
  const y = base.map(([a, b], i) => a - 2 * b + noise[i]);

  test("the adversary pulls where the data say nothing: refused", async () => {
    const X = base.map(([a, b]) => [a, b, a + b]);
    const f = await fit(linear(), data(X, y));
    await expect(influence(f, lp(2)))
      .resolves.toBeDefined()
      .catch(() => undefined);
    // Attacking one of three collinear columns breaks the tie between them.
    await expect(influence(f, lp(2, { budgets: [1, 0, 0] }))).rejects.toMatchObject({ code: "numerical" });
  });

  test("what is undetermined is frozen: computed, and equal to leaving a column out", async () => {
    const X = base.map(([a, b], i) => [a, b, i % 2, 1 - (i % 2)]);
    const f = await fit(linear(), data(X, y));
    expect(f.inverse.method).toBe("pseudo-inverse");
    const attack = await influence(f, lp(2, { budgets: [1, 1, 0, 0] }));
    const reduced = await fit(
      linear(),
      data(
        X.map((x) => x.slice(0, 3)),
        y,
      ),
    );
    const expected = await influence(reduced, lp(2, { budgets: [1, 1, 0] }));
    expect(relativeError(await scoreShifts(attack), await scoreShifts(expected))).toBeLessThan(1e-9);
    await expectSound(attack);
  });

  test("a ridge makes it regular", async () => {
    const X = base.map(([a, b]) => [a, b, a + b]);
    const f = await fit(linear(), data(X, y), { l2: 0.1 });
    const attack = await influence(f, lp(2));
    expect(f.inverse.method).toBe("cholesky");
    await expectSound(attack);
  });
});

test("cross-fitting at corners gives numbers", async () => {
  const y = crossed.map(([a, b]) => a * b);
  const X = [...crossed, ...crossed, ...crossed];
  const full = await fit(linear(), data(X, [...y, ...y, ...y]));
  const foldOf = Uint16Array.from(X, (_, i) => Math.floor(i / 8));
  for (const p of [1, 2, INF]) {
    const [rows] = await crossFit(full, [await influence(full, lp(p))], foldOf, 3);
    expect(rows.shifts.every((shift) => Math.abs(shift) < 1e-12)).toBe(true);
  }
});

test("gradients used above are what they claim to be", () => {
  const problem = problemOf(
    crossed,
    crossed.map((_, i) => i),
    "squared",
    2,
  );
  const g = inputGradient(problem, 3, [1, 2, 3, 4]);
  const slope = lossOf("squared", dot([1, ...crossed[3]], [1, 2, 3, 4]), 3)[1];
  expect(g).toEqual([2 * slope, 3 * slope, 4 * slope]);
});
