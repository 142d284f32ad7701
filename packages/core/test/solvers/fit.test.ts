/** Fits against known solutions, and what must be refused. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  fit,
  fitAt,
  linear,
  logistic,
  Matrix,
  type ModelDescription,
  matrixDataset,
  poisson,
  quadratic,
} from "../../src/index.js";
import { cpuTime } from "../cpu-time.js";
import {
  dot,
  features,
  gradient,
  linearTerms,
  lossOf,
  type NaiveLossName,
  type Problem,
  Random,
  type Rows,
  relativeError,
  relativeGradient,
  solve,
} from "../models/naive.js";

const data = (X: Rows, y: readonly number[], weights?: readonly number[]) =>
  matrixDataset(Matrix.fromRows([...X]), y, weights ? { weights } : {});

const problemOf = (X: Rows, y: readonly number[], loss: NaiveLossName, intercept: boolean, l2 = 0): Problem => ({
  X,
  y,
  w: y.map(() => 1 / y.length),
  loss,
  terms: linearTerms(X[0].length, intercept),
  ridge: linearTerms(X[0].length, intercept).map((_, j) => (intercept && j === 0 ? 0 : l2)),
  p: 2,
  budgets: X[0].map(() => 1),
});

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string; seconds: number }> {
  const start = cpuTime();
  const error: unknown = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(AifError);
  const { code, message } = error as AifError;
  expect(message).not.toContain("\n");
  return { code, message, seconds: (cpuTime() - start) / 1000 };
}

/**
 * Whole numbers throughout: rows (a, ±) with y = a'θ ± u, so that the residuals ±u are orthogonal to every column and θ is the
 * exact solution. The last column repeats the first but for ±1, which makes the condition number as large as wanted.
 */
function wholeNumbers(seed: number, n: number, m: number, size: number, noise: number) {
  const random = new Random(seed);
  const half = Array.from({ length: n }, () => {
    const row = Array.from({ length: m - 1 }, () => 1 + random.below(size));
    return [...row, row[0] + (random.below(2) ? 1 : -1)];
  });
  const theta = Array.from({ length: m + 1 }, (_, j) => (j % 2 ? 3 : -2) + random.below(4));
  const exact = half.map((row) => dot([1, ...row], theta));
  const u = half.map(() => random.below(noise) - Math.floor(noise / 2));
  return {
    X: [...half, ...half],
    y: [...exact.map((f, i) => f + u[i]), ...exact.map((f, i) => f - u[i])],
    theta,
  };
}

describe("ill-conditioned designs", () => {
  // The intercept beside columns of whole numbers up to `size`, and two columns that differ by 1.
  test.each([
    [30, 1e2, 10],
    [300, 1e3, 100],
    [1000, 3e4, 1000],
    [200, 1e5, 20],
  ])("%d rows, condition about %d: the known solution to 1e-10", async (n, size, noise) => {
    for (const loss of ["squared", "half-squared"] as const) {
      const { X, y, theta } = wholeNumbers(n, n, 4, size, noise);
      const fitted = await fit(linear({ loss }), data(X, y));
      expect(relativeError(fitted.parameters, theta)).toBeLessThan(1e-10);
      expect(fitted.inverse.method).toBe("cholesky");
    }
  });

  test("the same without noise: a fit through all points", async () => {
    for (const size of [10, 1e3, 1e5]) {
      const { X, y, theta } = wholeNumbers(7, 60, 4, size, 1);
      const fitted = await fit(linear(), data(X, y));
      expect(relativeError(fitted.parameters, theta)).toBeLessThan(1e-9);
    }
  });

  // Years, timestamps: scores cancel to 1e-16 of their terms, which no gradient can be smaller than.
  test.each([1e3, 1e4, 1e5, 1e6])("features %d away from 0", async (away) => {
    const { X, y, theta } = wholeNumbers(8, 50, 3, 100, 20);
    const far = X.map((row) => row.map((value) => value + away));
    const fitted = await fit(linear(), data(far, y));
    expect(relativeError(fitted.parameters.subarray(1), theta.slice(1))).toBeLessThan(1e-7);
  });
});

describe("scikit-learn's penalties (MATH 14.7)", () => {
  const random = new Random(31);
  const X = random.rows(80, 3);
  const shift = X.map((x) => x[0] - 0.5 * x[1] + 0.2);

  test("Ridge: min ‖y − Xw − b‖² + α‖w‖² is l2 = 2α/n under the squared loss", async () => {
    const y = shift.map((f) => f + random.normal());
    const alpha = 7;
    const theta = (await fit(linear(), data(X, y), { l2: (2 * alpha) / 80 })).parameters;
    // Its normal equations, from scratch.
    const V = X.map((x) => [1, ...x]);
    const A = [0, 1, 2, 3].map((j) =>
      [0, 1, 2, 3].map((k) => V.reduce((s, v) => s + v[j] * v[k], j === k && j > 0 ? alpha : 0)),
    );
    const b = [0, 1, 2, 3].map((j) => V.reduce((s, v, i) => s + v[j] * y[i], 0));
    expect(relativeError(theta, solve(A, b))).toBeLessThan(1e-12);
  });

  test("LogisticRegression: min ½‖w‖² + C Σ log(1 + e^{−yf}) is l2 = 1/(Cn)", async () => {
    const y = shift.map((f) => (random.uniform() < 1 / (1 + Math.exp(-f)) ? 1 : -1));
    const C = 0.3;
    const theta = (await fit(logistic(), data(X, y), { l2: 1 / (C * 80) })).parameters;
    const slope = [0, ...theta.subarray(1)];
    X.forEach((x, i) => {
      const v = [1, ...x];
      const first = lossOf("logistic", dot(v, theta), y[i])[1];
      for (let j = 0; j < 4; j++) slope[j] += C * first * v[j];
    });
    for (const value of slope) expect(Math.abs(value)).toBeLessThan(1e-11);
  });

  test("PoissonRegressor: min (1/2n) Σ deviance + ½α‖w‖² is l2 = α", async () => {
    const y = shift.map((f) => Math.floor(Math.exp(f) + 2 * random.uniform()));
    const alpha = 0.4;
    const theta = (await fit(poisson(), data(X, y), { l2: alpha })).parameters;
    const objective = (w: ArrayLike<number>): number =>
      X.reduce(
        (sum, x, i) => {
          const mu = Math.exp(dot([1, ...x], w));
          const deviance = 2 * ((y[i] > 0 ? y[i] * Math.log(y[i] / mu) : 0) - y[i] + mu);
          return sum + deviance / 160;
        },
        0.5 *
          alpha *
          dot(
            Array.from(theta)
              .slice(1)
              .map((_, j) => w[j + 1]),
            Array.from(theta)
              .slice(1)
              .map((_, j) => w[j + 1]),
          ),
      );
    for (let j = 0; j < 4; j++) {
      const [up, down] = [Array.from(theta), Array.from(theta)];
      up[j] += 1e-4;
      down[j] -= 1e-4;
      expect(Math.abs(objective(up) - objective(down)) / 2e-4).toBeLessThan(1e-7);
    }
  });
});

describe("the gradient of the fit vanishes as MATH 12 asks", () => {
  test.each(["squared", "logistic", "poisson"] as const)("%s", async (loss) => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(100 + seed);
      const n = 15 + random.below(60);
      const m = 1 + random.below(4);
      const X = random.rows(n, m).map((row) => row.map((value) => value * 10 ** random.below(2)));
      const y = X.map((x) => {
        const f = 0.3 * x[0] + random.normal();
        return loss === "squared" ? f : loss === "logistic" ? (f > 0 ? 1 : -1) : Math.floor(Math.exp(Math.min(f, 4)));
      });
      const description: ModelDescription = { squared: linear(), logistic: logistic(), poisson: poisson() }[loss];
      let fitted: Awaited<ReturnType<typeof fit>>;
      try {
        fitted = await fit(description, data(X, y));
      } catch (error) {
        expect((error as AifError).code).toBe("numerical");
        continue;
      }
      expect(relativeGradient(problemOf(X, y, loss, true), fitted.parameters)).toBeLessThan(2e-12);
      expect(fitted.gradientNorm).toBeLessThan(1e-12);
    }
  });

  // Curvature σσ(−f) vanishes at outliers, so a measure that divides by it believes anything.
  test("logistic with gross outliers on the wrong side", async () => {
    const random = new Random(5);
    const X = random.rows(400, 2);
    const y = X.map((x) => (3 * x[0] - x[1] + 0.3 * random.normal() > 0 ? 1 : -1));
    for (const [i, far] of [20, 30, 40].entries()) {
      X[i] = [far, -far / 2];
      y[i] = -1;
    }
    const fitted = await fit(logistic(), data(X, y));
    expect(relativeGradient(problemOf(X, y, "logistic", true), fitted.parameters)).toBeLessThan(2e-12);
  });

  test("Poisson with a large count where almost none is expected", async () => {
    const random = new Random(6);
    const X = random.rows(300, 1).map(([x]) => [4 * x]);
    const y = X.map(([x]) => Math.floor(Math.exp(Math.min(2 * x, 8)) + random.uniform() * 0.9));
    X[0] = [-16];
    y[0] = 1;
    const fitted = await fit(poisson(), data(X, y));
    expect(relativeGradient(problemOf(X, y, "poisson", true), fitted.parameters)).toBeLessThan(2e-12);
  });
});

describe("what has no minimum is refused, quickly", () => {
  const random = new Random(41);
  const noise = random.rows(300, 3);

  test("perfect separation", async () => {
    const y = noise.map((x) => (x[0] + 2 * x[1] > 0.1 ? 1 : -1));
    const { code, message, seconds } = await refusal(fit(logistic(), data(noise, y)));
    expect(code).toBe("numerical");
    expect(message).toMatch(/separate/);
    expect(message).toMatch(/l2/);
    expect(seconds).toBeLessThan(1);
  });

  test("perfect separation by many columns", async () => {
    const wide = random.rows(60, 40);
    const y = wide.map((_, i) => (i % 2 ? 1 : -1));
    const { code, seconds } = await refusal(fit(logistic(), data(wide, y)));
    expect(code).toBe("numerical");
    expect(seconds).toBeLessThan(1);
  });

  test("one level of an indicator gives the answer away", async () => {
    const X = noise.map((x, i) => [...x, i % 30 === 0 ? 1 : 0]);
    const y = X.map((x) => (x[3] === 1 || random.uniform() < 0.4 ? 1 : -1));
    const { code, message, seconds } = await refusal(fit(logistic(), data(X, y)));
    expect(code).toBe("numerical");
    expect(message).toMatch(/separate/);
    expect(seconds).toBeLessThan(1);
    // A ridge makes a minimum, and so does one row that disagrees.
    expect((await fit(logistic(), data(X, y), { l2: 1e-3 })).gradientNorm).toBeLessThan(1e-12);
    const other = y.map((value, i) => (i === 30 ? -1 : value));
    expect((await fit(logistic(), data(X, other))).gradientNorm).toBeLessThan(1e-12);
  });

  test("one level without a single count in a Poisson model", async () => {
    const X = noise.map((x, i) => [x[0], i % 20 === 0 ? 1 : 0]);
    const y = X.map((x) => (x[1] === 1 ? 0 : random.below(5)));
    const { code, seconds } = await refusal(fit(poisson(), data(X, y)));
    expect(code).toBe("numerical");
    expect(seconds).toBeLessThan(1);
  });

  test("targets all alike", async () => {
    const ones = await refusal(
      fit(
        logistic(),
        data(
          noise,
          noise.map(() => 1),
        ),
      ),
    );
    expect(ones.code).toBe("numerical");
    expect(ones.seconds).toBeLessThan(1);
    const zeros = await refusal(
      fit(
        poisson(),
        data(
          noise,
          noise.map(() => 0),
        ),
      ),
    );
    expect(zeros.code).toBe("numerical");
    expect(zeros.seconds).toBeLessThan(1);
  });

  test("targets all alike with a ridge: the intercept is not penalised, so there is still no minimum", async () => {
    for (const [description, target] of [
      [logistic(), 1],
      [poisson(), 0],
    ] as const) {
      const { code, message, seconds } = await refusal(
        fit(
          description,
          data(
            noise,
            noise.map(() => target),
          ),
          { l2: 0.1 },
        ),
      );
      expect(code).toBe("numerical");
      // Advice that helps: not a ridge, which is there already.
      expect(message).not.toMatch(/Add a ridge/);
      expect(seconds).toBeLessThan(1);
    }
  });

  test("quadratic logistic regression on rings", async () => {
    const y = noise.map((x) => (dot(x, x) > 2 ? 1 : -1));
    expect((await refusal(fit(quadratic({ loss: "logistic" }), data(noise, y)))).code).toBe("numerical");
  });
});

describe("what has one is not refused", () => {
  test.each([3, 1, 0.3, 0.1, 0.01, 1e-3, 1e-4])("one row overlaps by %d", async (overlap) => {
    const random = new Random(51);
    const x = Array.from({ length: 200 }, () => 3 * (2 * random.uniform() - 1));
    const y = x.map((value) => (value > 0 ? 1 : -1));
    // One positive row below 0, and one negative row still further up.
    x.push(-overlap / 2, overlap / 2);
    y.push(1, -1);
    const inside = x.map((value, i) =>
      i < 200 && Math.abs(value) < overlap ? value + Math.sign(value) * overlap : value,
    );
    const X = inside.map((value) => [value]);
    const fitted = await fit(logistic(), data(X, y));
    expect(relativeGradient(problemOf(X, y, "logistic", true), fitted.parameters)).toBeLessThan(1e-9);
  });

  test("overlap in one of many columns", async () => {
    const random = new Random(52);
    const X = random.rows(400, 4);
    const y = X.map((x) => (x[0] + x[1] - x[2] > 0 ? 1 : -1));
    const middle = X.map((x, i) => [Math.abs(x[0] + x[1] - x[2]), i]).sort((a, b) => a[0] - b[0]);
    // The rows nearest to the boundary change sides.
    for (const [, i] of middle.slice(0, 6)) y[i] *= -1;
    const fitted = await fit(logistic(), data(X, y));
    expect(relativeGradient(problemOf(X, y, "logistic", true), fitted.parameters)).toBeLessThan(1e-9);
  });

  test("a rare count", async () => {
    const X = Array.from({ length: 1000 }, (_, i) => [i % 100 === 0 ? 1 : 0]);
    const y = X.map((_, i) => (i === 100 ? 1 : i % 100 === 0 ? 0 : i % 7));
    const fitted = await fit(poisson(), data(X, y));
    // Each group's mean, in closed form.
    const rest = y.filter((_, i) => i % 100 !== 0);
    const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    expect(relativeError(fitted.parameters, [Math.log(mean), Math.log(0.1) - Math.log(mean)])).toBeLessThan(1e-10);
  });
});

describe("what cannot be fitted says so", () => {
  const random = new Random(61);

  test("fewer rows than parameters, unless there is a ridge", async () => {
    const X = random.rows(5, 5);
    const y = random.normals(5);
    const { code, message } = await refusal(fit(linear(), data(X, y)));
    expect(code).toBe("input");
    expect(message).toMatch(/5 rows.*6 parameters/);
    const fitted = await fit(linear(), data(X, y), { l2: 0.1 });
    expect(Math.max(...gradient(problemOf(X, y, "squared", true, 0.1), fitted.parameters).map(Math.abs))).toBeLessThan(
      1e-13,
    );
    // Rows of weight 0 do not count.
    const more = random.rows(8, 5);
    const { code: again } = await refusal(fit(linear(), data(more, random.normals(8), [1, 1, 1, 1, 1, 0, 0, 0])));
    expect(again).toBe("input");
  });

  test("targets that the loss is not defined for", async () => {
    const X = random.rows(9, 1);
    expect((await refusal(fit(logistic(), data(X, [1, 0, 1, 0, 1, 0, 1, 0, 1])))).code).toBe("input");
    expect((await refusal(fit(poisson(), data(X, [1, 2, 3, 4, 5, 6, 7, 8, -1])))).code).toBe("input");
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("a ridge of %d", async (l2) => {
    const X = random.rows(9, 1);
    expect((await refusal(fit(linear(), data(X, random.normals(9)), { l2 }))).code).toBe("usage");
  });

  test.each([1e154, 1e160, 1e200, 1e300])("targets of %d, whose squares are not finite", async (size) => {
    const x = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const y = x.map((value, i) => size * (value + Math.cos(3 * i)));
    const fitting = fit(linear(), matrixDataset(new Matrix(x, 50, 1), y));
    await expect(fitting).rejects.toMatchObject({
      code: "numerical",
      message: expect.stringContaining("rescale them"),
    });
  });

  test("targets just small enough are fitted as their copies in another unit", async () => {
    const x = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const fitted = async (size: number) =>
      fit(
        linear(),
        matrixDataset(
          new Matrix(x, 50, 1),
          x.map((value, i) => size * (value + Math.cos(3 * i))),
        ),
      );
    const [large, plain] = [await fitted(2 ** 500), await fitted(1)];
    expect([...large.parameters].map((value) => value / 2 ** 500)).toEqual([...plain.parameters]);
  });

  test("a point of the wrong length", async () => {
    const X = random.rows(9, 2);
    expect((await refusal(fitAt(linear(), data(X, random.normals(9)), [1, 2]))).code).toBe("usage");
  });

  test("a cancelled fit", async () => {
    const X = random.rows(9, 2);
    const { code } = await refusal(fit(linear(), data(X, random.normals(9)), { signal: AbortSignal.abort() }));
    expect(code).toBe("cancelled");
  });
});

describe("rank-deficient designs", () => {
  test("the fit is the shortest of all minimisers, and predicts as any of them", async () => {
    const random = new Random(71);
    const X = random.rows(40, 2).map(([a, b]) => [a, b, a + b]);
    const y = X.map((x) => x[0] - x[1] + random.normal());
    const fitted = await fit(linear(), data(X, y));
    const regular = await fit(
      linear(),
      data(
        X.map((x) => x.slice(0, 2)),
        y,
      ),
    );
    expect(fitted.inverse.method).toBe("pseudo-inverse");
    expect(fitted.inverse.rank).toBe(3);
    expect(relativeError(fitted.scores, regular.scores)).toBeLessThan(1e-10);
    // Orthogonal to (0, 1, 1, −1), along which nothing changes.
    expect(Math.abs(dot(fitted.parameters, [0, 1, 1, -1]))).toBeLessThan(1e-10);
  });

  test("logistic too", async () => {
    const random = new Random(72);
    const X = random.rows(60, 2).map(([a, b]) => [a, b, a + b]);
    const y = X.map((x) => (x[0] + 2 * random.normal() > 0 ? 1 : -1));
    const fitted = await fit(logistic(), data(X, y));
    const regular = await fit(
      logistic(),
      data(
        X.map((x) => x.slice(0, 2)),
        y,
      ),
    );
    expect(relativeError(fitted.scores, regular.scores)).toBeLessThan(1e-8);
  });
});

test("fitAt describes any point: scores, loss, gradient and Hessian there", async () => {
  const random = new Random(81);
  const X = random.rows(20, 2);
  const y = X.map(() => random.below(4));
  const theta = [0.2, -0.4, 0.3];
  const at = await fitAt(poisson(), data(X, y), theta, { l2: 0.5 });
  const problem = problemOf(X, y, "poisson", true, 0.5);
  expect(relativeError(at.gradient, gradient(problem, theta))).toBeLessThan(1e-13);
  expect(
    relativeError(
      at.scores,
      X.map((x) => dot(features(problem.terms, x), theta)),
    ),
  ).toBeLessThan(1e-13);
  expect([...at.parameters]).toEqual(theta);
});
