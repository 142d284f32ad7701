import { expect, test } from "vitest";
import { fit, influence, linear, lp, Matrix, matrixDataset, scoreShifts } from "../../src/index.js";
import { type SandwichOptions, sandwich } from "../../src/influence/sandwich.js";
import { randomStream } from "../../src/stats/random.js";
import { relativeError } from "../golden.js";
import { drawsOf } from "../long.js";
import { influenceJacobian } from "./jacobian.js";
import { MODELS, type ModelName, randomCase } from "./problems.js";

/** Rows of a random problem, as plain arrays. */
function rowsOf(model: ModelName, seed: number, p: number) {
  const { problem, describe, threat, l2 } = randomCase(model, seed, { n: 60, p, l2: 0.05 });
  return { X: problem.X.map((row) => [...row]), y: [...problem.y], describe, threat, l2 };
}

async function sandwiched(
  { describe, threat, l2 }: Pick<ReturnType<typeof rowsOf>, "describe" | "threat" | "l2">,
  X: readonly (readonly number[])[],
  y: readonly number[],
  weights: readonly number[] | undefined,
  options: SandwichOptions = {},
) {
  const data = matrixDataset(Matrix.fromRows(X), y, weights ? { weights } : {});
  const attack = await influence(await fit(describe, data, { l2 }), threat);
  const shifts = await scoreShifts(attack);
  return { attack, shifts, found: await sandwich(attack, shifts, options) };
}

const cases = MODELS.flatMap((model) => [1, 2, Infinity].map((p) => [model, p] as const));

test.each(cases)("%s, p = %s: frequency weights are repeated rows", async (model, p) => {
  const own = rowsOf(model, 7, p);
  const counts = own.y.map((_, i) => (i * 7) % 4);
  const repeated = counts.flatMap((count, i) => new Array<number>(count).fill(i));
  const all = await sandwiched(
    own,
    repeated.map((i) => own.X[i]),
    repeated.map((i) => own.y[i]),
    undefined,
    { leverage: "hc2" },
  );
  const counted = await sandwiched(own, own.X, own.y, counts, {
    weightsKind: "frequency",
    totalWeight: repeated.length,
    leverage: "hc2",
  });
  expect(relativeError(counted.found.covariance.data, all.found.covariance.data)).toBeLessThan(1e-9);
  expect(relativeError([counted.found.sensitivityStandardError], [all.found.sensitivityStandardError])).toBeLessThan(
    1e-9,
  );
  expect(relativeError([counted.found.debiased], [all.found.debiased])).toBeLessThan(1e-9);
});

test("linear, p = 2: frequency weights are repeated rows to 1e-12", async () => {
  const own = rowsOf("half", 3, 2);
  const counts = own.y.map((_, i) => 1 + (i % 3));
  const repeated = counts.flatMap((count, i) => new Array<number>(count).fill(i));
  const all = await sandwiched(
    own,
    repeated.map((i) => own.X[i]),
    repeated.map((i) => own.y[i]),
    undefined,
  );
  const options = { weightsKind: "frequency", totalWeight: repeated.length } as const;
  const counted = await sandwiched(own, own.X, own.y, counts, options);
  expect(relativeError(counted.found.standardErrors, all.found.standardErrors)).toBeLessThan(1e-12);
  // As chances of being drawn, the same weights say something else.
  const sampled = await sandwiched(own, own.X, own.y, counts);
  expect(relativeError(sampled.found.standardErrors, all.found.standardErrors)).toBeGreaterThan(0.1);
  const { weightsKind } = options;
  await expect(sandwich(counted.attack, counted.shifts, { weightsKind })).rejects.toThrow(/total/);
});

test("all rows twice: the same Î, and without density terms standard errors smaller by √2", async () => {
  const own = rowsOf("logistic", 5, 2);
  const once = await sandwiched(own, own.X, own.y, undefined);
  const twice = await sandwiched(own, [...own.X, ...own.X], [...own.y, ...own.y], undefined);
  expect(relativeError(twice.attack.influence, once.attack.influence)).toBeLessThan(1e-10);
  const expected = once.found.standardErrors.map((se) => se / Math.SQRT2);
  expect(relativeError(twice.found.standardErrors, expected)).toBeLessThan(1e-10);
});

test("rows without weight count for nothing, in clusters too", async () => {
  const own = rowsOf("half", 5, 2);
  const weights = own.y.map((_, i) => (i < 40 ? 1 + (i % 2) : 0));
  const clusters = Int32Array.from(own.y, (_, i) => Math.floor(i / 4));
  const part = await sandwiched(own, own.X.slice(0, 40), own.y.slice(0, 40), weights.slice(0, 40), {
    clusters: clusters.slice(0, 40),
  });
  const all = await sandwiched(own, own.X, own.y, weights, { clusters });
  expect(relativeError(all.found.standardErrors, part.found.standardErrors)).toBeLessThan(1e-10);
  expect(relativeError([all.found.sensitivityStandardError], [part.found.sensitivityStandardError])).toBeLessThan(
    1e-10,
  );
});

// Clusters go through the rows one by one, rows without clusters through Gram matrices where the gradient is shared.
test.each(cases)("%s, p = %s: clusters of one row add the factor G/(G − 1) only", async (model, p) => {
  const own = rowsOf(model, 9, p);
  const weights = own.y.map((_, i) => 1 + (i % 5));
  for (const leverage of ["none", "hc3", "centred"] as const) {
    const rows = await sandwiched(own, own.X, own.y, weights, { leverage });
    const clusters = Int32Array.from(own.y, (_, i) => 1000 - 3 * i);
    const alone = await sandwich(rows.attack, rows.shifts, { clusters, leverage });
    const n = own.y.length;
    const expected = rows.found.covariance.data.map((value) => (value * n) / (n - 1));
    expect(relativeError(alone.covariance.data, expected)).toBeLessThan(1e-11);
    const error = rows.found.sensitivityStandardError * Math.sqrt(n / (n - 1));
    expect(relativeError([alone.sensitivityStandardError], [error])).toBeLessThan(1e-11);
  }
});

test("clusters: IF_i of MATH 3 summed within them, by plain loops (logistic, p = 2, weights, ridge)", async () => {
  const own = rowsOf("logistic", 13, 2);
  const weights = own.y.map((_, i) => 1 + (i % 3));
  const clusters = Int32Array.from(own.y, (_, i) => (i * i) % 7);
  const { attack, shifts, found } = await sandwiched(own, own.X, own.y, weights, { clusters });
  const { fit: fitted, scale, influence: I, penaltyGradient: Phi, rowScales } = attack;
  const d = I.length;
  const jacobian = await influenceJacobian(attack, shifts); // D + T, which the golden file checks
  const gamma = [...fitted.parameters].slice(1);
  const N = Math.hypot(...gamma);
  const e = [0, ...gamma.map((g) => g / N)];
  const total = weights.reduce((sum, w) => sum + w, 0);
  const rows = own.X.map((x, i) => {
    const v = [1, ...x];
    const f = v.reduce((sum, value, j) => sum + value * fitted.parameters[j], 0);
    const up = 1 / (1 + Math.exp(-own.y[i] * f));
    const [first, second] = [-own.y[i] * (1 - up), up * (1 - up)];
    const shift = v.reduce((sum, value, j) => sum + value * I[j], 0);
    return { v, w: weights[i] / total, first, second, shift };
  });
  const HI = e.map((_, j) => rows.reduce((sum, { v, w, second, shift }) => sum + w * second * v[j] * shift, 0));
  const sums = new Map<number, number[]>();
  rows.forEach(({ v, w, first, second, shift }, i) => {
    const gradient = Float64Array.from(v, (value, j) => first * value + fitted.ridge[j] * fitted.parameters[j]);
    const moved = fitted.inverse.solve(gradient).map((value) => -value);
    const U = v.map(
      (value, j) =>
        scale * (second * Math.sign(first) * N * value + Math.abs(first) * e[j]) -
        Phi[j] +
        (rowScales[i] / scale - 1) * Phi[j] +
        second * value * shift -
        HI[j] +
        jacobian.row(j).reduce((sum, entry, k) => sum + entry * moved[k], 0),
    );
    const IF = fitted.inverse.solve(Float64Array.from(U)).map((value) => -value);
    const to = sums.get(clusters[i]) ?? new Array<number>(d).fill(0);
    IF.forEach((value, j) => {
      to[j] += w * value;
    });
    sums.set(clusters[i], to);
  });
  const G = sums.size;
  const expected = e.map((_, j) =>
    Math.sqrt(([...sums.values()].reduce((s, sum) => s + sum[j] ** 2, 0) * G) / (G - 1)),
  );
  expect(relativeError(found.standardErrors, expected)).toBeLessThan(1e-10);
});

const draws = drawsOf(200, 2000);

/** 100 clusters of 10 rows that share an effect on y and, in part, on x: I = −c σ√(2/π) φ(β), σ² = 2. */
test(`intervals with clusters cover over ${draws} draws, those without do not`, async () => {
  const beta = [1, -1];
  const covered = { clusters: 0, rows: 0 };
  for (let seed = 0; seed < draws; seed++) {
    const random = randomStream(seed, 5);
    const x: number[][] = [];
    const y: number[] = [];
    for (let cluster = 0; cluster < 100; cluster++) {
      const effect = random.normal();
      const shared = beta.map(() => random.normal());
      for (let i = 0; i < 10; i++) {
        const row = shared.map((value) => Math.sqrt(0.6) * value + Math.sqrt(0.4) * random.normal());
        x.push(row);
        y.push(row[0] - row[1] + effect + random.normal());
      }
    }
    const data = matrixDataset(Matrix.fromRows(x), y);
    const attack = await influence(await fit(linear({ loss: "half-squared", intercept: false }), data), lp(2));
    const shifts = await scoreShifts(attack);
    const clusters = Int32Array.from(y, (_, i) => Math.floor(i / 10));
    const length = Math.sqrt(Math.PI / 2) * Math.sqrt(2) * Math.sqrt(2 / Math.PI);
    const together = await sandwich(attack, shifts, { clusters });
    const apart = await sandwich(attack, shifts);
    beta.forEach((b, j) => {
      const error = Math.abs(attack.influence[j] + (length * b) / Math.SQRT2);
      if (error <= 1.96 * together.standardErrors[j]) covered.clusters += 0.5 / draws;
      if (error <= 1.96 * apart.standardErrors[j]) covered.rows += 0.5 / draws;
    });
  }
  expect(covered.clusters).toBeGreaterThan(0.94 - 3 * Math.sqrt((0.95 * 0.05) / draws));
  expect(covered.clusters).toBeLessThan(0.95 + 3 * Math.sqrt((0.95 * 0.05) / draws));
  expect(covered.rows).toBeLessThan(0.85);
});
