import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { jacobiPreconditioner } from "../../src/solvers/jacobi.js";
import { nystromPreconditioner } from "../../src/solvers/nystrom-preconditioner.js";
import { dampedOperator } from "../../src/solvers/operator.js";
import { drawsOf } from "../long.js";
import { geometric, KnownSystem, lengthOf, naiveProduct, naiveResiduals, randomBlock, refusal } from "./systems.js";

const norms = (block: Matrix): number[] => Array.from({ length: block.columns }, (_, k) => lengthOf(block.column(k)));

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
    expect([plain.sketchProducts, found.sketchProducts]).toEqual([0, 80]);
    // One more for the size of H, and one for the true residual of each round.
    expect(found.products - found.iterations - 80).toBeLessThanOrEqual(4);
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

  test("a badly scaled system is what the diagonal is for, where it is given", async () => {
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
    const preconditioner = await jacobiPreconditioner(scaled);
    const found = await blockConjugateGradients(scaled, right, { tolerance: 1e-8, preconditioner });
    expect(found.converged).toBe(true);
    expect(found.iterations).toBeLessThan(0.5 * plain.iterations);
    const { size } = scaled;
    const productOnly = { size, product: scaled.product.bind(scaled) };
    expect((await refusal(jacobiPreconditioner(productOnly))).code).toBe("usage");
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

  test("columns with tolerances of their own meet them, and a loose one costs fewer products", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          d: fc.integer({ min: 2, max: 60 }),
          condition: fc.constantFrom(2, 100, 1e4),
          seed: fc.integer({ min: 0, max: 1e6 }),
        }),
        async ({ d, condition, seed }) => {
          const system = new KnownSystem(geometric(d, condition), seed);
          const right = randomBlock(d, 3, seed + 1);
          const tolerance = Float64Array.of(1e-9, 1e-2, 1e-4);
          const [mixed, all] = [
            await blockConjugateGradients(system, right, { tolerance }),
            await blockConjugateGradients(system, right, { tolerance: 1e-9 }),
          ];
          expect(mixed.converged).toBe(true);
          const residual = naiveProduct(system.h, mixed.solution);
          const true_ = norms(
            new Matrix(
              right.data.map((value, at) => value - residual.data[at]),
              d,
              3,
            ),
          );
          norms(right).forEach((length, k) => expect(true_[k]).toBeLessThanOrEqual(1.01 * tolerance[k] * length));
          // The tight column has fewer directions beside its own, and so some more passes.
          if (d >= 50 && condition <= 2) expect(mixed.products).toBeLessThan(all.products);
        },
      ),
      { numRuns: drawsOf(40, 1000) },
    );
    const system = new KnownSystem(geometric(4, 10), 1);
    for (const tolerance of [0, Number.NaN, Float64Array.of(1e-3, -1), Float64Array.of(1e-3)]) {
      await expect(blockConjugateGradients(system, randomBlock(4, 2, 1), { tolerance })).rejects.toThrow(
        /above 0, got/,
      );
    }
  });

  test("a singular system is solved within its range, and not outside it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          regular: fc.integer({ min: 1, max: 20 }),
          flat: fc.integer({ min: 1, max: 8 }),
          columns: fc.integer({ min: 1, max: 4 }),
          outside: fc.constantFrom(0, 1e-15, 1e-13, 1e-6, 1e-2, 1, 1e3),
          size: fc.constantFrom(1e-6, 1, 1e6),
          seed: fc.integer({ min: 0, max: 1e6 }),
        }),
        async ({ regular, flat, columns, outside, size, seed }) => {
          const eigenvalues = [...geometric(regular, 100).map((value) => size * value), ...Array<number>(flat).fill(0)];
          const d = eigenvalues.length;
          const system = new KnownSystem(eigenvalues, seed);
          const wanted = naiveProduct(system.h, randomBlock(d, columns, seed));
          const inside = naiveProduct(system.h, wanted);
          // Vectors less their part in the range: what the system cannot reach.
          const range = new KnownSystem([...Array<number>(regular).fill(1), ...Array<number>(flat).fill(0)], seed);
          const noise = randomBlock(d, columns, seed + 1);
          const reached = naiveProduct(range.h, noise);
          // Of the first column only: the others have solutions.
          const null_ = new Matrix(
            noise.data.map((value, at) => (at % columns === 0 ? outside * size * (value - reached.data[at]) : 0)),
            d,
            columns,
          );
          const right = new Matrix(
            inside.data.map((value, at) => value + null_.data[at]),
            d,
            columns,
          );
          const found = await blockConjugateGradients(system, right);
          const missing = norms(null_).map((length, k) => length / norms(right)[k]);
          expect(found.end).toBe(Math.max(...missing) > 1e-10 ? "singular" : "converged");
          if (found.end === "singular") expect(Math.abs(found.curvature ?? 1)).toBeLessThan(1e-12 * size);
          found.residuals.forEach((residual, k) => expect(residual).toBeLessThan(missing[k] > 1e-10 ? 1 + 1e-9 : 1e-8));
          const lengths = norms(wanted);
          const within = naiveProduct(range.h, found.solution);
          for (let at = 0; at < within.data.length; at++) {
            const k = at % columns;
            if (missing[k] > 1e-10) continue;
            expect(Math.abs(within.data[at] - wanted.data[at])).toBeLessThan(
              (found.converged ? 1e-7 : 1e-5) * lengths[k],
            );
          }
        },
      ),
      { numRuns: drawsOf(60, 500) },
    );
  });

  test("a right-hand side that is flat but for rounding is no proof of a negative curvature", async () => {
    const h = Matrix.zeros(3, 3);
    h.data[0] = 1;
    h.data[4] = 1;
    // Rounding of the products along the third axis, where H is 0.
    const operator = {
      size: 3,
      product: async (vectors: Matrix) => {
        const out = naiveProduct(h, vectors);
        for (let k = 0; k < vectors.columns; k++) {
          out.data[2 * vectors.columns + k] -= 1e-17 * vectors.data[2 * vectors.columns + k];
        }
        return out;
      },
    };
    const found = await blockConjugateGradients(operator, new Matrix(Float64Array.of(0, 0, 1), 3, 1));
    expect(found.end).toBe("singular");
    expect([...found.solution.data]).toEqual([0, 0, 0]);
    h.data[8] = -1e-9;
    const negative = await blockConjugateGradients(operator, new Matrix(Float64Array.of(0, 0, 1), 3, 1));
    expect(negative.end).toBe("indefinite");
    expect(negative.curvature).toBeCloseTo(-1e-9, 15);
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
