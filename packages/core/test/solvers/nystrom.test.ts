import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { nystromSolve } from "../../src/solvers/nystrom.js";
import { nystromApproximation } from "../../src/solvers/nystrom-approximation.js";
import { nystromPreconditioner, worthwhileRank } from "../../src/solvers/nystrom-preconditioner.js";
import { geometric, KnownSystem, naiveProduct, randomBlock, refusal } from "./systems.js";

const plus = (a: Matrix, b: Matrix, factor: number): Matrix =>
  new Matrix(
    a.data.map((value, at) => value + factor * b.data[at]),
    a.rows,
    a.columns,
  );

async function approximated(system: KnownSystem, rank: number, seed = 1) {
  const found = await nystromApproximation(system, { rank, seed });
  if ("curvature" in found) throw new Error(`curvature ${found.curvature}`);
  return found;
}

describe("Nyström approximation", () => {
  test("a matrix of the rank asked for comes back", async () => {
    const system = new KnownSystem([9, 4, 1, ...new Array<number>(37).fill(0)], 2);
    for (const rank of [3, 5, 40]) {
      const { vectors, values } = await approximated(system, rank);
      for (let i = 0; i < 40; i++) {
        for (let j = 0; j < 40; j++) {
          let sum = 0;
          for (let k = 0; k < vectors.rows; k++) sum += values[k] * vectors.row(k)[i] * vectors.row(k)[j];
          expect(sum).toBeCloseTo(system.h.data[40 * i + j], 12);
        }
      }
    }
  });

  test("it is at most H, its vectors are orthonormal, and large eigenvalues are right", async () => {
    const eigenvalues = Array.from({ length: 100 }, (_, i) => 0.7 ** i);
    const system = new KnownSystem(eigenvalues, 3);
    const { vectors, values, products } = await approximated(system, 30);
    expect(products).toBe(30);
    for (let i = 0; i < 30; i++) {
      for (let k = 0; k <= i; k++) {
        const inner = vectors.row(i).reduce((sum, value, j) => sum + value * vectors.row(k)[j], 0);
        expect(Math.abs(inner - (i === k ? 1 : 0))).toBeLessThan(1e-13);
      }
      expect(values[i]).toBeLessThanOrEqual(eigenvalues[i] + 1e-14);
      if (i < 10) expect(values[i] / eigenvalues[i]).toBeGreaterThan(0.97);
      if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1]);
    }
  });

  test("the solver is refined where the rank does not cover what is large beside λ", async () => {
    const system = new KnownSystem(
      Array.from({ length: 100 }, (_, i) => 0.5 ** i),
      4,
    );
    const right = randomBlock(100, 3, 5);
    const enough = await nystromSolve(system, right, { damping: 1e-3, rank: 40 });
    expect(enough).toMatchObject({ end: "converged", converged: true, products: 43 });
    expect(enough.relativeResidual).toBeLessThan(1e-7);
    const refined = await nystromSolve(system, right, { damping: 1e-3, rank: 5 });
    expect(refined).toMatchObject({ end: "converged", converged: true });
    expect(refined.iterations).toBeGreaterThan(1);
    expect(refined.relativeResidual).toBeLessThan(1e-3);
    const exact = system.exact(right, 1e-3);
    refined.solution.data.forEach((value, at) => {
      expect(Math.abs(value - exact.data[at])).toBeLessThan(5);
    });
    const cut = await nystromSolve(system, right, { damping: 1e-3, rank: 2, maximumIterations: 1 });
    expect(cut).toMatchObject({ end: "iteration-limit", converged: false });
    expect(cut.relativeResidual).toBeGreaterThan(1e-3);
    const error = await refusal(nystromSolve(system, right, { damping: 0, rank: 5 }));
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("damping above 0") });
  });

  test("the preconditioner is (λ̂ + λ) U'(Λ̂ + λI)⁻¹U + I − U'U", async () => {
    const damping = 0.01;
    const system = new KnownSystem(geometric(20, 1e3), 6);
    const { vectors, values } = await approximated(system, 7);
    const preconditioner = await nystromPreconditioner(system, { rank: 7, seed: 1, damping });
    if ("curvature" in preconditioner) throw new Error("positive definite");
    const right = randomBlock(20, 2, 7);
    const inside = naiveProduct(vectors, right);
    const expected = right.data.slice();
    for (let i = 0; i < 7; i++) {
      const weight = (values[6] + damping) / (values[i] + damping) - 1;
      for (let j = 0; j < 20; j++) {
        for (let k = 0; k < 2; k++) expected[2 * j + k] += weight * vectors.row(i)[j] * inside.data[2 * i + k];
      }
    }
    preconditioner.apply(right).data.forEach((value, at) => {
      expect(value).toBeCloseTo(expected[at], 12);
    });
  });

  test("a sketch grows while that pays and no further, and serves other λ", async () => {
    const damping = 1e-3;
    const falling = new KnownSystem(
      Array.from({ length: 200 }, (_, i) => 0.8 ** i),
      9,
    );
    const grown = async (system: KnownSystem, systems: number) => {
      const found = await nystromPreconditioner(system, {
        rank: 128,
        first: 8,
        damping,
        enough: worthwhileRank({ damping, systems, rightHandSides: 1, size: 200 }),
      });
      if ("curvature" in found) throw new Error("positive definite");
      return found;
    };
    // 0.8^31 is λ: a rank beyond 64 levels nothing that λ has not.
    const few = await grown(falling, 4);
    expect(few.products).toBeGreaterThanOrEqual(32);
    expect(few.products).toBeLessThanOrEqual(64);
    expect((await grown(falling, 1000)).products).toBeGreaterThanOrEqual(few.products);
    // A flat spectrum has nothing that a larger sketch would find.
    expect((await grown(new KnownSystem(new Array<number>(200).fill(1), 9), 4)).products).toBe(8);
    const right = randomBlock(200, 1, 3);
    for (const other of [damping, 0.1, 1e-4]) {
      const damped = { size: 200, product: async (v: Matrix) => plus(await falling.product(v), v, other) };
      const plain = await blockConjugateGradients(damped, right);
      const preconditioned = await blockConjugateGradients(damped, right, { preconditioner: few.withDamping(other) });
      expect(preconditioned.converged).toBe(true);
      expect(3 * preconditioned.iterations).toBeLessThan(2 * plain.iterations);
      const exact = falling.exact(right, other);
      exact.data.forEach((value, at) => {
        expect(Math.abs(value - preconditioned.solution.data[at])).toBeLessThan(1e-8 / other);
      });
    }
  });

  test("same seed, same digits; a rank that is none", async () => {
    const system = new KnownSystem(geometric(30, 1e3), 8);
    expect(await approximated(system, 5, 2)).toEqual(await approximated(system, 5, 2));
    expect((await approximated(system, 5, 2)).values).not.toEqual((await approximated(system, 5, 3)).values);
    expect((await refusal(nystromApproximation(system, { rank: 0 }))).code).toBe("usage");
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(nystromApproximation(system, { rank: 3, signal }))).code).toBe("cancelled");
    const zero = await nystromSolve(new KnownSystem([0, 0, 0], 1), randomBlock(3, 1, 1), { damping: 2, rank: 2 });
    expect(zero.solution).toEqual(
      new Matrix(
        randomBlock(3, 1, 1).data.map((value) => value / 2),
        3,
        1,
      ),
    );
  });
});
