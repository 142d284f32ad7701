/** The search for the trust radius, where κ(ε) is a function that is known. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, lp, Matrix } from "../../../src/index.js";
import { type LocalInfluence, localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localTrust, localValidity, stationarityLimit } from "../../../src/influence/local/validity.js";
import { randomCase } from "../problems.js";
import { userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

let attack: LocalInfluence;
beforeAll(async () => {
  const { data } = randomCase("half", 6, { n: 4, m: 1 });
  attack = await localInfluence(await pointAt(userLoss("half", 1, true), data, [0.1, 0.4]), lp(2));
});

/** A solution of every column b whose b'x is `squares`. */
const ofLength = (right: Matrix, squares: readonly number[]): Matrix => {
  const out = Matrix.zeros(right.rows, right.columns);
  squares.forEach((square, k) => {
    const column = right.column(k);
    const length = column.reduce((sum, value) => sum + value * value, 0);
    column.forEach((value, j) => (out.data[j * right.columns + k] = (square * value) / length));
  });
  return out;
};

/** Trust radii where κ at ε is what is said, with every ε that was asked for, in order. */
async function search(kappa: (epsilon: number) => number, options: Parameters<typeof localTrust>[1] = {}) {
  let epsilon = 0;
  const system = {
    ...attack.system,
    solve: async (right: Matrix) => ({ solution: ofLength(right, [1, kappa(epsilon) ** 2]) }),
  };
  const asked: number[] = [];
  const trust = await localTrust({ ...attack, system } as unknown as LocalInfluence, {
    search: { steps: 1, restarts: 0 },
    observe: (at) => {
      if (at.moved === 0) asked.push(at.epsilon);
      epsilon = at.epsilon;
      return () => undefined;
    },
    ...options,
  });
  return { ...trust, asked };
}

describe("the search for the trust radius", () => {
  test("κ in proportion to ε: one look tells where it crosses, a few more close the bracket", async () => {
    for (const slope of [0.5, 1, 3]) {
      const { radius, asked, checks } = await search((epsilon) => slope * epsilon);
      expect(asked.length).toBeLessThanOrEqual(5);
      expect(asked[0]).toBe(0.01);
      // A little beyond the crossing at 0.1/slope, so that the next look closes the bracket.
      expect((asked[1] * slope) / 0.1).toBeCloseTo(1.04, 10);
      expect(slope * (radius ?? 1)).toBeLessThanOrEqual(0.1 * (1 + 1e-12));
      expect(slope * (radius ?? 0)).toBeGreaterThan(0.1 / 1.1);
      expect(checks.map(({ epsilon }) => epsilon)).toEqual(asked.toSorted((a, b) => a - b));
    }
  });

  test("from above the crossing down to a little below it", async () => {
    for (const slope of [20, 100, 500]) {
      const { radius, asked } = await search((epsilon) => slope * epsilon);
      expect((asked[1] * slope) / 0.1).toBeCloseTo(1 / 1.04, 10);
      expect(slope * (radius ?? 1)).toBeLessThanOrEqual(0.1 * (1 + 1e-12));
      expect(slope * (radius ?? 0)).toBeGreaterThan(0.1 / 1.1);
      expect(asked.length).toBeLessThanOrEqual(8);
    }
  });

  test("a beginning below the smallest size is one that holds", async () => {
    const { radius, asked } = await search((epsilon) => epsilon, { start: 1e-7 });
    expect(asked[0]).toBe(1e-7);
    expect(radius).toBeLessThanOrEqual(0.1 * (1 + 1e-12));
    expect(radius).toBeGreaterThan(0.1 / 1.1);
  });

  test("a power of ε is followed", async () => {
    for (const power of [0.5, 2, 3]) {
      for (const crossing of [0.002, 0.05, 0.4]) {
        const { radius, asked } = await search((epsilon) => 0.1 * (epsilon / crossing) ** power);
        expect(radius).toBeLessThanOrEqual(crossing * (1 + 1e-9));
        expect(radius).toBeGreaterThan(crossing / 1.1);
        expect(asked.length).toBeLessThanOrEqual(10);
      }
    }
  });

  test("by at most a factor of 64 a look, also where κ says nothing", async () => {
    expect((await search((epsilon) => 1e-4 * epsilon, { start: 1e-4 })).asked).toEqual([1e-4, 64e-4, 64 * 64e-4, 1]);
    expect((await search(() => 0, { start: 1e-3 })).asked).toEqual([1e-3, 0.064, 1]);
    const { asked, radius } = await search(() => 50);
    asked.slice(1).forEach((epsilon, k) => expect(asked[k] / epsilon).toBeLessThan(64.1));
    expect(asked.at(-1)).toBe(1e-6);
    expect(radius).toBeNull();
  });

  test("where κ jumps, or is no number any more, halving keeps it from creeping", async () => {
    for (const jump of [0.013, 0.11, 0.3, 0.62]) {
      for (const beyond of [1e6, Number.NaN]) {
        const { radius } = await search((epsilon) => (epsilon < jump ? 0.03 : beyond));
        expect(radius).toBeLessThan(jump);
        expect(radius).toBeGreaterThan(jump / 1.1);
      }
    }
  });

  test("ends after 16 looks with the last size that holds", async () => {
    // Below and above the tolerance by turns: no bracket ever closes.
    let turn = 0;
    const { asked, radius } = await search(() => (turn++ % 2 === 0 ? 0.05 : 0.2), { start: 0.5 });
    expect(asked.length).toBeLessThanOrEqual(16);
    expect(asked).toContain(radius);
    // κ = 0.0999 everywhere below 1: steps of a tenth at least.
    const slow = await search((epsilon) => (epsilon < 1 ? 0.0999 : 5));
    expect(slow.asked).toHaveLength(16);
    expect(slow.radius).toBe(slow.asked.at(-1));
    slow.asked.slice(1).forEach((epsilon, k) => expect(epsilon / slow.asked[k]).toBeCloseTo(1.1, 10));
  });

  test("a damping's part of κ does not grow with ε", async () => {
    const limit = 0.06;
    let epsilon = 0;
    const asked: number[] = [];
    const unmoved = -attack.penaltyGradient.reduce((sum, value, j) => sum + value * attack.influence[j], 0);
    let solved = 0;
    const system = {
      ...attack.system,
      solve: async (right: Matrix) => ({
        solution:
          solved++ === 0
            ? ofLength(right, [unmoved * limit ** 2, 0])
            : ofLength(right, [1, limit ** 2 + (0.5 * epsilon) ** 2]),
      }),
    };
    const damped = { ...attack, system, damping: 0.5 } as unknown as LocalInfluence;
    const { radius } = await localTrust(damped, {
      search: { steps: 1, restarts: 0 },
      observe: (at) => {
        if (at.moved === 0) asked.push(at.epsilon);
        epsilon = at.epsilon;
        return () => undefined;
      },
    });
    // √(0.06² + ε²/4) = 0.1 at ε = 0.16: found at the first step, since κ² − κ₀² is known.
    expect(asked[1]).toBeCloseTo(1.04 * 0.16, 10);
    expect(radius).toBeLessThanOrEqual(0.16 * (1 + 1e-12));
    expect(radius).toBeGreaterThan(0.16 / 1.1);
  });
});

test("how well systems are solved: κ² to a thousandth by the condition of H + λI, else to residuals of 1e-4", async () => {
  const tolerances: unknown[] = [];
  const asking = (damping: number, largestEigenvalue: number | null): LocalInfluence =>
    ({
      ...attack,
      damping,
      local: { ...attack.local, largestEigenvalue },
      system: {
        ...attack.system,
        solve: async (right: Matrix, _work: unknown, enough: number) => {
          tolerances.push(enough);
          return { solution: right };
        },
      },
    }) as unknown as LocalInfluence;
  for (const [damping, largest] of [
    [0, 3],
    [1, null],
    [1, 3],
    [1e-9, 1],
  ] as const) {
    await localValidity(asking(damping, largest), [0.1], { search: { steps: 1 } });
    if (damping > 0) await stationarityLimit(asking(damping, largest));
  }
  const wide = Math.sqrt((1e-3 * 1) / 4);
  expect(tolerances).toEqual([1e-4, 1e-4, 1e-4, wide, wide, 1e-4, 1e-4]);
});
