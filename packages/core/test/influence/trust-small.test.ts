/** Trust radii from judges whose errors are known functions of ε. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkValidity,
  ensureBlas,
  fit,
  type Influence,
  influence,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { jointJudge, jointTrustRadius } from "../../src/influence/joint-validity.js";
import { logarithmicGrid, validityBy } from "../../src/influence/trust-radius.js";
import { type Judge, type Rigour, type Validity } from "../../src/influence/validity.js";
import { divergence } from "../../src/threats/divergence.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, hessian, solve } from "../models/naive.js";
import { Cut } from "./cut.js";
import { attacked, randomCase, smoothCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

interface Asked {
  readonly epsilons: readonly number[];
  /** Of all, or of each. */
  readonly rigour: Rigour | readonly Rigour[];
}

/** A judge whose errors are functions of ε: what is estimated, and what is proved (null: nothing). */
function judgeBy(
  estimate: (epsilon: number) => number | null,
  proof: ((epsilon: number) => number | null) | null = null,
): { judge: Judge; asked: Asked[] } {
  const asked: Asked[] = [];
  const judge: Judge = {
    certified: proof !== null,
    async at(epsilons, given) {
      asked.push({ epsilons, rigour: typeof given === "function" ? epsilons.map(given) : given });
      return epsilons.map((epsilon): Validity => {
        const rigour = typeof given === "function" ? given(epsilon) : given;
        const isEstimated = rigour === "estimate" || rigour === "error";
        const proved = !isEstimated && proof ? proof(epsilon) : null;
        return {
          epsilon,
          stationarity: 0,
          errorBound: proved,
          errorLength: null,
          relativeError: isEstimated || !proof ? estimate(epsilon) : proved,
        };
      });
    },
  };
  return { judge, asked };
}

let attack: Influence;
beforeAll(async () => {
  attack = (await attacked(randomCase("half", 3, { n: 14 }))).attack;
});

describe("the largest ε that keeps the tolerance", () => {
  const radiusOf = async (one: ReturnType<typeof judgeBy>, options = {}): Promise<number> => {
    const { trust } = await validityBy(attack, () => one.judge, options);
    expect(trust.reason).toBeNull();
    expect(trust.method).toBe(one.judge.certified ? "certificate" : "stationarity");
    expect(trust.errorNorm).toBe("hessian");
    return trust.radius ?? Number.NaN;
  };

  test.each([0.1, 0.02, 0.5])("where errors are estimated: just below where they cross %d", async (tolerance) => {
    for (const slope of [0.3, 1, 40, 1e4]) {
      const radius = await radiusOf(
        judgeBy((epsilon) => slope * epsilon),
        { tolerance },
      );
      expect(slope * radius).toBeLessThanOrEqual(tolerance);
      expect(slope * radius).toBeGreaterThan(0.98 * tolerance);
    }
    // Errors of 10 % are the default.
    expect(await radiusOf(judgeBy((epsilon) => epsilon))).toBeCloseTo(0.1, 2);
  });

  test("up to the ceiling, or 10, where nothing breaks the tolerance; 0 where everything does", async () => {
    expect(await radiusOf(judgeBy(() => 0.01))).toBe(10);
    expect(
      await radiusOf(
        judgeBy(() => 0.01),
        { ceiling: 0.7 },
      ),
    ).toBe(0.7);
    expect(
      await radiusOf(
        judgeBy(() => 0.01),
        { ceiling: 70 },
      ),
    ).toBe(10);
    expect(
      await radiusOf(
        judgeBy(() => 0.01),
        { ceiling: null },
      ),
    ).toBe(10);
    expect(await radiusOf(judgeBy(() => 0.5))).toBe(0);
    expect(await radiusOf(judgeBy(() => null))).toBe(0);
    expect(await radiusOf(judgeBy((epsilon) => (epsilon > 0.02 ? null : 0.01)))).toBeCloseTo(0.02, 3);
    expect(await radiusOf(judgeBy(() => 0.1))).toBe(10);
  });

  test("the first crossing counts, not the last", async () => {
    const bumpy = (epsilon: number): number => (epsilon > 0.03 && epsilon < 1 ? 0.2 : 0.01);
    const radius = await radiusOf(judgeBy(bumpy));
    expect(radius).toBeLessThanOrEqual(0.03);
    expect(radius).toBeGreaterThan(0.029);
  });

  test("where they are proved: the proof decides, whatever is estimated", async () => {
    for (const [estimate, proof] of [
      [1, 1],
      [1, 2],
      [1, 1.03],
      [1, 9],
      [5, 60],
    ]) {
      const one = judgeBy(
        (epsilon) => estimate * epsilon,
        (epsilon) => proof * epsilon,
      );
      const radius = await radiusOf(one);
      expect(proof * radius).toBeLessThanOrEqual(0.1);
      expect(proof * radius).toBeGreaterThan(0.95 * 0.1);
      const proofs = one.asked.filter(({ rigour }) => rigour !== "error");
      expect(proofs.length).toBeLessThan(16);
      // A little less than the tolerance is asked for, so that the best bound there, known to 5e-4 only, keeps it.
      for (const { rigour } of proofs)
        if (typeof rigour === "object" && "atMost" in rigour) expect(rigour.atMost).toBeCloseTo(0.0999, 12);
    }
    // A proof that ends somewhere.
    const ends = judgeBy(
      (epsilon) => epsilon,
      (epsilon) => (epsilon < 0.013 ? epsilon : null),
    );
    const radius = await radiusOf(ends);
    expect(radius).toBeLessThan(0.013);
    expect(radius).toBeGreaterThan(0.012);
    // An error that jumps past the tolerance: no power of ε tells where, and the jump is closed in on all the same.
    for (const jump of [0.0571, 0.063, 0.0712, 0.0899]) {
      const jumping = judgeBy(
        (epsilon) => epsilon,
        (epsilon) => (epsilon < jump ? 0.09 * (epsilon / jump) : 0.9),
      );
      const found = await radiusOf(jumping);
      expect(found).toBeLessThan(jump);
      expect(found).toBeGreaterThan(jump / 1.0101);
    }
    // An error that grows like a power is known from a few sizes.
    for (const power of [2, 3, 5]) {
      const growing = judgeBy(
        (epsilon) => epsilon,
        (epsilon) => 0.1 * (epsilon / 0.03) ** power,
      );
      expect(await radiusOf(growing)).toBeGreaterThan(0.99 * 0.03);
      expect(growing.asked.filter(({ rigour }) => rigour !== "error").length).toBeLessThanOrEqual(6);
    }
    // In proportion to ε, from far above what is estimated: a few sizes do.
    for (const steep of [3, 9, 60]) {
      const one = judgeBy(
        (epsilon) => epsilon,
        (epsilon) => steep * epsilon,
      );
      expect(steep * (await radiusOf(one))).toBeGreaterThan(0.98 * 0.1);
      expect(one.asked.filter(({ rigour }) => rigour !== "error").length).toBeLessThanOrEqual(6);
    }
    // A proof that holds and fails by turns ends all the same.
    let turn = 0;
    const restless = judgeBy(
      (epsilon) => epsilon,
      () => (turn++ % 3 === 0 ? 0.05 : 0.3),
    );
    await radiusOf(restless);
    expect(restless.asked.filter(({ rigour }) => rigour !== "error").length).toBeLessThanOrEqual(13);
    // One that holds nowhere, one that holds everywhere.
    expect(
      await radiusOf(
        judgeBy(
          (epsilon) => epsilon,
          () => null,
        ),
      ),
    ).toBe(0);
    expect(
      await radiusOf(
        judgeBy(
          () => 0.01,
          () => 0.02,
        ),
        { ceiling: 3 },
      ),
    ).toBe(3);
    // An estimate that is too large from the start does not end the search: the proof is asked at the least size.
    expect(
      await radiusOf(
        judgeBy(
          () => 1,
          () => 0.02,
        ),
        { ceiling: 1 },
      ),
    ).toBe(1e-8);
  });

  test("is asked on grids of equal ratios, each within the last", async () => {
    const one = judgeBy((epsilon) => epsilon);
    await radiusOf(one, { ceiling: 1 });
    expect(one.asked.map(({ epsilons }) => epsilons.length)).toEqual([16, 16, 16]);
    expect(one.asked.every(({ rigour }) => rigour === "error")).toBe(true);
    // Where proofs decide, two tell where to look for them: the estimate is no more than 10 % too large.
    const proved = judgeBy(
      (epsilon) => epsilon,
      (epsilon) => 2 * epsilon,
    );
    expect(await radiusOf(proved, { ceiling: 1 })).toBeGreaterThan(0.98 * 0.05);
    expect(proved.asked.filter(({ rigour }) => rigour === "error").length).toBe(2);
    expect(proved.asked[2].epsilons[0]).toBeGreaterThan(0.05);
    expect(proved.asked[2].epsilons[0]).toBeLessThan(0.055);
    expect(one.asked[0].epsilons[0]).toBe(1e-8);
    expect(one.asked[0].epsilons[15]).toBe(1);
    const grid = logarithmicGrid(2, 32, 5);
    [2, 4, 8, 16, 32].forEach((value, k) => expect(grid[k]).toBeCloseTo(value, 12));
    expect(grid[4]).toBe(32);
    expect(logarithmicGrid(2, 32, 1)).toEqual([32]);
    // The end is met in every digit.
    for (const [from, to] of [
      [0.3, 0.7],
      [1e-8, 3],
      [0.011, 1.3],
    ])
      for (const count of [2, 3, 7, 16]) expect(logarithmicGrid(from, to, count).at(-1)).toBe(to);
  });

  test("a tolerance that makes no sense is refused", async () => {
    for (const tolerance of [0, -1, INF, Number.NaN]) {
      await expect(validityBy(attack, () => judgeBy(() => 0).judge, { tolerance })).rejects.toThrow(
        `The trust tolerance ${tolerance} makes no sense: it is a positive relative error, such as 0.1.`,
      );
    }
  });

  test("sizes are proved up to three radii, estimated beyond, and asked once each", async () => {
    const one = judgeBy(
      (epsilon) => epsilon,
      (epsilon) => epsilon,
    );
    const { trust, at } = await validityBy(attack, () => one.judge, {});
    const radius = trust.radius ?? 0;
    one.asked.length = 0;
    const list = [2.9 * radius, 3.1 * radius, 2.9 * radius, 1];
    const found = await at(list);
    expect(found.map(({ epsilon }) => epsilon)).toEqual(list);
    expect(one.asked).toEqual([{ epsilons: [list[0], list[1], 1], rigour: ["certificate", "estimate", "estimate"] }]);
    expect(await at([1, 2.9 * radius])).toEqual([found[3], found[0]]);
    expect(one.asked.slice(1).every(({ epsilons }) => epsilons.length === 0)).toBe(true);
    // A strict tolerance does not hide a bound.
    const strict = await validityBy(attack, () => one.judge, { tolerance: 0.01 });
    one.asked.length = 0;
    await strict.at([0.25, 0.35]);
    expect(one.asked).toEqual([{ epsilons: [0.25, 0.35], rigour: ["certificate", "estimate"] }]);
  });

  test("none where nothing moves; what has no closed form says so", async () => {
    const still = { ...attack, influence: new Float64Array(4) };
    const one = judgeBy(() => 0);
    const { trust, at } = await validityBy(still, () => one.judge, {});
    const reason = "robust training does not move the parameters at first order";
    expect(trust).toEqual({ radius: null, reason, method: "stationarity", errorNorm: "hessian" });
    await at([0.3]);
    expect(one.asked).toEqual([{ epsilons: [0.3], rigour: "certificate" }]);
    for (const [model, options, words] of [
      ["quadratic", {}, "the robust risk of a quadratic model has no closed form to check the prediction against"],
      ["half", { boxed: true }, "the robust risk in a box has no closed form to check the prediction against"],
    ] as const) {
      const other = await smoothCase(model, 3, { n: 20, ...options }, 0);
      const check = await checkValidity(other.attack, await scoreShifts(other.attack));
      expect(check.trust).toEqual({ radius: null, reason: words, method: null, errorNorm: null });
      const unknown = { stationarity: Number.NaN, errorBound: null, errorLength: null, relativeError: null };
      expect(await check.at([0.1, 0.2])).toEqual([
        { epsilon: 0.1, ...unknown },
        { epsilon: 0.2, ...unknown },
      ]);
    }
  });
});

describe("rows attacked together: bisection of the logarithm", () => {
  const found = (error: (epsilon: number) => number | null, top: number): Promise<number> =>
    jointTrustRadius(judgeBy(error).judge, 0.1, top, {});

  test("to 5 % below the crossing, from anywhere", async () => {
    for (const crossing of [1e-6, 1e-3, 0.02, 0.03, 0.04, 0.3, 2, 9]) {
      const radius = await found((epsilon) => (0.1 * epsilon) / crossing, 10);
      expect(radius).toBeLessThanOrEqual(crossing);
      expect(radius).toBeGreaterThan(crossing / 1.06);
    }
    expect(await found(() => 0.01, 10)).toBe(10);
    expect(await found(() => 0.01, 0.002)).toBe(0.002);
    expect(await found(() => 1, 10)).toBe(0);
    expect(await found(() => null, 10)).toBe(0);
    const steps = judgeBy((epsilon) => epsilon);
    await jointTrustRadius(steps.judge, 0.1, 10, {});
    expect(steps.asked[0].epsilons).toEqual([0.03]);
    expect(steps.asked.every(({ rigour }) => rigour === "estimate")).toBe(true);
    expect(steps.asked.length).toBeLessThan(12);
  });

  test("where no row gains anything κ is 0, and no error is known", async () => {
    const X = [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ];
    const own = await fit(
      randomCase("half", 1, { m: 2 }).describe,
      matrixDataset(Matrix.fromRows([...X, ...X]), [2, 1, 1, 2, -2, -1, -1, -2]),
    );
    expect([...own.parameters]).toEqual([0, 0, 0]);
    const still = await influence(own, wasserstein(2, lp(2)));
    const judge = jointJudge(still, await scoreShifts(still));
    expect(await judge.at([0.1], "estimate")).toEqual([
      { epsilon: 0.1, stationarity: 0, errorBound: null, errorLength: null, relativeError: null },
    ]);
  });

  test("κ and the error are those of the true worst case; the radius keeps the tolerance", async () => {
    const made = randomCase("half", 5, { n: 12, m: 2, l2: 0.1, weighted: true });
    const own = await fit(made.describe, new Cut(made.data, 5), { l2: 0.1 });
    const shared = await influence(own, wasserstein(2, lp(2)));
    const judge = jointJudge(shared, await scoreShifts(shared));
    expect(judge.certified).toBe(false);
    // R_ε = ½(√Σwr² + ρ‖β‖)² + ridge: all rows move along β together (MATH 8, u = 2).
    const { problem } = made;
    const slope = (theta: number[], rho: number): number[] => {
      const r = problem.X.map((x, i) => dot([1, ...x], theta) - problem.y[i]);
      const size = Math.sqrt(
        dot(
          problem.w,
          r.map((value) => value * value),
        ),
      );
      const N = Math.hypot(...theta.slice(1));
      return theta.map((value, j) => {
        const along =
          dot(
            problem.w,
            r.map((one, i) => one * [1, ...problem.X[i]][j]),
          ) / size;
        return (size + rho * N) * (along + (j > 0 ? (rho * value) / N : 0)) + problem.ridge[j] * value;
      });
    };
    const H = hessian(problem, own.parameters);
    const length = (g: readonly number[]) => Math.sqrt(dot(g, solve(H, [...g])));
    const I = [...shared.influence];
    const size = Math.sqrt(
      dot(
        I,
        H.map((row) => dot(row, I)),
      ),
    );
    const errorAt = (epsilon: number) => {
      const rho = epsilon * shared.scale;
      const moved = Array.from(own.parameters, (value, j) => value + epsilon * I[j]);
      return { left: length(slope(moved, rho)), unmoved: length(slope([...own.parameters], rho)) };
    };
    for (const one of await judge.at([0.01, 0.1], "estimate")) {
      const { left, unmoved } = errorAt(one.epsilon);
      expect(one.stationarity / (left / unmoved)).toBeCloseTo(1, 5);
      expect((one.relativeError ?? 0) / (left / (one.epsilon * size))).toBeCloseTo(1, 5);
      expect([one.errorBound, one.errorLength]).toEqual([null, null]);
    }
    const { trust } = await checkValidity(shared, await scoreShifts(shared));
    expect([trust.method, trust.errorNorm]).toEqual(["stationarity", "hessian"]);
    const radius = trust.radius ?? 0;
    expect(errorAt(radius).left / (radius * size)).toBeLessThanOrEqual(0.1);
    expect(errorAt(1.06 * radius).left / (1.06 * radius * size)).toBeGreaterThan(0.1);
    const capped = await checkValidity(shared, await scoreShifts(shared), { ceiling: radius / 3 });
    expect(capped.trust.radius).toBe(radius / 3);
    const tilted = await influence(own, divergence("chi2"));
    expect((await checkValidity(tilted, await scoreShifts(tilted))).trust.method).toBe("stationarity");
  });
});
