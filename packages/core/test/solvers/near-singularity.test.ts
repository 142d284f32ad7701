/** What a nearly singular H costs in digits, against the same model in columns that are far from each other. */
import { describe, expect, test } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { AifError } from "../../src/errors.js";
import { influence } from "../../src/influence/aif.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { linear, logistic } from "../../src/models/score-model.js";
import { type Fit, fit } from "../../src/solvers/fit.js";
import { nearSingularity } from "../../src/solvers/near-singularity.js";
import { lp } from "../../src/threats/pointwise.js";
import { Random } from "../models/naive.js";

type Kind = "linear" | "logistic";

const describeModel = (kind: Kind) => (kind === "linear" ? linear({ loss: "squared" }) : logistic());

/** On a grid of 2⁻⁸, so that z₀ + δz₁ with a power of two for δ is exact. */
function drawn(kind: Kind, n: number, m: number, seed: number): { Z: number[][]; y: Float64Array } {
  const random = new Random(seed);
  const Z = Array.from({ length: n }, () => Array.from({ length: m }, () => Math.round(256 * random.normal()) / 256));
  const y = Float64Array.from(Z, (z) => {
    const f = z[0] + 0.5 * z[m - 1] + random.normal();
    return kind === "linear" ? f : Math.sign(f) || 1;
  });
  return { Z, y };
}

/** θ for the columns z₀, z₀ + δz₁, z₂, … of the same function of the row as θ for z₀, z₁, z₂, … */
function nearParameters(parameters: Float64Array, delta: number): Float64Array {
  const out = parameters.slice();
  out[2] = parameters[2] / delta;
  out[1] = parameters[1] - out[2];
  return out;
}

/** Φ = ∇θ of c Σ w |ℓ'| ‖w‖₂ for the near columns, summed row by row; the function's values come from the far ones. */
function pullOf(kind: Kind, far: Fit, Z: readonly number[][], y: Float64Array, delta: number, c: number): Float64Array {
  const theta = nearParameters(far.parameters, delta);
  const length = Math.hypot(...theta.subarray(1));
  const out = new Float64Array(theta.length);
  Z.forEach((z, i) => {
    const f = z.reduce((sum, value, j) => sum + far.parameters[j + 1] * value, far.parameters[0]);
    const share = 1 / (1 + Math.exp(y[i] * f));
    const [slope, bend] = kind === "linear" ? [2 * (f - y[i]), 2] : [-y[i] * share, share * (1 - share)];
    [1, z[0], z[0] + delta * z[1], ...z.slice(2)].forEach((v, j) => {
      const radial = j > 0 ? (Math.abs(slope) * theta[j]) / length : 0;
      out[j] += (c / Z.length) * (Math.sign(slope) * bend * v * length + radial);
    });
  });
  return out;
}

interface Lost {
  readonly influence: number;
  readonly sensitivity: number;
  readonly found: ReturnType<typeof nearSingularity>;
}

/** The relative errors of I and of Φ'H⁻¹Φ with columns that are δ apart; null where the fit or the influence is refused. */
async function lost(kind: Kind, n: number, m: number, delta: number, seed: number): Promise<Lost | null> {
  const { Z, y } = drawn(kind, n, m, seed);
  const X = Z.map(([first, second, ...rest]) => [first, first + delta * second, ...rest]);
  const far = await fit(describeModel(kind), matrixDataset(Matrix.fromRows(Z), y));
  try {
    const near = await fit(describeModel(kind), matrixDataset(Matrix.fromRows(X), y));
    const { influence: I, penaltyGradient, scale } = await influence(near, lp(2));
    const pull = pullOf(kind, far, Z, y, delta, scale);
    // Φ of the far columns is B'Φ, where B takes their θ to that of the near ones.
    const farPull = pull.slice();
    farPull[2] = (pull[2] - pull[1]) / delta;
    const farInfluence = far.inverse.solve(farPull).map((value) => -value);
    const known = nearParameters(farInfluence, delta);
    const curvature = (phi: Float64Array, i: Float64Array): number =>
      phi.reduce((sum, value, j) => sum - value * i[j], 0);
    return {
      influence: Math.hypot(...known.map((value, j) => value - I[j])) / Math.hypot(...known),
      sensitivity: Math.abs(curvature(penaltyGradient, I) / curvature(farPull, farInfluence) - 1),
      found: nearSingularity(near),
    };
  } catch (error) {
    if (error instanceof AifError) return null;
    throw error;
  }
}

describe.each<[Kind, number, number]>([
  ["linear", 200, 3],
  ["linear", 2000, 10],
  ["logistic", 400, 3],
])("a %s model of %i rows and %i columns", (kind, n, m) => {
  const seeds = [1, 2, 3, 4, 5, 6];
  const at = async (k: number): Promise<Lost[]> =>
    (await Promise.all(seeds.map((seed) => lost(kind, n, m, 2 ** -k, seed)))).filter((one) => one !== null);

  test("whose columns are far enough apart is not flagged, and has all digits that the flag speaks of", async () => {
    for (const k of [2, 6, 10, 12, 13, 14, 15, 16]) {
      const found = await at(k);
      if (k <= 12) expect(found).toHaveLength(seeds.length);
      for (const { influence: I, sensitivity: S, found: flagged } of found) {
        if (k <= 12) expect(flagged).toBeNull();
        // Ten times the error that is flagged: that is how far the estimate may be off.
        if (flagged === null) expect(Math.max(I, S), `δ = 2^-${k}`).toBeLessThan(k <= 12 ? 1e-6 : 1e-5);
      }
    }
  });

  test("whose columns nearly repeat each other is, with the error that it has and their names", async () => {
    let seen = 0;
    for (const k of [17, 18, 19, 20]) {
      const found = await at(k);
      seen += found.length;
      const shares = found.map(({ influence: I, sensitivity: S, found: flagged }) => {
        expect(flagged?.parameters).toEqual(["x1", "x2"]);
        return Math.max(I, S) / (flagged?.error ?? 0);
      });
      for (const share of shares) expect(share, `δ = 2^-${k}`).toBeLessThan(10);
      // Not every draw of rounding errors is a bad one.
      if (found.length >= 3) expect(Math.max(...shares), `δ = 2^-${k}`).toBeGreaterThan(0.03);
    }
    expect(seen).toBeGreaterThan(seeds.length);
  });
});

test("a ridge takes it away, and a singular H is not spoken of", async () => {
  const { Z, y } = drawn("linear", 200, 3, 1);
  const data = (delta: number) =>
    matrixDataset(Matrix.fromRows(Z.map(([first, second, ...rest]) => [first, first + delta * second, ...rest])), y);
  expect(nearSingularity(await fit(describeModel("linear"), data(2 ** -18), { l2: 1e-3 }))).toBeNull();
  expect(nearSingularity(await fit(describeModel("linear"), data(0)))).toBeNull();
});
