/** How far an attack or a prediction can go, on a few rows by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  influence,
  linear,
  lp,
  Matrix,
  matrixDataset,
  quadratic,
  scoreShifts,
} from "../../src/index.js";
import { boundRadius } from "../../src/influence/bound-radius.js";
import { collapseFrom, collapseRadius, hasCollapse } from "../../src/influence/collapse-radius.js";
import { metricSlope } from "../../src/influence/contributions.js";
import { slopeDensity } from "../../src/influence/influence-jacobian.js";
import { supportChange } from "../../src/influence/support-change.js";
import { lasso } from "../../src/solvers/lasso/lasso.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, pNorm, Random } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

describe("how far an attack can go", () => {
  test("the first bound that a row meets", async () => {
    const X = [
      [0.2, 0.5],
      [0.9, -0.3],
      [-0.4, 0.1],
      [0.3, 0.3],
      [-0.2, -0.6],
    ];
    const y = [1, 2, -1, 0.5, -0.3];
    const bounds = { lower: [-1, -1], upper: [1, 1] };
    const own = await fit(linear(), new Cut(matrixDataset(Matrix.fromRows(X), y), 2), { l2: 0.05 });
    const attack = await influence(own, lp(2, { bounds }));
    const [, ...beta] = own.parameters;
    const phi = beta.map((value) => value / Math.hypot(...beta));
    const rooms = X.flatMap((x, i) => {
      const sign = Math.sign(dot([1, ...x], own.parameters) - y[i]);
      return phi.map((value, k) => {
        const step = attack.scale * sign * value;
        return ((step > 0 ? 1 : -1) - x[k]) / step;
      });
    });
    expect(await boundRadius(attack)).toBeCloseTo(Math.min(...rooms), 11);
    expect(await boundRadius(await influence(own, lp(2)))).toBeNull();
    const open = { lower: [-INF, -INF], upper: [INF, INF] };
    expect(await boundRadius(await influence(own, lp(2, { bounds: open })))).toBeNull();
  });

  test("where all attacked features are given up: by hand, with frozen ones, budgets, shares and a lasso's λ", async () => {
    const made = randomCase("half", 15, { n: 12, m: 2, weighted: true });
    const data = new Cut(made.data, 5);
    const own = await fit(made.describe, data);
    const { w, y, X } = made.problem;
    const mean = dot(w, y);
    const pull = [0, 1].map((k) => X.reduce((sum, x, i) => sum + w[i] * (mean - y[i]) * x[k], 0));
    const size = X.reduce((sum, _, i) => sum + w[i] * Math.abs(mean - y[i]), 0);
    for (const p of [1, 2, INF]) {
      const attack = await influence(own, lp(p, { budgets: [1, 0.5] }));
      const wanted = pNorm([pull[0], pull[1] / 0.5], p) / (attack.scale * size);
      expect((await collapseRadius(attack)) ?? 0).toBeCloseTo(wanted, 9);
    }
    const shared = await influence(own, wasserstein(2, lp(2)));
    const root = Math.sqrt(X.reduce((sum, _, i) => sum + w[i] * (mean - y[i]) ** 2, 0));
    expect((await collapseRadius(shared)) ?? 0).toBeCloseTo(pNorm(pull, 2) / (shared.scale * root), 9);
    const l1 = 0.1 * Math.abs(pull[0]);
    const sparse = await lasso(made.describe, data, { l1 });
    const attack = await influence(sparse, lp(2));
    const soft = pull.map((value) => Math.sign(value) * Math.max(0, Math.abs(value) - l1));
    expect((await collapseRadius(attack)) ?? 0).toBeCloseTo(pNorm(soft, 2) / (attack.scale * size), 7);
    // A frozen feature stays, and the fit with it alone is where the pull is taken.
    const frozen = await influence(own, lp(2, { budgets: [1, 0] }));
    const alone = await fit(
      linear({ loss: "half-squared" }),
      matrixDataset(Matrix.fromRows(X.map((x) => [x[1]])), [...y], { weights: [...w] }),
    );
    const r = X.map((x, i) => alone.parameters[0] + alone.parameters[1] * x[1] - y[i]);
    const left = Math.abs(X.reduce((sum, x, i) => sum + w[i] * r[i] * x[0], 0));
    const sizes = r.reduce((sum, value, i) => sum + w[i] * Math.abs(value), 0);
    expect((await collapseRadius(frozen)) ?? 0).toBeCloseTo(left / (frozen.scale * sizes), 8);
    expect(collapseFrom(own, frozen.threat, 0, Float64Array.of(1, 1, 1), 1)).toBeNull();
    expect(collapseFrom(own, frozen.threat, 1, Float64Array.of(1, 1, 1), 0)).toBeNull();
    expect(hasCollapse(own, lp(2, { bounds: { lower: [-9, -9], upper: [9, 9] } })(2))).toBe(false);
    const curved = await fit(quadratic(), made.data, { l2: 0.1 });
    expect(hasCollapse(curved, lp(2)(2))).toBe(false);
    expect(await collapseRadius(await influence(curved, lp(2)))).toBeNull();
  });

  test("rows without weight do not count, whoever takes the budget", async () => {
    const random = new Random(5);
    const X = random.rows(8, 2);
    const y = X.map((x, i) => (i === 2 ? 50 : x[0] + random.normal()));
    const weights = X.map((_, i) => (i === 2 ? 0 : 1));
    const rest = X.flatMap((_, i) => (i === 2 ? [] : [i]));
    const whole = matrixDataset(Matrix.fromRows(X), y, { weights });
    const without = matrixDataset(
      Matrix.fromRows(rest.map((i) => X[i])),
      rest.map((i) => y[i]),
    );
    for (const threat of [wasserstein(1, lp(2)), wasserstein(2, lp(2)), lp(2)]) {
      const [one, other] = [
        await influence(await fit(linear(), whole), threat),
        await influence(await fit(linear(), without), threat),
      ];
      expect((await collapseRadius(one)) ?? 0).toBeCloseTo((await collapseRadius(other)) ?? 1, 10);
      one.influence.forEach((value, j) => expect(value).toBeCloseTo(other.influence[j], 8));
    }
  });

  test.each([2, INF])("a lasso's features: the first that leaves or enters, p = %d", async (p) => {
    const random = new Random(4);
    const X = random.rows(14, 3);
    const y = X.map((x) => 1 + 1.5 * x[0] + 0.05 * x[1] + 0.3 * x[2] + 0.3 * random.normal());
    const data = new Cut(matrixDataset(Matrix.fromRows(X), y), 5);
    let changes = 0;
    for (const l1 of [0.05, 0.1, 0.3, 0.6]) {
      const own = await lasso(linear({ loss: "half-squared" }), data, { l1 });
      const attack = await influence(own, lp(p));
      const found = await supportChange(attack, await scoreShifts(attack));
      const I = attack.influence;
      const Phi = attack.penaltyGradient;
      const r = X.map((x, i) => dot([1, ...x], own.parameters) - y[i]);
      const candidates: [number, number, string][] = [];
      const held = p === INF ? attack.scale * r.reduce((sum, value) => sum + Math.abs(value) / 14, 0) : 0;
      for (let j = 1; j < 4; j++) {
        if (own.parameters[j] !== 0) {
          candidates.push([-own.parameters[j] / I[j], j, "leaves"]);
          continue;
        }
        const g = X.reduce((sum, x, i) => sum + (r[i] * x[j - 1]) / 14, 0);
        const HI = X.reduce((sum, x) => sum + (x[j - 1] * dot([1, ...x], I)) / 14, 0);
        for (const side of [1, -1]) candidates.push([(l1 - side * g) / (side * (HI + Phi[j]) - held), j, "enters"]);
      }
      const [wanted] = candidates.filter(([epsilon]) => epsilon > 0).toSorted((a, b) => a[0] - b[0]);
      if (!wanted) expect(found).toBeNull();
      else {
        changes++;
        expect(found?.epsilon ?? 0).toBeCloseTo(wanted[0], 7);
        expect([found?.parameter, found?.kind]).toEqual([wanted[1], wanted[2]]);
      }
    }
    expect(changes).toBeGreaterThan(0);
  });

  test("a metric's slope is its gradient along I", async () => {
    const made = randomCase("half", 15, { n: 12, m: 2 });
    const attack = await influence(await fit(made.describe, made.data), lp(2));
    expect(metricSlope(attack, Float64Array.of(1, 2, 3))).toBeCloseTo(dot([1, 2, 3], attack.influence), 13);
    const density = slopeDensity(
      attack,
      Float64Array.from({ length: 12 }, () => 1),
      0.5,
    );
    expect(density(0.3)).toBe(0);
  });
});
