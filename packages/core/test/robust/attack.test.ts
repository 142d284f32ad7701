/** Worst cases of rows against random and exhaustive search, and the methods against each other. */
import { describe, expect, test } from "vitest";
import { lp, Matrix, matrixDataset, quadratic } from "../../src/index.js";
import { type AttackOptions, type AttackResult, attack } from "../../src/robust/attack.js";
import { ballMaximum, quadraticValue } from "../../src/robust/trust-region.js";
import { MODELS, type ModelName, type Options, randomCase, type TestCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { dot, features, lossOf, type Problem, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;

interface Attacked extends TestCase {
  readonly theta: number[];
  readonly result: AttackResult;
  /** x+δ as the caller sees it. */
  readonly moved: number[][];
}

async function attacked(
  model: ModelName,
  seed: number,
  radius: number,
  options: Options,
  search: AttackOptions = {},
): Promise<Attacked> {
  const made = randomCase(model, seed, options);
  const { describe: description, data, threat, problem } = made;
  const theta = new Random(seed + 77).normals(problem.terms.length).map((value) => 0.7 * value);
  const moved: number[][] = [];
  const result = await attack(
    { model: description(data) },
    Float64Array.from(theta),
    threat(problem.budgets.length),
    data,
    radius,
    {
      ...search,
      onMoved: (matrix, firstRow) => {
        for (let i = 0; i < matrix.rows; i++) moved[firstRow + i] = [...matrix.row(i)];
      },
    },
  );
  return { ...made, theta, result, moved };
}

const lossAt = ({ terms, loss, y }: Problem, i: number, x: readonly number[], theta: readonly number[]): number =>
  lossOf(loss, dot(features(terms, x), theta), y[i])[0];

const scaledNorm = ({ budgets, p }: Problem, delta: readonly number[]): number =>
  pNorm(
    delta.map((value, k) => (budgets[k] > 0 ? value / budgets[k] : 0)),
    p,
  );

/** A random x+δ: any direction, mostly on the sphere, cut at the box. */
function randomMove(
  { budgets, p, lower, upper }: Problem,
  x: readonly number[],
  radius: number,
  random: Random,
): number[] {
  const shape = 10 ** (random.uniform() - 0.5);
  const raw = budgets.map((b) => (b > 0 ? Math.sign(random.normal()) * Math.abs(random.normal()) ** shape : 0));
  const size = pNorm(raw, p);
  const length = random.uniform() < 0.3 ? random.uniform() : 1;
  return x.map((value, k) => {
    const to = value + (radius * length * raw[k] * budgets[k]) / size;
    return lower && upper ? Math.min(Math.max(to, lower[k]), upper[k]) : to;
  });
}

const CASES: [ModelName, number, Options][] = MODELS.flatMap((model): [ModelName, number, Options][] => [
  [model, 1, { p: 2, n: 6 }],
  [model, 2, { p: INF, n: 6, boxed: true, budgets: [1, 0, 0.5] }],
  [model, 3, { p: 1, n: 6, budgets: [0.3, 1, 2] }],
  [model, 4, { p: 2, n: 6, boxed: true }],
  [model, 5, { p: 1.5, n: 6, boxed: true, budgets: [1, 2, 0] }],
  [model, 6, { p: 3, n: 6, intercept: false, weighted: true }],
  [model, 7, { p: 2, n: 6, budgets: [0, 1, 3] }],
]);

describe.each(CASES)("%s, case %d %o", (model, seed, options) => {
  test.each([0.05, 0.8])(
    "the loss is attained inside the set and beaten by no random point, radius %d",
    async (radius) => {
      const { problem, theta, result, moved } = await attacked(model, seed, radius, options);
      const { X, budgets, lower, upper, w } = problem;
      const random = new Random(seed);
      X.forEach((x, i) => {
        const delta = moved[i].map((value, k) => value - x[k]);
        expect(scaledNorm(problem, delta)).toBeLessThanOrEqual(radius * (1 + 1e-13) + 1e-14);
        delta.forEach((value, k) => {
          if (budgets[k] === 0) expect(value).toBe(0);
          if (lower && upper) {
            expect(moved[i][k]).toBeGreaterThanOrEqual(lower[k]);
            expect(moved[i][k]).toBeLessThanOrEqual(upper[k]);
          }
        });
        const attained = lossAt(problem, i, moved[i], theta);
        expect(Math.abs(result.losses[i] - attained)).toBeLessThan(1e-11 * (1 + Math.abs(attained)));
        for (let draw = 0; draw < drawsOf(400, 5000); draw++) {
          const found = lossAt(problem, i, randomMove(problem, x, radius, random), theta);
          expect(found).toBeLessThanOrEqual(result.losses[i] + 1e-12 * (1 + Math.abs(found)));
        }
      });
      expect(Math.abs(result.robustLoss - dot(w, result.losses))).toBeLessThan(
        1e-13 * (1 + Math.abs(result.robustLoss)),
      );
    },
  );

  test("the projected gradient reaches the exact worst case where there is one", async () => {
    for (const radius of [0.1, 1]) {
      const { result } = await attacked(model, seed, radius, options);
      if (result.method === "projected-gradient") continue;
      const { result: searched } = await attacked(model, seed, radius, options, { method: "projected-gradient" });
      expect(searched.method).toBe("projected-gradient");
      result.losses.forEach((exact, i) => {
        expect(result.certified[i]).toBe(1);
        const size = 1 + Math.abs(exact);
        expect(Math.abs(searched.losses[i] - exact)).toBeLessThan(1e-6 * size);
        expect(searched.losses[i]).toBeLessThanOrEqual(exact + 1e-12 * size);
        if (searched.certified[i]) expect(searched.losses[i]).toBeGreaterThan(exact - 1e-7 * size);
      });
      if (model === "linear" || model === "logistic") expect(searched.certified.every((one) => one === 1)).toBe(true);
    }
  });
});

test("methods are chosen by what is exact", async () => {
  const method = async (model: ModelName, options: Options) => (await attacked(model, 1, 0.2, options)).result.method;
  expect(await method("linear", { p: 3, boxed: true })).toBe("closed-form");
  expect(await method("quadratic", { p: 2 })).toBe("trust-region");
  expect(await method("quadratic", { p: 2, boxed: true })).toBe("projected-gradient");
  expect(await method("quadratic", { p: INF })).toBe("projected-gradient");
  expect(await method("basis", { p: 2 })).toBe("projected-gradient");
});

test("the trust region equals an exhaustive search of the disc, m = 2", async () => {
  const random = new Random(20);
  for (let draw = 0; draw < drawsOf(40, 400); draw++) {
    const radius = 2 * random.uniform();
    const model = draw % 2 ? "quadratic" : "quadratic-logistic";
    const { problem, theta, result } = await attacked(model, 100 + draw, radius, { m: 2, n: 2, budgets: [1, 0.4] });
    problem.X.forEach((x, i) => {
      const at = (length: number, angle: number): number =>
        lossAt(
          problem,
          i,
          x.map((value, k) => value + problem.budgets[k] * length * (k === 0 ? Math.cos(angle) : Math.sin(angle))),
          theta,
        );
      let [length, angle, found] = [0, 0, -INF];
      for (let width = 1; width > 1e-7; width /= 4) {
        const [centre, turn] = [length, angle];
        const steps = width === 1 ? 60 : 8;
        for (let a = -steps; a <= steps; a++) {
          for (let b = -steps; b <= steps; b++) {
            const there = Math.min(radius, Math.max(0, centre + (width * radius * a) / steps));
            const value = at(there, turn + (width * Math.PI * b) / steps);
            if (value > found) [found, length, angle] = [value, there, turn + (width * Math.PI * b) / steps];
          }
        }
      }
      expect(found).toBeLessThanOrEqual(result.losses[i] * (1 + 1e-12) + 1e-14);
      expect(result.losses[i] - found).toBeLessThan(1e-8 * (1 + found));
    });
  }
});

describe("the trust-region subproblem", () => {
  test("is optimal: (μI − Λ)u = g with μ ≥ λ_max, μ ≥ 0 and μ(‖u‖ − ρ) = 0", () => {
    const random = new Random(21);
    for (let draw = 0; draw < drawsOf(2000, 50_000); draw++) {
      const m = 1 + random.below(6);
      const kind = random.below(4);
      const lambda = Float64Array.from(random.normals(m), (value) => (kind === 0 ? -Math.abs(value) : value)).sort();
      if (kind === 1 && m > 1) lambda[m - 2] = lambda[m - 1];
      const g = Float64Array.from(random.normals(m), (value) => 10 ** random.normal() * value);
      // The hard case and its neighbourhood.
      if (kind === 2) g[m - 1] *= random.uniform() < 0.5 ? 0 : 10 ** (-20 * random.uniform());
      const radius = 10 ** (2 * random.normal());
      const u = new Float64Array(m);
      const mu = ballMaximum(g, lambda, radius, u);
      const size = Math.sqrt(dot(u, u));
      const scale = Math.sqrt(dot(g, g)) + 1e-300;
      expect(size).toBeLessThan(radius * (1 + 1e-12));
      expect(mu).toBeGreaterThanOrEqual(Math.max(0, lambda[m - 1]));
      g.forEach((value, k) => {
        expect(Math.abs((mu - lambda[k]) * u[k] - value)).toBeLessThan(1e-12 * (scale + Math.abs(mu * u[k])));
      });
      if (mu > 1e-12) expect(Math.abs(size - radius)).toBeLessThan(1e-9 * radius);
      expect(quadraticValue(g, lambda, u)).toBeGreaterThanOrEqual(0);
    }
  });

  test("a row at a saddle of its score: the hard case goes to the sphere", async () => {
    const data = matrixDataset(Matrix.fromRows([[0, 0]]), [0]);
    // f = 1 + x1² − x2²: no gradient at 0; the largest score is 1 + ρ², the smallest 1 − ρ².
    const model = quadratic()(data);
    const theta = Float64Array.of(1, 0, 0, 1, 0, -1);
    const { losses } = await attack({ model }, theta, lp(2)(2), data, 0.5);
    expect(Math.abs(losses[0] - 1.25 ** 2)).toBeLessThan(1e-14);
    const searched = await attack({ model }, theta, lp(2)(2), data, 0.5, { method: "projected-gradient" });
    expect(Math.abs(searched.losses[0] - 1.25 ** 2)).toBeLessThan(1e-8);
  });

  test("equals the projected gradient from many starts in five dimensions", async () => {
    for (let seed = 0; seed < drawsOf(4, 40); seed++) {
      const options = { m: 5, n: 10, budgets: [1, 0.5, 2, 0, 1] };
      const { result } = await attacked("quadratic", seed, 0.7, options);
      const search = { method: "projected-gradient", restarts: 20, steps: 500 } as const;
      const { result: searched } = await attacked("quadratic", seed, 0.7, options, search);
      result.losses.forEach((exact, i) => {
        expect(Math.abs(exact - searched.losses[i])).toBeLessThan(1e-7 * (1 + exact));
      });
    }
  });
});

test("a convex score is certified for a loss that falls in it, and truly the worst", async () => {
  // f = x'x, y = +1: the worst case is the smallest score, by hand on the box [x − ρ, x + ρ].
  const X = [
    [0.3, 2],
    [-1, 0.1],
  ];
  const data = matrixDataset(Matrix.fromRows(X), [1, 1]);
  const model = quadratic({ loss: "logistic" })(data);
  const theta = Float64Array.of(0, 0, 0, 1, 0, 1);
  const { losses, certified, method } = await attack({ model }, theta, lp(INF)(2), data, 0.5);
  expect(method).toBe("projected-gradient");
  expect([...certified]).toEqual([1, 1]);
  X.forEach((x, i) => {
    const f = x.reduce((sum, value) => sum + Math.max(0, Math.abs(value) - 0.5) ** 2, 0);
    expect(Math.abs(losses[i] - lossOf("logistic", f, 1)[0])).toBeLessThan(1e-9);
  });
  // The other way round it is not shown, for f = x1² + 3x2².
  const steep = Float64Array.of(0, 0, 0, 1, 0, 3);
  const other = await attack({ model }, steep, lp(INF)(2), matrixDataset(Matrix.fromRows(X), [-1, -1]), 0.5);
  expect([...other.certified]).toEqual([0, 0]);
});

test("a search that is cut short is not certified", async () => {
  const short = {
    method: "projected-gradient",
    steps: 1,
    stepSize: 0.3,
    restarts: 0,
    firstOrderStarts: false,
  } as const;
  for (const model of ["linear", "logistic"] as const) {
    const { result } = await attacked(model, 1, 0.5, { p: 2 });
    const { result: cut } = await attacked(model, 1, 0.5, { p: 2 }, short);
    cut.losses.forEach((value, i) => expect(value).toBeLessThan(result.losses[i] * (1 - 1e-4)));
    expect(cut.certified.every((one) => one === 0)).toBe(true);
  }
});

test("the seed decides the random starts, and how rows are cut into blocks does not matter", async () => {
  const { data, describe: description } = randomCase("quadratic", 9, { n: 40, p: INF });
  const theta = Float64Array.from(new Random(1).normals(10));
  const run = (rows: number | null, seed: number) => {
    const cut = rows === null ? data : Object.create(data, { blocks: { value: () => data.blocks(rows) } });
    return attack({ model: description(data) }, theta, lp(INF)(3), cut, 0.5, {
      seed,
      steps: 3,
      firstOrderStarts: false,
    });
  };
  const whole = await run(null, 1);
  const cut = await run(7, 1);
  whole.losses.forEach((value, i) => expect(Math.abs(value - cut.losses[i])).toBeLessThan(1e-12 * value));
  expect((await run(null, 2)).losses).not.toEqual(whole.losses);
});

test("options that make no sense are refused in a sentence", async () => {
  const { data, describe: description } = randomCase("linear", 1);
  const model = description(data);
  const theta = new Float64Array(4);
  const refused = (radius: number, options: AttackOptions, at = theta, m = 3) =>
    expect(attack({ model }, at, lp(2)(m), data, radius, options)).rejects.toMatchObject({ code: "usage" });
  await refused(-1, {});
  await refused(Number.NaN, {});
  await refused(1, { steps: 0 });
  await refused(1, { stepSize: 0 });
  await refused(1, { restarts: 0.5 });
  await refused(1, {}, new Float64Array(3));
  await refused(1, {}, theta, 2);
});
