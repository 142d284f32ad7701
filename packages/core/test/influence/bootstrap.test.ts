/** Bootstrap draws against fits on rows that are really repeated, and against the sandwich. */
import { describe, expect, test } from "vitest";
import {
  type Dataset,
  type Fit,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { type BootstrapDraws, type BootstrapOptions, bootstrap } from "../../src/influence/bootstrap.js";
import { bootstrapSummary } from "../../src/influence/bootstrap-summary.js";
import { drawWeights } from "../../src/influence/bootstrap-weights.js";
import { sandwich } from "../../src/influence/sandwich.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";
import { dot, features, lossOf, relativeError } from "../models/naive.js";
import { drawnCounts } from "./drawn-counts.js";
import { describeModel, MODELS, randomCase, type TestCase } from "./problems.js";

const INF = Number.POSITIVE_INFINITY;
/** In standard errors: draws of losses that are not squared are iterated. */
const ACCURACY = { logistic: 1e-3, poisson: 1e-3 } as Readonly<Record<string, number>>;

/** The rows as often as they are drawn; weights are what each copy keeps. */
function repeated({ problem }: TestCase, counts: Float64Array, kept: readonly number[]): Dataset {
  const rows = [...counts.keys()].flatMap((i) => new Array<number>(Math.round(counts[i])).fill(i));
  return matrixDataset(
    Matrix.fromRows(rows.map((i) => [...problem.X[i]])),
    rows.map((i) => problem.y[i]),
    { weights: rows.map((i) => kept[i]) },
  );
}

/** ½ Σ w ℓ'' (v'I)², row by row. */
function naiveSensitivity({ problem }: TestCase, own: Fit, weights: Float64Array, I: Float64Array): number {
  return problem.X.reduce((total, x, i) => {
    const v = features(problem.terms, x);
    const second = lossOf(problem.loss, dot(v, own.parameters), problem.y[i])[2];
    return total + 0.5 * weights[i] * second * dot(v, I) ** 2;
  }, 0);
}

const deviations = (rows: Matrix): number[] =>
  Array.from({ length: rows.columns }, (_, j) => {
    const column = rows.column(j);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows.rows;
    return Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rows.rows - 1));
  });

/** max_j |a_j − b_j| / sd_j */
const inDeviations = (a: Float64Array, b: Float64Array, sd: readonly number[]): number =>
  a.reduce((worst, value, j) => Math.max(worst, Math.abs(value - b[j]) / sd[j]), 0);

describe.each(MODELS)("%s: each draw is a fit and AIF on repeated rows", (model) => {
  test.each([
    { n: 80, l2: 0.05, weighted: false },
    { n: 80, l2: 0.02, weighted: true, intercept: false },
    // One of these draws has β next to 0, a corner of ‖b⊙β‖₂.
    { n: 80, l2: 0.05, weighted: true, budgets: [1, 0, 0.5], nearCorner: true },
    { n: 60, l2: 0.1, weighted: false, boxed: true },
    { n: 60, l2: 0.05, weighted: true, relativeRadius: false },
  ])("%o", async ({ relativeRadius = true, nearCorner = false, ...options }) => {
    const given = randomCase(model, 17, options);
    const { data, describe: description, l2, problem } = given;
    const full = await fit(description, data, { l2 });
    const box = options.boxed ? { bounds: { lower: [-1.2, -1.2, -1.2], upper: [1.2, 1.2, 1.2] } } : {};
    const threats = [1, 2, INF].map((p) => lp(p, { budgets: problem.budgets, ...box }));
    const attacks: Influence[] = [];
    for (const threat of threats) attacks.push(await influence(full, threat));
    const draws = 12;
    const found = await bootstrap(attacks, { draws, seed: 5, relativeRadius });
    expect(found[0].failed).toBe(0);
    const tolerance = (ACCURACY[problem.loss] ?? 1e-8) * (nearCorner ? 10 : 1);
    const sd = deviations(found[0].parameters);
    const weightsOf = drawWeights(data.weights, { seed: 5 });
    const weights = new Float64Array(data.rows);
    for (let draw = 0; draw < draws; draw++) {
      weightsOf(draw, weights);
      const counts = drawnCounts(data.weights, { seed: 5 }, draw);
      const own = await fit(description, repeated(given, counts, problem.w), { l2 });
      expect(inDeviations(found[0].parameters.row(draw), own.parameters, sd)).toBeLessThan(tolerance);
      for (const [a, threat] of threats.entries()) {
        const again = await influence(own, threat);
        const factor = relativeRadius ? 1 : attacks[a].scale / again.scale;
        const I = again.influence.map((value) => factor * value);
        const { influence: drawn, scale, sensitivity } = found[a];
        expect(inDeviations(drawn.row(draw), I, deviations(drawn))).toBeLessThan(tolerance);
        expect(relativeError([scale[draw]], [factor * again.scale])).toBeLessThan(1e-12);
        const S = naiveSensitivity(given, own, weights, I);
        expect(relativeError([sensitivity[draw]], [S])).toBeLessThan(tolerance);
      }
    }
  });
});

test("frequency weights: units are drawn, as from rows written out", async () => {
  const given = randomCase("linear", 3, { n: 30 });
  const raw = Array.from({ length: 30 }, (_, i) => 1 + (i % 4));
  const total = raw.reduce((sum, value) => sum + value, 0);
  const data = matrixDataset(Matrix.fromRows(given.problem.X.map((x) => [...x])), given.problem.y, {
    weights: raw,
  });
  const attack = await influence(await fit(linear(), data), lp(2));
  const sampling = { weightsKind: "frequency", totalWeight: total } as const;
  const [found] = await bootstrap([attack], { draws: 5, ...sampling });
  for (let draw = 0; draw < 5; draw++) {
    const counts = drawnCounts(data.weights, sampling, draw);
    const own = await influence(await fit(linear(), repeated(given, counts, new Array<number>(30).fill(1))), lp(2));
    expect(relativeError(found.influence.row(draw), own.influence)).toBeLessThan(1e-9);
  }
  // Written out, the units are the rows: the draws spread as much.
  const units = await influence(
    await fit(linear(), repeated(given, Float64Array.from(raw), new Array<number>(30).fill(1))),
    lp(2),
  );
  const many = { draws: 600, seed: 2 };
  const [counted] = await bootstrap([attack], { ...many, ...sampling });
  const [written] = await bootstrap([units], many);
  const written_ = deviations(written.influence);
  deviations(counted.influence).forEach((value, j) => expect(Math.abs(value / written_[j] - 1)).toBeLessThan(0.15));
});

async function gaussian(kind: "linear" | "logistic", n: number, seed: number): Promise<Fit> {
  const beta = kind === "linear" ? [1, -2, 0.5] : [1, -0.7, 0.4];
  const random = randomStream(seed, 7);
  const x = Matrix.zeros(n, 3);
  random.fillNormals(x.data);
  const y = Float64Array.from({ length: n }, (_, i) => {
    const f = dot(x.row(i), beta);
    if (kind === "linear") return f + random.normal();
    return random.uniform() < 1 / (1 + Math.exp(-f)) ? 1 : -1;
  });
  return fit(kind === "linear" ? linear({ loss: "half-squared", intercept: false }) : logistic(), matrixDataset(x, y));
}

const attacksOn = async (own: Fit, norms: readonly number[]): Promise<Influence[]> => {
  const attacks: Influence[] = [];
  for (const p of norms) attacks.push(await influence(own, lp(p)));
  return attacks;
};

test.each(["linear", "logistic"] as const)("%s: standard errors are about the sandwich's", async (kind) => {
  const attacks = await attacksOn(await gaussian(kind, 2000, 1), [2, INF]);
  const found = await bootstrap(attacks, { draws: drawsOf(400, 2000), seed: 3 });
  for (const [a, attack] of attacks.entries()) {
    const summary = bootstrapSummary(attack, found[a], 0.95);
    const closed = await sandwich(attack, await scoreShifts(attack));
    summary.standardErrors.forEach((se, j) =>
      expect(Math.abs(se / closed.standardErrors[j] - 1)).toBeLessThan(drawsOf(0.15, 0.1)),
    );
    expect(Math.abs(summary.sensitivityStandardError / closed.sensitivityStandardError - 1)).toBeLessThan(0.15);
    expect(Math.abs(summary.debiased / closed.debiased - 1)).toBeLessThan(0.05);
  }
});

test("clusters of equal rows count once: standard errors are those of one row of each", async () => {
  const own = await gaussian("linear", 300, 4);
  const x = Matrix.fromRows(Array.from({ length: 900 }, (_, i) => [...[...own.data.blocks(300)][0].x.row(i % 300)]));
  const y = Float64Array.from({ length: 900 }, (_, i) => own.data.y[i % 300]);
  const thrice = await fit(linear({ loss: "half-squared", intercept: false }), matrixDataset(x, y));
  const clusters = Int32Array.from({ length: 900 }, (_, i) => i % 300);
  const [[single], [grouped]] = [
    await bootstrap(await attacksOn(own, [2]), { draws: 20, seed: 6 }),
    await bootstrap(await attacksOn(thrice, [2]), { draws: 20, seed: 6, clusters }),
  ];
  expect(relativeError(grouped.influence.data, single.influence.data)).toBeLessThan(1e-10);
  expect(relativeError(grouped.sensitivity, single.sensitivity)).toBeLessThan(1e-10);
});

describe("laws", () => {
  const same = (a: BootstrapDraws, b: BootstrapDraws): void => {
    expect(a.influence.data).toEqual(b.influence.data);
    expect(a.parameters.data).toEqual(b.parameters.data);
    expect(a.sensitivity).toEqual(b.sensitivity);
    expect(a.scale).toEqual(b.scale);
  };

  test("the same seed gives the same digits, another seed others; threats do not disturb each other", async () => {
    const attacks = await attacksOn(await gaussian("logistic", 200, 2), [2, INF]);
    const run = (of: readonly Influence[], seed: number): Promise<BootstrapDraws[]> =>
      bootstrap(of, { draws: 30, seed });
    const [first, both] = [await run([attacks[1]], 9), await run(attacks, 9)];
    same((await run([attacks[1]], 9))[0], first[0]);
    expect(relativeError(both[1].influence.data, first[0].influence.data)).toBeLessThan(1e-12);
    expect((await run([attacks[1]], 10))[0].influence.data).not.toEqual(first[0].influence.data);
  });

  test("a draw does not depend on how many there are", async () => {
    const attacks = await attacksOn(await gaussian("linear", 60, 2), [2]);
    const [many] = await bootstrap(attacks, { draws: 300, seed: 1 });
    const [few] = await bootstrap(attacks, { draws: 7, seed: 1 });
    expect(many.influence.rows).toBe(300);
    expect(relativeError(many.influence.data.subarray(0, few.influence.data.length), few.influence.data)).toBeLessThan(
      1e-10,
    );
    // The draws of the second batch are new ones.
    expect(relativeError(many.influence.row(256), many.influence.row(0))).toBeGreaterThan(1e-3);
  });

  test("with the rows' names as clusters the order of the rows does not matter", async () => {
    const own = await gaussian("linear", 90, 5);
    const order = Int32Array.from({ length: 90 }, (_, i) => (37 * i + 11) % 90);
    const moved = await fit(linear({ loss: "half-squared", intercept: false }), own.data.select(order));
    const names = Int32Array.from({ length: 90 }, (_, i) => i);
    const [plain] = await bootstrap(await attacksOn(own, [2]), { draws: 10, seed: 4, clusters: names });
    const [permuted] = await bootstrap(await attacksOn(moved, [2]), { draws: 10, seed: 4, clusters: order });
    expect(relativeError(permuted.influence.data, plain.influence.data)).toBeLessThan(1e-10);
  });

  test("progress rises to the end, and a signal stops the work", async () => {
    for (const model of ["linear", "quadratic"] as const) {
      const full = await fit(describeModel(model, true), randomCase(model, 1, { n: 60 }).data);
      const attacks = await attacksOn(full, [2]);
      const seen: number[] = [];
      const options: BootstrapOptions = { draws: 600, onProgress: ({ done }) => seen.push(done) };
      await bootstrap(attacks, { ...options, draws: 300 });
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen[0]).toBe(0);
      expect(seen.at(-1)).toBe(300);
      expect(seen.length).toBeGreaterThan(2);
      const stop = new AbortController();
      const stopped = bootstrap(attacks, {
        draws: 600,
        signal: stop.signal,
        onProgress: ({ done }) => {
          if (done > 0) stop.abort();
          expect(done).toBeLessThan(600);
        },
      });
      await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
    }
  });
});

describe("draws without an estimate", () => {
  /** Classes that only a few of 40 rows keep from being separated: a draw misses one row with a chance of about e⁻¹. */
  const nearlySeparated = (between: number): Dataset => {
    const x = Array.from({ length: 40 }, (_, i) => [i < 20 ? -1 - (i % 7) / 5 : 1 + (i % 5) / 4]);
    const y = x.map(([value]) => Math.sign(value));
    for (let i = 0; i < between; i++) y[7 * i + 3] *= -1;
    return matrixDataset(Matrix.fromRows(x), y);
  };

  test("are counted, and are those whose classes the drawn rows separate", async () => {
    const data = nearlySeparated(3);
    const attacks = await attacksOn(await fit(logistic(), data), [2]);
    const draws = 120;
    const [found] = await bootstrap(attacks, { draws, seed: 12 });
    const weights = new Float64Array(40);
    let separated = 0;
    for (let draw = 0; draw < draws; draw++) {
      drawWeights(data.weights, { seed: 12 })(draw, weights);
      if (![3, 10, 17].some((i) => weights[i] > 0)) separated++;
    }
    expect(separated).toBeGreaterThan(0);
    expect(found.failed).toBe(separated);
    expect(found.influence.rows).toBe(draws - separated);
    expect(found.influence.data.every(Number.isFinite)).toBe(true);
  });

  test("more than a tenth of them: an error with advice, gone with a ridge", async () => {
    const data = nearlySeparated(1);
    const attacks = await attacksOn(await fit(logistic(), data), [2]);
    const failing = bootstrap(attacks, { draws: 100 });
    await expect(failing).rejects.toMatchObject({ code: "numerical" });
    await expect(failing).rejects.toThrow(/of \d+ bootstrap draws have no estimate.*ridge/);
    const [found] = await bootstrap(await attacksOn(await fit(logistic(), data, { l2: 0.05 }), [2]), { draws: 100 });
    expect(found.failed).toBe(0);
  });

  test("a level that a draw misses leaves its coefficient open: no estimate, not a number from nowhere", async () => {
    const random = randomStream(3);
    const x = Matrix.zeros(50, 2);
    for (let i = 0; i < 50; i++) x.data.set([random.normal(), i < 3 ? 1 : 0], 2 * i);
    const y = Float64Array.from({ length: 50 }, (_, i) => x.data[2 * i] + x.data[2 * i + 1] + random.normal());
    const data = matrixDataset(x, y);
    const full = await fit(linear(), data);
    // Frozen, the level pulls nowhere, so that an AIF exists without it too.
    const frozen = await influence(full, lp(2, { budgets: [1, 0] }));
    const found = await bootstrap([...(await attacksOn(full, [2, INF])), frozen], { draws: 200, seed: 1 });
    const [alone] = await bootstrap([frozen], { draws: 200, seed: 1 });
    const weights = new Float64Array(50);
    let missed = 0;
    for (let draw = 0; draw < 200; draw++) {
      drawWeights(data.weights, { seed: 1 })(draw, weights);
      if (weights[0] + weights[1] + weights[2] === 0) missed++;
    }
    expect(missed).toBeGreaterThan(0);
    for (const { failed } of [...found, alone]) expect(failed).toBe(missed);
  });
});

test.each([
  ["one draw", { draws: 1 }, "a whole number of draws"],
  ["half a draw", { draws: 2.5 }, "a whole number of draws"],
] as const)("refuses %s", async (_, options, message) => {
  const attacks = await attacksOn(await gaussian("linear", 30, 1), [2]);
  await expect(bootstrap(attacks, options)).rejects.toThrow(message);
});

test("refuses attacks on different fits", async () => {
  const [a] = await attacksOn(await gaussian("linear", 30, 1), [2]);
  const [b] = await attacksOn(await gaussian("linear", 30, 2), [2]);
  await expect(bootstrap([a, b])).rejects.toMatchObject({ code: "usage" });
});

test("coverage where the truth is known (MATH 3, D1: 94.8 to 97.6 %)", async () => {
  const repetitions = drawsOf(60, 600);
  const beta = [1, -2, 0.5];
  const length = Math.sqrt(8 / Math.PI) * Math.sqrt(2 / Math.PI);
  const truth = beta.map((b) => (-length * b) / Math.hypot(...beta));
  const S = length ** 2 / 2;
  let [covered, together, sensitivities] = [0, 0, 0];
  for (let seed = 0; seed < repetitions; seed++) {
    const [attack] = await attacksOn(await gaussian("linear", 500, 100 + seed), [2]);
    const [found] = await bootstrap([attack], { draws: 200, seed });
    const { pointwise, simultaneous, sensitivity } = bootstrapSummary(attack, found, 0.95);
    const inside = truth.map((value, j) => pointwise.lower[j] <= value && value <= pointwise.upper[j]);
    covered += inside.filter(Boolean).length / 3;
    if (truth.every((value, j) => simultaneous.lower[j] <= value && value <= simultaneous.upper[j])) together++;
    if (sensitivity && sensitivity.lower <= S && S <= sensitivity.upper) sensitivities++;
  }
  const [low, high] = [drawsOf(0.9, 0.945), drawsOf(1 + 1e-9, 0.985)];
  for (const count of [covered, together]) {
    const share = count / repetitions;
    expect(share).toBeGreaterThan(low);
    expect(share).toBeLessThanOrEqual(high);
  }
  expect(sensitivities / repetitions).toBeGreaterThan(drawsOf(0.84, 0.905));
  expect(sensitivities / repetitions).toBeLessThanOrEqual(drawsOf(1, 0.97));
});
