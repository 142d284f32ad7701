/** Draws that are fitted many at a time against a fit of its own for each, on a few rows. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  type Fit,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  quadratic,
} from "../../src/index.js";
import { bootstrap } from "../../src/influence/bootstrap.js";
import { batchDraws, canBatch, keptDraws } from "../../src/influence/bootstrap-batch.js";
import { fitDraws } from "../../src/influence/bootstrap-newton.js";
import { refitDraw } from "../../src/influence/bootstrap-refit.js";
import { addRidge } from "../../src/influence/bootstrap-sums.js";
import { drawWeights } from "../../src/influence/bootstrap-weights.js";
import { divergence } from "../../src/threats/divergence.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, features, hessian, lossOf, type Problem, Random, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { type ModelName, randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const together = (attacks: readonly Influence[], weights: Matrix, relative: boolean) =>
  batchDraws(attacks, keptDraws(attacks, weights, {}), relative, weights.rows);

const fitTogether = (fitted: Fit, weights: Matrix) =>
  fitDraws(fitted, keptDraws([{ fit: fitted, rowScales: new Float64Array(weights.rows) }], weights, {}));

const INF = Number.POSITIVE_INFINITY;

/** Every third row is not drawn; what is left sums to 1. */
function someWeights(n: number, K: number, seed: number): Matrix {
  const random = new Random(seed);
  const out = Matrix.zeros(n, K);
  for (let k = 0; k < K; k++) {
    const raw = Array.from({ length: n }, (_, i) => ((i + k) % 3 === 0 ? 0 : 0.3 + random.uniform()));
    const total = raw.reduce((sum, value) => sum + value, 0);
    raw.forEach((value, i) => {
      out.data[i * K + k] = value / total;
    });
  }
  return out;
}

/** The problem under other weights, rows without weight left out. */
const drawnData = ({ X, y }: Problem, w: Float64Array) => {
  const rows = [...w.keys()].filter((i) => w[i] > 0);
  return matrixDataset(
    Matrix.fromRows(rows.map((i) => X[i])),
    rows.map((i) => y[i]),
    { weights: rows.map((i) => w[i]) },
  );
};

/** ½ Σ w ℓ''(v'I)² */
const curvatureOf = ({ X, y, terms, loss }: Problem, w: Float64Array, theta: Float64Array, I: Float64Array): number =>
  X.reduce((sum, x, i) => {
    const v = features(terms, x);
    return sum + 0.5 * w[i] * lossOf(loss, dot(v, theta), y[i])[2] * dot(v, I) ** 2;
  }, 0);

const NORMS = [1, 2, INF];

describe.each<[ModelName, number]>([
  ["linear", 1e-9],
  ["half", 1e-9],
  ["logistic", 2e-3],
  ["poisson", 2e-4],
])("%s: a batch holds what each draw gives alone", (model, tolerance) => {
  test.each([
    { intercept: true, relative: true, l2: 0.3, budgets: [1, 0.5, 2] },
    { intercept: false, relative: false, l2: 0.2, budgets: [1, 1, 0] },
  ])("%o", async ({ relative, ...options }) => {
    const { problem, data, describe: description, l2 } = randomCase(model, 4, { n: 30, weighted: true, ...options });
    const full = await fit(description, new Cut(data, 7), { l2 });
    const attacks: Influence[] = [];
    for (const p of NORMS) attacks.push(await influence(full, lp(p, { budgets: problem.budgets })));
    expect(canBatch(attacks)).toBe(true);
    const weights = someWeights(30, 4, 3);
    const kept = new Matrix(weights.data.slice(), 30, 4);
    const found = await together(attacks, weights, relative);
    for (const [k, drawn] of found.entries()) {
      const w = kept.column(k);
      const own = await fit(description, drawnData(problem, w), { l2 });
      expect(relativeError(drawn?.parameters ?? [], own.parameters)).toBeLessThan(tolerance);
      for (const [a, p] of NORMS.entries()) {
        const again = await influence(own, lp(p, { budgets: problem.budgets }));
        const factor = relative ? 1 : attacks[a].scale / again.scale;
        const I = again.influence.map((value) => factor * value);
        const one = drawn?.attacks[a];
        expect(relativeError(one?.influence ?? [], I)).toBeLessThan(tolerance);
        expect(relativeError([one?.scale ?? 0], [factor * again.scale])).toBeLessThan(1e-12);
        const S = curvatureOf(problem, w, own.parameters, I);
        expect(relativeError([one?.sensitivity ?? 0], [S])).toBeLessThan(2 * tolerance);
      }
    }
    // The same by the path of draws that cannot be taken together.
    const alone = await refitDraw(attacks, kept.column(1), full.parameters, relative, {});
    expect(relativeError(alone?.attacks[1].influence ?? [], found[1]?.attacks[1].influence ?? [])).toBeLessThan(
      tolerance,
    );
    expect(relativeError([alone?.attacks[1].sensitivity ?? 0], [found[1]?.attacks[1].sensitivity ?? 0])).toBeLessThan(
      2 * tolerance,
    );
    expect(alone?.attacks[1].scale).toBeCloseTo(found[1]?.attacks[1].scale ?? 0, 12);
  });
});

test("which attacks are taken together", async () => {
  const { data, problem } = randomCase("linear", 5, { n: 16 });
  const own = await fit(linear(), data);
  const attack = await influence(own, lp(2));
  expect(canBatch([attack])).toBe(true);
  const bounds = { lower: [-9, -9, -9], upper: [9, 9, 9] };
  const boxed = await influence(own, lp(2, { bounds }));
  expect(canBatch([attack, boxed])).toBe(false);
  expect(canBatch([attack, { ...attack, oneSided: true }])).toBe(false);
  expect(canBatch([await influence(own, wasserstein(2, lp(2)))])).toBe(false);
  expect(canBatch([await influence(own, divergence("chi2"))])).toBe(false);
  expect(canBatch([await influence(await fit(quadratic(), data, { l2: 0.1 }), lp(2))])).toBe(false);
  const twice = matrixDataset(Matrix.fromRows(problem.X.map(([a, b]) => [a, b, a + b])), [...problem.y]);
  const singular = await fit(linear(), twice);
  expect(canBatch([await influence(singular, lp(2))])).toBe(false);
});

/** The rows of a 2×2 design, one copy each, and two that lie elsewhere; y = 1 + 2x₁ + a little. */
const corners = {
  X: [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
    [0.5, 0.3],
    [-0.2, 0.8],
    [1.5, -0.4],
  ],
  y: [3.1, 3.1, -0.9, -1.3, 2.5, 0.4, 3.3],
};

describe("draws that cannot be taken together are left out, and no other is disturbed", () => {
  const draw = (...w: number[]): number[] => {
    const total = w.reduce((sum, value) => sum + value, 0);
    return w.map((value) => value / total);
  };
  const matrixOf = (...draws: number[][]): Matrix => Matrix.fromRows(draws).transposed();
  const whole = draw(1, 1, 1, 1, 1, 1, 1);
  const uneven = draw(1, 2, 3, 1, 2, 1, 1);
  const attacksOf = async (own: Fit, ...norms: number[]): Promise<Influence[]> => {
    const out: Influence[] = [];
    for (const p of norms) out.push(await influence(own, lp(p)));
    return out;
  };

  test("parameters that the drawn rows leave open, and rows that they meet exactly", async () => {
    const own = await fit(linear(), matrixDataset(Matrix.fromRows(corners.X), corners.y));
    const attacks = await attacksOf(own, 2);
    const two = draw(1, 1, 0, 0, 0, 0, 0);
    const three = draw(1, 1, 1, 0, 0, 0, 0);
    const found = await together(attacks, matrixOf(whole, two, three, uneven), true);
    expect(found.map((drawn) => drawn !== null)).toEqual([true, false, false, true]);
    expect(relativeError(found[0]?.attacks[0].influence ?? [], attacks[0].influence)).toBeLessThan(1e-10);
    const fits = await fitTogether(own, matrixOf(whole, two, three, uneven));
    expect(fits.inverse.map((inverse) => inverse !== null)).toEqual([true, false, true, true]);
    // Where a draw is left out, its parameters are those of the whole.
    expect(fits.theta.column(1)).toEqual(own.parameters);
  });

  test("a coefficient of 0 at p = ∞, two that are tied at p = 1; at p = 2 neither matters", async () => {
    for (const [p, y] of [
      [INF, [3, 3, -1, -1]],
      [1, [3, 1, 1, -1]],
    ] as const) {
      const targets = [...y.map((value, i) => value + (i % 3 === 0 ? 0.1 : -0.1)), ...corners.y.slice(4)];
      const own = await fit(linear(), matrixDataset(Matrix.fromRows(corners.X), targets));
      const square = draw(1, 1, 1, 1, 0, 0, 0);
      const weights = () => matrixOf(uneven, square, whole);
      const sharp = await together(await attacksOf(own, p), weights(), true);
      expect(sharp.map((drawn) => drawn !== null)).toEqual([true, false, true]);
      const smooth = await together(await attacksOf(own, 2), weights(), true);
      expect(smooth.every((drawn) => drawn !== null)).toBe(true);
      // All attacks of a draw, or none.
      const both = await together(await attacksOf(own, 2, p), weights(), true);
      expect(both.map((drawn) => drawn?.attacks.length ?? null)).toEqual([2, null, 2]);
      // A whole fit resolves the corner.
      const alone = await refitDraw(await attacksOf(own, p), weights().column(1), own.parameters, true, {});
      expect(alone?.attacks[0].influence.every(Number.isFinite)).toBe(true);
    }
  });

  test("classes that the drawn rows separate; one row alone; none at all", async () => {
    const X = [[-2], [-1], [-0.5], [0.2], [0.4], [1], [1.5]];
    const y = [-1, -1, 1, -1, 1, 1, 1];
    const own = await fit(logistic(), matrixDataset(Matrix.fromRows(X), y));
    const attacks = await attacksOf(own, 2);
    const apart = draw(1, 1, 0, 1, 1, 1, 1);
    const found = await together(attacks, matrixOf(uneven, apart), true);
    expect(found.map((drawn) => drawn !== null)).toEqual([true, false]);
    // A draw that does not settle is put back to where it began.
    const fits = await fitTogether(own, matrixOf(uneven, apart));
    expect(fits.inverse[1]).toBeNull();
    expect(fits.theta.column(1)).toEqual(own.parameters);
    expect(fits.theta.column(0)).not.toEqual(own.parameters);
    for (const weights of [apart, draw(0, 0, 0, 1, 0, 0, 0), new Array<number>(7).fill(0)])
      expect(await refitDraw(attacks, Float64Array.from(weights), own.parameters, true, {})).toBeNull();
    expect(await refitDraw(attacks, Float64Array.from(whole), own.parameters, true, {})).not.toBeNull();
    const aborted = new AbortController();
    aborted.abort();
    const cancelled = refitDraw(attacks, Float64Array.from(whole), own.parameters, true, { signal: aborted.signal });
    await expect(cancelled).rejects.toThrow();
  });

  test("rows met but for rounding, in any unit of the target", async () => {
    const random = new Random(8);
    const X = random.rows(9, 2);
    for (const unit of [1e-6, 1, 1e6]) {
      const targets = random.normals(9).map((value) => unit * value);
      const own = await fit(linear(), matrixDataset(Matrix.fromRows(X), targets));
      const attacks = await attacksOf(own, 2);
      const few = draw(1, 1, 1, 0, 0, 0, 0, 0, 0);
      const most = draw(1, 1, 2, 1, 0, 1, 1, 2, 1);
      const found = await together(attacks, matrixOf(few, most), true);
      expect(found.map((drawn) => drawn !== null)).toEqual([false, true]);
      // Fewer rows than parameters of the whole: no estimate at all.
      const two = Float64Array.from(draw(1, 1, 0, 0, 0, 0, 0, 0, 0));
      expect(await refitDraw(attacks, two, own.parameters, true, {})).toBeNull();
    }
  });

  test("a draw without gain: every coefficient that can be attacked is 0", async () => {
    // On the square the target does not depend on x₁, which alone is attacked.
    const targets = [1, 2.2, 1, 1.8, 2.5, 0.4, 3.3];
    const own = await fit(linear(), matrixDataset(Matrix.fromRows(corners.X), targets));
    const attack = await influence(own, lp(2, { budgets: [1, 0] }));
    const flat = matrixDataset(Matrix.fromRows(corners.X), [1, 2, 1, 2, 2.5, 0.4, 3.3]);
    const other = await influence(await fit(linear(), flat), lp(2, { budgets: [1, 0] }));
    const square = draw(1, 1, 1, 1, 0, 0, 0);
    expect((await together([other], matrixOf(square, uneven), true)).map((drawn) => drawn !== null)).toEqual([
      false,
      true,
    ]);
    expect((await together([attack], matrixOf(square, uneven), true)).every((drawn) => drawn !== null)).toBe(true);
  });

  test("a row that the draw meets exactly counts as a corner only where it is drawn", async () => {
    // Rows 4 to 6 lie on the plane through the square; row 5 has no weight in the second draw.
    const plane = (x: readonly number[]): number => 1 + 2 * x[0] + 0.5 * x[1];
    const y = corners.X.map((x, i) => plane(x) + (i < 4 ? [0.2, -0.2, -0.2, 0.2][i] : i === 5 ? 0 : 3));
    const own = await fit(linear(), matrixDataset(Matrix.fromRows(corners.X), y));
    const attacks = await attacksOf(own, 2);
    const found = await together(attacks, matrixOf(draw(1, 1, 1, 1, 0, 1, 0), draw(1, 1, 1, 1, 0, 0, 0)), true);
    expect(found.map((drawn) => drawn !== null)).toEqual([false, true]);
  });
});

describe("how well draws are fitted together", () => {
  const K = 12;
  /** The fits of uneven draws by Newton's steps, how often the rows are asked, and each draw's weights. */
  async function fitted(model: ModelName) {
    const made = randomCase(model, 4, { n: 30, m: 2, l2: 0.05 });
    let passes = 0;
    const counted = Object.assign(Object.create(made.data), {
      blocks: (rows?: number, from?: number) => {
        passes++;
        return made.data.blocks(rows, from);
      },
    });
    const full = { ...(await fit(made.describe, made.data, { l2: 0.05 })), data: counted };
    const random = new Random(2);
    const weights = Matrix.zeros(30, K);
    for (let k = 0; k < K; k++) {
      const raw = Array.from({ length: 30 }, () => (random.uniform() < 0.4 ? 0 : random.uniform() ** ((k % 3) + 1)));
      const total = raw.reduce((sum, value) => sum + value, 0);
      raw.forEach((value, i) => (weights.data[i * K + k] = value / total));
    }
    const fits = await fitTogether(full, weights);
    return { ...made, full, weights, fits, passes };
  }

  test.each<[ModelName, number]>([
    ["logistic", 1e-4],
    ["poisson", 1e-11],
  ])("%s: what is left is at most %d of what the draw moved, both by H", async (model, remaining) => {
    const { problem, describe: description, full, weights, fits, passes } = await fitted(model);
    let together = 0;
    for (let k = 0; k < K; k++) {
      if (fits.inverse[k] === null) continue;
      together++;
      const w = weights.column(k);
      const own = await fit(description, drawnData(problem, w), { l2: 0.05 });
      const H = hessian({ ...problem, w: [...w] }, full.parameters);
      const length = (x: number[]): number =>
        Math.sqrt(
          dot(
            x,
            H.map((row) => dot(row, x)),
          ),
        );
      const theta = fits.theta.column(k);
      const left = length(Array.from(own.parameters, (value, j) => theta[j] - value));
      expect(left).toBeLessThan(
        remaining * length(Array.from(own.parameters, (value, j) => full.parameters[j] - value)),
      );
    }
    expect(together).toBeGreaterThan(K / 2);
    expect(passes).toBeLessThan(70);
  });

  test("squared losses need one pass", async () => {
    const { fits, passes } = await fitted("half");
    expect(passes).toBe(1);
    expect(fits.inverse.every((inverse) => inverse !== null)).toBe(true);
  });
});

test("P ⊙ θ is added to every column, of one θ or of each its own", () => {
  const ridge = Float64Array.of(0, 2, 3);
  const start = () =>
    Matrix.fromRows([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  const shared = start();
  addRidge(shared, Matrix.fromRows([[10], [20], [30]]), ridge);
  expect([...shared.data]).toEqual([1, 2, 43, 44, 95, 96]);
  const own = start();
  addRidge(
    own,
    Matrix.fromRows([
      [10, 1],
      [20, 2],
      [30, 3],
    ]),
    ridge,
  );
  expect([...own.data]).toEqual([1, 2, 43, 8, 95, 15]);
});

describe("a bootstrap", () => {
  const { problem, data } = randomCase("half", 9, { n: 25, weighted: true });

  test("more draws than a batch holds: each is that of its own weights; progress is told", async () => {
    const own = await fit(linear({ loss: "half-squared" }), data);
    const attack = await influence(own, lp(2));
    const steps: number[] = [];
    const [found] = await bootstrap([attack], {
      draws: 210,
      seed: 3,
      onProgress: ({ phase, done, total }) => {
        expect([phase, total]).toEqual(["bootstrap", 210]);
        steps.push(done);
      },
    });
    expect(steps).toEqual([0, 200, 210]);
    expect([found.influence.rows, found.parameters.rows, found.scale.length, found.failed]).toEqual([210, 210, 210, 0]);
    const weights = new Float64Array(25);
    for (const draw of [0, 199, 200, 209]) {
      drawWeights(data.weights, { seed: 3 })(draw, weights);
      const again = await influence(await fit(linear({ loss: "half-squared" }), drawnData(problem, weights)), lp(2));
      expect(relativeError(found.influence.row(draw), again.influence)).toBeLessThan(1e-9);
      expect(found.scale[draw]).toBeCloseTo(again.scale, 12);
    }
  });

  test("attacks that cannot be taken together: the same law, draw by draw", async () => {
    const own = await fit(linear({ loss: "half-squared" }), data);
    const shared = await influence(own, wasserstein(2, lp(2)));
    const steps: number[] = [];
    const [found] = await bootstrap([shared], { draws: 3, seed: 3, onProgress: ({ done }) => steps.push(done) });
    expect(steps).toEqual([0, 1, 2, 3]);
    const weights = new Float64Array(25);
    for (let draw = 0; draw < 3; draw++) {
      drawWeights(data.weights, { seed: 3 })(draw, weights);
      const fitted = await fit(linear({ loss: "half-squared" }), drawnData(problem, weights));
      const again = await influence(fitted, wasserstein(2, lp(2)));
      expect(relativeError(found.influence.row(draw), again.influence)).toBeLessThan(1e-9);
      expect(relativeError(found.parameters.row(draw), fitted.parameters)).toBeLessThan(1e-9);
    }
  });

  test("what is allowed and what is refused", async () => {
    const own = await fit(linear(), data);
    const attack = await influence(own, lp(2));
    expect((await bootstrap([attack], { draws: 2 }))[0].influence.rows).toBe(2);
    expect(await bootstrap([])).toEqual([]);
    for (const draws of [1, 2.5, Number.NaN, -3]) {
      await expect(bootstrap([attack], { draws })).rejects.toThrow(
        `A bootstrap needs a whole number of draws, 2 or more; got ${draws}.`,
      );
    }
    const first = await influence(own, wasserstein(1, lp(2)));
    await expect(bootstrap([attack, first])).rejects.toThrow(/order 1 puts its whole budget on one row/);
    const other = await influence(await fit(linear(), data), lp(2));
    await expect(bootstrap([attack, other])).rejects.toThrow("All attacks of one bootstrap must be of the same fit.");
  });

  /** Classes that only rows 0 and 1 keep from being separable: a draw without both has no estimate. */
  const nearly = (between: number) => {
    const X = Array.from({ length: 20 }, (_, i) => [i % 2 === 0 ? 1 + 0.1 * i : -1 - 0.1 * i]);
    const y = X.map(([value], i) => (i < between ? -1 : 1) * Math.sign(value));
    return matrixDataset(Matrix.fromRows(X), y);
  };

  test("up to a tenth of the draws may fail; beyond, it says how many of how many", async () => {
    const attack = await influence(await fit(logistic({ intercept: false }), nearly(2)), lp(2));
    const weights = new Float64Array(20);
    // The seeds are asked which draws can be fitted: those that hold row 0 or row 1.
    const lostOf = (seed: number): number[] =>
      Array.from({ length: 20 }, (_, draw) => draw).filter((draw) => {
        drawWeights(attack.fit.data.weights, { seed })(draw, weights);
        return weights[0] === 0 && weights[1] === 0;
      });
    const seeds = Array.from({ length: 200 }, (_, seed) => seed);
    const two = seeds.find((seed) => lostOf(seed).length === 2) ?? -1;
    const many = seeds.find((seed) => lostOf(seed).length >= 3 && lostOf(seed)[2] < 16) ?? -1;
    const [found] = await bootstrap([attack], { draws: 20, seed: two });
    expect([found.failed, found.influence.rows]).toEqual([2, 18]);
    const failing = bootstrap([attack], { draws: 20, seed: many });
    await expect(failing).rejects.toMatchObject({ code: "numerical" });
    await expect(failing).rejects.toThrow(
      `3 of ${lostOf(many)[2] + 1} bootstrap draws have no estimate: rows drawn at random separate the targets`,
    );
  });
});
