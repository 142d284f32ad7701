/** Leverages and the bias of order d/n on a few rows, by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, fit, type Influence, influence, linear, lp, Matrix, scoreShifts } from "../../src/index.js";
import { gaussian } from "../../src/influence/gradient-density.js";
import { leverages, rowForms } from "../../src/influence/leverage.js";
import { biasSums, leverageBias } from "../../src/influence/leverage-bias.js";
import { normCurvatureBias } from "../../src/influence/leverage-norm.js";
import { sandwich, sandwichParts } from "../../src/influence/sandwich.js";
import { rowScalars, withLeverage } from "../../src/influence/sandwich-scalars.js";
import { dot, numericalGradient, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

describe("with leverages", () => {
  test("forms v'Mv of more features than are multiplied at once, M not symmetric", async () => {
    const made = randomCase("linear", 6, { n: 171, m: 139, weighted: true, l2: 0.1 });
    const attack = await influence(await fit(made.describe, new Cut(made.data, 50), { l2: 0.1 }), lp(2));
    const M = Matrix.zeros(140, 140);
    M.data.forEach((_, at) => {
      M.data[at] = Math.sin(1.3 * at);
    });
    const [forms] = await rowForms(attack, [M]);
    made.problem.X.forEach((x, i) => {
      const v = [1, ...x];
      const terms = v.flatMap((left, a) => v.map((right, b) => left * M.data[a * 140 + b] * right));
      const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
      const wanted = terms.reduce((sum, term) => sum + term, 0);
      expect(Math.abs(forms[i] - wanted)).toBeLessThan(1e-13 * size);
    });
  });

  test("h_i by hand, what is divided by them, and forms v'Mv", async () => {
    const made = randomCase("logistic", 4, { n: 14, m: 2, weighted: true, l2: 0.1 });
    const own = await fit(made.describe, new Cut(made.data, 5), { l2: 0.1 });
    const attack = await influence(own, lp(2));
    const shifts = await scoreShifts(attack);
    const V = made.problem.X.map((x) => [1, ...x]);
    const M = Matrix.fromRows([
      [2, 1, 0],
      [1, 3, -1],
      [0, -1, 1],
    ]);
    const [forms, others] = await rowForms(attack, [
      M,
      Matrix.fromRows([
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ]),
    ]);
    V.forEach((v, i) => {
      expect(forms[i]).toBeCloseTo(
        v.reduce((sum, value, j) => sum + value * dot(M.row(j), v), 0),
        11,
      );
      expect(others[i]).toBeCloseTo(1, 13);
    });
    const second = own.scores.map((f, i) => own.model.loss.second(f, own.data.y[i]));
    const own_ = V.map((v) => dot(v, own.inverse.solve(Float64Array.from(v))));
    const h = leverages(attack, Float64Array.from(own_), null);
    h.forEach((value, i) => expect(value).toBeCloseTo(own.data.weights[i] * second[i] * own_[i], 12));
    leverages(attack, Float64Array.from(own_), 0.01).forEach((value, i) =>
      expect(value).toBeCloseTo(0.01 * second[i] * own_[i], 12),
    );
    expect(
      Math.max(
        ...leverages(
          attack,
          Float64Array.from(own_, () => 1e9),
          null,
        ),
      ),
    ).toBe(1 - 1e-6);
    const rows = rowScalars(attack, shifts, true);
    const plain = rowScalars(attack, shifts, false);
    rows.size.forEach((size, i) => expect(size).toBeCloseTo(attack.rowScales[i] / attack.scale - 1, 13));
    expect(plain.size.every((size) => size === 0)).toBe(true);
    const N = Math.hypot(own.parameters[1], own.parameters[2]);
    const slope = own.scores.map((f, i) => own.model.loss.first(f, own.data.y[i]));
    rows.onFeatures.forEach((value, i) =>
      expect(value).toBeCloseTo(second[i] * (attack.scale * N * Math.sign(slope[i]) + shifts[i]), 10),
    );
    rows.onJacobian.forEach((value, i) => expect(value).toBeCloseTo(attack.scale * Math.abs(slope[i]), 10));
    for (const [kind, power] of [
      ["none", 0],
      ["hc2", 0.5],
      ["hc3", 1],
      ["centred", 0.5],
    ] as const) {
      for (const [sampling, unit] of [
        [{}, null],
        [{ weightsKind: "frequency", totalWeight: 60 }, 1 / 60],
        [{ weightsKind: "frequency" }, 1 / 14],
      ] as const) {
        const found = await withLeverage(attack, shifts, rows, Float64Array.from(own_), kind, sampling, {});
        const own_h = leverages(attack, Float64Array.from(own_), unit);
        // I₂ = −H⁻¹ c Σwℓ'sgn φ-part: what does not go through ℓ''.
        const size = dot(own.data.weights, Array.from(slope, Math.abs));
        const along = Float64Array.of(0, own.parameters[1] / N, own.parameters[2] / N).map(
          (value) => -attack.scale * size * value,
        );
        const apart = own.inverse.solve(along);
        own_h.forEach((value, i) => {
          const factor = (1 - value) ** -power;
          const kept = second[i] * dot(V[i], apart);
          const wanted = kind === "centred" ? factor * (rows.onFeatures[i] - kept) + kept : factor * rows.onFeatures[i];
          expect(found.onFeatures[i]).toBeCloseTo(wanted, 9);
          expect(found.slope[i]).toBeCloseTo(factor * slope[i], 12);
          expect(found.onJacobian[i]).toBe(rows.onJacobian[i]);
        });
      }
      const V_ = await sandwich(attack, shifts, { leverage: kind });
      const none = await sandwich(attack, shifts);
      expect(V_.debiased).toBe(none.debiased);
      if (kind === "hc2" || kind === "hc3") expect(V_.standardErrors[1]).toBeGreaterThan(none.standardErrors[1]);
    }
  });

  test("a squared loss without a bend: the bias of order d/n by hand", async () => {
    // p = 1 and m = 1: the norm has no curvature, ℓ''' = 0, and the density is all that bends.
    const made = randomCase("half", 6, { n: 12, m: 1, weighted: true });
    const own = await fit(linear({ loss: "half-squared" }), new Cut(made.data, 5));
    const attack = await influence(own, lp(1));
    const shifts = await scoreShifts(attack);
    const parts = await sandwichParts(attack, shifts, {});
    const found = await leverageBias(attack, shifts);
    const w = own.data.weights;
    const V = made.problem.X.map((x) => [1, ...x]);
    const r = own.scores.map((f, i) => f - own.data.y[i]);
    const inverse = (v: readonly number[]) => [...own.inverse.solve(Float64Array.from(v))];
    const h = V.map((v, i) => w[i] * dot(v, inverse(v)));
    const c = attack.scale;
    const sign = Math.sign(own.parameters[1]);
    const N = Math.abs(own.parameters[1]);
    const sd = Math.sqrt(r.reduce((sum, value, i) => sum + w[i] * (value - dot(r, w)) ** 2, 0));
    const width = 1.06 * sd * w.reduce((sum, value) => sum + value * value, 0) ** 0.2;
    const D = (v: readonly number[]): number[] => [0, 1].map((j) => dot(parts.jacobian.row(j), v));
    // Cov θ̂ with residuals divided by √(1 − h).
    const spread = V.map((v) => V.reduce((sum, u, i) => sum + (w[i] * r[i] * dot(inverse(u), v)) ** 2 / (1 - h[i]), 0));
    const total = [0, 0];
    let along = 0;
    let sensitivity = 0;
    const theta = [0, 0];
    const ownPart = [0, 0];
    V.forEach((v, i) => {
      const alpha = c * N * Math.sign(r[i]) + shifts[i];
      const q = w[i] * dot(inverse(v), D(inverse(v)));
      const part = w[i] * (-h[i] * alpha + q * r[i]);
      v.forEach((value, j) => {
        ownPart[j] += part * value;
        theta[j] += w[i] * -h[i] * r[i] * value;
      });
      along += w[i] * (-h[i] * c * Math.abs(r[i]) + 0.5 * c * ((2 * gaussian(r[i] / width)) / width) * spread[i]);
    });
    const parameters = inverse(theta).map((value) => -value);
    const moved = D(parameters);
    [0, 1].forEach((j) => (total[j] = ownPart[j] + moved[j] + (j === 1 ? along * sign : 0)));
    const bias = inverse(total).map((value) => -value);
    expect(relativeError(found?.parameters ?? [], parameters)).toBeLessThan(1e-8);
    expect(relativeError(found?.influence ?? [], bias)).toBeLessThan(1e-8);
    const I = [...attack.influence];
    const HI = V.reduce((sum, v, i) => sum.map((value, j) => value + w[i] * dot(v, I) * v[j]), [0, 0]);
    sensitivity += dot(HI, bias) + dot(ownPart, I);
    expect(found?.sensitivity).toBeCloseTo(sensitivity, 9);
  });

  test.each([
    { model: "logistic", p: 2, l2: 0.1, counted: false },
    { model: "poisson", p: 2, l2: 0.3, counted: true },
    { model: "half", p: 2, l2: 0.1, counted: true },
  ] as const)("every term of the expansion, by loops: %o", async ({ model, p, l2, counted }) => {
    const made = randomCase(model, 12, { n: 16, m: 2, weighted: true, l2 });
    const own = await fit(made.describe, new Cut(made.data, 5), { l2 });
    const attack = await influence(own, lp(p));
    const shifts = await scoreShifts(attack);
    const options = counted ? ({ weightsKind: "frequency", totalWeight: 40 } as const) : {};
    const parts = await sandwichParts(attack, shifts, options);
    const found = await leverageBias(attack, shifts, options);
    const { loss } = own.model;
    const { weights: w, y } = own.data;
    const omega = w.map((value) => (counted ? value / 40 : value * value));
    const unit = (i: number): number => (counted ? 1 / 40 : w[i]);
    const V = made.problem.X.map((x) => [1, ...x]);
    const d = 3;
    const inverse = (v: ArrayLike<number>) => [...own.inverse.solve(Float64Array.from(v))];
    const D = (v: readonly number[]): number[] => Array.from({ length: d }, (_, j) => dot(parts.jacobian.row(j), v));
    const I = [...attack.influence];
    const jets = own.scores.map((_, i) => i);
    const first = Array.from(jets, (i) => loss.first(own.scores[i], y[i]));
    const second = Array.from(jets, (i) => loss.second(own.scores[i], y[i]));
    const third = Array.from(jets, (i) => loss.third(own.scores[i], y[i]));
    const fourth = Array.from(jets, (i) => {
      const f = own.scores[i];
      if (model === "half") return 0;
      if (model === "poisson") return Math.exp(f);
      const s = 1 / (1 + Math.exp(-f));
      return s * (1 - s) * (1 - 6 * s * (1 - s));
    });
    const c = attack.scale;
    const N = Math.hypot(own.parameters[1], own.parameters[2]);
    const e = [0, own.parameters[1] / N, own.parameters[2] / N];
    const alpha = V.map((_, i) => second[i] * (c * N * Math.sign(first[i]) + shifts[i]));
    const beta = first.map((value) => c * Math.abs(value));
    const h = V.map((v, i) => unit(i) * second[i] * dot(v, inverse(v)));
    // U_i with what is residual divided by √(1 − h_i).
    const U = V.map((v, i) => {
      const factor = (1 - h[i]) ** -0.5;
      const estimation = D(inverse(v));
      const size = attack.rowScales[i] / c - 1;
      return v.map(
        (value, j) =>
          factor * (alpha[i] * value - first[i] * estimation[j]) +
          beta[i] * e[j] +
          size * attack.penaltyGradient[j] +
          parts.constant[j],
      );
    });
    const g = V.map((v, i) => v.map((value) => (1 - h[i]) ** -0.5 * first[i] * value));
    const form = (
      v: readonly number[],
      left: readonly (readonly number[])[],
      right: readonly (readonly number[])[],
    ): number => {
      const a = inverse(v);
      return left.reduce((sum, row, i) => sum + omega[i] * dot(row, a) * dot(right[i], a), 0);
    };
    const covariance = Matrix.fromRows(
      Array.from({ length: d }, (_, j) =>
        Array.from({ length: d }, (__, k) => {
          const [a, b] = [j, k].map((at) => inverse([0, 1, 2].map((l) => (l === at ? 1 : 0))));
          return g.reduce((sum, row, i) => sum + omega[i] * dot(row, a) * dot(row, b), 0);
        }),
      ),
    );
    const norm = normCurvatureBias(attack, covariance);
    const residuals = dot(first, w);
    const sd = Math.sqrt(first.reduce((sum, value, i) => sum + w[i] * (value - residuals) ** 2, 0));
    const rate = counted ? 40 ** -0.2 : w.reduce((sum, value) => sum + value * value, 0) ** 0.2;
    const width = 1.06 * sd * rate;
    const theta = [0, 0, 0];
    const ownPart = [0, 0, 0];
    const rest = [0, 0, 0];
    const cubic = [0, 0, 0];
    let [along, turned, sensitivity] = [0, 0, 0];
    V.forEach((v, i) => {
      const spread = form(v, g, g);
      const cross = model === "half" ? 0 : third[i] * form(v, g, U);
      const reach = alpha[i] / second[i];
      const twist = (-h[i] * third[i] * first[i]) / second[i];
      const q = unit(i) * dot(inverse(v), D(inverse(v)));
      const part = w[i] * (-h[i] * alpha[i] + q * first[i] * second[i]);
      const other =
        w[i] *
        ((twist + 0.5 * fourth[i] * spread) * reach + cross + norm.growth * second[i] * c * N * Math.sign(first[i]));
      v.forEach((value, j) => {
        theta[j] += w[i] * (-h[i] * first[i] + 0.5 * third[i] * spread) * value;
        ownPart[j] += part * value;
        rest[j] += other * value;
        cubic[j] += w[i] * third[i] * shifts[i] ** 2 * value;
      });
      const density = model === "logistic" ? 0 : (2 * gaussian(first[i] / width) * second[i] ** 2) / width;
      along += w[i] * (-h[i] * beta[i] + 0.5 * c * (density + Math.sign(first[i]) * third[i]) * spread);
      turned += w[i] * beta[i];
      sensitivity += w[i] * shifts[i] * (cross + 0.5 * shifts[i] * (twist + 0.5 * fourth[i] * spread));
    });
    const parameters = inverse(theta).map((value) => -value);
    const moved = D(parameters);
    const total = e.map((value, j) => ownPart[j] + rest[j] + moved[j] + along * value + turned * norm.turn[j]);
    const bias = inverse(total).map((value) => -value);
    expect(relativeError(found?.parameters ?? [], parameters)).toBeLessThan(1e-6);
    expect(relativeError(found?.influence ?? [], bias)).toBeLessThan(1e-5);
    const HI = V.reduce((sum, v, i) => sum.map((value, j) => value + w[i] * second[i] * dot(v, I) * v[j]), [0, 0, 0]);
    sensitivity += dot(HI, bias) + dot(ownPart, I) + 0.5 * dot(cubic, parameters);
    expect((found?.sensitivity ?? 0) / sensitivity).toBeCloseTo(1, 5);
    expect(await leverageBias(attack, shifts, { ...options, clusters: new Int32Array(16) })).toBeNull();
    expect(await leverageBias({ ...attack, oneSided: true }, shifts, options)).toBeNull();
    const again = await leverageBias(attack, shifts, options, parts);
    expect(again?.influence).toEqual(found?.influence);
  });

  test("the bend of a two-norm, and none elsewhere", async () => {
    const made = randomCase("half", 6, { n: 12, m: 2 });
    const own = await fit(made.describe, made.data);
    const budgets = [1, 0.5];
    const attack = await influence(own, lp(2, { budgets }));
    const C = [
      [0.02, 0.004],
      [0.004, 0.05],
    ];
    const spread = Matrix.fromRows([
      [1, 0, 0],
      [0, ...C[0]],
      [0, ...C[1]],
    ]);
    const N = (g: readonly number[]): number => Math.hypot(g[0], 0.5 * g[1]);
    const g = [...own.parameters.subarray(1)];
    /** ½tr(∇²N C) by differences. */
    const nu = (at: readonly number[]): number => {
      const e = 1e-3;
      const second = (a: number, b: number): number => {
        const move = (s: number, t: number): number =>
          N(at.map((value, k) => value + (k === a ? s : 0) + (k === b ? t : 0)));
        return (move(e, e) - move(e, -e) - move(-e, e) + move(-e, -e)) / (4 * e * e);
      };
      return 0.5 * (C[0][0] * second(0, 0) + 2 * C[0][1] * second(0, 1) + C[1][1] * second(1, 1));
    };
    const found = normCurvatureBias(attack, spread);
    expect(found.growth / (nu(g) / N(g))).toBeCloseTo(1, 4);
    const slope = numericalGradient(nu, g, 1e-2);
    expect(relativeError(found.turn, [0, ...slope])).toBeLessThan(1e-3);
    const none = normCurvatureBias(await influence(own, lp(3, { budgets })), spread);
    expect([none.growth, ...none.turn]).toEqual([0, 0, 0, 0]);
    const flat: Influence = { ...attack, pull: { ...attack.pull, gamma: Matrix.zeros(1, 2) } };
    expect(normCurvatureBias(flat, spread).growth).toBe(0);
    const parts = await sandwichParts(attack, await scoreShifts(attack), {});
    const ground = { forms: [], norm: none, density: () => 0, bend: 0 };
    const sums = await biasSums(attack, await scoreShifts(attack), parts, ground, {});
    expect(sums.pull.columns).toBe(5);
  });
});
