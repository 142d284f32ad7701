import { expect, test } from "vitest";
import { kernel, kernelFit, kernelInfluence, kernelSensitivity, lp, Matrix } from "../../src/index.js";
import { exponentOf, golden, relativeError } from "../golden.js";

const rows = () => {
  const { X, y } = golden.data["kern"];
  return {
    x: Matrix.fromRows(X),
    y: new Matrix(Float64Array.from(y), y.length, 1),
    weights: new Float64Array(y.length).fill(1 / y.length),
  };
};

test.each(golden.kernel)("$kind, centres $centres, p = $p: Corollary 6.1", async (c) => {
  const { kind, gamma, centres, lam: ridge, p } = c;
  const fit = await kernelFit(rows(), { kernel: kernel(kind, { gamma }), ridge, centres, penalty: "coefficients" });
  const found = await kernelInfluence(fit, lp(exponentOf(p)));
  const { slope, curvature, penalised } = kernelSensitivity(found);
  expect(relativeError(fit.theta.data, c.theta)).toBeLessThan(1e-10);
  expect(found.scale).toBeCloseTo(c.c, 12);
  expect(relativeError(found.influence.data, c.aif)).toBeLessThan(1e-8);
  expect(
    relativeError([penalised, slope, curvature], [c.s_penalised, c.s_natural_first, c.s_natural_quad]),
  ).toBeLessThan(1e-8);
  const predicted = fit.theta.data.map((value, j) => value + 1e-4 * found.influence.data[j]);
  const shift = Math.max(...c.robust_1e_4.map((value, j) => Math.abs(value - c.theta[j])));
  const miss = Math.max(...c.robust_1e_4.map((value, j) => Math.abs(value - predicted[j])));
  expect(miss).toBeLessThan(0.02 * shift);
});
