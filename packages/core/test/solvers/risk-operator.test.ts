/** Products that are kept from one vector to the next, against differences of the gradient. */
import { describe, expect, test } from "vitest";
import { Matrix, matrixDataset } from "../../src/index.js";
import { ensureBlas } from "../../src/linalg/backend.js";
import { perceptron } from "../../src/models/perceptron.js";
import { ridgeOf, riskAt } from "../../src/solvers/model-risk.js";
import { riskOperator } from "../../src/solvers/risk-operator.js";
import { Random, relativeError } from "../models/naive.js";

const L2 = 0.05;

/** Two blocks and a rest; standardised blocks share one buffer, plain ones are views. */
function problem(standardize: boolean) {
  const random = new Random(5);
  const n = 2300;
  const rows = random.rows(n, 3);
  const y = rows.map(([a, b]) => Math.sin(a) + 0.3 * b + 0.2 * random.normal());
  const weights = rows.map(() => 0.5 + random.uniform());
  const data = matrixDataset(Matrix.fromRows(rows), y, { weights, standardize });
  const model = perceptron({ inputs: 3, hidden: [4], activation: "tanh", loss: "squared" });
  const parameters = Float64Array.from(random.normals(model.parameterNames.length), (value) => 0.7 * value);
  return { model, data, ridge: ridgeOf(model, L2), parameters };
}

describe.each([false, true])("rows standardised: %s", (standardize) => {
  const point = problem(standardize);
  const d = point.parameters.length;
  const vectors = new Matrix(Float64Array.from(new Random(6).normals(2 * d)), d, 2);

  test("with room for all blocks, for some and for none the products are those of the gradient's differences", async () => {
    await ensureBlas();
    const h = 1e-4;
    const expected = new Float64Array(2 * d);
    for (let k = 0; k < 2; k++) {
      const v = vectors.column(k);
      const at = async (s: number) =>
        (
          await riskAt(
            point,
            point.parameters.map((t, j) => t + s * v[j]),
          )
        ).gradient;
      const [up, down, up2, down2] = [await at(h), await at(-h), await at(2 * h), await at(-2 * h)];
      for (let j = 0; j < d; j++) expected[2 * j + k] = (8 * (up[j] - down[j]) - (up2[j] - down2[j])) / (12 * h);
    }
    for (const keptBytes of [0, 400_000, 2 ** 28]) {
      const operator = riskOperator(point, { curvature: "hessian", withRidge: true, keptBytes });
      const results: Float64Array[] = [];
      for (let call = 0; call < 4; call++) {
        results.push((await operator.product(vectors)).data);
        // Another pass over the rows fills the buffer that blocks share.
        await riskAt(point, point.parameters);
      }
      for (const result of results) {
        expect(relativeError(result, expected)).toBeLessThan(1e-8);
        expect([...result]).toEqual([...results[0]]);
      }
    }
  });

  test("no more blocks are kept than there is room for", async () => {
    await ensureBlas();
    const whole = riskOperator(point, { curvature: "hessian", withRidge: true });
    const expected = (await whole.product(vectors)).data;
    const [block] = point.data.blocks(1024);
    const each =
      (point.model.keptHessian?.(point.parameters, block).bytes ?? 0) + (block.lasting ? 0 : block.x.data.byteLength);
    for (const [keptBytes, blocks] of [
      [0.5 * each, 0],
      [1.5 * each, 1],
      [10 * each, 3],
    ]) {
      let fresh = 0;
      const model = {
        ...point.model,
        hessianProduct: (...rest: Parameters<typeof point.model.hessianProduct>) => {
          fresh++;
          return point.model.hessianProduct(...rest);
        },
      };
      const operator = riskOperator({ ...point, model }, { curvature: "hessian", withRidge: true, keptBytes });
      const made: number[] = [];
      for (let call = 0; call < 4; call++) {
        fresh = 0;
        expect(relativeError((await operator.product(vectors)).data, expected)).toBeLessThan(1e-13);
        made.push(fresh);
      }
      // The first product keeps nothing yet; from the second on, blocks without room are computed each time.
      expect(made).toEqual([3, 3 - blocks, 3 - blocks, 3 - blocks]);
    }
  });

  test("Gauss–Newton products stay the same too, and the whole matrix is made of them", async () => {
    const operator = riskOperator(point, { curvature: "gauss-newton", withRidge: true });
    const whole = await operator.matrix?.();
    const image = (v: Float64Array): Float64Array =>
      v.map((_, i) => v.reduce((sum, value, j) => sum + (whole?.data[i * d + j] ?? Number.NaN) * value, 0));
    for (let call = 0; call < 3; call++) {
      const found = await operator.product(vectors);
      for (let k = 0; k < 2; k++) {
        expect(relativeError(found.column(k), image(vectors.column(k)))).toBeLessThan(1e-12);
      }
    }
  });
});
