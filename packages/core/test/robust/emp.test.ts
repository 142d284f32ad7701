/** The worst case of the Wasserstein adversary's empirical problem against brute force from many starts. */
import { describe, expect, test } from "vitest";
import { fit, LOSSES, type Loss, type LossName } from "../../src/index.js";
import { empiricalWorstCase } from "../../src/robust/emp.js";
import { allocate } from "../../src/robust/emp-allocation.js";
import { boundByPrices } from "../../src/robust/emp-bound.js";
import { RowGain } from "../../src/robust/emp-gain.js";
import { randomCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { dot, features, lossOf, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const NAMES: readonly LossName[] = ["squared", "logistic", "poisson", "half-squared"];

interface Rows {
  readonly name: LossName;
  readonly f: readonly number[];
  readonly y: readonly number[];
  readonly w: readonly number[];
}

function randomRows(random: Random, name: LossName, n: number, weighted: boolean): Rows {
  const f = random.normals(n).map((value) => (name === "logistic" ? 2 * value : value));
  const y = f.map((value) => {
    if (name === "logistic") return random.uniform() < 0.5 ? 1 : -1;
    return name === "poisson" ? random.below(4) : value + random.normal();
  });
  const raw = f.map(() => (weighted ? 0.2 + random.uniform() : 1));
  const sum = raw.reduce((a, b) => a + b, 0);
  return { name, f, y, w: raw.map((value) => value / sum) };
}

/** The worst loss of row i when it takes the share s of the budget: w α^u = s, both ends tried. */
function worst({ name, f, y, w }: Rows, i: number, s: number, R: number, u: number): number {
  const reach = R * (s / w[i]) ** (1 / u);
  return w[i] * Math.max(lossOf(name, f[i] + reach, y[i])[0], lossOf(name, f[i] - reach, y[i])[0]);
}

/** Pairs of rows trade shares, by a grid and then finer and finer steps, from corners and random points of the simplex. */
function bruteForce(rows: Rows, R: number, u: number, random: Random): number {
  const n = rows.f.length;
  const starts = rows.f.map((_, k) => rows.f.map((__, i) => (i === k ? 1 - 1e-3 * (n - 1) : 1e-3)));
  for (let k = 0; k < 12; k++) {
    const raw = rows.f.map(() => -Math.log(random.uniform() + 1e-9) * (random.uniform() < 0.5 ? 0.05 : 1));
    const sum = raw.reduce((a, b) => a + b, 0);
    starts.push(raw.map((value) => value / sum));
  }
  const total = (s: readonly number[]): number => s.reduce((sum, si, i) => sum + worst(rows, i, si, R, u), 0);
  const improve = (s: number[], i: number, j: number): void => {
    const both = s[i] + s[j];
    const value = (t: number): number => worst(rows, i, t, R, u) + worst(rows, j, Math.max(0, both - t), R, u);
    let [at, best] = [s[i], value(s[i])];
    const look = (t: number): void => {
      const found = t >= 0 && t <= both ? value(t) : Number.NEGATIVE_INFINITY;
      if (found > best) [at, best] = [t, found];
    };
    for (let k = 0; k <= 16; k++) look((both * k) / 16);
    for (let h = both / 16; h > 1e-12; h /= 2) [at - h, at + h].forEach(look);
    s[i] = at;
    s[j] = both - at;
  };
  let best = Number.NEGATIVE_INFINITY;
  for (const s of starts) {
    let value = total(s);
    for (let sweep = 0; sweep < 300; sweep++) {
      for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) improve(s, i, j);
      const next = total(s);
      const settled = next - value < 1e-14 * Math.abs(value);
      value = next;
      if (settled) break;
    }
    best = Math.max(best, value);
  }
  return best;
}

const found = ({ name, f, y, w }: Rows, R: number, u: number) =>
  allocate(LOSSES[name], Float64Array.from(f), Float64Array.from(y), Float64Array.from(w), R, u);

describe("the inner maximum", () => {
  test.each(NAMES)("%s: equals brute force at every order", (name) => {
    const random = new Random(41);
    for (let draw = 0; draw < drawsOf(24, 300); draw++) {
      const u = [1, 1.1, 1.5, 1.8, 2, 2.5, 4, 10][draw % 8];
      const rows = randomRows(random, name, 2 + random.below(4), draw % 3 !== 0);
      const R = 10 ** (-2 + 3 * random.uniform()) * (name === "poisson" ? 0.2 : 1);
      const { alpha, value, upper } = found(rows, R, u);
      const best = bruteForce(rows, R, u, random);
      expect(Math.abs(value - best)).toBeLessThan(1e-11 * Math.abs(best));
      expect(upper - value).toBeLessThan(1e-11 * Math.abs(value));
      const spent = alpha.reduce((sum, a, i) => sum + rows.w[i] * a ** u, 0);
      expect(Math.abs(spent - 1)).toBeLessThan(1e-12);
      const worth = alpha.reduce((sum, a, i) => sum + worst(rows, i, rows.w[i] * a ** u, R, u), 0);
      expect(Math.abs(worth - value)).toBeLessThan(1e-12 * Math.abs(value));
    }
  });

  test("the closed form at u = 2 is what prices find", () => {
    const random = new Random(5);
    for (const R of [1e-3, 0.1, 3]) {
      const rows = randomRows(random, "squared", 40, true);
      const w = Float64Array.from(rows.w);
      const gains = rows.f.map((f, i) => new RowGain(LOSSES.squared, f, rows.y[i], R, 2, w[i] ** -0.5));
      const priced = boundByPrices(gains, w, 2, new Map());
      const { alpha, value } = found(rows, R, 2);
      const mse = rows.f.reduce((sum, f, i) => sum + w[i] * (f - rows.y[i]) ** 2, 0);
      expect(Math.abs(value - (Math.sqrt(mse) + R) ** 2)).toBeLessThan(1e-13 * value);
      alpha.forEach((a, i) => expect(Math.abs(a - (priced?.alpha[i] ?? 0))).toBeLessThan(1e-10));
      expect(priced?.jumping).toBe(-1);
    }
  });

  test("a row that jumps is settled in few answers of the rows", () => {
    const random = new Random(3);
    const normals = (): Float64Array => Float64Array.from({ length: 400 }, () => random.normal());
    const [f, y, w] = [normals(), normals(), new Float64Array(400).fill(1 / 400)];
    for (const [u, R, most] of [
      [1.2, 0.02, 2200],
      [1.2, 0.1, 1300],
      [1.5, 0.5, 3000],
    ] as const) {
      let slopes = 0;
      const counted: Loss = {
        ...LOSSES.squared,
        first(at, target) {
          slopes++;
          return LOSSES.squared.first(at, target);
        },
      };
      const { value, upper } = allocate(counted, f, y, w, R, u);
      expect(upper - value).toBeLessThanOrEqual(1e-12 * value);
      expect(slopes / 400).toBeLessThan(most);
    }
  });

  test("more rows than a call takes arguments", () => {
    const n = 130_000;
    const f = Float64Array.from({ length: n }, (_, i) => Math.sin(i));
    const { value, upper, alpha } = allocate(
      LOSSES.squared,
      f,
      new Float64Array(n),
      new Float64Array(n).fill(1 / n),
      1e-3,
      3,
    );
    expect(alpha.length).toBe(n);
    expect(upper).toBe(value);
  });

  test("rows of weight 0 and rows without gain stay where they are", () => {
    const rows: Rows = { name: "squared", f: [5, 1, 0, 2], y: [0, 0, 0, 1], w: [0, 0.5, 0.25, 0.25] };
    for (const u of [1, 1.5, 2]) {
      const { alpha } = found(rows, 0.1, u);
      expect([alpha[0], alpha[2]]).toEqual([0, 0]);
    }
    const still = found({ ...rows, f: rows.y }, 0.3, 1.5);
    // All residuals 0: one row takes everything, the lightest one.
    expect(Math.abs(still.value - 0.25 * (0.3 * 4 ** (2 / 3)) ** 2)).toBeLessThan(1e-13);
    expect(() => found({ name: "poisson", f: [0, 0], y: [0, 1], w: [0.5, 0.5] }, 1e3, 1)).toThrow(/overflows/);
  });
});

describe("the worst case of a model", () => {
  test.each([1, 1.5, 2, 4, INF])("moved rows spend the radius and reach the loss, u = %d", async (u) => {
    const budgets = [1, 0, 0.5];
    for (const p of [1, 2, 3, INF]) {
      const one = randomCase("logistic", 4, { n: 12, m: 3, p, budgets, weighted: true, l2: 0.05 });
      const fitted = await fit(one.describe, one.data, { l2: 0.05 });
      const { X, y, w, terms, loss } = one.problem;
      const rho = 0.4;
      const got = await empiricalWorstCase(fitted.model, one.data, fitted.parameters, one.threat(3), u, rho);
      expect(got.exact).toBe(true);
      const delta = X.map((_, i) => [...got.direction].map((d) => got.signs[i] * got.distances[i] * d));
      const sizes = delta.map((d) =>
        pNorm(
          d.map((v, k) => (budgets[k] > 0 ? v / budgets[k] : v)),
          p,
        ),
      );
      const spent = u === INF ? Math.max(...sizes) : sizes.reduce((sum, t, i) => sum + w[i] * t ** u, 0) ** (1 / u);
      expect(Math.abs(spent - rho)).toBeLessThan(1e-12);
      const risk = (moves: readonly (readonly number[])[]): number =>
        X.reduce((sum, x, i) => {
          const moved = features(
            terms,
            x.map((v, k) => v + moves[i][k]),
          );
          return sum + w[i] * lossOf(loss, dot(moved, fitted.parameters), y[i])[0];
        }, 0);
      expect(Math.abs(risk(delta) - got.loss)).toBeLessThan(1e-13);
      // No feasible point does better.
      const random = new Random(8);
      for (let draw = 0; draw < 300; draw++) {
        const raw = X.map((_, i) => {
          const share = random.uniform() < 0.5 ? Math.abs(random.normal()) : got.distances[i];
          const direction = [...got.direction].map((d, k) => got.signs[i] * d + 0.3 * budgets[k] * random.normal());
          return direction.map((d) => share * d);
        });
        const raws = raw.map((d) =>
          pNorm(
            d.map((v, k) => (budgets[k] > 0 ? v / budgets[k] : 0)),
            p,
          ),
        );
        const size = u === INF ? Math.max(...raws) : raws.reduce((sum, t, i) => sum + w[i] * t ** u, 0) ** (1 / u);
        expect(risk(raw.map((d) => d.map((v) => (v * rho) / size)))).toBeLessThan(got.loss + 1e-12);
      }
      expect(
        pNorm(
          got.direction.map((d, k) => (budgets[k] > 0 ? d / budgets[k] : 0)),
          p,
        ),
      ).toBeCloseTo(1, 12);
    }
  });

  test("what it is not for", async () => {
    const one = randomCase("quadratic", 4, { n: 30, m: 2, p: 2 });
    const fitted = await fit(one.describe, one.data);
    const at = (u: number, radius: number) =>
      empiricalWorstCase(fitted.model, one.data, fitted.parameters, one.threat(2), u, radius);
    await expect(at(2, 0.1)).rejects.toThrow(/linear in the features/);
    await expect(at(0.5, 0.1)).rejects.toThrow(/order/);
    await expect(at(2, -1)).rejects.toThrow(/radius/);
  });
});
