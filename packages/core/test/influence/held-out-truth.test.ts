import { expect, test } from "vitest";
import { studyHeldOut } from "../../../../bench/held-out-study.js";
import { drawsOf } from "../long.js";

test.each([
  { name: "linear", model: "linear", rows: 2000, features: 19, epsilon: 0.02 },
  { name: "logistic", model: "logistic", rows: 200, features: 19, epsilon: 0.01 },
] as const)("the cross-fitted change is the population change on average: $name", async (design) => {
  const found = await studyHeldOut(design, drawsOf(40, 400));
  expect(Math.sign(found.crossFitted.mean)).toBe(Math.sign(found.population.mean));
  expect(Math.abs(found.foldDistance)).toBeLessThan(3);
  expect(found.trusted).toBeGreaterThan(0.9);
  // What the training rows say is another number altogether.
  expect(found.inSample).toBeGreaterThan(found.crossFitted.mean);
});
