import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { jacobiPreconditioner } from "../../src/solvers/jacobi.js";
import { nystromPreconditioner } from "../../src/solvers/nystrom-preconditioner.js";
import { dampedOperator } from "../../src/solvers/operator.js";
import { geometric, KnownSystem, naiveResiduals, randomBlock, refusal } from "./systems.js";

describe("block conjugate gradients", () => {
  test("a Nyström preconditioner needs a third of the products at most, its sketch included", async () => {
    const d = 300;
    const damping = 1e-6;
    const system = new KnownSystem(
      Array.from({ length: d }, (_, i) => Math.exp(-i / 6)),
      1,
    );
    const damped = dampedOperator(system, damping);
    const right = randomBlock(d, 1, 2);
    const plain = await blockConjugateGradients(damped, right, { tolerance: 1e-8 });
    const preconditioner = await nystromPreconditioner(system, { rank: 80, damping, seed: 3 });
    if ("curvature" in preconditioner) throw new Error("The system is positive definite.");
    const found = await blockConjugateGradients(damped, right, { tolerance: 1e-8, preconditioner });
    expect([plain.converged, found.converged]).toEqual([true, true]);
    expect(3 * found.products).toBeLessThan(plain.products);
    expect(found.iterations).toBeLessThan(30);
  });

  test("equal, zero and dependent right-hand sides cost nothing more and break nothing", async () => {
    const system = new KnownSystem(geometric(60, 1e4), 7);
    const single = randomBlock(60, 1, 8);
    const copies = Matrix.zeros(60, 4);
    for (let j = 0; j < 60; j++) copies.row(j).set([single.data[j], 0, single.data[j], -3 * single.data[j]]);
    const alone = await blockConjugateGradients(system, single);
    const found = await blockConjugateGradients(system, copies);
    expect(found.converged).toBe(true);
    expect(found.iterations).toBeLessThanOrEqual(alone.iterations + 5);
    // One direction a pass; the rest are the products of the residuals.
    expect(found.products).toBeLessThanOrEqual(found.iterations + 3 * 4);
    expect(found.solution.column(1)).toEqual(new Float64Array(60));
    expect(Math.max(...naiveResiduals(system.h, found.solution, copies))).toBeLessThan(1e-10);
  });

  test("columns share their directions: fewer passes than one by one", async () => {
    const system = new KnownSystem(geometric(120, 1e4), 9);
    const right = randomBlock(120, 6, 10);
    const together = await blockConjugateGradients(system, right);
    const alone = await blockConjugateGradients(system, new Matrix(right.column(0), 120, 1));
    expect(together.converged).toBe(true);
    expect(together.iterations).toBeLessThan(0.5 * alone.iterations);
  });

  test("d passes are enough for d distinct eigenvalues, one for the identity", async () => {
    const few = new KnownSystem([1, 1, 1, 4, 4, 9, 9, 9], 2);
    expect((await blockConjugateGradients(few, randomBlock(8, 1, 3))).iterations).toBe(3);
    const one = new KnownSystem([2, 2, 2], 2);
    expect((await blockConjugateGradients(one, randomBlock(3, 2, 3))).iterations).toBe(1);
  });

  test("a badly scaled system is what the diagonal is for, given or estimated", async () => {
    const d = 50;
    const plainSystem = new KnownSystem(geometric(d, 10), 11);
    const scale = (i: number): number => 10 ** ((4 * i) / d);
    const h = new Matrix(
      plainSystem.h.data.map((value, at) => value * scale(Math.floor(at / d)) * scale(at % d)),
      d,
      d,
    );
    const scaled = Object.assign(new KnownSystem(geometric(d, 10), 11), { h });
    const right = randomBlock(d, 1, 12);
    const plain = await blockConjugateGradients(scaled, right, { tolerance: 1e-8 });
    const { size } = scaled;
    const productOnly = { size, product: scaled.product.bind(scaled) };
    for (const operator of [scaled, productOnly]) {
      const preconditioner = await jacobiPreconditioner(operator, { probes: 10 });
      expect(preconditioner.products).toBe(operator === scaled ? 0 : 10);
      const found = await blockConjugateGradients(operator, right, { tolerance: 1e-8, preconditioner });
      expect(found.converged).toBe(true);
      expect(found.iterations).toBeLessThan(0.5 * plain.iterations);
    }
  });

  test("the iteration limit is an outcome with its true residual", async () => {
    const system = new KnownSystem(geometric(80, 1e5), 13);
    const right = randomBlock(80, 2, 14);
    const found = await blockConjugateGradients(system, right, { maximumIterations: 7 });
    expect(found).toMatchObject({ end: "iteration-limit", converged: false, iterations: 7 });
    const residuals = naiveResiduals(system.h, found.solution, right);
    expect(Math.max(...residuals)).toBeCloseTo(found.relativeResidual, 10);
  });

  test("residuals that rise for hundreds of passes are no reason to stop", async () => {
    const system = new KnownSystem(geometric(120, 1e8), 21);
    const found = await blockConjugateGradients(system, randomBlock(120, 1, 22), { tolerance: 1e-6 });
    expect(found.end).toBe(found.relativeResidual <= 1e-6 ? "converged" : "iteration-limit");
    expect(found.iterations).toBeGreaterThan(500);
  });

  test("a product in single precision is found out by the true residual, not by the recursion", async () => {
    const system = new KnownSystem(geometric(30, 100), 15);
    const single = {
      size: 30,
      product: async (v: Matrix) =>
        new Matrix(Float64Array.from((await system.product(v)).data, Math.fround), 30, v.columns),
    };
    const found = await blockConjugateGradients(single, randomBlock(30, 1, 16), { tolerance: 1e-13 });
    expect(found.end).toBe("stagnated");
    expect(found.relativeResidual).toBeGreaterThan(1e-13);
  });

  test("a singular system is not solved outside its range", async () => {
    const found = await blockConjugateGradients(new KnownSystem([1, 1, 0], 17), randomBlock(3, 1, 18));
    expect(found).toMatchObject({ end: "indefinite", converged: false });
    expect(Math.abs(found.curvature ?? 1)).toBeLessThan(1e-14);
  });

  test("it stops at once when cancelled, and refuses what makes no sense", async () => {
    const system = new KnownSystem(geometric(20, 1e6), 19);
    const right = randomBlock(20, 1, 20);
    const controller = new AbortController();
    let passes = 0;
    const stopping = {
      size: 20,
      product: async (v: Matrix) => {
        if (++passes === 3) controller.abort();
        return system.product(v);
      },
    };
    const { signal } = controller;
    expect((await refusal(blockConjugateGradients(stopping, right, { signal }))).code).toBe("cancelled");
    expect(passes).toBe(3);
    expect((await refusal(blockConjugateGradients(system, right, { tolerance: 0 }))).code).toBe("usage");
    expect((await refusal(blockConjugateGradients(system, randomBlock(19, 1, 1)))).code).toBe("usage");
    const notFinite = Matrix.zeros(20, 1);
    notFinite.data[3] = Number.NaN;
    expect((await refusal(blockConjugateGradients(system, notFinite))).code).toBe("usage");
  });
});
