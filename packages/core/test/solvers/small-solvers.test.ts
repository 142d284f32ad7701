/** Direct solvers, operators and preconditioners on matrices that can be solved by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { choleskySolve } from "../../src/solvers/cholesky.js";
import { conjugateGradients } from "../../src/solvers/conjugate-gradient.js";
import { definiteFactor } from "../../src/solvers/definite-factor.js";
import { jacobiPreconditioner } from "../../src/solvers/jacobi.js";
import { checkSystem, largestOf, type SolverName, trueResidual } from "../../src/solvers/linear-solution.js";
import { dampedOperator, type SymmetricOperator } from "../../src/solvers/operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "../../src/solvers/preconditioner.js";
import { solveSystem } from "../../src/solvers/solve.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, j) => expect(found[j]).toBeCloseTo(value, digits));
};

/** diag(values) with all shortcuts, and the columns of every product. */
function diagonal(values: readonly number[]) {
  const d = values.length;
  const asked: number[] = [];
  const times = (v: Matrix, factor = 1): Matrix =>
    new Matrix(
      v.data.map((entry, at) => factor * values[Math.floor(at / v.columns)] * entry),
      v.rows,
      v.columns,
    );
  return {
    size: d,
    asked,
    async product(v: Matrix) {
      asked.push(v.columns);
      return times(v);
    },
    async diagonal() {
      return Float64Array.from(values);
    },
    async matrix() {
      const out = Matrix.zeros(d, d);
      values.forEach((value, j) => (out.data[j * (d + 1)] = value));
      return out;
    },
    async sampledProduct(v: Matrix, batch: number) {
      return times(v, batch);
    },
  };
}

const right = Matrix.fromRows([
  [2, 4],
  [9, 0],
]);

describe("a system and its residual", () => {
  test("‖b − Hx‖/‖b‖ column by column; 0 where both are 0", async () => {
    const b = Matrix.fromRows([
      [3, 0, 0],
      [4, 0, 0],
    ]);
    const x = Matrix.fromRows([
      [1, 0, 0],
      [1, 0, 1],
    ]);
    const { residual, relative, largest } = await trueResidual(diagonal([3, 1]), x, b);
    expect([...residual.data]).toEqual([0, 0, 0, 3, 0, -1]);
    expect([...relative]).toEqual([0.6, 0, Number.POSITIVE_INFINITY]);
    expect(largest).toBe(Number.POSITIVE_INFINITY);
  });

  test("the largest of some numbers: 0 of none, NaN where one is", () => {
    expect(largestOf(Float64Array.of(1, 3, 2))).toBe(3);
    expect(largestOf(new Float64Array(0))).toBe(0);
    expect(largestOf(Float64Array.of(1, Number.NaN, 2))).toBeNaN();
  });

  test("sides that do not match or are not finite are refused", async () => {
    expect(() => checkSystem(diagonal([1, 1]), right)).not.toThrow();
    expect((await refusal(() => checkSystem(diagonal([1]), right))).message).toBe(
      "The right-hand sides have 2 rows where H has 1.",
    );
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const broken = Matrix.fromRows([
        [1, 2],
        [bad, 4],
      ]);
      expect((await refusal(() => checkSystem(diagonal([1, 1]), broken))).message).toContain("not finite");
    }
  });
});

describe("Cholesky", () => {
  test("solves at once where nothing is left to refine", async () => {
    const operator = diagonal([1, 4]);
    const found = await choleskySolve(
      operator,
      Matrix.fromRows([
        [2, 4],
        [12, 0],
      ]),
    );
    close(found.solution.data, [2, 4, 3, 0]);
    expect(operator.asked).toEqual([2]);
    expect(found).toMatchObject({
      solver: "cholesky",
      end: "converged",
      converged: true,
      iterations: 0,
      products: 2,
      sketchProducts: 0,
      curvature: null,
      relativeResidual: 0,
    });
  });

  test("refines what a matrix of few digits leaves, twice at the most, and no further than it helps", async () => {
    const operator = diagonal([1, 3]);
    const rough = (factor: number): SymmetricOperator => ({
      ...operator,
      matrix: async () => {
        const out = await operator.matrix();
        out.data[0] *= factor;
        return out;
      },
    });
    // A residual of 2δ beside ‖b‖ is left: δ, δ², δ³ of x_1 after each.
    const found = await choleskySolve(rough(1 / 0.9), right);
    expect([found.iterations, found.products]).toEqual([2, 6]);
    close(found.solution.data, [2 * (1 - 1e-3), 4 * (1 - 1e-3), 3, 0]);
    expect(found.relativeResidual).toBeCloseTo(1e-3, 12);
    // Where every refinement doubles the residual, the first solution stays.
    const worse = await choleskySolve(rough(0.25), right);
    expect([worse.iterations, worse.products]).toEqual([0, 4]);
    close(worse.solution.data, [8, 16, 3, 0]);
    expect(worse.relativeResidual).toBeCloseTo(3, 12);
  });

  test("an H that is not definite gives its smallest eigenvalue, and counts the products for it", async () => {
    const operator = diagonal([2, -0.5]);
    const found = await choleskySolve(operator, right);
    expect(found).toMatchObject({ end: "indefinite", converged: false, iterations: 0, relativeResidual: 1 });
    expect(found.curvature).toBeCloseTo(-0.5, 13);
    expect([...found.solution.data]).toEqual([0, 0, 0, 0]);
    // Two for the residual of two columns, two for two eigenvalues.
    expect(found.products).toBe(4);
    expect(operator.asked.reduce((a, b) => a + b, 0)).toBe(4);
  });

  test("without the matrix, or cancelled, is refused", async () => {
    const { matrix: _, ...bare } = diagonal([1, 3]);
    expect(await refusal(choleskySolve(bare, right))).toMatchObject({
      code: "usage",
      message: expect.stringContaining("needs the whole Hessian"),
    });
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(choleskySolve(diagonal([1, 3]), right, { signal }))).code).toBe("cancelled");
    const controller = new AbortController();
    const stopping = {
      ...diagonal([1, 3]),
      matrix: async () => (
        controller.abort(),
        Matrix.fromRows([
          [1, 0],
          [0, 3],
        ])
      ),
    };
    expect((await refusal(choleskySolve(stopping, right, { signal: controller.signal }))).code).toBe("cancelled");
  });
});

describe("conjugate gradients for systems side by side", () => {
  const product = (v: Matrix) => diagonal([1, 3]).product(v);
  const none = (v: Matrix): Matrix => v;

  test("each goes its own way: one of one pass, one of two, one of none", async () => {
    const b = Matrix.fromRows([
      [5, 1, 0],
      [0, 1, 0],
    ]);
    const found = await conjugateGradients(product, none, b, { tolerance: 1e-12, maximumIterations: 10 });
    close(found.solution.data, [5, 1, 0, 0, 1 / 3, 0], 13);
    expect(found).toMatchObject({ iterations: 2, converged: true });
    expect(found.relativeResidual).toBeLessThan(1e-12);
    expect([...b.data]).toEqual([5, 1, 0, 0, 1, 0]);
  });

  test("a residual is relative to its own right-hand side, and the largest counts", async () => {
    // α = 2/4 leaves (½, −½) of (1, 1).
    const b = Matrix.fromRows([
      [100, 1],
      [100, 0],
    ]);
    const short = await conjugateGradients(product, none, b, { tolerance: 1e-6, maximumIterations: 1 });
    expect(short).toMatchObject({ iterations: 1, converged: false });
    expect(short.relativeResidual).toBeCloseTo(0.5, 13);
    close(short.solution.data, [50, 1, 50, 0]);
    const loose = await conjugateGradients(product, none, b, { tolerance: 0.5000001, maximumIterations: 10 });
    expect(loose).toMatchObject({ iterations: 1, converged: true });
    const zero = await conjugateGradients(product, none, Matrix.zeros(2, 1), { tolerance: 0.5, maximumIterations: 10 });
    expect(zero).toMatchObject({ iterations: 0, converged: true, relativeResidual: 0 });
  });

  test("behind the inverse takes one pass, and what has no curvature moves nothing", async () => {
    const exact = (v: Matrix): Matrix =>
      new Matrix(
        v.data.map((value, at) => value / (at < v.columns ? 1 : 3)),
        2,
        v.columns,
      );
    const found = await conjugateGradients(product, exact, right, { tolerance: 1e-12, maximumIterations: 10 });
    expect(found.iterations).toBe(1);
    close(found.solution.data, [2, 4, 3, 0]);
    const flat = await conjugateGradients((v) => diagonal([0, 3]).product(v), none, Matrix.fromRows([[1], [0]]), {
      tolerance: 1e-3,
      maximumIterations: 3,
    });
    expect([...flat.solution.data]).toEqual([0, 0]);
    expect(flat).toMatchObject({ iterations: 3, converged: false, relativeResidual: 1 });
  });
});

describe("the factor of a matrix that need only be semidefinite", () => {
  test("leaves a definite one as it is", () => {
    const matrix = Matrix.fromRows([
      [4, 0],
      [2, 3],
    ]);
    close(definiteFactor(matrix).solve(Matrix.fromRows([[8], [7]])).data, [1.25, 1.5], 13);
    expect([...matrix.data]).toEqual([4, 0, 2, 3]);
  });

  test("adds to a singular one a share of 1e-12 of its diagonal, or of its largest entry where that is 0", () => {
    const zero = Matrix.fromRows([
      [16, 0],
      [0, 0],
    ]);
    definiteFactor(zero);
    expect([zero.data[0] / 16 - 1, zero.data[3]].map((value) => value.toExponential(3))).toEqual([
      "1.000e-12",
      "1.600e-11",
    ]);
    const copies = Matrix.fromRows([
      [4, 0],
      [2, 1],
    ]);
    definiteFactor(copies);
    expect(copies.data[0] / 4 - 1).toBeLessThan(2e-9);
    expect(copies.data[3] - 1).toBeCloseTo(copies.data[0] / 4 - 1, 15);
    const nothing = Matrix.zeros(2, 2);
    definiteFactor(nothing);
    expect([...nothing.data].map((value) => value.toExponential(3))).toEqual([
      "1.000e-12",
      "0.000e+0",
      "0.000e+0",
      "1.000e-12",
    ]);
  });

  test("adds a thousand times as much where that is not enough, up to its own size", async () => {
    // Semidefinite but for 5e-8: 1e-12 and 1e-9 do not do, 1e-6 does.
    const nearly = Matrix.fromRows([
      [1, 0],
      [1 + 5e-8, 1],
    ]);
    definiteFactor(nearly);
    expect(nearly.data[0] - 1).toBeCloseTo(1e-6, 12);
    const far = Matrix.fromRows([
      [1, 0],
      [1.5, 1],
    ]);
    definiteFactor(far);
    expect(far.data[0]).toBeCloseTo(2, 12);
    const error = await refusal(() =>
      definiteFactor(
        Matrix.fromRows([
          [1, 0],
          [5, 1],
        ]),
      ),
    );
    expect(error).toMatchObject({ code: "numerical", message: expect.stringContaining("--solver nystrom") });
  });
});

describe("H + λI", () => {
  test("adds λ to products, diagonal, matrix and samples", async () => {
    const damped = dampedOperator(diagonal([1, 3]), 0.5);
    expect(damped.size).toBe(2);
    close((await damped.product(right)).data, [3, 6, 31.5, 0]);
    close((await damped.diagonal?.()) ?? [], [1.5, 3.5]);
    close((await damped.matrix?.())?.data ?? [], [1.5, 0, 0, 3.5]);
    close((await damped.sampledProduct?.(right, 2))?.data ?? [], [5, 10, 58.5, 0]);
  });

  test("of λ = 0 is H, and has no shortcuts that H has not", async () => {
    const operator = diagonal([1, 3]);
    expect(dampedOperator(operator, 0)).toBe(operator);
    const { size, product } = operator;
    expect(Object.keys(dampedOperator({ size, product }, 1)).toSorted()).toEqual(["product", "size"]);
    for (const damping of [-1e-9, Number.NaN, Number.POSITIVE_INFINITY])
      expect((await refusal(() => dampedOperator(operator, damping))).message).toBe(
        `The damping must be a number ≥ 0, got ${damping}.`,
      );
  });
});

describe("preconditioners", () => {
  test("none gives a copy", () => {
    const applied = NO_PRECONDITIONER.apply(right);
    expect(applied).toEqual(right);
    expect(applied.data).not.toBe(right.data);
    expect(NO_PRECONDITIONER).toMatchObject({ name: "none", products: 0 });
  });

  test("Jacobi's divides every row by the diagonal", async () => {
    const made = await jacobiPreconditioner(diagonal([2, 4, 5]));
    expect(made).toMatchObject({ name: "jacobi", products: 0 });
    const residuals = Matrix.fromRows([
      [2, 4],
      [8, 4],
      [5, 1],
    ]);
    const applied = made.apply(residuals);
    expect([applied.rows, applied.columns]).toEqual([3, 2]);
    close(applied.data, [1, 2, 2, 1, 1, 0.2]);
    expect([...residuals.data]).toEqual([2, 4, 8, 4, 5, 1]);
  });

  test.each([
    [[1, 0], "Entry 2 of the diagonal of H is 0.00, so that H is not positive definite: use a --damping above 0.00."],
    [[-3, 1], "Entry 1 of the diagonal of H is -3.00, so that H is not positive definite: use a --damping above 3.00."],
    [[1, 1, Number.POSITIVE_INFINITY], "Entry 3 of the diagonal of H is Infinity"],
    [[Number.NaN, 1], "Entry 1 of the diagonal of H is NaN"],
  ])("Jacobi's of %o is refused", async (values, message) => {
    const error = await refusal(jacobiPreconditioner(diagonal(values)));
    expect(error.code).toBe("numerical");
    expect(error.message.startsWith(message)).toBe(true);
  });

  test("Jacobi's of an operator without a diagonal is refused", async () => {
    const { size, product } = diagonal([1]);
    expect(await refusal(jacobiPreconditioner({ size, product }))).toMatchObject({
      code: "usage",
      message: expect.stringContaining("needs the diagonal"),
    });
  });
});

describe("by name", () => {
  const choice = (name: SolverName, preconditioner: Preconditioner["name"] = "none", rank = 0) => ({
    name,
    preconditioner,
    rank,
    memoryBytes: 0,
    reason: "",
  });
  // (diag(1, 3) + I)X = B
  const solution = [1, 2, 2.25, 0];

  test.each([
    [choice("cholesky"), "cholesky"],
    [choice("cg"), "cg"],
    [choice("cg", "jacobi"), "cg"],
    [choice("cg", "kronecker"), "cg"],
    [choice("cg", "nystrom", 2), "cg"],
    [choice("nystrom", "none", 2), "nystrom"],
  ])("%o solves", async (chosen, solver) => {
    const found = await solveSystem({ operator: diagonal([1, 3]), damping: 1, right }, chosen);
    expect(found).toMatchObject({ solver, end: "converged" });
    close(found.solution.data, solution, 8);
    expect(found.sketchProducts).toBe(chosen.rank);
  });

  test("LiSSA gets its samples with the damping", async () => {
    const operator = diagonal([1, 3]);
    const whole = { ...operator, sampledProduct: async (v: Matrix) => operator.product(v) };
    const found = await solveSystem({ operator: whole, damping: 1, right }, choice("lissa"), { tolerance: 1e-6 });
    expect(found).toMatchObject({ solver: "lissa", end: "converged" });
    close(found.solution.data, solution, 4);
  });

  test("options reach the solver", async () => {
    const wide = {
      operator: diagonal([1, 2, 3, 4, 5, 6, 7, 8]),
      damping: 0,
      right: Matrix.fromRows(Array.from({ length: 8 }, () => [1])),
    };
    const short = await solveSystem(wide, choice("cg"), { maximumIterations: 2 });
    expect(short).toMatchObject({ end: "iteration-limit", iterations: 2 });
    const seeds = await Promise.all(
      [1, 1, 2].map(
        async (seed) =>
          (await solveSystem({ ...wide, damping: 1 }, choice("nystrom", "none", 2), { seed, tolerance: 10 })).solution
            .data[0],
      ),
    );
    expect(seeds[1]).toBe(seeds[0]);
    expect(seeds[2]).not.toBe(seeds[0]);
    const loose = await solveSystem(wide, choice("cg"), { tolerance: 0.9 });
    expect(loose.iterations).toBeLessThan(4);
    expect(loose.relativeResidual).toBeGreaterThan(0.01);
  });

  test("a sketch that shows a negative curvature ends it before the first pass", async () => {
    const operator = diagonal([2, -3]);
    const found = await solveSystem({ operator, damping: 1, right }, choice("cg", "nystrom", 2));
    expect(found).toMatchObject({
      solver: "cg",
      end: "indefinite",
      converged: false,
      iterations: 0,
      products: 4,
      sketchProducts: 2,
      relativeResidual: 1,
    });
    expect(found.curvature).toBeCloseTo(-2, 13);
    expect([...found.solution.data]).toEqual([0, 0, 0, 0]);
    expect(operator.asked.reduce((a, b) => a + b, 0)).toBe(4);
  });

  test("the Gauss–Newton part is taken from the operator, and missed where it has none", async () => {
    const seen: number[] = [];
    const exact: Preconditioner = {
      name: "gauss-newton",
      products: 0,
      apply: (r) =>
        new Matrix(
          r.data.map((value, at) => value / (at < r.columns ? 2 : 4)),
          2,
          r.columns,
        ),
    };
    const operator = {
      ...diagonal([1, 3]),
      gaussNewton: async (damping: number) => (
        seen.push(damping),
        {
          ...exact,
          withDamping: () => ({
            ...exact,
            withDamping: () => {
              throw new Error("once");
            },
          }),
        }
      ),
    };
    const found = await solveSystem({ operator, damping: 1, right }, choice("cg", "gauss-newton"));
    close(found.solution.data, solution, 10);
    expect([found.iterations, ...seen]).toEqual([1, 1]);
    for (const without of [diagonal([1, 3]), { ...diagonal([1, 3]), gaussNewton: async () => null }]) {
      const error = await refusal(solveSystem({ operator: without, damping: 1, right }, choice("cg", "gauss-newton")));
      expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("linear layers") });
    }
    const { signal } = { signal: AbortSignal.abort() };
    expect(
      (await refusal(solveSystem({ operator: diagonal([1, 3]), damping: 1, right }, choice("cg"), { signal }))).code,
    ).toBe("cancelled");
  });
});
