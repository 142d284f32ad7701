/** Newton's method on functions given by hand, and the sums over rows that it asks for. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, LOSSES, linear, logistic, Matrix, poisson } from "../../src/index.js";
import type { InverseHessian } from "../../src/solvers/inverse-hessian.js";
import { evaluateAt, minimise, NO_RECESSION, type Problem, weighRows, withRows } from "../../src/solvers/newton.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

describe("what rows add to the sums", () => {
  const y = Float64Array.of(1, 2);
  const w = Float64Array.of(0.25, 0.75);
  const f = Float64Array.of(3, 1.5);

  test.each([
    ["squared", 1],
    ["half-squared", 0.5],
  ] as const)("%s: s(f − y)², its slopes 2s(f − y) and curvature 2s", (name, s) => {
    const scalars = Float64Array.of(10, 20, 30);
    const [onGradient, onHessian] = [new Float64Array(2), new Float64Array(2)];
    weighRows(LOSSES[name], { y, w }, f, { scalars, onGradient, onHessian });
    expect([...scalars]).toEqual([
      10 + s * (0.25 * 4 + 0.75 * 0.25),
      20 + 4 * s * s * (0.25 * 4 + 0.75 * 0.25),
      30 + 2 * s,
    ]);
    expect([...onGradient]).toEqual([0.25 * 2 * s * 2, 0.75 * 2 * s * -0.5]);
    expect([...onHessian]).toEqual([0.25 * 2 * s, 0.75 * 2 * s]);
    const again = new Float64Array(3);
    weighRows(LOSSES[name], { y, w }, f, { scalars: again, onGradient, onHessian: undefined });
    expect(again[0]).toBe(scalars[0] - 10);
  });

  test("Poisson: e^f − yf, its slopes e^f − y and curvatures e^f", () => {
    const scalars = Float64Array.of(10, 20, 30);
    const [onGradient, onHessian] = [new Float64Array(2), new Float64Array(2)];
    weighRows(LOSSES.poisson, { y, w }, f, { scalars, onGradient, onHessian });
    const [a, b] = [Math.exp(3), Math.exp(1.5)];
    const expected = [
      10 + 0.25 * (a - 3) + 0.75 * (b - 3),
      20 + 0.25 * (a - 1) ** 2 + 0.75 * (b - 2) ** 2,
      30 + 0.25 * a + 0.75 * b,
    ];
    expected.forEach((value, k) => expect(scalars[k]).toBeCloseTo(value, 12));
    [0.25 * (a - 1), 0.75 * (b - 2)].forEach((value, i) => expect(onGradient[i]).toBeCloseTo(value, 12));
    [0.25 * a, 0.75 * b].forEach((value, i) => expect(onHessian[i]).toBeCloseTo(value, 12));
    const again = new Float64Array(3);
    weighRows(LOSSES.poisson, { y, w }, f, { scalars: again, onGradient, onHessian: undefined });
    expect(again[2]).toBeCloseTo(scalars[2] - 30, 12);
  });

  test("how scores change: the largest shift, and the worst and best change of a logistic loss, −ys", () => {
    const signs = Float64Array.of(1, -1, 1);
    const first = withRows(
      NO_RECESSION,
      LOSSES.logistic,
      { y: signs, w: Float64Array.of(1, 1, 1) },
      new Float64Array(3),
      Float64Array.of(2, 0.5, 1),
    );
    expect(first).toEqual({ largest: 2, worst: 0.5, best: -2 });
    const more = withRows(
      first,
      LOSSES.logistic,
      { y: Float64Array.of(-1, -1), w: Float64Array.of(1, 0) },
      Float64Array.of(1, 0),
      Float64Array.of(4, 9),
    );
    expect(more).toEqual({ largest: 3, worst: 3, best: -2 });
    expect(
      withRows(
        NO_RECESSION,
        LOSSES.logistic,
        { y: new Float64Array(0), w: new Float64Array(0) },
        new Float64Array(0),
        new Float64Array(0),
      ),
    ).toEqual({ largest: 0, worst: Number.NEGATIVE_INFINITY, best: Number.POSITIVE_INFINITY });
  });
});

const features = ["a", "b", "c"];

interface Given {
  readonly value: (theta: Float64Array) => number;
  readonly gradient: (theta: Float64Array) => readonly number[];
  /** Lower triangle, row by row. */
  readonly hessian: (theta: Float64Array) => readonly (readonly number[])[];
}

/** A function in place of the sums over rows; Σwℓ'² and Σwℓ'' are 9 and 4 unless said otherwise. */
function given(
  { value, gradient, hessian }: Given,
  change: Partial<Problem> & { readonly squares?: readonly [number, number] } = {},
): Problem & { readonly asked: boolean[] } {
  const d = gradient(new Float64Array(4)).length;
  const asked: boolean[] = [];
  const { squares = [9, 4], ...rest } = change;
  return {
    model: poisson({ intercept: false })({ features: features.slice(0, d) }),
    ridge: new Float64Array(d),
    l2: 0.1,
    free: new Uint8Array(d).fill(1),
    asked,
    async sumsAt(theta, withHessian) {
      asked.push(withHessian);
      const lower = Matrix.zeros(d, d);
      hessian(theta).forEach((row, i) => row.forEach((entry, j) => (lower.data[i * d + j] = entry)));
      return {
        scalars: Float64Array.of(value(theta), ...squares),
        gradient: Float64Array.from(gradient(theta)),
        hessian: withHessian ? lower : null,
        scores: theta.slice(),
      };
    },
    recession: async () => NO_RECESSION,
    ...rest,
  };
}

/** e^t − yt, with its minimum at log y. */
const exponential = (y: number): Given => ({
  value: ([t]) => Math.exp(t) - y * t,
  gradient: ([t]) => [Math.exp(t) - y],
  hessian: ([t]) => [[Math.exp(t)]],
});
/** ½·2(t − 3)² */
const parabola: Given = { value: ([t]) => (t - 3) ** 2, gradient: ([t]) => [2 * (t - 3)], hessian: () => [[2]] };

describe("one point", () => {
  const bowl: Given = {
    value: () => 7,
    gradient: () => [1, -2, 0],
    hessian: () => [[4], [1, 5], [0, 0, 0]],
  };

  test("the ridge in value, gradient and Hessian; the gradient beside √(9/4 · H_jj) + P|θ|", async () => {
    const problem = given(bowl, { ridge: Float64Array.of(0, 2, 0) });
    const point = await evaluateAt(problem, Float64Array.of(5, -3, 1));
    expect(point).toMatchObject({ loss: 7, objective: 7 + 9, residualSize: 1.5 });
    expect([...point.gradient]).toEqual([1, -8, 0]);
    expect([0, 3, 4, 6, 7, 8].map((at) => point.hessian.data[at])).toEqual([4, 1, 7, 0, 0, 0]);
    expect(point.gradientNorm).toBeCloseTo(8 / (1.5 * Math.sqrt(5) + 6), 14);
    expect([...point.scores]).toEqual([5, -3, 1]);
  });

  test("with H known beforehand, ridge included, no other is asked for", async () => {
    const hessian = Matrix.fromRows([
      [4, 0, 0],
      [1, 7, 0],
      [0, 0, 0],
    ]);
    const problem = given(bowl, { ridge: Float64Array.of(0, 2, 0) });
    const point = await evaluateAt(problem, Float64Array.of(5, -3, 1), hessian);
    expect(problem.asked).toEqual([false]);
    expect(point.hessian).toBe(hessian);
    expect(hessian.data[4]).toBe(7);
    expect(point.gradientNorm).toBeCloseTo(8 / (1.5 * Math.sqrt(5) + 6), 14);
  });

  test("parameters that are held and rows without curvature count for nothing", async () => {
    const held = await evaluateAt(given(bowl, { free: Uint8Array.of(1, 0, 1) }), Float64Array.of(5, -3, 1));
    expect(held.gradientNorm).toBeCloseTo(1 / (1.5 * 2), 14);
    const flat = await evaluateAt(given(bowl, { squares: [9, 0] }), new Float64Array(3));
    expect(flat).toMatchObject({ residualSize: 0, gradientNorm: 0 });
  });
});

describe("the minimum", () => {
  test("of a function that curves: as many steps as it takes to 1e-11, each with a Hessian of its own", async () => {
    const problem = given(exponential(2));
    const { point, iterations, inverse } = await minimise(problem, Float64Array.of(0));
    expect(point.theta[0]).toBeCloseTo(Math.LN2, 12);
    expect(inverse.solve(Float64Array.of(4))[0]).toBeCloseTo(2, 12);
    // Steps beside ‖θ‖_H + 3/2, by hand.
    let [t, steps] = [0, 0];
    for (; ; steps++) {
      const step = (Math.exp(t) - 2) / Math.exp(t);
      const size = Math.sqrt(Math.exp(t));
      if ((size * Math.abs(step)) / (size * Math.abs(t) + 1.5) <= 1e-11) break;
      t -= step;
    }
    expect(steps).toBe(5);
    expect(iterations).toBe(5);
    expect(problem.asked).toEqual([true, true, true, true, true, true]);
  });

  test("of a parabola: one step, with the Hessian of the start, and none from the minimum itself", async () => {
    const squared = linear({ intercept: false })({ features: ["a"] });
    const problem = given(parabola, { model: squared });
    const { point, iterations } = await minimise(problem, Float64Array.of(10));
    expect([point.theta[0], iterations]).toEqual([3, 1]);
    expect(problem.asked).toEqual([true, false]);
    expect((await minimise(given(parabola, { model: squared }), Float64Array.of(3))).iterations).toBe(0);
  });

  test("a known inverse is used for a squared loss, and its own for every other", async () => {
    const calls: number[] = [];
    // A tenth is left after each step.
    const nearly = {
      method: "cholesky",
      rank: 1,
      solve: (b: Float64Array) => (calls.push(1), b.map((g) => (0.9 * g) / 2)),
    };
    const inverse = nearly as unknown as InverseHessian;
    const hessian = Matrix.fromRows([[2]]);
    const squared = linear({ intercept: false })({ features: ["a"] });
    const found = await minimise(given(parabola, { model: squared }), Float64Array.of(10), { hessian, inverse });
    // Refined by the last step, which is not taken for one more.
    expect(found.point.theta[0]).toBeCloseTo(3, 10);
    expect(found.iterations).toBeGreaterThan(8);
    expect(found.inverse).toBe(inverse);
    expect(calls).toHaveLength(found.iterations + 1);
    calls.length = 0;
    const curved = await minimise(given(exponential(2)), Float64Array.of(0), { inverse });
    expect([curved.iterations, calls.length]).toEqual([5, 0]);
  });

  test("the last step of a squared loss is taken where it is small", async () => {
    // The gradient is within 1e-12 of its terms and the step within 1e-11, though not within 1e-14.
    const squared = linear({ intercept: false })({ features: ["a"] });
    const found = await minimise(given(parabola, { model: squared }), Float64Array.of(3 + 8e-13));
    expect(found.iterations).toBe(0);
    expect(found.point.theta[0]).toBe(3);
    const curved = await minimise(given(exponential(2)), Float64Array.of(Math.LN2 + 1e-12));
    expect(curved.point.theta[0]).toBe(Math.LN2 + 1e-12);
  });

  test("of some parameters, the others held at 0", async () => {
    // ½θ'Hθ − b'θ with H = [[4, 1, 2], [1, 3, 1], [2, 1, 5]], θ_2 = 0.
    const H = [
      [4, 1, 2],
      [1, 3, 1],
      [2, 1, 5],
    ];
    const b = [10, 100, 13];
    const image = (t: Float64Array): number[] => H.map((row) => row.reduce((sum, value, j) => sum + value * t[j], 0));
    const bowl: Given = {
      value: (t) => image(t).reduce((sum, value, j) => sum + t[j] * (0.5 * value - b[j]), 0),
      gradient: (t) => image(t.subarray(0, 3)).map((value, j) => value - b[j]),
      hessian: () => [[4], [1, 3], [2, 1, 5]],
    };
    const { point, inverse } = await minimise(given(bowl, { free: Uint8Array.of(1, 0, 1) }), new Float64Array(3));
    // 4x + 2z = 10, 2x + 5z = 13
    [1.5, 0, 2].forEach((value, j) => expect(point.theta[j]).toBeCloseTo(value, 13));
    expect(inverse.rank).toBe(2);
    const all = await minimise(given(bowl), new Float64Array(3));
    image(all.point.theta).forEach((value, j) => expect(value).toBeCloseTo(b[j], 11));
  });

  test("where the objective does not fall along the step: half steps down to 1e-6, and then the end", async () => {
    const uphill: Given = { ...exponential(2), gradient: ([t]) => [2 - Math.exp(t)] };
    const problem = given(uphill);
    const error = await refusal(minimise(problem, Float64Array.of(0)));
    expect(error).toMatchObject({
      code: "numerical",
      message: expect.stringContaining("did not converge: relative gradient"),
    });
    expect(problem.asked).toHaveLength(1 + 20);
    const squared = given(
      { ...parabola, gradient: ([t]) => [-2 * (t - 3)] },
      { model: linear({ intercept: false })({ features: ["a"] }) },
    );
    expect((await refusal(minimise(squared, Float64Array.of(0)))).code).toBe("numerical");
    expect(squared.asked).toEqual([true, false]);
  });

  test("a step that does not lower the objective, but is small, is rounding", async () => {
    const rising = (by: number): Given => ({
      value: ([t]) => (t === by ? 0 : 1),
      gradient: ([t]) => [-(t - 1)],
      hessian: () => [[1]],
    });
    // Relative steps |1 − t|/(|t| + 3/2) on either side of 1e-8.
    const near = await minimise(given(rising(1 + 2e-8)), Float64Array.of(1 + 2e-8));
    expect(near).toMatchObject({ iterations: 0 });
    expect(near.point.theta[0]).toBe(1 + 2e-8);
    expect((await refusal(minimise(given(rising(1 + 3e-8)), Float64Array.of(1 + 3e-8)))).code).toBe("numerical");
  });

  test("a step that is too long is halved until the objective falls", async () => {
    // √(1 + t²): the full step from 2 leads to −8.
    const valley: Given = {
      value: ([t]) => Math.sqrt(1 + t * t),
      gradient: ([t]) => [t / Math.sqrt(1 + t * t)],
      hessian: ([t]) => [[(1 + t * t) ** -1.5]],
    };
    const { point } = await minimise(given(valley), Float64Array.of(2));
    expect(point.theta[0]).toBeCloseTo(0, 10);
  });

  test("200 steps are the most", async () => {
    let value = 0;
    const falling: Given = { value: () => value--, gradient: () => [1], hessian: () => [[1]] };
    const problem = given(falling);
    expect((await refusal(minimise(problem, Float64Array.of(0)))).message).toMatch(/did not converge/);
    expect(problem.asked).toHaveLength(201);
  });
});

describe("a minimum that is at infinity", () => {
  /** Steps of these lengths, for ever. */
  const away = (speeds: readonly number[]): Given => ({
    value: (t) => -t.reduce((sum, value, j) => sum + value * speeds[j], 0),
    gradient: () => speeds.map((speed) => -speed),
    hessian: () => speeds.map((_, j) => [...new Array<number>(j).fill(0), 1]),
  });

  test("is looked for from the fifth step on, without a ridge", async () => {
    const counted = (l2: number) => {
      const seen = { calls: 0 };
      const recession = async () => (seen.calls++, NO_RECESSION);
      return { seen, problem: given(exponential(2), { l2, recession }) };
    };
    // From 10 every step is about −1: fourteen of them.
    const [bare, ridged] = [counted(0), counted(0.1)];
    const { iterations } = await minimise(bare.problem, Float64Array.of(10));
    expect(bare.seen.calls).toBe(iterations - 4);
    await minimise(ridged.problem, Float64Array.of(10));
    expect(ridged.seen.calls).toBe(0);
  });

  test.each([
    [{ largest: 0.31, worst: 0.31e-8, best: -0.31 }, true],
    [{ largest: 0.3, worst: -1, best: -1 }, false],
    [{ largest: 50, worst: 50e-8, best: -0.31 }, true],
    [{ largest: 50, worst: 51e-8, best: -1 }, false],
    [{ largest: 1, worst: -1, best: -0.3 }, false],
  ])(
    "is seen where scores move by more than 0.3, some loss falls by as much and none rises: %o",
    async (recession, refused) => {
      const problem = given(away([1]), {
        l2: 0,
        model: logistic({ intercept: false })({ features: ["a"] }),
        recession: async () => recession,
      });
      const { message } = await refusal(minimise(problem, Float64Array.of(0)));
      expect(/separate the targets/.test(message)).toBe(refused);
      if (refused) expect(message).toContain('unpenalised logistic fit has no minimum: the coefficients of "a" grow');
    },
  );

  test.each([
    ["without an intercept", false, [0.1, -1, 0.5], '"b", "c"'],
    ["whose intercept moves too", true, [9, 1, -2, 0.41], '"b", "a", "c"'],
    ["that moves alone but for little", true, [0, 1, 0.2, 0.19], '"a"'],
    ["of which one moves fast", false, [4, 0.7], '"a"'],
  ])("names the features that move most, %s", async (_, intercept, speeds, names) => {
    const model = logistic({ intercept })({ features });
    const recession = async () => ({ largest: 1, worst: 0, best: -1 });
    const { message } = await refusal(
      minimise(given(away(speeds), { l2: 0, model, recession }), new Float64Array(speeds.length)),
    );
    expect(message).toContain(`the coefficients of ${names} grow without end`);
  });

  test("names three features at most", async () => {
    const model = logistic({ intercept: false })({ features: ["a", "b", "c", "d"] });
    const recession = async () => ({ largest: 1, worst: 0, best: -1 });
    const start = Float64Array.of(-100, 50, 0, 1);
    const { message } = await refusal(minimise(given(away([1, 4, 3, 2]), { l2: 0, model, recession }), start));
    expect(message).toContain('the coefficients of "b", "c", "d" grow');
  });
});
