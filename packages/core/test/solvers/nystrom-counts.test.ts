/** Nyström sketches by hand: how they grow, what they count, and what a preconditioner makes of them. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { nystromSolve } from "../../src/solvers/nystrom.js";
import { dampedApproximation, nystromApproximation, onRange } from "../../src/solvers/nystrom-approximation.js";
import { levelling, nystromPreconditioner, worthwhileRank } from "../../src/solvers/nystrom-preconditioner.js";
import { toldProgress } from "./progress.js";
import { randomBlock, refusal } from "./systems.js";

beforeAll(() => ensureBlas());

function diagonal(values: readonly number[]) {
  const asked: number[] = [];
  return {
    size: values.length,
    asked,
    async product(v: Matrix): Promise<Matrix> {
      asked.push(v.columns);
      return new Matrix(
        v.data.map((entry, at) => values[Math.floor(at / v.columns)] * entry),
        v.rows,
        v.columns,
      );
    },
  };
}

const falling = (d: number): number[] => Array.from({ length: d }, (_, j) => 2 ** -j);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("a sketch", () => {
  test("is doubled from its first rank until it is enough, and keeps what was multiplied", async () => {
    const operator = diagonal(falling(20));
    const seen: [number, number | null][] = [];
    const enough = (values: Float64Array, before: Float64Array | null): boolean => {
      seen.push([values.length, before?.length ?? null]);
      return false;
    };
    const found = await nystromApproximation(operator, { rank: 11, first: 3, enough });
    // The last is as large as was allowed, whatever anybody thinks of it.
    expect(seen).toEqual([
      [3, null],
      [6, 3],
    ]);
    expect(operator.asked).toEqual([3, 3, 5]);
    expect(found).toMatchObject({ products: 11 });
    const once = diagonal(falling(20));
    const small = await nystromApproximation(once, { rank: 11, first: 3, enough: (values) => values.length === 6 });
    expect(once.asked).toEqual([3, 3]);
    expect(small).toMatchObject({ products: 6 });
  });

  test("begins at 16, or at once with all where nobody judges; never above d", async () => {
    for (const [d, options, asked] of [
      [40, { rank: 40, enough: () => true }, [16]],
      [10, { rank: 40, enough: () => false }, [10]],
      [40, { rank: 5, enough: () => false }, [5]],
      [40, { rank: 20 }, [20]],
      [10, { rank: 1000 }, [10]],
      [3, { rank: 1 }, [1]],
      [70, { rank: 64 }, [32, 32]],
    ] as const) {
      const operator = diagonal(falling(d));
      await nystromApproximation(operator, options);
      expect(operator.asked).toEqual(asked);
    }
  });

  test("multiplies 32 vectors at a time, and tells how far it is", async () => {
    const operator = diagonal(falling(80));
    const told = await toldProgress((work) =>
      nystromApproximation(operator, { ...work, rank: 75, first: 70, enough: () => false }),
    );
    expect(operator.asked).toEqual([32, 32, 6, 5]);
    expect(told).toEqual([32, 64, 70, 75].map((done) => ["sketching H", done, 75]));
  });

  test("of all ranks is H: its eigenvalues, descending, 0 where H has none", async () => {
    const found = await nystromApproximation(diagonal([3, 0, 5, 1]), { rank: 4 });
    if ("curvature" in found) throw new Error("semidefinite");
    [5, 3, 1, 0].forEach((value, k) => expect(found.values[k] ?? 0).toBeCloseTo(value, 12));
    const b = Matrix.fromRows([[1], [1], [1], [1]]);
    [3, 0, 5, 1].forEach((value, j) => expect(onRange(found, found.values, b).data[j]).toBeCloseTo(value, 12));
  });

  test.each([0, -1, 2.5, Number.NaN])("a rank of %d is refused", async (rank) => {
    const { message } = await refusal(nystromApproximation(diagonal([1]), { rank }));
    expect(message).toBe(`The rank of a Nyström approximation must be a whole number of at least 1, got ${rank}.`);
  });

  test("H that is negative somewhere gives that curvature, beyond rounding", async () => {
    const found = await nystromApproximation(diagonal([2, -0.5]), { rank: 2 });
    expect("curvature" in found ? found.curvature : 0).toBeCloseTo(-0.5, 13);
    expect(await nystromApproximation(diagonal([2, -1e-17]), { rank: 2 })).toHaveProperty("values");
    expect(await nystromApproximation(diagonal([2e6, -1e-11]), { rank: 2 })).toHaveProperty("values");
    expect(await nystromApproximation(diagonal([2e-6, -1e-12]), { rank: 2 })).toHaveProperty("curvature");
  });
});

describe("a sketch of H + λI", () => {
  test("is that of H with λ added", async () => {
    const operator = diagonal([3, 1]);
    const found = await dampedApproximation(operator, 0.5, { rank: 2 });
    if ("curvature" in found) throw new Error("definite");
    expect(found.values[0]).toBeCloseTo(3.5, 13);
    expect(found.values[1]).toBeCloseTo(1.5, 13);
    expect([found.products, sum(operator.asked)]).toEqual([2, 2]);
  });

  test("of an H that is negative by less than λ is made twice", async () => {
    const operator = diagonal([3, -0.2]);
    const found = await dampedApproximation(operator, 0.5, { rank: 2 });
    if ("curvature" in found) throw new Error("definite");
    expect(found.values[0]).toBeCloseTo(3.5, 13);
    expect(found.values[1]).toBeCloseTo(0.3, 13);
    expect([found.products, sum(operator.asked)]).toEqual([4, 4]);
  });

  test.each([0.1, 0.2])("of one that is negative by λ = %d or more is none", async (damping) => {
    const found = await dampedApproximation(diagonal([3, -0.25]), damping, { rank: 2 });
    expect("curvature" in found ? found.curvature : 1).toBeCloseTo(damping - 0.25, 13);
    const none = await nystromPreconditioner(diagonal([3, -0.25]), { damping, rank: 2 });
    expect("curvature" in none ? none.curvature : 1).toBeCloseTo(damping - 0.25, 13);
    const zero = await dampedApproximation(diagonal([3, -0.25]), 0.25, { rank: 2 });
    expect(zero).toHaveProperty("curvature");
  });
});

describe("the preconditioner of a sketch", () => {
  const vectors = Matrix.fromRows([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ]);
  const ones = Matrix.fromRows([
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
  ]);

  test("levels what is known to the smallest of it, and leaves the rest alone", () => {
    const made = levelling({ vectors, values: Float64Array.of(10, 2, 0), products: 5 }, 0);
    expect(made).toMatchObject({ name: "nystrom", products: 5 });
    const applied = made.apply(ones);
    expect([applied.rows, applied.columns]).toEqual([4, 2]);
    [0.2, 0.4, 1, 2, 1, 2, 1, 2].forEach((value, at) => expect(applied.data[at]).toBeCloseTo(value, 14));
    expect([...ones.data]).toEqual([1, 2, 1, 2, 1, 2, 1, 2]);
  });

  test("for another λ moves all eigenvalues by the difference, none below 0", () => {
    const made = levelling({ vectors, values: Float64Array.of(10, 4, 1), products: 5 }, 1);
    const column = (preconditioner: typeof made): number[] => [...preconditioner.apply(ones).column(0)];
    // 10, 4, 1 are those of H + I; of H + 3I they are 12, 6, 3.
    [3 / 12, 3 / 6, 1, 1].forEach((value, j) => expect(column(made.withDamping(3))[j]).toBeCloseTo(value, 14));
    // 9, 3, 0: the last is not known.
    [3 / 9, 1, 1, 1].forEach((value, j) => expect(column(made.withDamping(0))[j]).toBeCloseTo(value, 14));
    [0.1, 0.25, 1, 1].forEach((value, j) =>
      expect(column(made.withDamping(3).withDamping(1))[j]).toBeCloseTo(value, 14),
    );
  });
});

describe("when a sketch is large enough", () => {
  /** Eigenvalues of which those at 3/8 and 3/4 of the way are given. */
  const spectrum = (rank: number, middle: number, late: number): Float64Array =>
    Float64Array.from({ length: rank }, (_, k) => {
      if (k === Math.floor(0.375 * (rank - 1))) return middle;
      return k === Math.floor(0.75 * (rank - 1)) ? late : 1e3;
    });

  /** Systems at which twice the rank takes as long: rank·further + arithmetic, and 10√(1 + level/λ) passes each. */
  function balanced(
    rank: number,
    [middle, late]: readonly [number, number],
    {
      damping,
      k,
      first,
      further,
      size,
      timed,
    }: Record<"damping" | "k" | "first" | "further" | "size", number> & { timed: boolean },
  ): number {
    const made = (r: number): number => r * further + (timed ? 3e-9 * size * r * r : 0);
    const each = (r: number, level: number): number =>
      10 * Math.sqrt(1 + level / damping) * (first + (k - 1) * further + (timed ? size * r * (1.6e-9 + k * 8e-10) : 0));
    return (made(2 * rank) - made(rank)) / (each(rank, late) - each(2 * rank, (late * late) / middle));
  }

  test.each([
    [1, undefined, undefined],
    [3, undefined, 0.5],
    [1, 0.02, 0.02],
    [4, 0.02, 0.003],
    [4, 0.02, undefined],
  ])(
    "%d right-hand sides, products of %s s and %s s: where the two ranks take as long",
    (k, productSeconds, furtherSeconds) => {
      const timed = productSeconds !== undefined;
      const first = productSeconds ?? 1;
      const further = timed ? (furtherSeconds ?? first) : first;
      for (const [rank, size] of [
        [8, 1000],
        [20, 20_000],
      ]) {
        const levels = [40, 6] as const;
        const systems = balanced(rank, levels, { damping: 0.5, k, first, further, size, timed });
        const enough = (share: number): boolean =>
          worthwhileRank({
            damping: 0.5,
            systems: share * systems,
            rightHandSides: k,
            size,
            productSeconds,
            furtherSeconds,
          })(spectrum(rank, ...levels), null);
        expect(systems).toBeGreaterThan(0);
        expect([enough(0.999), enough(1.001)]).toEqual([true, false]);
      }
    },
  );

  test("nothing more is there to find where late eigenvalues are 0", () => {
    const economy = { systems: 1e9, rightHandSides: 1, size: 10 };
    expect(worthwhileRank({ ...economy, damping: 1 })(Float64Array.of(1, 0, 0, 0, 0), null)).toBe(true);
    expect(worthwhileRank({ ...economy, damping: 1 })(spectrum(8, 4, 2), null)).toBe(false);
  });
});

describe("the solver", () => {
  test("of a sketch that is H solves at once, and counts its products", async () => {
    const operator = diagonal([4, 1, 0.25]);
    const right = Matrix.fromRows([
      [1, 0],
      [2, 1],
      [3, -1],
    ]);
    const found = await nystromSolve(operator, right, { damping: 0.5, rank: 3 });
    [1 / 4.5, 0, 2 / 1.5, 1 / 1.5, 3 / 0.75, -1 / 0.75].forEach((value, at) =>
      expect(found.solution.data[at]).toBeCloseTo(value, 12),
    );
    expect(operator.asked).toEqual([3, 2]);
    expect(found).toMatchObject({
      solver: "nystrom",
      end: "converged",
      converged: true,
      iterations: 1,
      products: 5,
      sketchProducts: 3,
      curvature: null,
    });
    expect(found.relativeResidual).toBe(Math.max(...found.residuals));
  });

  test("of a small sketch is refined to the tolerance: 1e-3 unless told otherwise", async () => {
    const values = falling(30);
    const right = randomBlock(30, 2, 3);
    for (const tolerance of [undefined, 1e-8]) {
      const operator = diagonal(values);
      const found = await nystromSolve(operator, right, { damping: 1e-4, rank: 3, ...(tolerance && { tolerance }) });
      expect(found).toMatchObject({ end: "converged", converged: true, curvature: null, sketchProducts: 3 });
      expect(found.relativeResidual).toBeLessThanOrEqual(tolerance ?? 1e-3);
      if (!tolerance) expect(found.relativeResidual).toBeGreaterThan(1e-8);
      expect(found.products).toBe(sum(operator.asked));
      expect(found.iterations).toBeGreaterThan(2);
    }
  });

  test("ends as its refinement does", async () => {
    const right = randomBlock(30, 1, 3);
    const settings = { damping: 1e-4, rank: 3 };
    const short = await nystromSolve(diagonal(falling(30)), right, { ...settings, maximumIterations: 2 });
    expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: 3 });
    const bottom = await nystromSolve(diagonal(falling(30)), right, { ...settings, tolerance: 1e-19 });
    expect(bottom.converged).toBe(false);
    expect(["stagnated", "iteration-limit"]).toContain(bottom.end);
    // A sketch of one vector does not see what conjugate gradients meet.
    const bent = diagonal([100, 80, 60, -2]);
    const found = await nystromSolve(bent, Matrix.fromRows([[0], [0], [0], [1]]), { damping: 0.1, rank: 1, seed: 1 });
    expect(found).toMatchObject({ end: "indefinite", converged: false });
    expect(found.curvature).toBeLessThan(0);
  });

  test("of a sketch that shows a negative curvature solves nothing", async () => {
    const operator = diagonal([3, -2]);
    const right = Matrix.fromRows([
      [1, 2, 3],
      [0, 1, 0],
    ]);
    const found = await nystromSolve(operator, right, { damping: 0.5, rank: 7 });
    expect(found).toMatchObject({
      solver: "nystrom",
      end: "indefinite",
      converged: false,
      iterations: 1,
      products: 5,
      sketchProducts: 2,
      relativeResidual: 1,
    });
    expect(found.curvature).toBeCloseTo(-1.5, 13);
    expect([...found.solution.data]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...found.residuals]).toEqual([1, 1, 1]);
    expect(operator.asked).toEqual([2, 3]);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("a damping of %d is refused", async (damping) => {
    const { message } = await refusal(nystromSolve(diagonal([1]), Matrix.zeros(1, 1), { damping, rank: 1 }));
    expect(message).toContain(`The Nyström solver needs a damping above 0, got ${damping}`);
    expect((await refusal(nystromSolve(diagonal([1]), Matrix.zeros(2, 1), { damping: 1, rank: 1 }))).code).toBe(
      "usage",
    );
  });
});
