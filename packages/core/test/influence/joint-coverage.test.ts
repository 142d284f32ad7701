/** How often bootstrap intervals of rows attacked together hold the population's influence, which is in closed form here. */
import { expect, test } from "vitest";
import {
  bootstrap,
  bootstrapSummary,
  divergence,
  fit,
  influence,
  linear,
  lp,
  Matrix,
  matrixDataset,
  type ThreatDescription,
  wasserstein,
} from "../../src/index.js";
import { drawsOf } from "../long.js";
import { Random } from "../models/naive.js";

interface Design {
  readonly name: string;
  readonly threat: ThreatDescription;
  readonly rows: number;
  draw(random: Random, n: number): { X: number[][]; y: number[] };
  /** Of the population. */
  readonly truth: readonly number[];
}

const beta = [1, -2, 0.5];
const size = Math.hypot(...beta);

/** x ~ N(0, I₃), y = x'β + ξ, loss r²/2: A = c‖β‖√E r², so that I = −cσβ/‖β‖ with c = E‖x‖ = 2√(2/π). */
const gaussian = {
  rows: 300,
  draw(random: Random, n: number) {
    const X = random.rows(n, 3);
    return { X, y: X.map((x) => x.reduce((sum, value, k) => sum + value * beta[k], 0) + random.normal()) };
  },
};

/**
 * x ~ N(0, 1), y = x + e·exp(.2x), e a centred exponential (E e³ = 2, E e⁴ = 9), loss r²/2: Cov(r²/2, −rx) = −½E e³·E[x exp(.6x)] and
 * H = 1, so that I = .6·exp(.18)/sd(r²/2).
 */
const skewed = {
  rows: 1500,
  draw(random: Random, n: number) {
    const X = random.rows(n, 1);
    return { X, y: X.map(([x]) => x - (1 + Math.log(1 - random.uniform())) * Math.exp(0.2 * x)) };
  },
};
const skewedTruth = (0.6 * Math.exp(0.18)) / (0.5 * Math.sqrt(9 * Math.exp(0.32) - Math.exp(0.16)));

const DESIGNS: readonly Design[] = [
  {
    name: "u = 2",
    threat: wasserstein(2, lp(2)),
    ...gaussian,
    truth: beta.map((b) => (-2 * Math.sqrt(2 / Math.PI) * b) / size),
  },
  { name: "χ²", threat: divergence("chi2"), ...skewed, truth: [skewedTruth] },
  { name: "KL", threat: divergence("kl"), ...skewed, truth: [skewedTruth] },
];

test.each(DESIGNS.map((design) => [design.name, design] as const))(
  "%s",
  async (name, { threat, rows, draw, truth }) => {
    const repetitions = drawsOf(20, 400);
    const held = truth.map(() => 0);
    let centre = 0;
    for (let r = 0; r < repetitions; r++) {
      const { X, y } = draw(new Random(7000 + r), rows);
      const data = matrixDataset(Matrix.fromRows(X), y);
      const attack = await influence(await fit(linear({ loss: "half-squared", intercept: false }), data), threat);
      const [drawn] = await bootstrap([attack], { draws: drawsOf(60, 200), seed: r });
      const { pointwise } = bootstrapSummary(attack, drawn, 0.95);
      truth.forEach((value, j) => {
        if (pointwise.lower[j] <= value && value <= pointwise.upper[j]) held[j]++;
      });
      centre += attack.influence[0] / repetitions;
    }
    const shares = held.map((count) => count / repetitions);
    if (repetitions > 100) process.stdout.write(`coverage, ${name}: ${shares.join(", ")} of ${repetitions}\n`);
    // The truth is what Î is about, and most intervals hold it.
    expect(Math.abs(centre / truth[0] - 1)).toBeLessThan(0.15);
    for (const share of shares) expect(share).toBeGreaterThanOrEqual(drawsOf(15, 360) / drawsOf(20, 400));
  },
  drawsOf(180_000, 1_200_000),
);
