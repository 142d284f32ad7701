/** What may not change a result, and how it changes where it must. */
import { describe, expect, test } from "vitest";
import {
  type CrossFit,
  crossFit,
  type Dataset,
  ensureBlas,
  fit,
  type Influence,
  influence,
  localSensitivity,
  lp,
  Matrix,
  matrixDataset,
  rowContributions,
  scoreShifts,
  useBlas,
} from "../../src/index.js";
import { backends, required } from "../linalg/backends.js";
import { Random, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { attacked, describeModel, MODELS, type ModelName, randomCase, smoothCase } from "./problems.js";

const INF = Number.POSITIVE_INFINITY;
const EXPONENTS = [1, 1.5, 2, INF];

/** Everything that an analysis says of the parameters and of the rows. */
async function everything(
  model: ModelName,
  data: Dataset,
  options: { l2: number; p: number; intercept: boolean; budgets?: readonly number[] },
) {
  const f = await fit(describeModel(model, options.intercept), data, { l2: options.l2 });
  const a = await influence(f, lp(options.p, options.budgets ? { budgets: options.budgets } : {}));
  const shifts = await scoreShifts(a);
  const { y, weights: w } = data;
  const local = localSensitivity({ loss: f.model.loss, y, w, scores: f.scores, shifts });
  const byRow = await rowContributions(a, a.influence);
  return { f, a, shifts, local, byRow, theta: f.parameters };
}

const summary = ({
  f,
  a,
  local,
}: {
  f: Influence["fit"];
  a: Influence;
  local: ReturnType<typeof localSensitivity>;
}): number[][] => [
  [...f.parameters],
  [f.trainingLoss],
  [a.scale],
  [a.penalty],
  [...a.penaltyGradient],
  [...a.influence],
  [local.curvature],
];

function expectSame(left: number[][], right: number[][], tolerance: number): void {
  left.forEach((values, k) => expect(relativeError(values, right[k])).toBeLessThan(tolerance));
}

describe.each(MODELS)("%s", (model) => {
  const settings = EXPONENTS.map((p, k) => ({ p, l2: k % 2 ? 0.1 : 0, intercept: k !== 2 }));

  test.each(settings)("the cut into blocks does not matter: %o", async (options) => {
    const { data } = await smoothCase(model, 31, { ...options, n: 40, weighted: true }, 1e-3);
    const whole = await everything(model, data, options);
    for (const size of [1, 7, 39]) {
      const cut = await everything(model, new Cut(data, size), options);
      expectSame(summary(cut), summary(whole), 1e-12);
      expect(relativeError(cut.byRow, whole.byRow)).toBeLessThan(1e-11);
      expect(relativeError(cut.shifts, whole.shifts)).toBeLessThan(1e-12);
    }
  });

  test("nor does it in cross-fitting", async () => {
    const { data, describe: description } = randomCase(model, 32, { n: 60, l2: 0.3, weighted: true });
    const foldOf = Uint16Array.from({ length: 60 }, (_, i) => i % 4);
    const results: CrossFit[][] = [];
    for (const rows of [data, new Cut(data, 7)]) {
      const f = await fit(description, rows, { l2: 0.3 });
      results.push(await crossFit(f, [await influence(f, lp(2)), await influence(f, lp(INF))], foldOf, 4));
    }
    results[0].forEach((whole, t) => {
      expect(relativeError(results[1][t].scores, whole.scores)).toBeLessThan(1e-11);
      expect(relativeError(results[1][t].shifts, whole.shifts)).toBeLessThan(1e-10);
    });
  });

  test.each(settings)("nor does the order of the rows: %o", async (options) => {
    const { data } = await smoothCase(model, 33, { ...options, n: 40, weighted: true }, 1e-3);
    const whole = await everything(model, data, options);
    const order = new Random(5).shuffled(40);
    const moved = await everything(model, data.select(Int32Array.from(order)), options);
    expectSame(summary(moved), summary(whole), 1e-12);
    expect(
      relativeError(
        moved.byRow,
        order.map((i) => whole.byRow[i]),
      ),
    ).toBeLessThan(1e-11);
  });

  test.each(settings)("all rows twice: nothing changes; a weight of 3 is three rows: %o", async (options) => {
    const { problem, data } = await smoothCase(model, 34, { ...options, n: 30 }, 1e-3);
    const once = await everything(model, data, options);
    const twice = matrixDataset(Matrix.fromRows([...problem.X, ...problem.X]), [...problem.y, ...problem.y]);
    const doubled = await everything(model, twice, options);
    expectSame(summary(doubled), summary(once), 1e-12);
    const counts = problem.y.map((_, i) => 1 + (i % 3));
    const rows = counts.flatMap((count, i) => new Array<number>(count).fill(i));
    const repeated = matrixDataset(
      Matrix.fromRows(rows.map((i) => problem.X[i])),
      rows.map((i) => problem.y[i]),
    );
    const weighted = matrixDataset(Matrix.fromRows([...problem.X]), problem.y, { weights: counts });
    const left = await everything(model, repeated, options);
    const right = await everything(model, weighted, options);
    expectSame(summary(left), summary(right), 1e-12);
  });
});

/** Powers of each input in each parameter, by which a parameter scales when inputs do. */
function scaling(model: ModelName, factors: readonly number[]): number[] {
  const linearPart = [1, ...factors];
  if (model === "basis") return [1, factors[0], factors[1], factors[2] ** 2, factors[0] * factors[2]];
  if (!model.startsWith("quadratic")) return linearPart;
  const products = factors.flatMap((a, j) => factors.slice(j).map((b) => a * b));
  return [...linearPart, ...products];
}

describe.each(MODELS)("units: %s", (model) => {
  test.each(EXPONENTS)("a feature in other units, its budget in the same, p = %d", async (p) => {
    const budgets = [1, 0.4, 2];
    const { problem, data } = await smoothCase(model, 41, { p, n: 40, budgets }, 1e-3);
    const factors = [1000, 1, 0.01];
    const scaled = matrixDataset(
      Matrix.fromRows(problem.X.map((row) => row.map((value, k) => value * factors[k]))),
      problem.y,
    );
    const before = await everything(model, data, { p, l2: 0, intercept: true, budgets });
    const after = await everything(model, scaled, {
      p,
      l2: 0,
      intercept: true,
      budgets: budgets.map((b, k) => b * factors[k]),
    });
    expect(relativeError([after.a.scale], [before.a.scale])).toBeLessThan(1e-12);
    expect(relativeError([after.a.penalty], [before.a.penalty])).toBeLessThan(1e-10);
    expect(relativeError(after.f.scores, before.f.scores)).toBeLessThan(1e-10);
    expect(relativeError(after.shifts, before.shifts)).toBeLessThan(1e-9);
    const units = scaling(model, factors);
    expect(
      relativeError(
        after.a.influence.map((value, j) => value * units[j]),
        before.a.influence,
      ),
    ).toBeLessThan(1e-9);
  });

  test("bounds move along", async () => {
    const { problem, attack, threat: _ } = await smoothCase(model, 42, { n: 40, boxed: true }, 1e-3);
    const factors = [8, 1, 0.25];
    const scaled = matrixDataset(
      Matrix.fromRows(problem.X.map((row) => row.map((value, k) => value * factors[k]))),
      problem.y,
    );
    const f = await fit(describeModel(model, true), scaled);
    const bounds = { lower: factors.map((s) => -1.2 * s), upper: factors.map((s) => 1.2 * s) };
    const a = await influence(f, lp(2, { budgets: factors, bounds }));
    expect(relativeError([a.scale, a.penalty], [attack.scale, attack.penalty])).toBeLessThan(1e-9);
    expect(relativeError(await scoreShifts(a), await scoreShifts(attack))).toBeLessThan(1e-9);
  });
});

test.each(EXPONENTS)("features in another order, p = %d", async (p) => {
  const order = [2, 0, 1];
  for (const model of ["linear", "logistic", "poisson"] as const) {
    const budgets = [1, 0.4, 2];
    const { problem, fit: f, attack } = await smoothCase(model, 51, { p, n: 30, budgets }, 1e-3);
    const moved = matrixDataset(Matrix.fromRows(problem.X.map((row) => order.map((k) => row[k]))), problem.y);
    const g = await fit(describeModel(model, true), moved);
    const a = await influence(g, lp(p, { budgets: order.map((k) => budgets[k]) }));
    const places = [0, ...order.map((k) => k + 1)];
    expect(
      relativeError(
        g.parameters,
        places.map((j) => f.parameters[j]),
      ),
    ).toBeLessThan(1e-11);
    expect(
      relativeError(
        a.influence,
        places.map((j) => attack.influence[j]),
      ),
    ).toBeLessThan(1e-10);
    expect(relativeError([a.scale, a.penalty], [attack.scale, attack.penalty])).toBeLessThan(1e-11);
  }
});

const [portable, native] = backends;
describe(`portable against ${native.name}`, () => {
  const both = test.skipIf(native.blas === undefined);
  both.each(MODELS)("%s", async (model) => {
    const before = await ensureBlas();
    const results = [];
    try {
      for (const backend of [portable, native]) {
        useBlas(required(backend));
        const found = [];
        for (const p of EXPONENTS) {
          const chosen = randomCase(model, 61, { n: 150, p, weighted: true, l2: p === 2 ? 0 : 0.05 });
          const { fit: f, attack } = await attacked(chosen);
          const foldOf = Uint16Array.from({ length: 150 }, (_, i) => i % 3);
          const [held] = await crossFit(f, [attack], foldOf, 3);
          found.push([...f.parameters], [...attack.penaltyGradient], [...attack.influence], [...held.shifts]);
        }
        results.push(found);
      }
    } finally {
      useBlas(before);
    }
    expectSame(results[0], results[1], 1e-10);
  });
});
