import { describe, expect, test } from "vitest";
import { chooseSolver, nystromRank, type SolverProblem, solverMemory } from "../../src/solvers/choose-solver.js";
import { refusal } from "./systems.js";

const GIB = 2 ** 30;
const problem: SolverProblem = {
  size: 2000,
  rightHandSides: 5,
  damping: 0,
  memoryBytes: GIB,
  hasMatrix: true,
  hasSamples: false,
};

describe("--solver auto", () => {
  test.each<[string, Partial<SolverProblem>, string, string, RegExp]>([
    ["H fits", {}, "cholesky", "none", /^Cholesky: .*fits/],
    ["H does not fit", { size: 20_000 }, "cg", "nystrom", /not Cholesky, which needs 9 GiB of the 1 GiB allowed/],
    ["no matrix", { hasMatrix: false }, "cg", "nystrom", /does not give the whole Hessian/],
    ["no room for a sketch", { size: 1e6, memoryBytes: 1.1 * GIB }, "cg", "none", /least memory/],
    ["no room, but a diagonal", { size: 1e6, memoryBytes: 1.1 * GIB, hasDiagonal: true }, "cg", "jacobi", /memory/],
    ["a factorisation too slow", { size: 1e5, memoryBytes: Infinity, productSeconds: 1e-3 }, "cg", "nystrom", /longer/],
    [
      "slow products, samples",
      { size: 1e6, memoryBytes: 30 * GIB, productSeconds: 60, hasSamples: true, hasMatrix: false },
      "lissa",
      "none",
      /about 17 hours.*standard errors/,
    ],
    [
      "a matrix that takes far longer than its products",
      { size: 6000, memoryBytes: 4 * GIB, productSeconds: 0.035, furtherSeconds: 0.035, matrixSeconds: 210 },
      "cg",
      "nystrom",
      /longer/,
    ],
    [
      "a matrix that takes as long as products",
      { size: 6000, memoryBytes: 4 * GIB, productSeconds: 0.035, furtherSeconds: 0.0035, matrixSeconds: 21 },
      "cholesky",
      "none",
      /fits/,
    ],
    ["slow products, no samples", { size: 1e5, productSeconds: 60, memoryBytes: 3 * GIB }, "cg", "nystrom", /sketch/],
  ])("%s", (_, change, name, preconditioner, reason) => {
    const choice = chooseSolver({ ...problem, ...change });
    expect(choice).toMatchObject({ name, preconditioner });
    expect(choice.reason).toMatch(reason);
    expect(choice.reason).toMatch(/^[^\n]+\.$/);
    expect(choice.memoryBytes).toBeLessThanOrEqual(change.memoryBytes ?? GIB);
    expect(choice.rank > 0).toBe(preconditioner === "nystrom");
  });

  describe("the Gauss–Newton part of a network", () => {
    const layered = { numbers: 3e6, seconds: 0.3, applySeconds: 0.003, exact: false };
    // 200 passes take 0.5 s, the whole Hessian 1.5 s.
    const network = { ...problem, rightHandSides: 1, size: 1600, productSeconds: 0.0025, matrixSeconds: 1.5 };

    test.each<[string, Partial<SolverProblem>, string, string, RegExp]>([
      ["no part of layers", { gaussNewton: null }, "cholesky", "none", /fits/],
      ["a part that spares the Hessian", { gaussNewton: { ...layered, seconds: 0.05 } }, "cg", "gauss-newton", /dense/],
      ["one as slow as the products", { gaussNewton: layered, matrixSeconds: 1 }, "cholesky", "none", /fits/],
      ["slow, and no matrix", { gaussNewton: layered, hasMatrix: false }, "cg", "nystrom", /longer to factorise than/],
      [
        "H itself, so that one pass shows it",
        { gaussNewton: { ...layered, seconds: 0.2, exact: true } },
        "cg",
        "gauss-newton",
        /not Cholesky.*few products/,
      ],
      [
        "no room",
        { gaussNewton: { ...layered, seconds: 0.05, numbers: 2e8 }, hasMatrix: false },
        "cg",
        "nystrom",
        /allowed/,
      ],
    ])("%s", (_, change, name, preconditioner, reason) => {
      const choice = chooseSolver({ ...network, ...change });
      expect(choice).toMatchObject({ name, preconditioner });
      expect(choice.reason).toMatch(reason);
      expect(choice.reason).toMatch(/^[^\n]+\.$/);
    });

    test("its memory counts, and asked for by name conjugate gradients take it where it pays", () => {
      const gaussNewton = { ...layered, seconds: 0.05 };
      const taken = chooseSolver({ ...network, gaussNewton }, "cg");
      expect(taken).toMatchObject({ preconditioner: "gauss-newton", rank: 0 });
      expect(taken.memoryBytes - solverMemory("cg", network)).toBe(8 * 3e6);
      expect(chooseSolver({ ...network, gaussNewton: layered }, "cg").preconditioner).toBe("nystrom");
      expect(chooseSolver({ ...network, gaussNewton, memoryBytes: 16e6 }, "cg").preconditioner).not.toBe(
        "gauss-newton",
      );
    });
  });

  test("the cap named in the refusal is enough, and a byte less than the need is not", async () => {
    const needed = solverMemory("cg", problem);
    expect(chooseSolver({ ...problem, memoryBytes: needed })).toMatchObject({ preconditioner: "none", rank: 0 });
    const error = await refusal(() => chooseSolver({ ...problem, memoryBytes: needed - 1 }));
    expect(error.code).toBe("resource");
    expect(error.message).toContain("raise the cap on memory");
    const [, kib] = /at least ([\d.]+) KiB/.exec(error.message) ?? [];
    expect(chooseSolver({ ...problem, memoryBytes: Number(kib) * 1024 }).name).toBe("cg");
    expect((await refusal(() => chooseSolver({ ...problem, memoryBytes: 0 }))).code).toBe("usage");
  });

  test("a solver asked for by name is taken, or refused for a reason", async () => {
    expect(chooseSolver({ ...problem, damping: 1 }, "nystrom")).toMatchObject({ name: "nystrom", rank: 90 });
    expect(chooseSolver(problem, "cg")).toMatchObject({ name: "cg", preconditioner: "nystrom" });
    expect(chooseSolver({ ...problem, hasSamples: true }, "lissa")).toMatchObject({ name: "lissa", rank: 0 });
    for (const [name, change, code] of [
      ["nystrom", {}, "usage"],
      ["lissa", {}, "usage"],
      ["cholesky", { hasMatrix: false }, "usage"],
      ["cholesky", { memoryBytes: 8 * 2000 * 2000 }, "resource"],
    ] as const) {
      expect((await refusal(() => chooseSolver({ ...problem, ...change }, name))).code).toBe(code);
    }
  });

  test("a sketch takes no longer than half of the conjugate gradients that it shortens", () => {
    const large = { ...problem, size: 1e5, hasMatrix: false, memoryBytes: 8 * GIB };
    const rankAt = (productSeconds: number, furtherSeconds: number, rightHandSides = 1): number =>
      chooseSolver({ ...large, productSeconds, furtherSeconds, rightHandSides }).rank;
    expect(chooseSolver(large).rank).toBe(500);
    expect(rankAt(0.03, 0.03)).toBeLessThan(100);
    expect(rankAt(0.03, 0.03)).toBeGreaterThan(50);
    // 200 passes of 4 vectors: 24 s, of which 12 for the sketch.
    const rank = rankAt(0.03, 0.03, 4);
    const seconds = (r: number): number => 0.03 * r + (14 * 1e5 * r * r) / 5e9;
    expect(seconds(rank)).toBeLessThanOrEqual(12);
    expect(seconds(rank + 1)).toBeGreaterThan(12);
    // Vectors that share a pass make a sketch cheap and conjugate gradients hardly dearer.
    expect(rankAt(3, 0.003)).toBe(500);
    // 200 passes of 0.303 s.
    const shared = rankAt(0.3, 0.003, 2);
    const sharedSeconds = (r: number): number => 0.003 * r + (14 * 1e5 * r * r) / 5e9;
    expect(sharedSeconds(shared)).toBeLessThanOrEqual(30.3);
    expect(sharedSeconds(shared + 1)).toBeGreaterThan(30.3);
    expect(rankAt(1e-7, 1e-7)).toBe(10);
  });

  test("the estimate grows as the arrays do", () => {
    expect(solverMemory("cholesky", problem)).toBeGreaterThan(2 * 8 * 2000 ** 2);
    expect(solverMemory("cg", problem, 10) - solverMemory("cg", problem)).toBeGreaterThan(3 * 8 * 10 * 2000);
    // By hand for d = 10, k = 3 and a sketch of rank 2, in numbers of 8 bytes: arrays of d·d, d·k, k·k, d·rank and rank·rank.
    const small = { size: 10, rightHandSides: 3 };
    expect(solverMemory("cholesky", small)).toBe(8 * (300 + 180));
    expect(solverMemory("cg", small, 2)).toBe(8 * (360 + 36 + 120 + 16));
    expect(solverMemory("nystrom", small, 2)).toBe(8 * (150 + 120 + 16));
    expect(solverMemory("lissa", small)).toBe(8 * (4 * 8 * 30 + 20 * 10));
    expect([1, 5, 100, 1e4, 1e8].map(nystromRank)).toEqual([1, 5, 20, 200, 500]);
  });
});
