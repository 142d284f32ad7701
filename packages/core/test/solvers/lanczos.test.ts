import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { choleskySolve } from "../../src/solvers/cholesky.js";
import { extremeEigenvalues, proposedDamping } from "../../src/solvers/lanczos.js";
import { dampedOperator } from "../../src/solvers/operator.js";
import { drawsOf } from "../long.js";
import { geometric, KnownSystem, lengthOf, naiveProduct, randomBlock, refusal } from "./systems.js";

describe("extreme eigenvalues", () => {
  test("lie within the residual of eigenvalues that are known, and their vectors have that residual", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 1e6 }),
        async (drawn, maximumSteps, seed) => {
          // The squares of numbers smaller than this are 0.
          const eigenvalues = drawn.map((value) => (Math.abs(value) < 1e-100 ? 0 : value));
          const system = new KnownSystem(eigenvalues, seed);
          const found = await extremeEigenvalues(system, { maximumSteps, seed });
          const size = Math.max(...eigenvalues.map(Math.abs));
          const rounding = 1e-13 * size;
          for (const { value, residual, vector } of [found.smallest, found.largest]) {
            const nearest = Math.min(...eigenvalues.map((known) => Math.abs(known - value)));
            expect(nearest).toBeLessThanOrEqual(residual + rounding);
            expect(lengthOf(vector)).toBeCloseTo(1, 12);
            const image = naiveProduct(system.h, new Matrix(vector, vector.length, 1)).data;
            const recomputed = lengthOf(image.map((entry, j) => entry - value * vector[j]));
            expect(Math.abs(recomputed - residual)).toBeLessThanOrEqual(rounding);
          }
          expect(found.smallest.value).toBeGreaterThanOrEqual(Math.min(...eigenvalues) - rounding);
          expect(found.largest.value).toBeLessThanOrEqual(Math.max(...eigenvalues) + rounding);
          if (maximumSteps < eigenvalues.length) return;
          expect(found.smallest.value).toBeCloseTo(Math.min(...eigenvalues), 6);
          expect(found.largest.value).toBeCloseTo(Math.max(...eigenvalues), 6);
        },
      ),
      { numRuns: drawsOf(100, 2000) },
    );
  });

  test("a spectrum with gaps takes far fewer products than rows", async () => {
    const inner = Array.from({ length: 198 }, (_, i) => 1 + i / 198);
    const system = new KnownSystem([-3, ...inner, 7], 4);
    const found = await extremeEigenvalues(system, { seed: 2 });
    expect(found.converged).toBe(true);
    expect(found.products).toBe(system.products);
    expect(found.products).toBeLessThan(30);
    expect(found.smallest.value).toBeCloseTo(-3, 12);
    expect(found.largest.value).toBeCloseTo(7, 12);
  });

  test("few steps say how far they got", async () => {
    const system = new KnownSystem(geometric(200, 1e4), 5);
    const found = await extremeEigenvalues(system, { maximumSteps: 10 });
    expect(found).toMatchObject({ converged: false, products: 10 });
    expect(found.smallest.residual).toBeGreaterThan(1e-6);
  });

  test("same seed, same digits; cancelled; nonsense", async () => {
    const system = new KnownSystem(geometric(50, 1e4), 6);
    const [a, b] = [await extremeEigenvalues(system, { seed: 9 }), await extremeEigenvalues(system, { seed: 9 })];
    expect(a).toEqual(b);
    const other = await extremeEigenvalues(system, { seed: 10 });
    expect(other.largest.vector).not.toEqual(a.largest.vector);
    expect((await refusal(extremeEigenvalues(system, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
    expect((await refusal(extremeEigenvalues(system, { maximumSteps: 0 }))).code).toBe("usage");
    expect((await refusal(extremeEigenvalues(new KnownSystem([], 1)))).code).toBe("usage");
  });
});

describe("proposed damping", () => {
  const right = randomBlock(30, 1, 1);

  test.each([
    ["indefinite", -0.37],
    ["singular", 0],
  ])("%s: the smallest works, a little less does not, the proposal leaves a condition of 1e6", async (_, least) => {
    const system = new KnownSystem([least, ...geometric(29, 100).map((value) => 2 * value)], 8);
    const { smallest, proposed } = proposedDamping(await extremeEigenvalues(system));
    expect(smallest).toBeGreaterThan(-least);
    expect(smallest).toBeLessThan(-least + 1e-7);
    expect((await choleskySolve(dampedOperator(system, smallest), right)).converged).toBe(true);
    if (least < 0) {
      expect((await choleskySolve(dampedOperator(system, -least - 1e-6), right)).end).toBe("indefinite");
    }
    expect(2 / (least + proposed)).toBeGreaterThan(0.95e6);
    expect(2 / (least + proposed)).toBeLessThan(1.01e6);
  });

  test("a well-conditioned H needs none", async () => {
    const system = new KnownSystem(geometric(30, 1e4), 9);
    expect(proposedDamping(await extremeEigenvalues(system))).toEqual({ smallest: 0, proposed: 0 });
  });
});
