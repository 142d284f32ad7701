/**
 * How often intervals from subsamples hold S of the population. With K = γx·z + 1, centres that stay and the penalty λ‖θ‖² the
 * regression is one on the slopes s and the constant, λ‖θ‖² = (λ/n)β'Σ⁻¹β: E(y − s'x)² + μ‖s‖², μ = λ/(nγ²). For x ~ N(0, I₂),
 * y = b'x + e, e ~ N(0, 1): s = b/(1 + μ), r ~ N(0, τ²), τ² = ‖b − s‖² + 1, A = 2c‖s‖E|r|, H = 2(1 + μ)I, c = E‖x‖ = √(π/2),
 * S = ‖H⁻¹∇A‖².
 */
import { expect, test } from "vitest";
import { kernel, kernelFit, kernelInfluence, kernelSubsampling, lp, Matrix } from "../../src/index.js";
import { drawsOf } from "../long.js";
import { Random } from "../models/naive.js";

const b = [1, -0.5];
const gamma = 0.5;
const mu = 0.2;
const n = 200;

function populationSensitivity(): number {
  const s = b.map((value) => value / (1 + mu));
  const left = b.map((value, k) => value - s[k]);
  const tau = Math.hypot(...left, 1);
  const size = Math.hypot(...s);
  // 2c√(2/π) = 2
  const slope = s.map((value, k) => 2 * ((value / size) * tau - (size * left[k]) / tau));
  return slope.reduce((sum, value) => sum + (value / (2 * (1 + mu))) ** 2, 0);
}

test(
  "kernel:poly of degree 1",
  async () => {
    const truth = populationSensitivity();
    const repetitions = drawsOf(20, 400);
    let [held, centre] = [0, 0];
    for (let r = 0; r < repetitions; r++) {
      const random = new Random(900 + r);
      const X = random.rows(n, 2);
      const y = X.map((x) => [x[0] * b[0] + x[1] * b[1] + random.normal()]);
      const rows = { x: Matrix.fromRows(X), y: Matrix.fromRows(y), weights: new Float64Array(n).fill(1 / n) };
      const fitted = await kernelFit(rows, {
        kernel: kernel("poly", { gamma, degree: 1 }),
        ridge: mu * n * gamma ** 2,
        penalty: "coefficients",
        centres: "fixed",
      });
      const attack = await kernelInfluence(fitted, lp(2));
      const { sensitivity } = await kernelSubsampling(attack, { draws: drawsOf(40, 200), seed: r });
      const [lower, upper] = sensitivity.interval;
      if (lower <= truth && truth <= upper) held++;
      centre += sensitivity.estimate / repetitions;
    }
    const share = held / repetitions;
    if (repetitions > 100) process.stdout.write(`coverage, S of a kernel regression: ${share} of ${repetitions}\n`);
    expect(Math.abs(centre / truth - 1)).toBeLessThan(0.15);
    expect(share).toBeGreaterThanOrEqual(drawsOf(0.75, 0.9));
  },
  drawsOf(180_000, 1_200_000),
);
