/** The generating processes: moments of what they draw, and the same rows for the same stream. */
import { expect, test } from "vitest";
import { linearProcess } from "../../src/data/linear-process.js";
import type { MatrixDataset } from "../../src/data/matrix-dataset.js";
import { withNoisyInputs } from "../../src/data/noisy-inputs.js";
import { withFirstFeatures } from "../../src/data/processes.js";
import { quadraticProcess } from "../../src/data/quadratic-process.js";
import { normalNoise, skewedNoise, squareFeaturesProcess } from "../../src/data/square-features-process.js";
import { randomStream } from "../../src/stats/random.js";

const N = 40_000;
const mean = (data: MatrixDataset, of: (x: Float64Array, y: number) => number): number => {
  let sum = 0;
  for (let i = 0; i < data.x.rows; i++) sum += of(data.x.row(i), data.y[i]) / data.x.rows;
  return sum;
};
/** Within five standard errors. */
const close = (value: number, goal: number, sd: number): void =>
  expect(Math.abs(value - goal)).toBeLessThan((5 * sd) / Math.sqrt(N));

test("linear: E xx' = σ_x²I, the residual is the noise and apart from x", () => {
  const data = linearProcess({ beta: [1, -2], sigmaX: 2, sigma: 0.5 }).draw(N, randomStream(1));
  const noise = (x: Float64Array, y: number): number => y - x[0] + 2 * x[1];
  close(
    mean(data, (x) => x[0] ** 2),
    4,
    4 * Math.SQRT2,
  );
  close(
    mean(data, (x) => x[0] * x[1]),
    0,
    4,
  );
  close(
    mean(data, (x, y) => noise(x, y) ** 2),
    0.25,
    0.25 * Math.SQRT2,
  );
  close(
    mean(data, (x, y) => noise(x, y) * x[1]),
    0,
    1,
  );
});

test("quadratic: what β₁'x leaves has mean ‖β₂‖²σ² and goes with (β₂'x)²", () => {
  const setting = { beta1: [1, 0], beta2: [0.6, 0.8], sigmaX: 0.5, sigmaXi: 0.3 };
  const data = quadraticProcess(setting).draw(N, randomStream(2));
  const left = (x: Float64Array, y: number): number => y - x[0] - (0.6 * x[0] + 0.8 * x[1]) ** 2;
  close(
    mean(data, (x, y) => y - x[0]),
    0.25,
    0.5,
  );
  close(mean(data, left), 0, 0.3);
  close(
    mean(data, (x, y) => left(x, y) ** 2),
    0.09,
    0.09 * Math.SQRT2,
  );
});

test("squares of uniform features, with skewed noise of mean 0", () => {
  const process = (noise: ReturnType<typeof normalNoise>) =>
    squareFeaturesProcess({ beta1: [1, 1], beta2: [1, 1], noise });
  const data = process(skewedNoise(0.1)).draw(N, randomStream(3));
  expect(Math.max(...data.x.data.map(Math.abs))).toBeLessThan(1);
  const noise = (x: Float64Array, y: number): number => y - x[0] - x[1] - (x[0] ** 2 + x[1] ** 2) / 4;
  close(
    mean(data, (x) => x[0] ** 4),
    1 / 5,
    0.3,
  );
  close(mean(data, noise), 0, 0.1);
  close(
    mean(data, (x, y) => Math.sign(noise(x, y))),
    2 / Math.E - 1,
    1,
  );
  close(
    mean(data, (x, y) => Math.abs(noise(x, y))),
    0.2 / Math.E,
    0.1,
  );
  const normal = process(normalNoise(0.1)).draw(N, randomStream(3));
  close(
    mean(normal, (x, y) => Math.sign(noise(x, y))),
    0,
    1,
  );
});

test("noisy inputs keep the targets, and have σ_x² + σ_r²", () => {
  const clean = linearProcess({ beta: [1, 2], sigma: 1 }).draw(N, randomStream(4));
  const noisy = withNoisyInputs(clean, 2, randomStream(5));
  expect(noisy.y).toEqual(clean.y);
  close(
    mean(noisy, (x) => x[1] ** 2),
    5,
    5 * Math.SQRT2,
  );
  expect(withNoisyInputs(clean, 0, randomStream(5)).x.data).toEqual(clean.x.data);
});

test("the first features of rows, and the same rows for the same stream", () => {
  const process = linearProcess({ beta: [1, 2, 3], sigma: 1 });
  const data = process.draw(10, randomStream(6));
  expect(process.draw(10, randomStream(6)).x.data).toEqual(data.x.data);
  const two = withFirstFeatures(data, 2);
  expect([two.x.rows, two.x.columns]).toEqual([10, 2]);
  expect(Array.from(two.x.row(7))).toEqual(Array.from(data.x.row(7).subarray(0, 2)));
  expect(two.y).toEqual(data.y);
});
