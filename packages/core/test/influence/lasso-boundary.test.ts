/** A lasso whose zero lies exactly on the boundary of its penalty, |∂_jL| = λ, by hand: whether it enters, and who pulls it. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  influence,
  lasso,
  linear,
  lp,
  Matrix,
  matrixDataset,
  rowContributions,
  scoreShifts,
} from "../../src/index.js";
import { resolveKinks } from "../../src/influence/one-sided.js";
import { sparseJudge } from "../../src/influence/sparse-validity.js";
import { supportChange } from "../../src/influence/support-change.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;
const L1 = 0.5;

/** ±1 × ±1 twice with noise that cancels, y = 0.3 + β₁x₁ + sλx₂: the lasso at λ = ½ has (β₁ − λ, 0) and ∂₂L = −sλ. */
function onBoundary(beta: number, side: number) {
  const X = [0, 1].flatMap(() => [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ]);
  const noise = [0.02, 0.04, 0.04, 0.02];
  const y = X.map(([a, b], i) => 0.3 + beta * a + side * L1 * b + (i < 4 ? 1 : -1) * noise[i % 4]);
  const data = matrixDataset(Matrix.fromRows(X), y);
  return lasso(linear({ loss: "half-squared", intercept: true }), data, { l1: L1 });
}

describe("a zero on the boundary", () => {
  test.each([
    [1, 2],
    [-1, 2],
    [1, INF],
    [-1, INF],
  ])("enters where the adversary pushes it hard enough: side %d, p = %d", async (side, p) => {
    const own = await onBoundary(10, side);
    expect(own.sparse).toMatchObject({ selected: [1], boundary: [2] });
    const attack = await influence(own, lp(p));
    const { onJacobian, shared } = attack.pull;
    // H = 1, and sgn(r) = −sgn(x₁ + s x₂) where that is not 0: Σw sgn(r) x₂ = −s/2. There |r| is about 2λ, elsewhere the noise.
    const N = 9.5;
    const size = 0.5 * 2 * L1 + 0.5 * (side > 0 ? 0.04 : 0.02);
    const c = p === INF ? 1 : Math.SQRT2;
    const against = p === INF ? size : 0;
    expect(attack.scale).toBeCloseTo(c, 12);
    expect(attack.influence[2]).toBeCloseTo(side * c * (N / 2 - against), 9);
    expect(attack.influence[1]).toBeCloseTo(c * (N / 2 - size), 9);
    expect(attack.influence[0]).toBeCloseTo(0, 9);
    // Whoever enters is pulled on by every row with its own slope.
    if (p === INF) expect(shared?.data[1]).toBeCloseTo(side, 9);
    expect(onJacobian.reduce((sum, value) => sum + value, 0)).toBeCloseTo(size, 10);
    for (const j of [0, 1, 2]) {
      const unit = Float64Array.from({ length: 3 }, (_, k) => (k === j ? 1 : 0));
      const rows = await rowContributions(attack, unit);
      expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(attack.influence[j], 9);
    }
  });

  test("a prediction that lets it in is judged alike on either side of 0", async () => {
    const found = [];
    for (const side of [1, -1]) {
      const attack = await influence(await onBoundary(10, side), lp(2));
      const [one] = await sparseJudge(attack).at([1e-3], "estimate");
      expect(one.relativeError).toBeLessThan(0.05);
      expect(one.stationarity).toBeLessThan(0.05);
      found.push(one);
    }
    expect((found[0].relativeError ?? 0) / (found[1].relativeError ?? 1)).toBeCloseTo(1, 1);
  });

  test("stays where the adversary holds it, and the rows' shares are those of what moves", async () => {
    // N = ½ is below 2Σw|r|: at p = ∞ whoever lets x₂ in pays more than it gains.
    const own = await onBoundary(1, 1);
    const attack = await influence(own, lp(INF));
    expect(own.sparse?.boundary).toEqual([2]);
    expect(Math.abs(attack.influence[2])).toBe(0);
    expect(attack.fit.sparse?.boundary).toEqual([]);
    expect(Math.abs(attack.pull.shared?.data[1] ?? 1)).toBe(0);
    const rows = await rowContributions(attack, Float64Array.of(0, 1, 0));
    expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(attack.influence[1], 10);
    // At p = 2 nothing holds it.
    expect((await influence(own, lp(2))).influence[2]).toBeGreaterThan(0);
  });

  test("counts as a corner beside others, and what is resolved leaves what it was given as it is", async () => {
    const own = await onBoundary(10, 1);
    const { pull, scale, threat, penaltyGradient } = await influence(own, lp(2));
    const given = { ...pull, shared: pull.shared && new Matrix(pull.shared.data.slice(), 1, 2) };
    const kinks = { zeroCoordinates: [], ties: [], zeroGradient: false, tiedRows: [], zeroResiduals: [3] };
    const corner = { fit: own, threat: lp(INF)(2), scale, smooth: penaltyGradient.slice(), pull: given, kinks };
    const resolved = await resolveKinks(corner);
    expect(resolved.multipliers?.residuals.map(({ row }) => row)).toEqual([3]);
    expect(resolved.multipliers?.coordinates).toEqual([]);
    expect(corner.smooth).toEqual(penaltyGradient);
    expect(given.shared?.data).toEqual(pull.shared?.data);
    expect(given.onFeatures).toEqual(pull.onFeatures);
    expect(resolved.pull).not.toBe(given);
    expect(threat.settings.p).toBe(2);
  });

  test("where features enter and leave does not depend on the unit of the target", async () => {
    const random = new Random(4);
    const X = random.rows(14, 3);
    const y = X.map((x) => 1 + 1.5 * x[0] + 0.05 * x[1] + 0.3 * x[2] + 0.3 * random.normal());
    const kinds: (string | undefined)[] = [];
    for (const l1 of [0.05, 0.1, 0.3, 0.6]) {
      const changes = [];
      for (const unit of [1, 1e-7, 1e7]) {
        const data = matrixDataset(
          Matrix.fromRows(X),
          y.map((value) => unit * value),
        );
        const attack = await influence(await lasso(linear({ loss: "half-squared" }), data, { l1: unit * l1 }), lp(2));
        changes.push(await supportChange(attack, await scoreShifts(attack)));
      }
      const [one, ...others] = changes;
      kinds.push(one?.kind);
      for (const other of others) {
        expect([other?.kind, other?.parameter]).toEqual([one?.kind, one?.parameter]);
        if (one) expect((other?.epsilon ?? 0) / one.epsilon).toBeCloseTo(1, 6);
      }
    }
    expect(kinds).toContain("enters");
  });
});
