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

  test("scores that share their inputs: one Gram matrix, whose numbers count", () => {
    const shared = { ...problem, hasMatrix: false, sharedNumbers: 1000 };
    for (const choice of [chooseSolver(shared), chooseSolver(shared, "cg")]) {
      expect(choice).toMatchObject({ name: "cg", preconditioner: "kronecker", rank: 0 });
      expect(choice.memoryBytes).toBe(solverMemory("cg", shared) + 8000);
    }
    expect(chooseSolver(shared).reason).toBe(
      "CG with a Gram matrix: not Cholesky, the model does not give the whole Hessian; conjugate gradients need products only, and one Gram matrix shortens them where they would be many.",
    );
    const short = { ...shared, memoryBytes: solverMemory("cg", shared) + 7999 };
    expect(chooseSolver(short)).toMatchObject({ preconditioner: "none" });
    expect(chooseSolver({ ...short, hasDiagonal: true }, "cg")).toMatchObject({ preconditioner: "jacobi", rank: 0 });
    expect(chooseSolver({ ...problem, hasMatrix: false })).toMatchObject({ preconditioner: "nystrom" });
  });

  test("each by name, in words", () => {
    const able = { ...problem, hasSamples: true, damping: 1, hasDiagonal: true };
    expect(chooseSolver(able, "cholesky")).toEqual({
      name: "cholesky",
      preconditioner: "none",
      rank: 0,
      memoryBytes: solverMemory("cholesky", able),
      reason: "Cholesky: asked for.",
    });
    expect(chooseSolver(able, "lissa").reason).toBe("LiSSA: asked for.");
    expect(chooseSolver(able, "nystrom").reason).toBe("Nyström: asked for.");
    expect(chooseSolver(able, "cg").reason).toBe("CG with Nyström: asked for.");
    const few = { ...able, memoryBytes: solverMemory("cg", able) };
    expect(chooseSolver(few, "cg")).toMatchObject({
      preconditioner: "jacobi",
      reason: "CG with the diagonal: asked for.",
    });
  });

  test("how long conjugate gradients take: 200 passes of all right-hand sides, an hour at the most beside samples", () => {
    const large = { ...problem, hasMatrix: false, hasSamples: true, memoryBytes: Number.POSITIVE_INFINITY };
    // 200·(p + 4f)
    const name = (productSeconds: number, furtherSeconds?: number) =>
      chooseSolver({ ...large, productSeconds, ...(furtherSeconds !== undefined && { furtherSeconds }) }).name;
    expect([name(3.59), name(3.61)]).toEqual(["cg", "lissa"]);
    expect([name(2, 3.99), name(2, 4.01)]).toEqual(["cg", "lissa"]);
    expect([name(17.9, 0), name(18.1, 0)]).toEqual(["cg", "lissa"]);
    expect(chooseSolver({ ...large, productSeconds: 1 })).toMatchObject({ name: "cg", preconditioner: "nystrom" });
    // Where the memory is short, samples are no way out of what is fast enough.
    const short = { ...large, memoryBytes: solverMemory("lissa", large) + 1 };
    expect(chooseSolver({ ...short, productSeconds: 1 })).toMatchObject({ name: "cg", preconditioner: "none" });
    expect(chooseSolver({ ...short, productSeconds: 10 }).name).toBe("lissa");
    expect(chooseSolver({ ...short, productSeconds: 10, hasSamples: false }).name).toBe("cg");
    expect(() => chooseSolver({ ...short, memoryBytes: 1, productSeconds: 1 })).toThrow(
      /at least .* of|needs at least/,
    );
  });

  test("Cholesky gives way where it takes over a second and four times as long as the others", () => {
    const dense = { ...problem, size: 3000, memoryBytes: Number.POSITIVE_INFINITY, rightHandSides: 1 };
    // 3000³/3/5e9 = 1.8 s: against 4·200·p.
    const name = (change: Partial<SolverProblem>) => chooseSolver({ ...dense, ...change }).name;
    expect([name({ productSeconds: 0.0023 }), name({ productSeconds: 0.0022 })]).toEqual(["cholesky", "cg"]);
    expect(name({ productSeconds: 0.0023, matrixSeconds: 0.1 })).toBe("cg");
    expect(name({ matrixSeconds: 1e6 })).toBe("cholesky");
    // A second is never too long: 2000³/3/5e9 = 0.53 s.
    expect([
      name({ size: 2000, productSeconds: 1e-9, matrixSeconds: 0.46 }),
      name({ size: 2000, productSeconds: 1e-9, matrixSeconds: 0.47 }),
    ]).toEqual(["cholesky", "cg"]);
  });

  test("the Gauss–Newton part: 30 passes behind it, or 2 where it is all of H", () => {
    const part = { numbers: 10, seconds: 1, applySeconds: 0.25, exact: false };
    const network = { ...problem, hasMatrix: false, rightHandSides: 3, memoryBytes: Number.POSITIVE_INFINITY };
    // 1 + 30(p + 2f + 0.75) against 100(p + 2f): worth it from 70(p + 2f) = 23.5 on; 98(p + 2f) = 2.5 where it is exact.
    const preconditioner = (exact: boolean, productSeconds: number, furtherSeconds: number) =>
      chooseSolver({ ...network, gaussNewton: { ...part, exact }, productSeconds, furtherSeconds }).preconditioner;
    expect([preconditioner(false, 0.136, 0.1), preconditioner(false, 0.135, 0.1)]).toEqual(["gauss-newton", "nystrom"]);
    expect([preconditioner(false, 0.1, 0.118), preconditioner(false, 0.1, 0.117)]).toEqual(["gauss-newton", "nystrom"]);
    expect([preconditioner(true, 0.0156, 0.005), preconditioner(true, 0.0154, 0.005)]).toEqual([
      "gauss-newton",
      "nystrom",
    ]);
    // Where nothing is known of times it is taken.
    expect(chooseSolver({ ...network, gaussNewton: part }).preconditioner).toBe("gauss-newton");
    expect(chooseSolver({ ...network, gaussNewton: part }, "cg").preconditioner).toBe("gauss-newton");
  });

  test.each([
    [100, /needs at least 94\.6 KiB where 100 B are allowed/],
    [2000, /where 2 KiB are allowed/],
    [90_000, /where 87\.9 KiB are allowed/],
  ])("sizes are named in their unit, rounded up: %d bytes", async (memoryBytes, message) => {
    const { message: said } = await refusal(() =>
      chooseSolver({ ...problem, size: 200, rightHandSides: 5, hasMatrix: false, memoryBytes }),
    );
    expect(said).toMatch(message);
  });

  test("the least that is named is of what may be taken", async () => {
    // Two parameters: Cholesky would take 72 numbers, conjugate gradients 220.
    const small = { ...problem, size: 2, rightHandSides: 5, hasMatrix: false, memoryBytes: 600 };
    expect((await refusal(() => chooseSolver(small))).message).toContain("needs at least 1.8 KiB where 600 B");
    expect(chooseSolver({ ...small, hasMatrix: true }).name).toBe("cholesky");
  });

  test("very large ones too", async () => {
    const huge = await refusal(() => chooseSolver({ ...problem, size: 1e12, hasMatrix: false, memoryBytes: 2 ** 40 }));
    expect(huge.message).toMatch(/needs at least 436\.6 TiB where 1 TiB are allowed/);
    expect(
      (await refusal(() => chooseSolver({ ...problem, size: 1e17, hasMatrix: false, memoryBytes: 2 ** 62 }))).message,
    ).toMatch(/at least 43655745\.7 TiB where 4194304 TiB/);
    const passed = chooseSolver({
      ...problem,
      size: 1e9,
      hasMatrix: true,
      productSeconds: 1,
      memoryBytes: Number.POSITIVE_INFINITY,
    });
    expect(passed.name).toBe("cg");
  });
});
