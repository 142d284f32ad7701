/** The bootstrap of models without a closed form: its draws are fits of drawn rows, and its spread is that of other samples. */
import { describe, expect, test } from "vitest";
import { AifError, type Dataset, lp, Matrix, matrixDataset, trainModel } from "../../../src/index.js";
import { drawsSummary } from "../../../src/influence/bootstrap-summary.js";
import { bootstrapRefusal, localBootstrap } from "../../../src/influence/local/bootstrap.js";
import { naturalCurvature } from "../../../src/influence/local/contributions.js";
import { type LocalInfluence, localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localSandwich } from "../../../src/influence/local/sandwich.js";
import type { Model } from "../../../src/models/model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { softmaxRegression } from "../../../src/models/softmax.js";
import { hessianTimes } from "../../../src/solvers/inverse-hessian.js";
import { drawsOf } from "../../long.js";
import { Random, relativeError } from "../../models/naive.js";
import { drawnCounts } from "../drawn-counts.js";
import { gradientOf, minimumOf } from "./user-losses.js";

const INF = Number.POSITIVE_INFINITY;

/** Three classes in the plane. */
function classes(seed: number, n: number): { X: number[][]; y: number[] } {
  const random = new Random(seed);
  const X = random.rows(n, 2);
  const y = X.map(([a, b]) => {
    const scores = [0.8 * a + 0.3, -0.6 * a + 0.9 * b, -0.7 * b].map((f) => Math.exp(f));
    let left = random.uniform() * (scores[0] + scores[1] + scores[2]);
    return scores.findIndex((share) => (left -= share) < 0);
  });
  return { X, y };
}

/** Two classes that one curved line divides, with noise. */
function curved(seed: number, n: number): { X: number[][]; y: number[] } {
  const random = new Random(seed);
  const X = random.rows(n, 2);
  return { X, y: X.map(([a, b]) => (Math.sin(1.5 * a) + 0.8 * b + random.normal() > 0 ? 1 : -1)) };
}

const dataOf = ({ X, y }: { X: number[][]; y: number[] }): Dataset => matrixDataset(Matrix.fromRows(X), y);

const softmax = softmaxRegression({ features: ["a", "b"], classes: ["x", "y", "z"] });
const network = perceptron({ inputs: 2, hidden: [2], activation: "tanh", loss: "logistic" });
const networkStart = Float64Array.of(1.2, 0.2, -0.2, 0.8, 0.1, -0.1, 1, 1.2, 0.1);

const CASES = [
  { name: "a softmax regression", model: softmax, rows: classes, start: new Float64Array(9), l2: 0.01, n: 120 },
  { name: "a tanh network", model: network, rows: curved, start: networkStart, l2: 0.02, n: 150 },
] as const;

async function minimumAt(model: Model, data: Dataset, l2: number, start: Float64Array) {
  const { parameters } = await trainModel(model, data, { l2, start, tolerance: 1e-9 });
  return pointAt(model, data, parameters, { l2 });
}

describe.each(CASES)("$name", ({ model, rows, start, l2, n }) => {
  const sample = rows(3, n);
  /** Intercepts of all classes that are moved alike change no probability. */
  const told = (theta: Float64Array): Float64Array => {
    if (model !== softmax) return theta;
    const shift = (theta[0] + theta[1] + theta[2]) / 3;
    return theta.map((value, j) => (j < 3 ? value - shift : value));
  };

  test("every draw is the fit and the influence of the rows drawn, written out", async () => {
    const point = await minimumAt(model, dataOf(sample), l2, start);
    const attacks = await localInfluences(point, [lp(2), lp(INF)]);
    const options = { draws: 4, seed: 5 };
    const found = await localBootstrap(attacks, options);
    expect(found.map(({ failed }) => failed)).toEqual([0, 0]);
    for (let draw = 0; draw < options.draws; draw++) {
      const counts = drawnCounts(point.data.weights, options, draw);
      const chosen = [...counts.keys()].flatMap((i) => Array.from({ length: counts[i] }, () => i));
      const written = dataOf({ X: chosen.map((i) => sample.X[i]), y: chosen.map((i) => sample.y[i]) });
      const theta = minimumOf((at) => gradientOf(model, written, l2, at), point.parameters);
      const there = await pointAt(model, written, theta, { l2 });
      for (const [a, attack] of (await localInfluences(there, [lp(2), lp(INF)])).entries()) {
        expect(relativeError(found[a].influence.row(draw), attack.influence)).toBeLessThan(1e-4);
        expect(found[a].scale[draw] / attack.scale).toBeCloseTo(1, 10);
        expect(relativeError(told(found[a].parameters.row(draw)), told(theta))).toBeLessThan(1e-4);
        const H = await naturalCurvature(attack);
        const image = hessianTimes(H, attack.influence);
        const S = 0.5 * attack.influence.reduce((sum, value, j) => sum + value * image[j], 0);
        expect(found[a].sensitivity[draw] / S).toBeCloseTo(1, 3);
      }
    }
  });

  test("where the size is absolute c is not estimated", async () => {
    const attack = await localInfluence(await minimumAt(model, dataOf(sample), l2, start), lp(2));
    const [relative] = await localBootstrap([attack], { draws: 2 });
    const [absolute] = await localBootstrap([attack], { draws: 2, relativeRadius: false });
    expect([...absolute.scale]).toEqual([attack.scale, attack.scale]);
    const factor = attack.scale / relative.scale[1];
    expect(
      relativeError(
        absolute.influence.row(1),
        relative.influence.row(1).map((v) => factor * v),
      ),
    ).toBeLessThan(1e-9);
  });
});

test("its standard errors are those of the sandwich, and so is the interval for S", { timeout: 300_000 }, async () => {
  const attack = await localInfluence(
    await minimumAt(softmax, dataOf(classes(1, 600)), 0.01, new Float64Array(9)),
    lp(2),
  );
  const { standardErrors, sensitivityStandardError, debiased } = await localSandwich(attack);
  const [draws] = await localBootstrap([attack], { draws: drawsOf(80, 1000), seed: 2 });
  const H = await naturalCurvature(attack);
  const found = drawsSummary(attack.influence, (u) => hessianTimes(H, u), draws, 0.95);
  const ratios = found.standardErrors.map((se, j) => se / standardErrors[j]);
  for (const ratio of ratios) expect(Math.abs(Math.log(ratio))).toBeLessThan(drawsOf(0.3, 0.15));
  expect(ratios.reduce((sum, ratio) => sum + ratio / 9, 0)).toBeCloseTo(1, 0);
  expect(found.sensitivityStandardError / sensitivityStandardError).toBeGreaterThan(0.7);
  expect(found.sensitivityStandardError / sensitivityStandardError).toBeLessThan(1.4);
  expect(Math.abs(found.debiased - debiased)).toBeLessThan(sensitivityStandardError);
});

test("what has none says why", async () => {
  const data = dataOf(curved(3, 60));
  const attack = await localInfluence(await minimumAt(network, data, 0.02, networkStart), lp(2));
  const away = await localInfluence(await pointAt(network, data, networkStart, { l2: 0.02 }), lp(2), { damping: 1 });
  expect(bootstrapRefusal(away)?.code).toBe("not-at-minimum");
  expect(bootstrapRefusal(attack, { smooth: false })?.code).toBe("kinks");
  expect(bootstrapRefusal({ ...attack, influence: new Float64Array(4000) })?.code).toBe("too-large");
  await expect(localBootstrap([attack], { draws: 1 })).rejects.toThrow(/whole number of draws, 2 or more/);
  await expect(localBootstrap([away])).rejects.toThrow(/^No bootstrap: the parameters are no minimum/);
  const elsewhere = { ...attack, point: { ...attack.point } };
  await expect(localBootstrap([attack, elsewhere], { draws: 2 })).rejects.toThrow(/at the same point/);
  const aborted = new AbortController();
  aborted.abort();
  await expect(localBootstrap([attack], { draws: 2, signal: aborted.signal })).rejects.toThrow();
});

/** How often normal intervals hold the population's influence, a mean over parameters. */
async function coverage({ model, rows, start, l2 }: (typeof CASES)[number], n: number): Promise<number> {
  const truth: LocalInfluence = await localInfluence(
    await minimumAt(model, dataOf(rows(9000, 200_000)), l2, start),
    lp(2),
  );
  const [samples, draws] = [120, 80];
  let covered = 0;
  let counted = 0;
  for (let sample = 0; sample < samples; sample++) {
    const point = await minimumAt(model, dataOf(rows(sample, n)), l2, truth.point.parameters);
    const attack = await localInfluence(point, lp(2), { eigenvalues: false });
    const drawn = await localBootstrap([attack], { draws, seed: sample }).then(
      ([own]) => own,
      (error: unknown) => {
        // A network whose draws leave for other minima has no interval, and says so.
        if (error instanceof AifError && error.code === "numerical") return null;
        throw error;
      },
    );
    if (drawn === null) continue;
    const H = await naturalCurvature(attack);
    const { pointwise } = drawsSummary(attack.influence, (u) => hessianTimes(H, u), drawn, 0.95);
    truth.influence.forEach((value, j) => {
      counted++;
      if (pointwise.lower[j] <= value && value <= pointwise.upper[j]) covered++;
    });
  }
  expect(counted).toBeGreaterThan(0.6 * samples * truth.influence.length);
  return covered / counted;
}

describe.runIf(drawsOf(0, 1) === 1)("coverage of nominal 95 % intervals", () => {
  test.each(CASES)("$name, n = 500", { timeout: 3_600_000 }, async (one) => {
    const share = await coverage(one, 500);
    expect(share).toBeGreaterThan(0.92);
    // Draws of a network spread more than its estimates: its intervals are wide.
    expect(share).toBeLessThanOrEqual(one.model === softmax ? 0.99 : 1);
  });
});
