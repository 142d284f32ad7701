/** Every solver against H⁻¹b by known eigenvalues, as far as the residual that it states allows. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { choleskySolve } from "../../src/solvers/cholesky.js";
import { jacobiPreconditioner } from "../../src/solvers/jacobi.js";
import type { LinearSolution } from "../../src/solvers/linear-solution.js";
import { nystromSolve } from "../../src/solvers/nystrom.js";
import { nystromPreconditioner } from "../../src/solvers/nystrom-preconditioner.js";
import { dampedOperator } from "../../src/solvers/operator.js";
import type { Preconditioner } from "../../src/solvers/preconditioner.js";
import { solveSystem } from "../../src/solvers/solve.js";
import { drawsOf } from "../long.js";
import { geometric, KnownSystem, lengthOf, naiveResiduals, randomBlock, refusal } from "./systems.js";

/** x − H⁻¹b = −H⁻¹r, so that ‖x − H⁻¹b‖ ≤ ‖r‖/λ_min, besides what rounding in H itself moves. */
function expectAgreement(
  system: KnownSystem,
  right: ReturnType<typeof randomBlock>,
  found: LinearSolution,
  damping = 0,
) {
  const exact = system.exact(right, damping);
  const smallest = Math.min(...system.eigenvalues) + damping;
  const largest = Math.max(...system.eigenvalues) + damping;
  const recomputed = naiveResiduals(system.h, found.solution, right, damping);
  for (let k = 0; k < right.columns; k++) {
    const [x, b] = [exact.column(k), right.column(k)];
    const rounding = 1e-15 * system.size * largest * lengthOf(x);
    expect(Math.abs(found.residuals[k] - recomputed[k]) * lengthOf(b)).toBeLessThanOrEqual(
      1e-3 * recomputed[k] * lengthOf(b) + rounding,
    );
    const error = lengthOf(found.solution.column(k).map((value, j) => value - x[j]));
    expect(error).toBeLessThanOrEqual((1.001 * found.residuals[k] * lengthOf(b) + 3 * rounding) / smallest);
  }
  expect(found.relativeResidual).toBe(Math.max(...found.residuals));
}

const arbitrary = fc.record({
  d: fc.integer({ min: 1, max: 40 }),
  k: fc.integer({ min: 1, max: 4 }),
  power: fc.integer({ min: 1, max: 8 }),
  size: fc.constantFrom(1e-6, 1, 1e5),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

const made = ({ d, k, power, size, seed }: { d: number; k: number; power: number; size: number; seed: number }) => ({
  system: new KnownSystem(
    geometric(d, 10 ** power).map((value) => size * value),
    seed,
  ),
  right: randomBlock(d, k, seed),
});

const preconditioned = (preconditioner: Preconditioner | { readonly curvature: number }): Preconditioner => {
  if ("curvature" in preconditioner) throw new Error(`curvature ${preconditioner.curvature}`);
  return preconditioner;
};

describe("solvers agree to their stated residual, condition numbers 10 to 1e8", () => {
  test("Cholesky", async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, async (draw) => {
        const { system, right } = made(draw);
        const found = await choleskySolve(system, right);
        expectAgreement(system, right, found);
        expect(found.converged).toBe(true);
        expect(found.relativeResidual).toBeLessThan(1e-15 * 10 ** draw.power * (1 + draw.d));
      }),
      { numRuns: drawsOf(60, 1000) },
    );
  });

  test("Cholesky refines with products: a matrix of single precision is enough", async () => {
    const system = new KnownSystem(geometric(30, 1e3), 6);
    const right = randomBlock(30, 2, 6);
    const rough = {
      size: 30,
      product: async (vectors: Matrix) => system.product(vectors),
      matrix: async () => new Matrix(system.h.data.map(Math.fround), 30, 30),
    };
    const found = await choleskySolve(rough, right);
    expectAgreement(system, right, found);
    expect(found.iterations).toBe(2);
    expect(found.relativeResidual).toBeLessThan(1e-11);
  });

  test("block conjugate gradients with each preconditioner", async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, fc.constantFrom("none", "jacobi", "nystrom"), async (draw, name) => {
        const { system, right } = made(draw);
        const rank = Math.max(1, Math.floor(draw.d / 3));
        const preconditioner =
          name === "none"
            ? undefined
            : name === "jacobi"
              ? await jacobiPreconditioner(system)
              : preconditioned(await nystromPreconditioner(system, { rank, seed: draw.seed }));
        system.products = 0;
        const found = await blockConjugateGradients(system, right, preconditioner ? { preconditioner } : {});
        expectAgreement(system, right, found);
        expect(found.products).toBe(system.products + (preconditioner?.products ?? 0));
        // Above, rounding may keep the directions of a block from telling apart what is left.
        const ends = draw.power <= 6 ? ["converged", "stagnated"] : ["converged", "stagnated", "iteration-limit"];
        expect(ends).toContain(found.end);
        expect(found.converged).toBe(found.relativeResidual <= 1e-10);
        if (found.end === "stagnated") expect(found.backwardError).toBeLessThan(1e-13);
      }),
      { numRuns: drawsOf(80, 400) },
    );
  });

  test("Nyström low rank, which states how little it knows", async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, fc.integer({ min: 1, max: 40 }), async (draw, rank) => {
        const { system, right } = made(draw);
        const damping = 1e-3 * draw.size;
        const found = await nystromSolve(system, right, { damping, rank, seed: draw.seed });
        expectAgreement(system, right, found, damping);
        expect(found.converged).toBe(found.relativeResidual <= 1e-3);
        if (rank >= draw.d) expect(found.relativeResidual).toBeLessThan(1e-9);
      }),
      { numRuns: drawsOf(60, 500) },
    );
  });

  test("by name, with damping", async () => {
    const system = new KnownSystem(geometric(50, 1e5), 3);
    const right = randomBlock(50, 2, 4);
    const problem = { operator: system, damping: 1e-3, right };
    const choice = { memoryBytes: 0, reason: "" };
    for (const [name, preconditioner, rank] of [
      ["cholesky", "none", 0],
      ["cg", "none", 0],
      ["cg", "jacobi", 0],
      ["cg", "nystrom", 20],
      ["nystrom", "none", 45],
    ] as const) {
      const found = await solveSystem(problem, { name, preconditioner, rank, ...choice }, { tolerance: 1e-9 });
      expect(found.solver).toBe(name);
      expectAgreement(system, right, found, 1e-3);
      if (name !== "nystrom") expect(found.relativeResidual).toBeLessThan(1e-9);
    }
    const error = await refusal(solveSystem(problem, { name: "lissa", preconditioner: "none", rank: 0, ...choice }));
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("samples") });
  });
});

describe("what is not positive definite", () => {
  const eigenvalues = [5, 3, 2, 1, 0.5, -0.25];
  const right = randomBlock(6, 2, 1);

  test.each(["cholesky", "cg", "nystrom"] as const)("%s says so, with a curvature", async (name) => {
    const system = new KnownSystem(eigenvalues, 5);
    for (const preconditioner of name === "cg" ? (["none", "nystrom"] as const) : (["none"] as const)) {
      const choice = { name, preconditioner, rank: 6, memoryBytes: 0, reason: "" };
      const found = await solveSystem({ operator: system, damping: 0.01, right }, choice);
      expect(found).toMatchObject({ end: "indefinite", converged: false });
      expect(found.curvature).toBeLessThan(0);
      // No direction curves more than the smallest eigenvalue.
      expect(found.curvature).toBeGreaterThan(-0.24 - 1e-12);
      const enough = await solveSystem({ operator: system, damping: 0.3, right }, choice);
      expect(enough).toMatchObject({ converged: true, curvature: null });
      expectAgreement(system, right, enough, 0.3);
    }
  });

  test("a diagonal entry that is not positive is refused by the Jacobi preconditioner", async () => {
    const system = new KnownSystem([1, 2], 1);
    const error = await refusal(
      jacobiPreconditioner({
        size: 2,
        product: async (vectors) => system.product(vectors),
        diagonal: async () => Float64Array.of(1, -2),
      }),
    );
    expect(error).toMatchObject({ code: "numerical", message: expect.stringContaining("damping above 2.00") });
  });

  test("H + λI keeps the shortcuts of H", async () => {
    const system = new KnownSystem([1, 2, 3], 1);
    const damped = dampedOperator(system, 0.5);
    const [diagonal, matrix] = [await damped.diagonal?.(), await damped.matrix?.()];
    for (let j = 0; j < 3; j++) {
      expect(diagonal?.[j]).toBe(system.h.data[4 * j] + 0.5);
      expect(matrix?.data[4 * j]).toBe(system.h.data[4 * j] + 0.5);
    }
    expect(damped.sampledProduct).toBeUndefined();
    expect((await refusal(() => dampedOperator(system, -1))).code).toBe("usage");
  });
});
