import { expect, test } from "vitest";
import { remainingTime } from "../src/progress.js";

test("the time left is told from the pace of the phase, once there is one", () => {
  let clock = 0;
  const left = remainingTime(() => clock);
  expect(left("fitting", 0, 100)).toBe("");
  clock = 500;
  expect(left("fitting", 10, 100)).toBe("");
  clock = 2000;
  expect(left("fitting: residual 1e-3", 20, 100)).toBe(", 8 s left");
  clock = 3000;
  expect(left("attacking", 500, 1000)).toBe("");
  clock = 63_000;
  expect(left("attacking", 600, 1000)).toBe(", 4 min left");
  expect(left("attacking", 1000, 1000)).toBe("");
  // The same phase begun anew.
  clock = 64_000;
  expect(left("attacking", 0, 1000)).toBe("");
});
