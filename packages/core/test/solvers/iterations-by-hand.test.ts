/** Lanczos's method, L-BFGS and its search: what they try, count and stop at. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { extremeEigenvalues, proposedDamping } from "../../src/solvers/lanczos.js";
import { minimiseLbfgs } from "../../src/solvers/lbfgs.js";
import { type Evaluate, type MinimiserPoint, wolfeSearch } from "../../src/solvers/wolfe-search.js";
import { toldProgress } from "./progress.js";
import { lengthOf, refusal } from "./systems.js";

beforeAll(() => ensureBlas());

function diagonal(values: readonly number[]) {
  const counted = {
    size: values.length,
    products: 0,
    async product(v: Matrix): Promise<Matrix> {
      counted.products += v.columns;
      return new Matrix(
        v.data.map((entry, at) => values[Math.floor(at / v.columns)] * entry),
        v.rows,
        v.columns,
      );
    },
  };
  return counted;
}

const spread = (d: number, low: number, high: number): number[] =>
  Array.from({ length: d }, (_, i) => low + ((high - low) * i) / (d - 1));

describe("extreme eigenvalues", () => {
  test("as many steps as there are eigenvalues know all, and fewer what they are told", async () => {
    const operator = diagonal([5, -2, 5, 1, -2]);
    const found = await extremeEigenvalues(operator);
    expect(found).toMatchObject({ products: 3, converged: true, floor: null });
    expect(operator.products).toBe(3);
    expect(found.smallest.value).toBeCloseTo(-2, 13);
    expect(found.largest.value).toBeCloseTo(5, 13);
    expect(lengthOf(found.largest.vector)).toBeCloseTo(1, 13);
    expect(found.largest.residual).toBeLessThan(1e-12);
    const one = await extremeEigenvalues(diagonal([1, 2, 4]), { maximumSteps: 1 });
    expect(one).toMatchObject({ products: 1, converged: false });
    // The quotient v'Hv of the one vector, and ‖Hv − θv‖.
    const v = one.largest.vector;
    const quotient = v[0] ** 2 + 2 * v[1] ** 2 + 4 * v[2] ** 2;
    expect(one.largest.value).toBeCloseTo(quotient, 13);
    expect(one.smallest.value).toBe(one.largest.value);
    const rest = [1, 2, 4].map((value, j) => (value - quotient) * v[j]);
    expect(one.largest.residual).toBeCloseTo(lengthOf(rest), 13);
    expect((await extremeEigenvalues(diagonal([1, 2, 4]), { maximumSteps: 2.9 })).products).toBe(2);
    for (const maximumSteps of [8, 10])
      expect((await extremeEigenvalues(diagonal(spread(40, 1, 2)), { maximumSteps })).products).toBe(maximumSteps);
    expect((await extremeEigenvalues(diagonal([7]))).largest.value).toBeCloseTo(7, 14);
    expect((await extremeEigenvalues(diagonal([0, 0, 0]))).products).toBe(1);
  });

  test("both residuals decide, or with a floor that of the largest alone", async () => {
    // Apart at the top, crowded at the bottom; and the other way round.
    const top = [...spread(150, 0, 1), 50];
    const bottom = [-50, ...spread(150, 0, 1)];
    const products = async (values: readonly number[], floor: number | null): Promise<number> => {
      const found = await extremeEigenvalues(diagonal(values), { floor, tolerance: 1e-10 });
      expect(found).toMatchObject({ converged: true, floor });
      const within = 1e-10 * Math.max(Math.abs(found.smallest.value), Math.abs(found.largest.value));
      expect(found.largest.residual).toBeLessThanOrEqual(within);
      if (floor === null) expect(found.smallest.residual).toBeLessThanOrEqual(within);
      return found.products;
    };
    expect(await products(top, 0)).toBeLessThan(15);
    expect(await products(top, null)).toBeGreaterThan(30);
    expect(await products(bottom, null)).toBeGreaterThan(30);
    expect(await products(bottom, -60)).toBeGreaterThan(30);
  });

  test("the size of H changes nothing", async () => {
    const run = (size: number) => extremeEigenvalues(diagonal(spread(100, -size, 3 * size)), { tolerance: 1e-4 });
    const plain = await run(1);
    for (const size of [2 ** 20, 2 ** -20]) {
      const found = await run(size);
      expect(found.products).toBe(plain.products);
      expect(found.largest.value / size).toBeCloseTo(plain.largest.value, 12);
      expect(found.largest.residual / size).toBeCloseTo(plain.largest.residual, 12);
    }
  });

  test("the small problem is looked at when it has grown by a seventh part or so", async () => {
    const looks = [1];
    while ((looks.at(-1) ?? 0) < 200) {
      const m = looks.at(-1) ?? 0;
      looks.push(Math.max(m + 1, Math.ceil(1.15 * m)));
    }
    const met = new Set<number>();
    for (let digits = 1; digits <= 8; digits += 0.5) {
      const { products } = await extremeEigenvalues(diagonal(spread(100, 1, 2)), {
        tolerance: 10 ** -digits,
        floor: 0,
      });
      expect(looks).toContain(products);
      met.add(products);
    }
    expect(met.size).toBeGreaterThan(8);
    expect([...met].some((products) => products < 8)).toBe(true);
  });

  test("settings that make no sense, and progress", async () => {
    expect((await refusal(extremeEigenvalues(diagonal([])))).message).toBe("A matrix without rows has no eigenvalues.");
    for (const maximumSteps of [0, 0.9, -1, Number.NaN])
      expect((await refusal(extremeEigenvalues(diagonal([1]), { maximumSteps }))).message).toBe(
        `Lanczos's method needs at least 1 step, got ${maximumSteps}.`,
      );
    const told = await toldProgress((work) =>
      extremeEigenvalues(diagonal([1, 2, 3, 4]), { ...work, tolerance: 1e-15 }),
    );
    expect(told).toEqual([1, 2, 3].map((done) => ["extreme eigenvalues", done, 4]));
    const limited = await toldProgress((work) =>
      extremeEigenvalues(diagonal([1, 2, 3, 4]), { ...work, maximumSteps: 2 }),
    );
    expect(limited).toEqual([["extreme eigenvalues", 1, 2]]);
  });

  test.each([1, 1e6, 1e-6])("the damping proposed for an H of size %d", (size) => {
    const pair = (value: number, residual: number) => ({
      value: size * value,
      residual: size * residual,
      vector: new Float64Array(1),
    });
    const of = (smallest: number, residual: number, largest: number, floor: number | null = null) =>
      proposedDamping({
        smallest: pair(smallest, residual),
        largest: pair(largest, 0),
        floor: floor && size * floor,
        products: 1,
        converged: true,
      });
    const negative = of(-2, 0.5, 10);
    expect(negative.smallest / size).toBeCloseTo(2.5 + 1e-12, 13);
    expect(negative.proposed / size).toBeCloseTo(2.5 + 1e-5, 12);
    // The smallest is the larger of the two.
    expect(of(-20, 0, 10).proposed / size).toBeCloseTo(20 + 2e-5, 11);
    expect(of(-2, 0.5, 10, -1).smallest / size).toBeCloseTo(1 + 1e-12, 13);
    expect(of(-2, 0.5, 10, -3).smallest / size).toBeCloseTo(2.5 + 1e-12, 13);
    expect(of(1e-5, 0, 10)).toEqual({ smallest: 0, proposed: 0 });
    expect(of(0, 0, 10).smallest / size).toBeCloseTo(1e-12, 20);
  });
});

describe("L-BFGS", () => {
  /** ½Σ c_j θ_j², with every trial, and the points that were taken. */
  function watched(curvatures: readonly number[]) {
    const trials: Float64Array[] = [];
    const taken: { point: MinimiserPoint; before: number }[] = [];
    const evaluate: Evaluate = async (theta) => {
      trials.push(theta.slice());
      return {
        value: theta.reduce((sum, t, j) => sum + 0.5 * curvatures[j] * t * t, 0),
        gradient: theta.map((t, j) => curvatures[j] * t),
      };
    };
    const relativeGradient = (point: MinimiserPoint): number => {
      taken.push({ point, before: trials.length });
      return lengthOf(point.gradient);
    };
    return { trials, taken, evaluate, relativeGradient };
  }

  test("first tries a step of length 1 along the gradient, or the gradient itself where that is shorter", async () => {
    for (const [start, first] of [
      [4, 3],
      [0.25, 0],
    ]) {
      const { trials, evaluate, relativeGradient } = watched([1]);
      await minimiseLbfgs(evaluate, Float64Array.of(start), { relativeGradient });
      expect(trials[1][0]).toBeCloseTo(first, 13);
    }
  });

  test.each([1, 2, 3, 10])(
    "tries −B∇f next, B from the last %d pairs by the update of Broyden, Fletcher, Goldfarb and Shanno",
    async (memory) => {
      const curvatures = [1, 3, 10, 30, 100];
      const d = curvatures.length;
      const { trials, taken, evaluate, relativeGradient } = watched(curvatures);
      const found = await minimiseLbfgs(evaluate, Float64Array.of(1, -2, 0.5, 1, -1), { relativeGradient, memory });
      expect(found.end).toBe("converged");
      expect(found.evaluations).toBe(trials.length);
      expect(found.iterations).toBe(taken.length - 1);
      expect(taken.length).toBeGreaterThan(6);
      const inner = (a: readonly number[], b: readonly number[]): number =>
        a.reduce((sum, value, j) => sum + value * b[j], 0);
      for (let k = 1; k < taken.length - 1; k++) {
        const pairs = Array.from({ length: Math.min(k, memory) }, (_, at) => {
          const [to, from] = [k - Math.min(k, memory) + at + 1, k - Math.min(k, memory) + at];
          return {
            s: Array.from(taken[to].point.theta, (value, j) => value - taken[from].point.theta[j]),
            y: Array.from(taken[to].point.gradient, (value, j) => value - taken[from].point.gradient[j]),
          };
        });
        const last = pairs[pairs.length - 1];
        const scale = inner(last.s, last.y) / inner(last.y, last.y);
        let B = curvatures.map((_, i) => curvatures.map((__, j) => (i === j ? scale : 0)));
        for (const { s, y } of pairs) {
          const rho = 1 / inner(s, y);
          // (I − ρsy')B(I − ρys') + ρss'
          const left = B.map((_, i) =>
            curvatures.map(
              (__, j) => B[i][j] - rho * s[i] * curvatures.reduce((sum, ___, l) => sum + y[l] * B[l][j], 0),
            ),
          );
          B = left.map((row, i) => row.map((value, j) => value - rho * inner(row, y) * s[j] + rho * s[i] * s[j]));
        }
        const { point, before } = taken[k];
        for (let i = 0; i < d; i++) {
          const expected = point.theta[i] - inner(B[i], [...point.gradient]);
          expect(Math.abs(trials[before][i] - expected)).toBeLessThan(1e-9 * (1 + lengthOf(point.theta)));
        }
      }
    },
  );

  test("ends at the tolerance and at its limit, and leaves the start as it was", async () => {
    const { evaluate, relativeGradient } = watched([1, 10]);
    const start = Float64Array.of(3, 4);
    const there = await minimiseLbfgs(evaluate, start, { relativeGradient, tolerance: lengthOf([3, 40]) });
    expect(there).toMatchObject({
      end: "converged",
      converged: true,
      iterations: 0,
      evaluations: 1,
      relativeGradient: lengthOf([3, 40]),
      value: 84.5,
    });
    expect(there.theta).not.toBe(start);
    for (const maximumIterations of [0, 1, 2]) {
      const short = await minimiseLbfgs(evaluate, start, { relativeGradient, maximumIterations });
      expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: maximumIterations });
    }
    expect((await minimiseLbfgs(evaluate, start, { relativeGradient })).relativeGradient).toBeLessThanOrEqual(1e-8);
    expect([...start]).toEqual([3, 4]);
  });

  test("where pairs lead nowhere it tries the gradient once more, and then has stalled", async () => {
    // Beyond the first two trials f is flat, but says that it is not.
    let calls = 0;
    const flat: Evaluate = async ([t]) => {
      calls++;
      return calls <= 2
        ? { value: 0.5 * t * t, gradient: Float64Array.of(t) }
        : { value: 100, gradient: Float64Array.of(t) };
    };
    const found = await minimiseLbfgs(flat, Float64Array.of(8), {
      relativeGradient: ({ gradient }) => lengthOf(gradient),
    });
    expect(found).toMatchObject({ end: "stalled", converged: false, iterations: 1 });
    expect(found.theta[0]).toBe(7);
    // 30 trials along −B∇f, and 30 along the gradient.
    expect(found.evaluations).toBe(2 + 60);
  });

  test("tells its steps", async () => {
    const { evaluate, relativeGradient } = watched([1, 10, 100]);
    const told = await toldProgress((work) =>
      minimiseLbfgs(evaluate, Float64Array.of(1, 1, 1), { ...work, relativeGradient, maximumIterations: 3 }),
    );
    expect(told).toEqual([1, 2, 3].map((done) => ["minimising", done, 3]));
  });
});

describe("the search along a line", () => {
  const searched = async (f: (t: number) => readonly [number, number], first = 1) => {
    const trials: number[] = [];
    const evaluate: Evaluate = async ([t]) => {
      trials.push(t);
      const [value, slope] = f(t);
      return { value, gradient: Float64Array.of(slope) };
    };
    const [value, slope] = f(0);
    const found = await wolfeSearch(
      { theta: Float64Array.of(0), value, gradient: Float64Array.of(slope) },
      Float64Array.of(1),
      first,
      evaluate,
    );
    return { trials, at: found ? found.theta[0] : null };
  };

  test("takes a first point that is low and flat enough: a slope of nine tenths, and not more", async () => {
    expect(await searched((t) => [-t, t === 0 ? -1 : -0.9])).toEqual({ trials: [1], at: 1 });
    const { trials } = await searched((t) => [-t, t === 0 ? -1 : t < 2 ? -0.91 : 0]);
    expect(trials).toEqual([1, 3]);
  });

  test("trebles its step while f falls steeply, thirty times at the most, and takes the last", async () => {
    const { trials, at } = await searched((t) => [-t, -1], 2);
    expect(trials).toEqual(Array.from({ length: 30 }, (_, k) => 2 * 3 ** k));
    expect(at).toBe(2 * 3 ** 29);
  });

  test("ends where a step is no longer a number", async () => {
    const { trials, at } = await searched((t) => [-t, -1], 1e300);
    expect(trials).toHaveLength(18);
    expect(at).toBe(trials[17]);
  });

  test("goes by slopes where values are alike but for rounding", async () => {
    // (t − 0.3)²/2 beside 10¹².
    const { trials, at } = await searched((t) => [1e12, t - 0.3]);
    expect(trials).toHaveLength(2);
    expect(at).toBeCloseTo(0.3, 12);
  });

  test("goes by the cubic where they differ, on either side", async () => {
    // t³ − 3t, minimum at 1: from 0 and 3, and from 1.5 (low enough, but past it) back.
    const cubic = (t: number): readonly [number, number] => [t ** 3 - 3 * t, 3 * t * t - 3];
    expect((await searched(cubic, 3)).at).toBeCloseTo(1, 12);
    const back = await searched((t) => [2 * cubic(t)[0], 2 * cubic(t)[1]], 1.6);
    expect(back.trials).toHaveLength(2);
    expect(back.at).toBeCloseTo(1, 12);
  });

  test("keeps a tenth of the bracket away from its ends", async () => {
    // Far too long: the cubic's minimum is within a hundredth of 0.
    const { trials } = await searched((t) => [0.5 * (t - 0.01) ** 2, t - 0.01], 10);
    expect(trials[1]).toBeCloseTo(1, 12);
    expect(trials[2]).toBeCloseTo(0.1, 12);
  });

  test("what is not finite is too far, and what is nowhere lower is nothing", async () => {
    const { at } = await searched((t) => (t > 0.5 ? [Number.NaN, Number.NaN] : [0.5 * (t - 0.2) ** 2, t - 0.2]));
    expect(at).toBeCloseTo(0.2, 1);
    const up = await searched((t) => [t, -1]);
    expect(up.at).toBeNull();
    expect(up.trials).toHaveLength(30);
    expect((await searched(() => [0, -1])).at).toBeNull();
  });
});
