/** What block conjugate gradients count, keep and say, by hand on diagonal matrices. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import type { Preconditioner } from "../../src/solvers/preconditioner.js";
import { randomStream } from "../../src/stats/random.js";
import { toldProgress } from "./progress.js";
import { geometric, KnownSystem, lengthOf, naiveResiduals, randomBlock, refusal } from "./systems.js";

beforeAll(() => ensureBlas());

/** diag(values), and the columns of every product. */
function diagonal(values: readonly number[], noise = 0) {
  const asked: number[] = [];
  return {
    size: values.length,
    asked,
    async product(v: Matrix): Promise<Matrix> {
      asked.push(v.columns);
      return new Matrix(
        v.data.map((entry, at) => (values[Math.floor(at / v.columns)] + noise) * entry),
        v.rows,
        v.columns,
      );
    },
  };
}

const column = (...entries: number[]): Matrix => new Matrix(Float64Array.from(entries), entries.length, 1);

/** Eigenvalues whose residuals fall by (√κ − 1)/(√κ + 1) a pass: Chebyshev's nodes on [1, κ]. */
const chebyshev = (d: number, condition: number): number[] =>
  Array.from({ length: d }, (_, i) => 0.5 * (condition + 1 - (condition - 1) * Math.cos((Math.PI * (i + 0.5)) / d)));

describe("what is counted", () => {
  test("one pass for a multiple of the identity, with a product for the size of H and those of the residual", async () => {
    const operator = diagonal([4, 4, 4]);
    const found = await blockConjugateGradients(
      operator,
      Matrix.fromRows([
        [8, 0],
        [0, 4],
        [4, 4],
      ]),
    );
    expect(operator.asked).toEqual([3, 2]);
    const { solution, ...rest } = found;
    [2, 0, 0, 1, 1, 1].forEach((value, at) => expect(solution.data[at]).toBeCloseTo(value, 14));
    expect(rest).toMatchObject({
      solver: "cg",
      end: "converged",
      converged: true,
      iterations: 1,
      products: 5,
      sketchProducts: 0,
      curvature: null,
    });
    expect(rest.backwardError).toBeLessThan(1e-15);
  });

  test("nothing for zeros, and nothing where a tolerance of 1 is met at the start", async () => {
    for (const [right, tolerance, residual] of [
      [Matrix.zeros(2, 2), 1e-10, 0],
      [
        Matrix.fromRows([
          [1, 2],
          [3, 4],
        ]),
        1,
        1,
      ],
    ] as const) {
      const operator = diagonal([1, 2]);
      const found = await blockConjugateGradients(operator, right, { tolerance });
      expect(operator.asked).toEqual([]);
      expect(found).toMatchObject({ end: "converged", converged: true, iterations: 0, products: 0 });
      expect([...found.solution.data]).toEqual([0, 0, 0, 0]);
      expect([...found.residuals, found.relativeResidual]).toEqual([residual, residual, residual]);
    }
  });

  test("a column of zeros takes no part", async () => {
    const operator = diagonal([1, 2, 3]);
    const found = await blockConjugateGradients(
      operator,
      Matrix.fromRows([
        [0, 1],
        [0, 1],
        [0, 1],
      ]),
    );
    expect(operator.asked).toEqual([2, 1, 1, 2]);
    expect([...found.solution.column(0)]).toEqual([0, 0, 0]);
    expect([found.residuals[0], found.iterations, found.products]).toEqual([0, 3, 6]);
  });

  test("the size of the right-hand side changes nothing", async () => {
    const operator = () => diagonal(chebyshev(60, 50));
    const right = randomBlock(60, 2, 1);
    const plain = await blockConjugateGradients(operator(), right, { tolerance: 1e-6 });
    for (const factor of [2 ** 30, 2 ** -30]) {
      const scaled = new Matrix(
        right.data.map((value) => factor * value),
        60,
        2,
      );
      const found = await blockConjugateGradients(operator(), scaled, { tolerance: 1e-6 });
      expect(found).toEqual({ ...plain, solution: found.solution });
      found.solution.data.forEach((value, at) => expect(value).toBe(factor * plain.solution.data[at]));
    }
  });

  test("a limit of 1 is one pass; less is refused", async () => {
    const found = await blockConjugateGradients(diagonal([1, 3]), column(1, 1), { maximumIterations: 1 });
    // α = 2/4, r = (½, −½)
    expect(found).toMatchObject({ end: "iteration-limit", converged: false, iterations: 1 });
    expect([...found.solution.data].map((value) => value.toFixed(12))).toEqual(["0.500000000000", "0.500000000000"]);
    expect(found.relativeResidual).toBeCloseTo(0.5, 14);
    // ‖H‖ from below: ‖Hv‖ of a random unit v, and p'Hp = 2 of b's direction.
    const v = new Float64Array(2);
    randomStream(0).fillNormals(v);
    const norm = Math.max(2, Math.hypot(v[0], 3 * v[1]) / lengthOf(v));
    expect(found.backwardError).toBeCloseTo(1 / (norm + 2), 12);
    for (const maximumIterations of [0, -1, Number.NaN]) {
      const { message } = await refusal(blockConjugateGradients(diagonal([1]), column(1), { maximumIterations }));
      expect(message).toBe(`The iteration limit of conjugate gradients must be at least 1, got ${maximumIterations}.`);
    }
  });

  test("tolerances that are none, each by what it is", async () => {
    for (const [tolerance, named] of [
      [0, "0"],
      [Float64Array.of(1e-3, -2), "-2"],
      [Float64Array.of(1e-3), "none"],
    ] as const) {
      const { message } = await refusal(
        blockConjugateGradients(diagonal([1]), new Matrix(new Float64Array(2), 1, 2), { tolerance }),
      );
      expect(message).toBe(`The tolerance of conjugate gradients must be above 0, got ${named}.`);
    }
  });
});

describe("how it ends", () => {
  test("at rounding: a limit that is met there is no limit", async () => {
    const system = new KnownSystem(geometric(5, 10), 3);
    const right = randomBlock(5, 1, 2);
    const found = await blockConjugateGradients(system, right, { tolerance: 1e-30, maximumIterations: 5 });
    expect(found).toMatchObject({ end: "stagnated", converged: false, iterations: 5 });
    expect(found.backwardError).toBeLessThanOrEqual(8 * Number.EPSILON);
    const before = await blockConjugateGradients(system, right, { tolerance: 1e-30, maximumIterations: 4 });
    expect(before.end).toBe("iteration-limit");
  });

  test("what H cannot reach: its columns alone are left, with the backward error of what was met", async () => {
    const found = await blockConjugateGradients(
      diagonal([2, 0]),
      Matrix.fromRows([
        [1, 0],
        [1, 0],
      ]),
    );
    expect(found).toMatchObject({ end: "singular", converged: false, curvature: 0 });
    expect([...found.solution.data].map((value) => Math.round(1e9 * value) / 1e9)).toEqual([0.5, 0, 1, 0]);
    expect(found.residuals[0]).toBeCloseTo(Math.SQRT1_2, 12);
    // ‖r‖/(‖H‖‖x‖ + ‖b‖) with ‖H‖ = 2, ‖x‖ = √1.25
    expect(found.backwardError).toBeCloseTo(1 / (2 * Math.sqrt(1.25) + Math.SQRT2), 12);
    const both = await blockConjugateGradients(
      diagonal([2, 0]),
      Matrix.fromRows([
        [1, 0],
        [0, 1],
      ]),
    );
    expect([both.end, ...both.residuals]).toEqual(["singular", 0, 1]);
  });

  test.each([1e-6, 1, 1e6])("a negative curvature is one beyond rounding of H, whose size is %d", async (size) => {
    const negative = await blockConjugateGradients(diagonal([size, size, -1e-9 * size]), column(0, 0, 1));
    expect(negative).toMatchObject({ end: "indefinite", converged: false });
    expect(negative.curvature).toBeCloseTo(-1e-9 * size, 20);
    for (const share of [1e-17, -1e-17, 1e-16]) {
      const flat = await blockConjugateGradients(diagonal([size, size, share * size]), column(0, 0, 1));
      expect([flat.end, ...flat.solution.data]).toEqual(["singular", 0, 0, 0]);
    }
    const small = await blockConjugateGradients(diagonal([size, size, 1e-14 * size]), column(0, 0, 1));
    expect(small.end).toBe("converged");
    expect(small.solution.data[2] * 1e-14 * size).toBeCloseTo(1, 10);
  });

  test("a correction that makes the true residual larger is not taken", async () => {
    let calls = 0;
    const lying = {
      size: 2,
      product: async (v: Matrix) =>
        new Matrix(
          v.data.map((value) => (calls++ < 4 ? 1 : -5) * value),
          2,
          v.columns,
        ),
    };
    const found = await blockConjugateGradients(lying, column(3, 4));
    expect([...found.solution.data]).toEqual([0, 0]);
    expect(found).toMatchObject({ end: "stagnated", relativeResidual: 1, iterations: 1 });
  });

  test("a column that gains is kept beside one that does not", async () => {
    const single = { size: 2, product: async (v: Matrix) => diagonal([1, 0]).product(v) };
    const found = await blockConjugateGradients(
      single,
      Matrix.fromRows([
        [0, 5],
        [2, 0],
      ]),
    );
    expect([...found.residuals]).toEqual([1, 0]);
    expect(found.solution.data[1]).toBeCloseTo(5, 14);
  });
});

test("a column that is done leaves: the rest goes on alone, and each meets its own tolerance", async () => {
  const values = chebyshev(80, 30);
  const operator = diagonal(values);
  const right = randomBlock(80, 2, 4);
  const tolerance = Float64Array.of(1e-2, 1e-9);
  const found = await blockConjugateGradients(operator, right, { tolerance });
  expect(found.converged).toBe(true);
  const { asked } = operator;
  expect([asked[0], asked[1], asked.at(-1)]).toEqual([3, 2, 2]);
  const passes = asked.slice(1, -1);
  const alone = passes.indexOf(1);
  expect(passes.slice(alone).every((columns) => columns === 1)).toBe(true);
  expect(alone).toBeGreaterThan(4);
  expect(alone).toBeLessThan(0.4 * passes.length);
  expect(found.products).toBe(asked.reduce((a, b) => a + b, 0));
  const h = Matrix.zeros(80, 80);
  values.forEach((value, j) => (h.data[j * 81] = value));
  const residuals = naiveResiduals(h, found.solution, right);
  expect(residuals[1]).toBeLessThan(1e-9);
  expect(residuals[0]).toBeLessThan(1e-2);
  expect(residuals[0]).toBeGreaterThan(1e-4);
});

test("of three columns the two that are left go on in one round, and no residual is made between", async () => {
  const operator = diagonal(chebyshev(80, 30));
  const found = await blockConjugateGradients(operator, randomBlock(80, 3, 4), {
    tolerance: Float64Array.of(1e-9, 1e-2, 1e-9),
  });
  const { asked } = operator;
  expect(found.converged).toBe(true);
  expect([asked[0], asked[1], asked.at(-2), asked.at(-1)]).toEqual([4, 3, 2, 3]);
  expect(found.iterations).toBe(asked.length - 1);
});

describe("rounds", () => {
  const system = new KnownSystem(geometric(30, 100), 15);
  /** Products of six digits. */
  const rough = {
    size: 30,
    product: async (v: Matrix) =>
      new Matrix(Float64Array.from((await system.product(v)).data, Math.fround), 30, v.columns),
  };
  const right = randomBlock(30, 1, 16);

  test("go on while the true residual is halved at least", async () => {
    const found = await blockConjugateGradients(rough, right, { tolerance: 1e-13 });
    expect(found.end).toBe("stagnated");
    // A product for the size of H, and one for the residual of each round: the first gains, the last does not.
    const rounds = found.products - found.iterations - 1;
    expect(rounds).toBeGreaterThanOrEqual(2);
    expect(rounds).toBeLessThan(6);
    expect(found.relativeResidual).toBeLessThan(1e-6);
  });

  test("share one limit", async () => {
    const whole = await blockConjugateGradients(rough, right, { tolerance: 1e-13 });
    const maximumIterations = whole.iterations - 2;
    const cut = await blockConjugateGradients(rough, right, { tolerance: 1e-13, maximumIterations });
    expect(cut.iterations).toBe(maximumIterations);
  });

  test("that are just enough have converged", async () => {
    const found = await blockConjugateGradients(diagonal([1, 3]), column(1, 1), { maximumIterations: 2 });
    expect(found).toMatchObject({ end: "converged", iterations: 2 });
    const both = await blockConjugateGradients(
      diagonal([1, 3]),
      Matrix.fromRows([
        [1, 1],
        [1, -2],
      ]),
      { maximumIterations: 1 },
    );
    expect(both).toMatchObject({ end: "converged", iterations: 1 });
  });
});

describe("a preconditioner that is made later", () => {
  const values = chebyshev(300, 100);
  /** The inverse itself. */
  const exact: Preconditioner = {
    name: "nystrom",
    products: 7,
    apply: (r) =>
      new Matrix(
        r.data.map((value, at) => value / values[Math.floor(at / r.columns)]),
        r.rows,
        r.columns,
      ),
  };
  const run = async (columns: number, cost: number) => {
    const operator = diagonal(values);
    const made: number[] = [];
    const make = async () => {
      made.push(operator.asked.length);
      return exact;
    };
    const found = await blockConjugateGradients(operator, randomBlock(300, columns, 5), { later: { cost, make } });
    expect(found.converged).toBe(true);
    return { made, found };
  };

  test("is made after eight passes where those to come would cost 1.5 times as much, and not where they would not", async () => {
    // Residuals fall by 9/11 a pass: to 0.5e-10 in about 118, of which 110 are left after eight.
    for (const [cost, made] of [
      [0, [9]],
      [50, [9]],
      [100, []],
    ] as const) {
      const { made: at, found } = await run(1, cost);
      expect(at).toEqual(made);
      if (made.length === 0) {
        expect(found).toMatchObject({ sketchProducts: 0, products: found.iterations + 2 });
        expect(found.iterations).toBeGreaterThan(100);
        continue;
      }
      expect(found).toMatchObject({ iterations: 9, sketchProducts: 7 });
      // Two rounds: eight passes and one for the size of H, one pass, a residual each, and what making it took.
      expect(found.products).toBe(9 + 1 + 2 + 7);
    }
  });

  test("the passes to come of all columns count", async () => {
    expect((await run(1, 100)).made).toHaveLength(0);
    expect((await run(3, 100)).made).toHaveLength(1);
  });
});

test("progress: the residual before the pass, and its share of the way on a logarithmic scale", async () => {
  const tolerance = 1e-3;
  const told = await toldProgress((work) =>
    blockConjugateGradients(diagonal([1, 3, 9]), column(1, 1, 0), { ...work, tolerance }),
  );
  // ‖r‖/‖b‖ is 1 and then ½; targets are half the tolerance.
  const share = Math.round(100 * (1 - Math.log(0.5 / (0.5 * tolerance)) / Math.log(1 / (0.5 * tolerance))));
  expect(told).toEqual([
    ["conjugate gradients: residual 1e+0", 0, 100],
    ["conjugate gradients: residual 5e-1", share, 100],
  ]);
  expect(share).toBe(9);
});
