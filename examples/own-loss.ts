/**
 * Two models of one's own, written with automatic differentiation: a robust regression, and a small network for it.
 * What adversarial training would do to each is computed from its derivatives.
 *
 *   npx tsx examples/own-loss.ts
 */
import {
  autodiff,
  localInfluence,
  lp,
  Matrix,
  matrixDataset,
  modelAdversarialTraining,
  modelOf,
  pointAt,
  trainModel,
} from "@aif/core";

const { add, dense, matmul, mul, scale, sqrt, square, sub, sumOverColumns } = autodiff;

// Rows: y = 2x₁ − x₂ + ½x₁x₂ with a few outliers, from a simple generator of pseudo-random numbers.
let state = 7;
const uniform = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
const rows = Array.from({ length: 200 }, () => [normal(), normal()]);
const targets = rows.map(([a, b], i) => 2 * a - b + 0.5 * a * b + (i % 20 === 0 ? 8 : 0.3) * normal());
const data = matrixDataset(Matrix.fromRows(rows), targets);

/** √(1 + r²) − 1: like a square near 0, like an absolute value far out, and smooth in between. */
const pseudoHuber = (residual: autodiff.Tensor): autodiff.Tensor => sub(sqrt(add(square(residual), 1)), 1);

const robustRegression = modelOf({
  parameters: { intercept: { rows: 1, columns: 1, penalised: false }, slope: { rows: 2, columns: 1 } },
  losses: ({ intercept, slope }, x, y) => pseudoHuber(sub(add(matmul(x, slope), intercept), y)),
});

const network = modelOf({
  parameters: {
    inner: { rows: 4, columns: 2 },
    shift: { rows: 1, columns: 4, penalised: false },
    outer: { rows: 1, columns: 4 },
    intercept: { rows: 1, columns: 1, penalised: false },
  },
  losses({ inner, shift, outer, intercept }, x, y) {
    const hidden = dense(x, inner, shift, "tanh");
    const prediction = add(scale(sumOverColumns(mul(hidden, outer)), 3), intercept);
    return pseudoHuber(sub(prediction, y));
  },
});

const starts = {
  "robust regression": { model: robustRegression, start: new Float64Array(3) },
  "small network": { model: network, start: Float64Array.from({ length: 17 }, () => 0.5 * normal()) },
};

for (const [name, { model, start }] of Object.entries(starts)) {
  const l2 = 0.01;
  const { parameters } = await trainModel(model, data, { l2, start });
  const point = await pointAt(model, data, parameters, { l2 });
  const attack = await localInfluence(point, lp(2));

  // The same by training against an adversary, for one small size.
  const epsilon = 0.0005;
  const trained = await modelAdversarialTraining(point, attack.threat, epsilon * attack.scale, { tolerance: 1e-7 });
  const size = Math.hypot(...attack.influence);
  const error = Math.hypot(
    ...attack.influence.map((value, j) => (trained.parameters[j] - parameters[j]) / epsilon - value),
  );
  console.log(
    `${name}: loss ${point.trainingLoss.toFixed(4)}, ‖I‖ ${size.toFixed(3)}, smallest eigenvalue ${attack.local.smallestEigenvalue?.toPrecision(2)}`,
  );
  console.log(
    `  adversarial training at ε = ${epsilon} differs by ${((100 * error) / size).toFixed(1)} % of the prediction`,
  );
}
