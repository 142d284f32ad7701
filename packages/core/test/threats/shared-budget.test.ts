/** Adversaries whose rows share one budget, or that change the rows' weights: their shares against Hölder, their tilt against its definition. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  divergence,
  dualDirection,
  type InputGradients,
  lp,
  Matrix,
  matrixDataset,
  radiusScale,
  type Threat,
  wasserstein,
} from "../../src/index.js";
import { answerTo } from "../../src/threats/answer.js";
import { divergenceName } from "../../src/threats/divergence.js";
import { requirePointwise } from "../../src/threats/pointwise-only.js";
import { threatOn } from "../../src/threats/threat-on.js";
import { transportShares } from "../../src/threats/wasserstein.js";
import { dot, Random } from "../models/naive.js";
import { toldProgress } from "../solvers/progress.js";

const ORDERS = [1, 1.3, 2, 3.5, 8];

/** Gains and weights of some rows; rows may weigh nothing or gain nothing. */
const rows = fc.array(
  fc.record({
    s: fc.oneof({ weight: 4, arbitrary: fc.double({ min: 1e-3, max: 50, noNaN: true }) }, fc.constant(0)),
    w: fc.oneof({ weight: 4, arbitrary: fc.double({ min: 0.01, max: 2, noNaN: true }) }, fc.constant(0)),
  }),
  { minLength: 1, maxLength: 7 },
);

describe.each(ORDERS)("rows share a budget of order %d", (u) => {
  /** What the rows gain together, and what of the budget they take. */
  const gainOf = (omega: ArrayLike<number>, s: readonly number[], w: readonly number[]): number =>
    s.reduce((sum, gain, i) => sum + w[i] * omega[i] * gain, 0);
  const spent = (omega: ArrayLike<number>, w: readonly number[]): number =>
    w.reduce((sum, weight, i) => sum + weight * omega[i] ** u, 0);

  test("they spend all of it, gain what Hölder allows, and no other shares gain more", () => {
    fc.assert(
      fc.property(rows, fc.integer(), (drawn, seed) => {
        const s = drawn.map((row) => row.s);
        const w = drawn.map((row) => row.w);
        const { omega } = transportShares(u, Float64Array.from(s), Float64Array.from(w));
        const dual = u / (u - 1);
        const counted = s.map((gain, i) => (w[i] > 0 ? gain : 0));
        const best =
          u === 1 ? Math.max(...counted) : counted.reduce((sum, gain, i) => sum + w[i] * gain ** dual, 0) ** (1 / dual);
        expect(Math.abs(gainOf(omega, s, w) - best)).toBeLessThanOrEqual(1e-9 * best);
        drawn.forEach((row, i) => {
          if (row.w === 0) expect(omega[i]).toBe(0);
        });
        if (best === 0) {
          expect([...omega].every((value) => value === 0)).toBe(true);
          return;
        }
        expect(spent(omega, w)).toBeCloseTo(1, 9);
        const random = new Random(seed);
        for (let trial = 0; trial < 20; trial++) {
          const other = w.map((weight) => (weight > 0 ? random.uniform() ** 4 : 0));
          const size = spent(other, w) ** (1 / u);
          if (size > 0) expect(gainOf(other, s, w) / size).toBeLessThanOrEqual(best * (1 + 1e-9));
        }
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});

test("the whole budget goes to one row at u = 1; rows tied for it, and only those that weigh something, are named", () => {
  const shares = (s: number[], w: number[]) => transportShares(1, Float64Array.from(s), Float64Array.from(w));
  expect(shares([1, 3, 2], [0.25, 0.5, 0.25])).toEqual({ omega: Float64Array.of(0, 2, 0), tied: [] });
  expect(shares([3, 1, 3 - 1e-12, 3], [0.2, 0.2, 0.2, 0])).toEqual({
    omega: Float64Array.of(5, 0, 0, 0),
    tied: [0, 2],
  });
  expect(shares([4, 1, 2], [0, 0.5, 0.5])).toEqual({ omega: Float64Array.of(0, 0, 2), tied: [] });
});

test("u = ∞ is the adversary of single rows itself; orders below 1 and what is no number are refused", () => {
  const rowwise = lp(2);
  expect(wasserstein(Number.POSITIVE_INFINITY, rowwise)).toBe(rowwise);
  expect(wasserstein(1, rowwise)(3).settings.order).toBe(1);
  for (const u of [0.99, 0, -2, Number.NaN]) expect(() => wasserstein(u, rowwise)).toThrow(`got ${u}`);
});

/** What an adversary that changes the rows' weights makes of their losses. */
function standardisedLosses(losses: Float64Array, weights: Float64Array) {
  const threat = divergence("chi2")(1);
  if (!threat.tilt) throw new Error("a divergence tilts the weights");
  return threat.tilt(losses, weights);
}

test("the tilt of the weights is (l − l̄)/sd, its gain sd", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ l: fc.double({ min: 0, max: 30, noNaN: true }), w: fc.double({ min: 0.05, max: 1, noNaN: true }) }),
        {
          minLength: 2,
          maxLength: 9,
        },
      ),
      (drawn) => {
        const total = drawn.reduce((sum, { w }) => sum + w, 0);
        const w = drawn.map((row) => row.w / total);
        const l = drawn.map((row) => row.l);
        const mean = dot(w, l);
        const variance = w.reduce((sum, weight, i) => sum + weight * (l[i] - mean) * (l[i] - mean), 0);
        fc.pre(Math.sqrt(variance) > 1e-6 * Math.max(...l));
        const { tilt, gain } = standardisedLosses(Float64Array.from(l), Float64Array.from(w));
        expect(gain / Math.sqrt(variance)).toBeCloseTo(1, 8);
        l.forEach((loss, i) => expect(tilt[i]).toBeCloseTo((loss - mean) / Math.sqrt(variance), 6));
        // What the sum of the tilted losses grows by, which is the definition of the gain.
        expect(w.reduce((sum, weight, i) => sum + weight * tilt[i] * l[i], 0) / gain).toBeCloseTo(1, 6);
      },
    ),
    { numRuns: 100, seed: 5 },
  );
});

test("losses that are all the same, to rounding, tilt nothing; nearly the same ones do", () => {
  const half = Float64Array.of(0.5, 0.5);
  expect(standardisedLosses(Float64Array.of(0, 0), half)).toEqual({ tilt: Float64Array.of(0, 0), gain: 0 });
  expect(standardisedLosses(Float64Array.of(5, 5 * (1 + 1e-10)), half)).toEqual({
    tilt: Float64Array.of(0, 0),
    gain: 0,
  });
  const { tilt, gain } = standardisedLosses(Float64Array.of(5, 5 * (1 + 1e-6)), half);
  expect(gain).toBeCloseTo(2.5e-6, 14);
  expect([...tilt].map((a) => Number(a.toFixed(6)))).toEqual([-1, 1]);
});

test("divergences have names", () => {
  expect([divergenceName("chi2"), divergenceName("kl")]).toEqual(["chi2", "kl"]);
  expect(() => divergenceName("tv", "--divergence")).toThrow('--divergence: there is no divergence "tv"');
  expect(() => divergence("tv" as "kl")).toThrow('There is no divergence "tv"');
  expect(divergence("kl")(2).settings.divergence).toBe("kl");
});

const blockOf = (x: number[][]) => ({
  x: Matrix.fromRows(x),
  y: new Float64Array(x.length),
  w: new Float64Array(x.length).fill(1 / x.length),
  firstRow: 0,
});

test("an answer is sign_i · base_i, also where all rows share a base; who moves no row answers 0", () => {
  const gradients = Matrix.fromRows([
    [1, -2],
    [0, 3],
    [4, 4],
  ]);
  const block = blockOf([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  const told = (base: Matrix): Threat => ({
    ...lp(2)(2),
    rowScales: () => new Float64Array(3),
    respond: ({ slope }: InputGradients) => {
      expect([...slope]).toEqual([1, 1, 1]);
      return { sign: Float64Array.of(1, -1, 0), base, gain: Float64Array.of(7, 8, 9) };
    },
  });
  const own = answerTo(
    gradients,
    told(
      Matrix.fromRows([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ),
    block,
  );
  expect([...own.directions.data]).toEqual([1, 2, -3, -4, 0, 0]);
  expect([...own.gain]).toEqual([7, 8, 9]);
  const shared = answerTo(gradients, told(Matrix.fromRows([[1, 2]])), block);
  expect([...shared.directions.data]).toEqual([1, 2, -1, -2, 0, 0]);
  const none = answerTo(gradients, divergence("chi2")(2), block);
  expect([none.directions.rows, none.directions.columns]).toEqual([3, 2]);
  expect([...none.directions.data, ...none.gain].every((value) => value === 0)).toBe(true);
  const usual = answerTo(gradients, lp(Number.POSITIVE_INFINITY)(2), block);
  expect([...usual.directions.data]).toEqual([1, -1, 0, 1, 1, 1]);
  expect([...usual.gain]).toEqual([3, 3, 8]);
});

test("what is known for single rows only says which other adversary was given", () => {
  expect(() => requirePointwise(lp(1)(2), "Paths are")).not.toThrow();
  expect(() => requirePointwise(wasserstein(2, lp(1))(2), "Paths are")).toThrow(
    /^Paths are known for .* a Wasserstein adversary \(order 2\)/,
  );
  expect(() => requirePointwise(divergence("kl")(2), "Paths are")).toThrow(/an adversary that reweights rows \(kl\)/);
});

test("who is no adversary, or one on other features, is refused", () => {
  const nobodies: unknown[] = [undefined, null, {}, 2];
  for (const nobody of nobodies) {
    expect(() => threatOn(nobody as Threat, 2)).toThrow("must be an adversary such as lp(2)");
  }
  expect(() => threatOn(lp(2)(3), 2)).toThrow("2 features, the threat 3");
  expect(threatOn(lp(2), 2).settings.budgets.length).toBe(2);
});

test("of entries tied for the largest, p = 1 moves the first", () => {
  const phi = new Float64Array(4);
  expect(dualDirection(Float64Array.of(1, -3, 3, -3), 1, phi)).toBe(3);
  expect([...phi].map((value) => value + 0)).toEqual([0, -1, 0, 0]);
});

test("what lies beside a stretch of an array has no part in its direction", () => {
  for (const p of [1, 1.5, 2, Number.POSITIVE_INFINITY]) {
    const [alone, within] = [new Float64Array(2), new Float64Array(5).fill(7)];
    const gain = dualDirection(Float64Array.of(2, -1), p, alone);
    expect(dualDirection(Float64Array.of(90, 2, -1, 80, 70), p, within, 1, 2)).toBe(gain);
    expect([...within]).toEqual([7, ...alone, 7, 7]);
  }
});

test("bounds that are crossed are refused by feature, the first one too", () => {
  for (const feature of [0, 1]) {
    const lower = [0, 0];
    lower[feature] = 2;
    expect(() => lp(2, { bounds: { lower, upper: [1, 1] } })(2)).toThrow(`Bounds of feature ${feature} are crossed`);
  }
});

test("a feature whose bounds meet stays where it is", () => {
  const threat = lp(2, { bounds: { lower: [1, -9], upper: [1, 9] } })(2);
  for (const side of [1, -1]) {
    const { base, gain } = threat.respond(
      { slope: Float64Array.of(side), base: Matrix.fromRows([[3, 4]]) },
      blockOf([[1, 0]]),
    );
    expect([...base.row(0)].map((value) => value + 0)).toEqual([0, side]);
    expect(gain[0]).toBe(4);
  }
});

test("c sums the sizes of the rows over blocks, and tells how far it has come", async () => {
  const random = new Random(4);
  const x = random.rows(9_000, 3);
  const weights = Array.from({ length: 9_000 }, () => 0.1 + random.uniform());
  const data = matrixDataset(Matrix.fromRows(x), new Float64Array(9_000), { weights });
  const told = await toldProgress(async (work) => {
    const c = await radiusScale(data, lp(1), work);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const truth = x.reduce((sum, row, i) => sum + (weights[i] / total) * row.reduce((s, v) => s + Math.abs(v), 0), 0);
    expect(c / truth).toBeCloseTo(1, 10);
  });
  const ends = [...data.blocks()].map((block) => block.firstRow + block.y.length);
  expect(ends.length).toBeGreaterThan(1);
  expect(told.map(([, ...done]) => done)).toEqual(ends.map((end) => [end, 9_000]));
});
