import { describe, expect, it } from "vitest";
import { checkedBlas, type Kernels } from "../../src/linalg/checked.js";

/** Kernels that must not be reached. */
const unreachable = new Proxy({} as Kernels, {
  get: (_target, name) => () => {
    throw new Error(`The kernel ${String(name)} was called.`);
  },
});

const blas = checkedBlas(unreachable, { name: "portable", description: "none", threads: 1 });
const array = (length: number): Float64Array => new Float64Array(length);

describe("the contract of Blas", () => {
  it.each<[string, RegExp, () => unknown]>([
    ["gemm, A", /gemm: A needs 6/, () => blas.gemm(false, false, 2, 2, 3, 1, array(5), 3, array(6), 2, 0, array(4), 2)],
    ["gemm, A'", /gemm: A needs 8/, () => blas.gemm(true, false, 2, 2, 3, 1, array(7), 3, array(6), 2, 0, array(4), 2)],
    ["gemm, B", /gemm: B needs 6/, () => blas.gemm(false, false, 2, 2, 3, 1, array(6), 3, array(5), 2, 0, array(4), 2)],
    ["gemm, B'", /gemm: B needs 7/, () => blas.gemm(false, true, 2, 2, 3, 1, array(6), 3, array(6), 4, 0, array(4), 2)],
    ["gemm, C", /gemm: C needs 4/, () => blas.gemm(false, false, 2, 2, 3, 1, array(6), 3, array(6), 2, 0, array(3), 2)],
    ["gemv, A", /gemv: A needs 6/, () => blas.gemv(false, 2, 3, 1, array(5), 3, array(3), 0, array(2))],
    ["gemv, x", /gemv: x needs 3/, () => blas.gemv(false, 2, 3, 1, array(6), 3, array(2), 0, array(2))],
    ["gemv, y", /gemv: y needs 3/, () => blas.gemv(true, 2, 3, 1, array(6), 3, array(2), 0, array(2))],
    ["syrk, A", /syrk: A needs 6/, () => blas.syrk(2, 3, 1, array(5), 2, 0, array(4), 2)],
    ["syrk, C", /syrk: C needs 4/, () => blas.syrk(2, 3, 1, array(6), 2, 0, array(3), 2)],
    ["symv, A", /symv: A needs 4/, () => blas.symv(2, 1, array(3), 2, array(2), 0, array(2))],
    ["symv, x", /symv: x needs 2/, () => blas.symv(2, 1, array(4), 2, array(1), 0, array(2))],
    ["symv, y", /symv: y needs 2/, () => blas.symv(2, 1, array(4), 2, array(2), 0, array(1))],
    ["trsm, L", /trsm: L needs 4/, () => blas.trsm(false, 2, 3, array(3), 2, array(6), 3)],
    ["trsm, B", /trsm: B needs 6/, () => blas.trsm(false, 2, 3, array(4), 2, array(5), 3)],
    ["potrf, A", /potrf: A needs 4/, () => blas.potrf(2, array(3), 2)],
    ["potrs, L", /potrs: L needs 4/, () => blas.potrs(2, 1, array(3), 2, array(2), 1)],
    ["potrs, B", /potrs: B needs 2/, () => blas.potrs(2, 1, array(4), 2, array(1), 1)],
    ["syevd, A", /syevd: A needs 4/, () => blas.syevd(2, array(3), array(2))],
    ["syevd, w", /syevd: w needs 2/, () => blas.syevd(2, array(4), array(1))],
  ])("refuses an array that is too short: %s", (_name, message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 31])("refuses the dimension %d", (bad) => {
    expect(() => blas.potrf(bad, array(4), 2)).toThrow(/n must be a whole number/);
    expect(() => blas.gemm(false, false, 1, 1, bad, 1, array(4), 2, array(4), 2, 0, array(1), 1)).toThrow(/k must be/);
  });

  it.each([1, 0, -3, 2.5])("refuses the leading dimension %d of two columns", (bad) => {
    expect(() => blas.potrf(2, array(100), bad)).toThrow(/leading dimension of A/);
  });

  it("refuses anything but float64 arrays", () => {
    const wrong = new Float32Array(4) as unknown as Float64Array;
    expect(() => blas.potrf(2, wrong, 2)).toThrow(TypeError);
  });

  it("gives products without terms one meaning: beta·C, and zero for beta = 0", () => {
    const c = Float64Array.of(1, 2, Number.NaN, 4);
    blas.gemm(false, false, 2, 1, 0, 1, array(0), 1, array(0), 1, 2, c, 2);
    expect([...c]).toEqual([2, 2, Number.NaN, 4]);
    blas.gemm(false, false, 2, 1, 3, 0, array(6), 3, array(3), 1, 0, c, 2);
    expect([...c]).toEqual([0, 2, 0, 4]);
    const y = Float64Array.of(Number.NaN, 3);
    blas.gemv(true, 0, 2, 1, array(0), 2, array(0), 0, y);
    expect([...y]).toEqual([0, 0]);
    const lower = Float64Array.of(1, 9, 2, 3);
    blas.syrk(2, 0, 1, array(0), 2, 3, lower, 2);
    expect([...lower]).toEqual([3, 9, 6, 9]);
    const z = Float64Array.of(1, 2);
    blas.symv(2, 0, array(4), 2, array(2), -1, z);
    expect([...z]).toEqual([-1, -2]);
  });

  it("does nothing for empty matrices", () => {
    expect(blas.potrf(0, array(0), 1)).toBe(0);
    const b = Float64Array.of(5);
    blas.trsm(false, 0, 3, array(0), 1, b, 3);
    blas.potrs(2, 0, array(4), 2, b, 1);
    blas.gemm(false, false, 0, 4, 2, 1, array(0), 2, array(8), 4, 0, b, 4);
    expect([...b]).toEqual([5]);
  });
});
