/** D + T of more parameters than are formed at once, along a few directions. */
import { beforeAll, expect, test } from "vitest";
import { ensureBlas, lp, Matrix } from "../../../src/index.js";
import { localInfluence } from "../../../src/influence/local/influence.js";
import { localJacobian } from "../../../src/influence/local/influence-jacobian.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { adversarialPulls } from "../../../src/influence/local/pull.js";
import { Random, relativeError } from "../../models/naive.js";
import { smallNetwork } from "./user-losses.js";

beforeAll(() => ensureBlas());

test("D + T is how Φ + HI moves with θ, whatever the number of parameters", async () => {
  const { model, data, start } = smallNetwork(3, { n: 6, m: 2, width: 33 });
  const d = start.length;
  expect(d).toBe(133);
  const attack = await localInfluence(await pointAt(model, data, start), lp(2), { damping: 5 });
  const J = await localJacobian(attack, null);
  const I = new Matrix(attack.influence, d, 1);
  const [block] = data.blocks(6);
  const balance = async (theta: Float64Array): Promise<Float64Array> => {
    const [{ penaltyGradient }] = await adversarialPulls(await pointAt(model, data, theta), [lp(2)]);
    const image = model.hessianProduct(theta, block, I).data;
    return penaltyGradient.map((value, j) => value + image[j]);
  };
  const random = new Random(1);
  for (const from of [0, 100, 128]) {
    const direction = Float64Array.from({ length: d }, (_, j) => (j >= from ? random.normal() : 0));
    const at = (h: number) => balance(start.map((value, j) => value + h * direction[j]));
    const [up, down] = [await at(1e-5), await at(-1e-5)];
    const wanted = up.map((value, j) => (value - down[j]) / 2e-5);
    const found = wanted.map((_, j) => direction.reduce((sum, value, k) => sum + J.data[j * d + k] * value, 0));
    expect(relativeError(found, wanted)).toBeLessThan(1e-5);
    for (let j = 0; j < d; j++) expect(J.data[j * d + d - 1]).toBe(J.data[(d - 1) * d + j]);
  }
});
