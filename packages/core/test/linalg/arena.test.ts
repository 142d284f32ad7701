import { describe, expect, it } from "vitest";
import { Arena } from "../../src/linalg/portable/arena.js";
import { decomposeSymmetric } from "../../src/linalg/portable/eigen.js";
import { multiplyVector } from "../../src/linalg/portable/matrix-vector.js";
import { operand } from "../../src/linalg/portable/operand.js";
import { multiplyInto } from "../../src/linalg/portable/product.js";
import { factorise, solveFromLeft } from "../../src/linalg/portable/triangular.js";
import { distance, RandomNumbers } from "./reference.js";

const MEGABYTE = 2 ** 20;

describe("the memory of the portable back end", () => {
  it("keeps what was loaded when it grows", () => {
    const arena = new Arena();
    const x = new RandomNumbers(1).vector(100);
    const first = arena.allocate(100);
    arena.load(first, x, 0, 10, 10, 10);
    const before = arena.size;
    const second = arena.allocate(10 * MEGABYTE);
    expect(arena.size).toBeGreaterThan(before);
    expect(second).toBeGreaterThanOrEqual(first + 800);
    const back = new Float64Array(100);
    arena.store(first, back, 0, 10, 10, 10);
    expect(distance(back, x)).toBe(0);
  });

  it("stays at its first size, 64 MB, whatever the operands", () => {
    const arena = new Arena();
    const { size } = arena;
    expect(size).toBe(64 * MEGABYTE);
    const tall = new Float64Array(400_000 * 40).fill(0.5);
    const gram = new Float64Array(1600);
    multiplyInto(arena, true, 40, 40, 400_000, 1, operand(true, tall, 40), undefined, 0, gram, 0, 40);
    expect(gram[0]).toBe(100_000);
    const sums = new Float64Array(40);
    multiplyVector(arena, true, 400_000, 40, 1, tall, 40, tall, 0, sums);
    expect(sums[39]).toBe(100_000);
    const n = 2500;
    const square = new Float64Array(n * n);
    multiplyInto(arena, false, n, n, 2, 1, operand(false, tall, 2), operand(false, tall, n), 0, square, 0, n);
    expect(square[n * n - 1]).toBe(0.5);
    for (let i = 0; i < n; i++) square[i * n + i] += 1;
    expect(factorise(arena, n, { data: square, start: 0, ld: n })).toBe(0);
    const right = tall.subarray(0, n * 1000).slice();
    solveFromLeft(arena, true, n, 1000, { data: square, start: 0, ld: n }, { data: right, start: 0, ld: 1000 });
    expect(right.every(Number.isFinite)).toBe(true);
    const values = new Float64Array(500);
    expect(decomposeSymmetric(arena, 500, square.slice(0, 250_000), values)).toBe(true);
    expect(arena.size).toBe(size);
  });
});
