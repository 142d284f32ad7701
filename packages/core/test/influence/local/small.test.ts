/** How local responses move, and pulls of adversaries, on a dozen rows in blocks of a few, against differences and sums. */
import { beforeAll, describe, expect, test } from "vitest";
import { type Dataset, ensureBlas, lp, Matrix, matrixDataset, type ThreatDescription } from "../../../src/index.js";
import { cornerDensity } from "../../../src/influence/local/corner-density.js";
import { type LocalInfluence, localInfluence } from "../../../src/influence/local/influence.js";
import { localJacobian, tangentsOf } from "../../../src/influence/local/influence-jacobian.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { adversarialPulls } from "../../../src/influence/local/pull.js";
import { LOSSES } from "../../../src/models/losses.js";
import type { Model } from "../../../src/models/model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { divergence } from "../../../src/threats/divergence.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, Random, relativeError } from "../../models/naive.js";
import { Cut } from "../cut.js";
import { smallNetwork, userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;
const L2 = 0.05;
const DAMPING = 2;
const made = smallNetwork(4, { n: 12, m: 2, width: 2 });
const { model, start } = made;
const data = new Cut(made.data, 5);
const d = start.length;
const whole = (): { x: Matrix; w: Float64Array; y: Float64Array; firstRow: number } => [...made.data.blocks(12)][0];

/** A network for numbers, whose loss has a corner in its slope. */
const numbers = perceptron({ inputs: 2, hidden: [2], activation: "tanh", loss: "half-squared" });

/** ∂/∂θ of a vector by central differences, column by column. */
async function differences(f: (theta: Float64Array) => Promise<ArrayLike<number>>, theta: Float64Array, h = 1e-5) {
  const columns: number[][] = [];
  for (let j = 0; j < theta.length; j++) {
    const at = (step: number) => f(theta.map((value, k) => (k === j ? value + step : value)));
    const [up, down] = [await at(h), await at(-h)];
    columns.push(Array.from(up, (value, k) => (value - down[k]) / (2 * h)));
  }
  return columns;
}

const symmetric = (columns: readonly (readonly number[])[]): number[] =>
  columns.flatMap((column, j) => column.map((value, k) => 0.5 * (value + columns[k][j])));

const clipped = matrixDataset(
  new Matrix(
    whole().x.data.map((value) => Math.min(0.8, value)),
    12,
    2,
  ),
  made.data.y,
  { weights: made.data.weights },
);

describe("D + T is how Φ + HI moves with θ at fixed I", () => {
  const box = { bounds: { lower: [-9, -9], upper: [0.8, 0.8] } };
  test.each<[string, ThreatDescription, Dataset]>([
    ["p = 2", lp(2), data],
    ["p = 3, budgets", lp(3, { budgets: [1, 0.5] }), data],
    ["p = 1.5", lp(1.5), data],
    ["one feature frozen", lp(2, { budgets: [0, 2] }), data],
    ["p = 1.5 in a box", lp(1.5, { ...box, budgets: [1, 2] }), new Cut(clipped, 5)],
    ["p = 2 in a box", lp(2, box), new Cut(clipped, 5)],
  ])("%s", async (_, threat, rows) => {
    const attackAt = async (theta: Float64Array) =>
      localInfluence(await pointAt(model, rows, theta, { l2: L2 }), threat, { damping: DAMPING });
    const attack = await attackAt(start);
    const I = new Matrix(attack.influence, d, 1);
    const balance = async (theta: Float64Array): Promise<Float64Array> => {
      const point = await pointAt(model, rows, theta, { l2: L2 });
      const [{ penaltyGradient }] = await adversarialPulls(point, [threat]);
      const image = new Float64Array(d);
      for (const block of rows.blocks()) {
        model.hessianProduct(theta, block, I).data.forEach((value, j) => (image[j] += value));
      }
      return penaltyGradient.map((value, j) => value + image[j]);
    };
    const truth = symmetric(await differences(balance, start));
    expect(relativeError((await localJacobian(attack, null)).data, truth)).toBeLessThan(1e-6);
    // The logistic loss has no corner of its own.
    expect(relativeError((await localJacobian(attack, LOSSES.logistic)).data, truth)).toBeLessThan(1e-6);
  });
});

/** K_h(t) */
const kernel = (t: number, h: number): number => Math.exp(-0.5 * (t / h) ** 2) / (h * Math.sqrt(2 * Math.PI));

describe("a loss whose slope changes sign: its corners count in the mean", () => {
  const random = new Random(9);
  const y = made.data.y.map((value) => value + 0.5 * random.normal());
  const rows = new Cut(matrixDataset(whole().x, y, { weights: made.data.weights }), 5);
  const w = made.data.weights;
  const loss = LOSSES["half-squared"];

  /** Σ w c N 2K_h(ℓ')ℓ''² JJ' and, at p = 1 and ∞, c Σ w|ℓ'| GΨG' by hand. */
  async function terms(attack: LocalInfluence, p: number, rate: number): Promise<number[]> {
    const { scale } = attack;
    const block = { ...whole(), y };
    const f = (theta: Float64Array) => numbers.outputs(theta, block.x).data;
    const slopes = f(start).map((value, i) => value - y[i]);
    const mean = dot(slopes, w);
    const sd = Math.sqrt(slopes.reduce((sum, value, i) => sum + w[i] * (value - mean) ** 2, 0));
    const h = 1.06 * sd * rate;
    const J = await differences(async (theta) => f(theta), start);
    const gamma = (theta: Float64Array) =>
      numbers.inputGradients(theta, block).data.map((g, at) => g / (f(theta)[at >> 1] - y[at >> 1]));
    const g = gamma(start);
    const G = await differences(async (theta) => gamma(theta), start);
    const out = new Array<number>(d * d).fill(0);
    const add = (weight: number, a: readonly number[]): void => {
      for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) out[j * d + k] += weight * a[j] * a[k];
    };
    const q = p === 1 ? INF : p === INF ? 1 : p / (p - 1);
    slopes.forEach((slope, i) => {
      const [a, b] = [Math.abs(g[2 * i]), Math.abs(g[2 * i + 1])];
      const N = q === INF ? Math.max(a, b) : (a ** q + b ** q) ** (1 / q);
      add(
        2 * scale * w[i] * N * kernel(slope, h),
        J.map((column) => column[i]),
      );
    });
    if (p === INF) {
      for (const k of [0, 1]) {
        const own = slopes.map((_, i) => g[2 * i + k]);
        const m = dot(own, w);
        const width = 1.06 * rate * Math.sqrt(own.reduce((sum, value, i) => sum + w[i] * (value - m) ** 2, 0));
        slopes.forEach((slope, i) =>
          add(
            2 * scale * w[i] * Math.abs(slope) * kernel(own[i], width),
            G.map((column) => column[2 * i + k]),
          ),
        );
      }
    }
    if (p === 1) {
      const gaps = slopes.map((_, i) => Math.abs(Math.abs(g[2 * i]) - Math.abs(g[2 * i + 1])));
      const width = 1.06 * rate * Math.sqrt(gaps.reduce((sum, gap, i) => sum + w[i] * gap ** 2, 0));
      slopes.forEach((slope, i) => {
        const [s, t] = [Math.sign(g[2 * i]), Math.sign(g[2 * i + 1])];
        const along = G.map((column) => s * column[2 * i] - t * column[2 * i + 1]);
        add(scale * w[i] * Math.abs(slope) * kernel(gaps[i], width), along);
      });
    }
    return out;
  }

  test.each([1, 2, 3, INF])("p = %d", async (p) => {
    const attack = await localInfluence(await pointAt(numbers, rows, start, { l2: L2 }), lp(p), { damping: DAMPING });
    const balance = async (theta: Float64Array): Promise<Float64Array> => {
      const [{ penaltyGradient }] = await adversarialPulls(await pointAt(numbers, rows, theta), [lp(p)]);
      const image = numbers.hessianProduct(theta, { ...whole(), y }, new Matrix(attack.influence, d, 1)).data;
      return penaltyGradient.map((value, j) => value + image[j]);
    };
    // Small steps: no slope or coordinate changes its sign.
    const smooth = symmetric(await differences(balance, start, 1e-5));
    for (const [sampling, rate] of [
      [{}, w.reduce((sum, value) => sum + value * value, 0) ** 0.2],
      [{ weightsKind: "frequency", totalWeight: 40 }, 40 ** -0.2],
    ] as const) {
      const added = await terms(attack, p, rate);
      const truth = smooth.map((value, at) => value + added[at]);
      expect(relativeError((await localJacobian(attack, loss, sampling)).data, truth)).toBeLessThan(1e-6);
    }
  });

  test("a row that the model meets exactly adds a number", async () => {
    const met = Float64Array.from(y, (value, i) => (i === 4 ? numbers.outputs(start, whole().x).data[4] : value));
    const exact = new Cut(matrixDataset(whole().x, met, { weights: made.data.weights }), 5);
    const attack = await localInfluence(await pointAt(numbers, exact, start, { l2: L2 }), lp(2), { damping: DAMPING });
    expect((await localJacobian(attack, loss)).data.every(Number.isFinite)).toBe(true);
  });

  test("rows that are all met have no density of slopes, which is no number only where it is divided by", async () => {
    const met = new Cut(
      matrixDataset(whole().x, Float64Array.from(numbers.outputs(start, whole().x).data), {
        weights: made.data.weights,
      }),
      5,
    );
    const attack = await localInfluence(await pointAt(numbers, met, start, { l2: L2 }), lp(2), { damping: DAMPING });
    expect((await localJacobian(attack, loss)).data.every(Number.isFinite)).toBe(true);
    const { gaussNewtonProduct: _product, ...bare } = numbers;
    const open = await localInfluence(await pointAt(numbers, rows, start, { l2: L2 }), lp(2), { damping: DAMPING });
    await expect(localJacobian({ ...open, point: { ...open.point, model: bare } }, loss)).rejects.toThrow(
      "A loss of one output was given, but the model does not tell its output from its loss.",
    );
  });

  test("no corners where all slopes or gradients are the same; what a model must give", async () => {
    const attack = await localInfluence(await pointAt(numbers, rows, start, { l2: L2 }), lp(2), { damping: DAMPING });
    const { output: _output, ...bare } = numbers;
    const without = { ...attack, point: { ...attack.point, model: bare } };
    await expect(localJacobian(without, loss)).rejects.toThrow(
      "A loss of one output was given, but the model does not tell its output from its loss.",
    );
    const { mixedGramProduct: _third, ...plain } = numbers;
    expect(() => tangentsOf(plain)).toThrow("Intervals need third derivatives, which this model does not give");
    const { tangentHessianProduct: _other, ...plainer } = numbers;
    expect(() => tangentsOf(plainer)).toThrow("Intervals need third derivatives");
  });
});

describe("the density of corners", () => {
  const random = new Random(3);
  const w = made.data.weights;
  const g = (theta: Float64Array) => model.inputGradients(theta, whole());
  const budgets = Float64Array.of(1, 0.4);
  const moved = Matrix.fromRows(random.rows(12, 2));
  const rate = w.reduce((sum, value) => sum + value * value, 0) ** 0.2;

  test.each([true, false])("against the formula, by directions: %s", async (directions) => {
    const gradients = g(start);
    const size = [...w.keys()].map((i) => (directions ? Math.hypot(...gradients.row(i)) : 1));
    const weighted = (values: readonly number[]) => values.reduce((sum, value, i) => sum + w[i] * value, 0);
    for (const [sampling, factor] of [
      [{}, rate],
      [{ weightsKind: "frequency", totalWeight: 30 }, 30 ** -0.2],
    ] as const) {
      const infinite = await cornerDensity(
        model,
        { data, parameters: start },
        { p: INF, budgets },
        sampling,
        directions,
      );
      const found = infinite?.(gradients)(moved) ?? Matrix.zeros(0, 0);
      for (const k of [0, 1]) {
        const own = size.map((s, i) => (directions ? Math.abs(gradients.row(i)[k]) : gradients.row(i)[k]) / s);
        const mean = weighted(own);
        const width = 1.06 * factor * Math.sqrt(weighted(own.map((value) => (value - mean) ** 2)));
        size.forEach((s, i) => {
          const wanted = 2 * budgets[k] * kernel(gradients.row(i)[k], width * s) * moved.row(i)[k];
          expect(Math.abs(found.row(i)[k] - wanted)).toBeLessThan(1e-9 * (1 + Math.abs(wanted)));
        });
      }
      const one = await cornerDensity(model, { data, parameters: start }, { p: 1, budgets }, sampling, directions);
      const sharp = one?.(gradients)(moved) ?? Matrix.zeros(0, 0);
      const gaps = size.map((s, i) => {
        const [a, b] = gradients.row(i).map((value, k) => budgets[k] * Math.abs(value));
        return Math.abs(a - b) / s;
      });
      const width = 1.06 * factor * Math.sqrt(weighted(gaps.map((gap) => gap ** 2)));
      size.forEach((s, i) => {
        const row = gradients.row(i);
        const largest = budgets[0] * Math.abs(row[0]) > budgets[1] * Math.abs(row[1]) ? 0 : 1;
        const a = [0, 1].map((k) => (k === largest ? 1 : -1) * Math.sign(row[k]) * budgets[k]);
        const along = kernel(gaps[i] * s, width * s) * dot(a, moved.row(i));
        a.forEach((value, k) => expect(sharp.row(i)[k]).toBeCloseTo(value * along, 9));
      });
    }
  });

  test("none at other p, where all rows have one gradient, or with one feature to move", async () => {
    const at = (p: number, of: Model, theta: Float64Array, rows: Dataset, b: Float64Array) =>
      cornerDensity(of, { data: rows, parameters: theta }, { p, budgets: b }, {}, false);
    for (const p of [1.5, 2, 3]) expect(await at(p, model, start, data, budgets)).toBeNull();
    const line = userLoss("half", 2, true);
    const fitted = { ...line, inputGradients: () => Matrix.fromRows(Array.from({ length: 12 }, () => [0.3, -0.7])) };
    for (const p of [1, INF]) expect(await at(p, fitted, Float64Array.of(0, 0.3, -0.7), made.data, budgets)).toBeNull();
    expect(await at(1, model, start, data, Float64Array.of(0, 1))).toBeNull();
    // One coordinate that is the same in all rows hides no other.
    const half = {
      ...line,
      inputGradients: () => Matrix.fromRows(Array.from({ length: 12 }, (_, i) => [Math.cos(i), -0.7])),
    };
    const one = await at(INF, half, Float64Array.of(0, 0.3, -0.7), made.data, budgets);
    const curved = one?.(half.inputGradients())(Matrix.fromRows(Array.from({ length: 12 }, () => [1, 1])));
    expect(curved?.column(0).every((value) => value > 0)).toBe(true);
    expect(curved?.column(1).every((value) => value === 0)).toBe(true);
    const frozen = await at(INF, model, start, data, Float64Array.of(0, 1));
    expect((frozen?.(g(start))(moved) ?? moved).column(0).every((value) => value === 0)).toBe(true);
  });
});

describe("pulls of several adversaries at once", () => {
  test("each alone, with shares of a budget and weights; rows in blocks", async () => {
    const point = await pointAt(model, data, start, { l2: L2 });
    const threats = [lp(2), wasserstein(2, lp(3)), divergence("chi2"), lp(INF, { budgets: [1, 0] })];
    const together = await adversarialPulls(point, threats);
    const { w, x } = whole();
    const block = whole();
    const g = model.inputGradients(start, block);
    const losses = model.losses(start, block);
    for (const [t, threat] of threats.entries()) {
      const [alone] = await adversarialPulls(point, [threat]);
      expect(relativeError(together[t].penaltyGradient, alone.penaltyGradient)).toBeLessThan(1e-13);
      expect(together[t].penalty).toBeCloseTo(alone.penalty, 13);
      expect(relativeError(together[t].rowScales, alone.rowScales)).toBe(0);
      expect(relativeError(together[t].omega, alone.omega)).toBeLessThan(1e-13);
    }
    // c = Σw‖x‖, A = cΣw‖g‖, and Φ is its slope.
    const sizes = [...w.keys()].map((i) => Math.hypot(...x.row(i)));
    expect(relativeError(together[0].rowScales, sizes)).toBeLessThan(1e-14);
    const c = dot(sizes, w);
    expect(together[0].scale).toBeCloseTo(c, 13);
    expect([...together[0].omega]).toEqual(new Array(12).fill(1));
    const growth = [...w.keys()].map((i) => Math.hypot(...g.row(i)));
    expect(together[0].penalty).toBeCloseTo(c * dot(growth, w), 12);
    for (const [t, threat] of threats.entries()) {
      const slope = await differences(async (theta) => {
        const [{ penalty }] = await adversarialPulls(await pointAt(model, data, theta), [threat]);
        return [penalty];
      }, start);
      expect(relativeError(together[t].penaltyGradient, slope.flat())).toBeLessThan(1e-7);
    }
    // χ²: A is the deviation of the losses, a_i = (l_i − l̄)/sd.
    const mean = dot(losses, w);
    const sd = Math.sqrt(losses.reduce((sum, value, i) => sum + w[i] * (value - mean) ** 2, 0));
    expect(together[2].penalty).toBeCloseTo(sd, 12);
    expect(together[2].scale).toBe(1);
    expect([...together[2].rowScales]).toEqual(new Array(12).fill(1));
    expect(
      relativeError(
        together[2].omega,
        Array.from(losses, (l) => (l - mean) / sd),
      ),
    ).toBeLessThan(1e-11);
    expect(together[2].kinks).toEqual({ zeroGradients: 0, zeroCoordinates: 0, ties: 0, tiedRows: 0 });
  });

  test("a model without products of several directions gives the same", async () => {
    const { mixedProducts: _all, ...bare } = model;
    const threats = [lp(1), lp(2)];
    const whole_ = await adversarialPulls(await pointAt(model, data, start), threats);
    const plain = await adversarialPulls(await pointAt(bare, data, start), threats);
    threats.forEach((_, t) =>
      expect(relativeError(plain[t].penaltyGradient, whole_[t].penaltyGradient)).toBeLessThan(1e-12),
    );
  });

  test("all losses the same: reweighting rows gains nothing, and every row is at a corner", async () => {
    const flat = userLoss("half", 1, false);
    const rows = matrixDataset(Matrix.fromRows([[1], [2], [-1]]), [3, 3, 3]);
    const [pull] = await adversarialPulls(await pointAt(flat, rows, [0]), [divergence("chi2")]);
    expect(pull.penalty).toBe(0);
    expect(pull.kinks?.zeroGradients).toBe(3);
  });

  test("a threat of other features is refused", async () => {
    const point = await pointAt(model, data, start);
    await expect(adversarialPulls(point, [() => lp(2)(3)])).rejects.toThrow(
      "The threat is of 3 features, the data have 2.",
    );
  });
});
