/** Where corners of the penalty lie along θ̂ + εI, against a scan over ε; and which corners count, by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, fit, influence, kinkRadii, linear, lp, Matrix, matrixDataset } from "../../src/index.js";
import { coupledKinks, snapGradient } from "../../src/influence/kinks.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

/** The first corner of ‖b⊙β‖_q along β + εμ by the library. */
async function found(p: number, beta: readonly number[], motion: readonly number[], budgets: readonly number[]) {
  const X = new Random(1).rows(8, beta.length);
  const own = await fit(
    linear(),
    matrixDataset(
      Matrix.fromRows(X),
      X.map(([x], i) => x + 0.1 * (i % 3)),
    ),
  );
  const attack = await influence(own, lp(p, { budgets: [...budgets] }));
  const moved = {
    ...attack,
    fit: { ...own, parameters: Float64Array.of(0.5, ...beta) },
    influence: Float64Array.of(7, ...motion),
  };
  return (await kinkRadii(moved, new Float64Array(8))).shared;
}

/** The same by small steps: where the signs (p = ∞) or the largest end ±b_kβ_k (p = 1) change that hold just after 0. */
function scanned(p: number, beta: readonly number[], motion: readonly number[], budgets: readonly number[]): number {
  const at = (epsilon: number): string => {
    const values = beta.map((value, k) => budgets[k] * (value + epsilon * motion[k]));
    if (p === INF) return values.map((value, k) => (budgets[k] > 0 ? Math.sign(value) : 0)).join();
    const sizes = values.map(Math.abs);
    const k = sizes.indexOf(Math.max(...sizes));
    return `${k} ${Math.sign(values[k])}`;
  };
  const step = 1e-3;
  for (let k = 1; k < 5000; k++) if (at(k * step) !== at(1e-7)) return k * step;
  return INF;
}

describe("where the shared gradient has its first corner", () => {
  test.each<[string, number, number[], number[], number[]]>([
    ["another overtakes the largest", 1, [1, 0.5, -0.2], [0.1, 0.6, 0], [1, 1, 1]],
    ["with the other sign", 1, [1, 0.5, -0.2], [0.1, 0, -0.9], [1, 1, 1]],
    ["by its budget", 1, [1, 0.5, -0.2], [0, 0.3, -0.3], [1, 1.5, 2]],
    ["the largest falls below another", 1, [-1, 0.5, 0.2], [0.7, 0, 0], [1, 1, 1]],
    ["none ever does", 1, [1, 0.5, -0.2], [0.5, 0.1, 0.1], [1, 1, 1]],
    ["a frozen one does not count", 1, [1, 0.9, -0.2], [0.1, 5, -0.5], [1, 0, 1]],
    ["of two that are tied the faster leads", 1, [1, 1, 0.2], [0.1, 0.5, 0.8], [1, 1, 1]],
    ["of two that are tied the faster leads, whichever comes first", 1, [1, -1, 0.2], [0.5, -0.1, 0.8], [1, 1, 1]],
    ["one alone, through 0", 1, [0.4, 3], [-0.5, 0], [1, 0]],
    ["a coefficient through 0", INF, [1, 0.5, -0.2], [-0.4, -0.3, 0.2], [1, 1, 1]],
    ["a frozen one does not count", INF, [1, 0.5, -0.2], [-0.4, -3, 0.1], [1, 0, 1]],
    ["nor one that begins at 0", INF, [1, 0, -0.2], [-0.4, -3, 0.01], [1, 1, 1]],
    ["away from 0", INF, [1, 0.5, -0.2], [1, 1, -1], [1, 1, 2]],
  ])("%s, p = %d", async (_, p, beta, motion, budgets) => {
    const epsilon = await found(p, beta, motion, budgets);
    const wanted = scanned(p, beta, motion, budgets);
    if (wanted === INF) expect(epsilon).toBe(INF);
    else {
      expect(epsilon).toBeLessThanOrEqual(wanted);
      expect(epsilon).toBeGreaterThan(wanted - 1.1e-3);
    }
  });

  test("drawn at random, with frozen features and budgets", async () => {
    const random = new Random(9);
    for (let draw = 0; draw < 12; draw++) {
      const p = draw % 2 === 0 ? 1 : INF;
      const [beta, motion] = random.rows(2, 3);
      const budgets = [1, 0.5 + random.uniform(), draw % 3 === 0 ? 0 : 1];
      const epsilon = await found(p, beta, motion, budgets);
      const wanted = scanned(p, beta, motion, budgets);
      if (wanted === INF) expect(epsilon).toBeGreaterThan(4.9);
      else expect(Math.abs(epsilon - wanted)).toBeLessThan(1.1e-3);
    }
  });
});

test("where it is does not depend on the unit of the target", async () => {
  for (const p of [1, INF]) {
    const at = (unit: number) =>
      found(
        p,
        [1, 0.5, -0.2].map((value) => unit * value),
        [-0.4, -0.3, 0.9].map((value) => unit * value),
        [1, 1.2, 1],
      );
    const one = await at(1);
    expect(one).toBeLessThan(2);
    for (const unit of [1e-8, 1e8]) expect((await at(unit)) / one).toBeCloseTo(1, 10);
  }
});

describe("corners of rows with gradients of their own", () => {
  const rows = () =>
    Matrix.fromRows([
      [1, 1e-12, 5],
      [2, -1, 7],
      [0, 0, 3],
      [1, 1, 1e-12],
      [0, 0, 0],
    ]);
  const slopes = Float64Array.of(1, -1, 1, 1, 0);

  test("are counted where they have a slope, at p = 1 and ∞ among what can be attacked, where zeros are snapped", () => {
    const all = Float64Array.of(1, 1, 1);
    const none = Float64Array.of(1, 1, 0);
    for (const [p, budgets, count] of [
      // Row 0 and row 2 have a zero, row 3 too.
      [INF, all, 3],
      [INF, none, 2],
      // Row 3 has a tie; without the third feature row 2 has no gradient at all.
      [1, all, 1],
      [1, none, 2],
      [1, Float64Array.of(1, 2, 0), 2],
      // By the budgets row 1 is tied too.
      [1, Float64Array.of(0.5, 1, 0), 2],
      [2, all, 0],
      [2, none, 1],
    ] as const) {
      const gamma = rows();
      expect(coupledKinks(gamma, slopes, budgets, p)).toBe(count);
      // A length has no corner where one number is 0: nothing is snapped.
      if (p === 2) {
        expect(gamma.data).toEqual(rows().data);
        continue;
      }
      expect(gamma.row(0)[1]).toBe(0);
      // What cannot be attacked is left as it is.
      expect(gamma.row(3)[2]).toBe(budgets[2] > 0 ? 0 : 1e-12);
      expect([...gamma.row(1)]).toEqual([2, -1, 7]);
    }
    // Budgets decide what is small: 1e-12·10⁴ against 1 is not.
    const wide = Matrix.fromRows([[1, 1e-12]]);
    expect(coupledKinks(wide, Float64Array.of(1), Float64Array.of(1, 1e4), INF)).toBe(0);
    expect(wide.data[1]).toBe(1e-12);
    const narrow = Matrix.fromRows([[1, 1e-6]]);
    expect(coupledKinks(narrow, Float64Array.of(1), Float64Array.of(1, 1e-4), INF)).toBe(1);
    expect(narrow.data[1]).toBe(0);
  });

  test("ties are to a share of 1e-9", () => {
    const tied = (share: number) =>
      coupledKinks(Matrix.fromRows([[1, 1 - share]]), Float64Array.of(1), Float64Array.of(1, 1), 1);
    expect([tied(0.5e-9), tied(2e-9)]).toEqual([1, 0]);
    const shared = (share: number) => snapGradient(Float64Array.of(1, 1 - share), Float64Array.of(1, 1), 1).ties;
    expect([shared(0.5e-9), shared(2e-9)]).toEqual([[0, 1], []]);
    const zero = (share: number) => snapGradient(Float64Array.of(1, share), Float64Array.of(1, 1), INF).zeroCoordinates;
    expect([zero(0.5e-9), zero(2e-9)]).toEqual([[1], []]);
  });
});

describe.each([1e-9, 1, 1e9])("coefficients of a target in units of %d", (unit) => {
  const X = new Random(6).rows(9, 2);
  const noise = [0.3, -0.1, 0.4, -0.2, 0.15, 0.05, -0.4, 0.2, -0.4];
  const fitted = (y: readonly number[]) =>
    fit(
      linear(),
      matrixDataset(
        Matrix.fromRows(X),
        y.map((value) => unit * value),
      ),
    );

  test("are 0 where they are what rounding leaves of it, whichever is the larger", async () => {
    const flat = await fitted(X.map(() => 0.7));
    for (const rounding of [
      [1e-15, -1e-16],
      [1e-16, 1e-15],
    ]) {
      const parameters = Float64Array.from([flat.parameters[0], ...rounding.map((value) => unit * value)]);
      const still = await influence({ ...flat, parameters }, lp(INF));
      expect(still.influence.every((value) => value === 0)).toBe(true);
    }
  });

  test("are not where one of them is more", async () => {
    for (const k of [0, 1]) {
      const own = await fitted(X.map((x, i) => 0.5 * x[k] + noise[i]));
      const attack = await influence(own, lp(2));
      expect(attack.influence.some((value) => value !== 0)).toBe(true);
      expect(attack.oneSided).toBe(false);
    }
  });
});

test("a corner that all rows share is none of theirs", async () => {
  const X = [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ];
  // 0.6 + 1.5 x₁ and residuals that neither column explains.
  const y = X.map(([first, second]) => 0.6 + 1.5 * first + 0.3 * first * second);
  const own = await fit(linear(), matrixDataset(Matrix.fromRows(X), y));
  const attack = await influence({ ...own, parameters: Float64Array.of(0.6, 1.5, 0) }, lp(INF));
  expect(attack.multipliers?.coordinates.map(({ feature }) => feature)).toEqual([1]);
  expect(attack.coupledKinks).toBe(0);
});
