/** The AIF of the Wasserstein adversary against the golden fixture. Its exact counterpart is tested in robust/emp-optimum. */
import { describe, expect, test } from "vitest";
import {
  attack as attackRows,
  bootstrap,
  checkValidity,
  collapseRadius,
  crossFit,
  fit,
  influence,
  linear,
  lp,
  Matrix,
  matrixDataset,
  robustOptimum,
  rowContributions,
  sandwich,
  scoreShifts,
  secondOrder,
  sensitivity,
  wasserstein,
} from "../../src/index.js";
import { empRobustOptimum } from "../../src/robust/emp-optimum.js";
import { dot, hessianTimes } from "../../src/solvers/inverse-hessian.js";
import { exponentOf, type GoldenCase, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";
import { Random } from "../models/naive.js";

const lengthOf = ({ hessian }: { hessian: Matrix }, x: Float64Array): number =>
  Math.sqrt(dot(x, hessianTimes(hessian, x)));

const cases = golden.cases.map((c) => [goldenName(c), c as GoldenCase & { dro: Record<string, number[]> }] as const);

describe.each(cases)("%s", (_, c) => {
  test("the influence at every order", async () => {
    const fitted = await fit(goldenModel(c), goldenData(c), { l2: c.l2 });
    expect(Object.keys(c.dro).length).toBeGreaterThan(3);
    for (const [u, truth] of Object.entries(c.dro)) {
      const found = await influence(fitted, wasserstein(Number(u), lp(exponentOf(c.p))));
      expect(relativeError(found.influence, truth)).toBeLessThan(1e-9);
      expect(relativeError([found.scale], [c.c])).toBeLessThan(1e-12);
      expect(found.threat.settings.order).toBe(Number(u));
      // The rows' shares of dθ_j still add up to it.
      const shares = await rowContributions(
        found,
        Float64Array.from(truth, (__, j) => (j === 0 ? 1 : 0)),
      );
      expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(found.influence[0], 11);
    }
    const pointwise = await influence(fitted, wasserstein(Number.POSITIVE_INFINITY, lp(exponentOf(c.p))));
    expect(relativeError(pointwise.influence, c.aif)).toBeLessThan(1e-8);
  });
});

describe("rows tied for the largest gain at u = 1", () => {
  // Mirrored pairs: β_2 = 0, and both rows of a pair have the same residual.
  const half = [
    [1, 0.7, 2.5],
    [-0.4, 1.1, 0.3],
    [0.8, -0.6, 0.1],
    [-1.3, 0.2, -1.6],
  ];
  const X = half.flatMap(([a, b]) => [
    [a, b],
    [a, -b],
  ]);
  const y = half.flatMap(([, , target]) => [target, target]);
  const b = half.reduce((sum, [a, , t]) => sum + a * t, 0) / half.reduce((sum, [a]) => sum + a * a, 0);
  const H = (2 * half.reduce((sum, [a]) => sum + a * a, 0)) / half.length;
  const worst = half.reduce((most, row) =>
    Math.abs(b * row[0] - row[2]) > Math.abs(b * most[0] - most[2]) ? row : most,
  );
  const r = b * worst[0] - worst[2];
  const pairOf = 2 * half.indexOf(worst);

  test.each([1, 2, 3])("the least-norm element shares the budget, p = %d", async (p) => {
    const fitted = await fit(linear({ intercept: false }), matrixDataset(Matrix.fromRows(X), y));
    const found = await influence(fitted, wasserstein(1, lp(p)));
    // By symmetry β_2 stays 0; A = c·2|b||r_J| in β_1 alone.
    const slope = 2 * found.scale * (Math.sign(b) * Math.abs(r) + Math.abs(b) * Math.sign(r) * worst[0]);
    expect(relativeError(found.influence, [-slope / H, 0])).toBeLessThan(1e-12);
    expect(found.oneSided).toBe(true);
    expect(found.multipliers?.rows?.map(({ row }) => row)).toEqual([pairOf, pairOf + 1]);
    for (const { value } of found.multipliers?.rows ?? []) expect(value).toBeCloseTo(0.5, 10);
    for (const j of [0, 1]) {
      const rows = await rowContributions(found, Float64Array.of(1 - j, j));
      expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(found.influence[j], 11);
      expect(rows.every((value, i) => (i === pairOf || i === pairOf + 1 ? true : value === 0))).toBe(true);
    }
  });

  test("tied coordinates keep the first row and say so", async () => {
    const rows = [
      [1, 1],
      [1, 1],
      [-1, 0.5],
      [0.5, -1],
    ];
    const targets = [3, 3, -1, -1];
    const fitted = await fit(linear({ intercept: false }), matrixDataset(Matrix.fromRows(rows), targets));
    const found = await influence(fitted, wasserstein(1, lp(1)));
    expect(found.multipliers?.ties.length).toBe(2);
    expect(found.multipliers?.rows).toBeUndefined();
    expect(found.coupledKinks).toBeGreaterThan(1);
  });

  test("orders below 1 are refused", () => {
    expect(() => wasserstein(0.9, lp(2))).toThrow(/u ≥ 1/);
    expect(() => wasserstein(Number.NaN, lp(2))).toThrow(/u ≥ 1/);
  });
});

test("all residuals 0: nothing to gain, a corner", async () => {
  const rows = [
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  const fitted = await fit(linear({ intercept: false }), matrixDataset(Matrix.fromRows(rows), [1, 2, 3]));
  for (const u of [1, 2, 4]) {
    const found = await influence(fitted, wasserstein(u, lp(2)));
    expect([...found.influence].every((value) => value === 0)).toBe(true);
    expect([found.penalty, found.oneSided]).toEqual([0, true]);
  }
});

describe("what is known for single rows only", () => {
  const random = new Random(5);
  const rows = matrixDataset(Matrix.fromRows(random.rows(30, 2)), random.normals(30));

  test("is refused, not answered as if rows did not share a budget", async () => {
    const f = await fit(linear(), rows);
    const attack = await influence(f, wasserstein(2, lp(2)));
    const shifts = await scoreShifts(attack);
    const refused = /only, not for a Wasserstein adversary \(order 2\)/;
    await expect(robustOptimum(f, attack.threat, 0.1)).rejects.toThrow(refused);
    await expect(attackRows(f, f.parameters, attack.threat, rows, 0.1)).rejects.toThrow(refused);
    await expect(sandwich(attack, shifts)).rejects.toThrow(refused);
    await expect(secondOrder(attack, shifts)).rejects.toThrow(refused);
    // Both are read off the same loss, which the attack does not change.
    expect((await sensitivity(attack)).curvature).toBeGreaterThan(0);
    const one = await influence(f, wasserstein(1, lp(2)));
    await expect(bootstrap([one])).rejects.toThrow(/one row/);
  });

  test("the trust radius is where the exact optimum leaves the prediction; the collapse radius where it is 0", async () => {
    const f = await fit(linear(), rows, { l2: 0.1 });
    for (const u of [1.5, 2, 4]) {
      const attack = await influence(f, wasserstein(u, lp(2)));
      const { trust, at } = await checkValidity(attack, await scoreShifts(attack));
      const errorAt = async (epsilon: number): Promise<number> => {
        const { parameters } = await empRobustOptimum(f, lp(2), u, epsilon * attack.scale);
        const away = parameters.map((value, j) => value - f.parameters[j] - epsilon * attack.influence[j]);
        return lengthOf(f, away) / (epsilon * lengthOf(f, attack.influence));
      };
      expect(trust.method).toBe("stationarity");
      // The estimate ‖∇R‖_{H⁻¹} is the error but for the change of the curvature.
      const error = await errorAt(trust.radius ?? 0);
      expect(error).toBeGreaterThan(0.02);
      expect(error).toBeLessThan(0.2);
      const [small] = await at([1e-4]);
      expect(small.stationarity).toBeLessThan(0.01);
      const edge = (await collapseRadius(attack)) ?? 0;
      const before = await empRobustOptimum(f, lp(2), u, 0.99 * edge * attack.scale);
      const beyond = await empRobustOptimum(f, lp(2), u, 1.01 * edge * attack.scale);
      expect([before.collapsed, beyond.collapsed]).toEqual([false, true]);
    }
  });

  test("held-out influences take each fold's own shares", async () => {
    const f = await fit(linear(), rows);
    const attack = await influence(f, wasserstein(2, lp(2)));
    const foldOf = Uint16Array.from({ length: 30 }, (_, i) => i % 3);
    const [crossed] = await crossFit(f, [attack], foldOf, 3);
    const kept = Int32Array.from({ length: 30 }, (_, i) => i).filter((i) => i % 3 !== 1);
    const own = await influence(await fit(linear(), rows.select(kept)), wasserstein(2, lp(2)));
    expect(relativeError(crossed.folds[1].influence, own.influence)).toBeLessThan(1e-9);
  });
});
