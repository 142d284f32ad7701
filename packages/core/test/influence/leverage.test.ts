import { expect, test } from "vitest";
import { fit, influence, linear, logistic, lp, Matrix, matrixDataset, poisson, scoreShifts } from "../../src/index.js";
import { leverageBias } from "../../src/influence/leverage-bias.js";
import { normCurvatureBias } from "../../src/influence/leverage-norm.js";
import { leverageFor, sandwich } from "../../src/influence/sandwich.js";
import { inverseMatrix } from "../../src/influence/sandwich-inverse.js";
import { sensitivityInterval } from "../../src/influence/sensitivity-interval.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";
import { solve } from "../models/naive.js";
import { randomCase } from "./problems.js";

const sigmoid = (f: number): number => 1 / (1 + Math.exp(-f));

/** The mean length of a standard normal vector in m dimensions, from E‖x‖_{k+1}·E‖x‖_k = k. */
function meanLength(m: number): number {
  let length = Math.sqrt(2 / Math.PI);
  for (let k = 1; k < m; k++) length = k / length;
  return length;
}

interface Design {
  readonly n: number;
  readonly beta: readonly number[];
  readonly kind: "linear" | "logistic";
}

/** The population's I and S under p = 2 with standard normal inputs: in closed form, logistic by quadrature along β. */
function population({ beta, kind }: Design): { I: number[]; S: number } {
  const N = Math.hypot(...beta);
  const c = meanLength(beta.length);
  if (kind === "linear") {
    const length = c * Math.sqrt(2 / Math.PI);
    return { I: beta.map((b) => (-length * b) / N), S: length ** 2 / 2 };
  }
  const sums = { h00: 0, h01: 0, h11: 0, f0: 0, f1: 0 };
  const step = 0.005;
  for (let z = -8; z < 8; z += step) {
    const w = (step * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
    const s = sigmoid(0.2 + N * z);
    const curvature = s * (1 - s);
    sums.h00 += w * curvature;
    sums.h01 += w * curvature * z;
    sums.h11 += w * curvature * z * z;
    sums.f0 -= w * c * N * (2 * s - 1) * curvature;
    sums.f1 += w * c * (2 * curvature - N * (2 * s - 1) * curvature * z);
  }
  const [i0, i1] = solve(
    [
      [sums.h00, sums.h01],
      [sums.h01, sums.h11],
    ],
    [-sums.f0, -sums.f1],
  );
  return { I: [i0, ...beta.map((b) => (i1 * b) / N)], S: -0.5 * (i0 * sums.f0 + i1 * sums.f1) };
}

async function drawn({ n, beta, kind }: Design, seed: number) {
  const m = beta.length;
  const random = randomStream(seed);
  const x = Matrix.zeros(n, m);
  random.fillNormals(x.data);
  const y = Float64Array.from({ length: n }, (_, i) => {
    const f = beta.reduce((sum, b, k) => sum + b * x.data[i * m + k], 0);
    return kind === "linear" ? f + random.normal() : random.uniform() < sigmoid(0.2 + f) ? 1 : -1;
  });
  const model = kind === "linear" ? linear({ loss: "half-squared", intercept: false }) : logistic();
  const attack = await influence(await fit(model, matrixDataset(x, y)), lp(2));
  return { attack, shifts: await scoreShifts(attack) };
}

const sparse = (first: readonly number[], m: number): number[] => Array.from({ length: m }, (_, k) => first[k] ?? 0);
const designs: readonly (readonly [string, Design])[] = [
  ["linear, d/n = 0.1", { n: 200, beta: sparse([1, -2, 0.5], 20), kind: "linear" }],
  ["linear, d/n = 0.2", { n: 200, beta: sparse([1, -2, 0.5], 40), kind: "linear" }],
  ["logistic, d/n = 0.1", { n: 300, beta: sparse([1, -0.7, 0.4], 29), kind: "logistic" }],
];
const draws = drawsOf(120, 1500);

test.each(designs)(`%s: intervals of I and S cover, over ${draws} draws`, async (_, design) => {
  const truth = population(design);
  const d = truth.I.length;
  const largest = truth.I.reduce((most, value, j) => (Math.abs(value) > Math.abs(truth.I[most]) ? j : most), 0);
  const mean = { plain: 0, centred: 0, sensitivity: 0 };
  const inside = { all: 0, sensitivity: 0, plainSensitivity: 0 };
  for (let seed = 0; seed < draws; seed++) {
    const { attack, shifts } = await drawn(design, seed);
    const found = await sandwich(attack, shifts, { leverage: leverageFor(d, design.n) });
    const bias = await leverageBias(attack, shifts);
    if (!bias) throw new Error("A linear score has a bias.");
    const centre = attack.influence.map((value, j) => value - bias.influence[j]);
    truth.I.forEach((value, j) => {
      if (Math.abs(centre[j] - value) <= 1.96 * found.standardErrors[j]) inside.all++;
    });
    mean.plain += attack.influence[largest] / truth.I[largest] / draws;
    mean.centred += centre[largest] / truth.I[largest] / draws;
    mean.sensitivity += (found.debiased - bias.sensitivity) / truth.S / draws;
    const S = sensitivityInterval(attack, found, 0.95, bias);
    if (S.lower <= truth.S && truth.S <= S.upper) inside.sensitivity++;
    const plain = sensitivityInterval(attack, found, 0.95);
    if (plain.lower <= truth.S && truth.S <= plain.upper) inside.plainSensitivity++;
  }
  // Coordinates of one draw are nearly independent; S has one chance a draw. The intervals may be too wide by a percent or two.
  const share = inside.all / draws / d;
  expect(share).toBeGreaterThan(0.925);
  expect(share).toBeLessThan(0.98);
  expect(inside.sensitivity / draws).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / draws) - 0.01);
  // Centred by the noise in Î alone, S of a logistic model is far too low.
  if (design.kind === "logistic") expect(inside.plainSensitivity / draws).toBeLessThan(0.5);
  expect(Math.abs(mean.sensitivity - 1)).toBeLessThan(0.12);
  // What was too large by 4 to 15 % is right to 5 %.
  expect(mean.plain).toBeGreaterThan(1.03);
  expect(Math.abs(mean.centred - 1)).toBeLessThan(0.5 * (mean.plain - 1));
});

test("the corrections vanish with d/n", async () => {
  const { attack, shifts } = await drawn({ n: 8000, beta: [1, -2, 0.5], kind: "linear" }, 1);
  const { standardErrors: plain } = await sandwich(attack, shifts);
  const bias = await leverageBias(attack, shifts);
  for (const leverage of ["hc2", "hc3", "centred"] as const) {
    const { standardErrors } = await sandwich(attack, shifts, { leverage });
    standardErrors.forEach((se, j) => {
      expect(Math.abs(se / plain[j] - 1)).toBeLessThan(1e-3);
      expect(Math.abs(bias?.influence[j] ?? 1)).toBeLessThan(0.05 * se);
    });
  }
  expect(leverageFor(5, 100)).toBe("none");
  expect(leverageFor(6, 100)).toBe("centred");
});

test("hc2 and hc3: brute force from the rows' leverages, linear, p = 1 (MATH 3, 14.5)", async () => {
  const { attack } = await drawn({ n: 60, beta: [1, -2, 0.5, 0.3, 0.1, 0, 0, 0.2], kind: "linear" }, 5);
  const { fit: fitted, scale, rowScales, influence: I, threat } = await influence(attack.fit, lp(1));
  const own = await influence(fitted, () => threat);
  const [n, d] = [60, 8];
  const x = [...fitted.data.blocks()].flatMap(({ x: block }) =>
    Array.from({ length: block.rows }, (_, i) => [...block.row(i)]),
  );
  const r = fitted.scores.map((f, i) => f - fitted.data.y[i]);
  const beta = [...fitted.parameters];
  const top = beta.reduce((most, b, k) => (Math.abs(b) > Math.abs(beta[most]) ? k : most), 0);
  const N = Math.abs(beta[top]);
  const e = beta.map((b, k) => (k === top ? Math.sign(b) : 0));
  const H = beta.map((_, j) => beta.map((__, k) => x.reduce((sum, row) => sum + (row[j] * row[k]) / n, 0)));
  const sd = Math.sqrt(r.reduce((s, v) => s + v * v, 0) / n - (r.reduce((s, v) => s + v, 0) / n) ** 2);
  const width = 1.06 * sd * n ** -0.2;
  const kernel = r.map((v) => Math.exp(-0.5 * (v / width) ** 2) / Math.sqrt(2 * Math.PI) / width);
  const pulled = beta.map((_, j) => x.reduce((sum, row, i) => sum + (scale * Math.sign(r[i]) * row[j]) / n, 0));
  const D = beta.map((_, j) =>
    beta.map(
      (__, k) =>
        x.reduce((sum, row, i) => sum + (scale * N * 2 * kernel[i] * row[j] * row[k]) / n, 0) +
        pulled[j] * e[k] +
        e[j] * pulled[k],
    ),
  );
  for (const [leverage, power] of [
    ["none", 0],
    ["hc2", 0.5],
    ["hc3", 1],
  ] as const) {
    const variance = new Array<number>(d).fill(0);
    x.forEach((row, i) => {
      const h = row.reduce((sum, v, j) => sum + (v * solve(H, row)[j]) / n, 0);
      const k = (1 - h) ** -power;
      const estimation = solve(
        H,
        row.map((v) => k * r[i] * v),
      );
      const shift = row.reduce((sum, v, j) => sum + v * I[j], 0);
      const U = row.map(
        (v, j) =>
          k * (scale * N * Math.sign(r[i]) + shift) * v +
          scale * Math.abs(r[i]) * e[j] +
          (rowScales[i] / scale - 1) * own.penaltyGradient[j] -
          D[j].reduce((sum, value, l) => sum + value * estimation[l], 0),
      );
      solve(H, U).forEach((value, j) => {
        variance[j] += (value / n) ** 2;
      });
    });
    const { standardErrors } = await sandwich(own, await scoreShifts(own), { leverage });
    standardErrors.forEach((se, j) => expect(Math.abs(se / Math.sqrt(variance[j]) - 1)).toBeLessThan(1e-9));
  }
});

test("E θ̂ − θ of the intercept of a Poisson model whose slope is 0: −d/2nμ (Cox and Snell)", async () => {
  const random = randomStream(3);
  const [n, mu] = [400, 3];
  const y = Float64Array.from({ length: n }, () => {
    let count = 0;
    for (let product = random.uniform(); product > Math.exp(-mu); product *= random.uniform()) count++;
    return count;
  });
  const x = new Matrix(
    Float64Array.from({ length: n }, () => random.normal()),
    n,
    1,
  );
  const attack = await influence(await fit(poisson(), matrixDataset(x, y)), lp(2));
  const bias = await leverageBias(attack, await scoreShifts(attack));
  // −½H⁻¹ E μ(v'Cv)v with v'Cv = (1 + x²)/nμ, but for what this draw makes of μ and x².
  expect(Math.abs((bias?.parameters[0] ?? 0) / (-2 / (2 * n * mu)) - 1)).toBeLessThan(0.25);
});

test("the bend of the norm: second differences along the axes of Cov γ̂", async () => {
  const gamma = [1, -2, 0.5];
  const budgets = [1, 0.5, 2];
  const spread = Matrix.fromRows([
    [0.004, 0.001, 0],
    [0.001, 0.006, -0.001],
    [0, -0.001, 0.003],
  ]);
  const norm = (g: readonly number[]): number => Math.hypot(...g.map((v, k) => v * budgets[k]));
  const gradient = (g: readonly number[]): number[] => g.map((v, k) => (budgets[k] ** 2 * v) / norm(g));
  const roots = [
    [Math.sqrt(0.004), 0.001 / Math.sqrt(0.004), 0],
    [0, Math.sqrt(0.006 - 0.001 ** 2 / 0.004), -0.001 / Math.sqrt(0.006 - 0.001 ** 2 / 0.004)],
    [0, 0, Math.sqrt(0.003 - 0.001 ** 2 / (0.006 - 0.001 ** 2 / 0.004))],
  ];
  const bend = (f: (g: readonly number[]) => number): number =>
    roots.reduce((sum, root) => {
      const at = (t: number): number => f(gamma.map((g, k) => g + t * root[k]));
      return sum + (at(0.05) - 2 * at(0) + at(-0.05)) / 0.05 ** 2 / 2;
    }, 0);
  const problem = randomCase("half", 1, { n: 10, m: 3, intercept: false });
  const attack = await influence(await fit(problem.describe, problem.data), lp(2, { budgets }));
  const pull = { ...attack.pull, gamma: new Matrix(Float64Array.from(gamma), 1, 3) };
  const { growth, turn } = normCurvatureBias({ ...attack, pull }, spread);
  expect(Math.abs(growth * norm(gamma) - bend(norm))).toBeLessThan(1e-6);
  turn.forEach((value, k) => expect(Math.abs(value - bend((g) => gradient(g)[k]))).toBeLessThan(1e-6));
});

test("no bias is claimed where it is not known; H⁻¹ by one Newton step is H⁻¹", async () => {
  const { describe, data } = randomCase("quadratic", 4, { n: 60 });
  const quadratic = await influence(await fit(describe, data), lp(2));
  expect(await leverageBias(quadratic, await scoreShifts(quadratic))).toBeNull();
  const { attack, shifts } = await drawn({ n: 50, beta: [1, 0.5], kind: "linear" }, 2);
  expect(await leverageBias(attack, shifts, { clusters: new Int32Array(50) })).toBeNull();
  const inverse = inverseMatrix(quadratic.fit);
  const d = inverse.rows;
  for (let j = 0; j < d; j++) {
    const unit = new Float64Array(d);
    unit[j] = 1;
    const column = quadratic.fit.inverse.solve(unit);
    const largest = Math.max(...column.map(Math.abs));
    column.forEach((value, i) => expect(Math.abs(inverse.data[i * d + j] - value)).toBeLessThan(1e-11 * largest));
  }
});
