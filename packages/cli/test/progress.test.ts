import { expect, test } from "vitest";
import { progressLines, remainingTime } from "../src/progress.js";

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

test("a log has a line a minute, and none of what is over sooner", () => {
  let clock = 0;
  const lines: string[] = [];
  const { report } = progressLines(
    (line) => lines.push(line),
    () => clock,
  );
  for (clock = 0; clock <= 150_000; clock += 1000) report("of\nmodel", clock / 1000, 240);
  expect(lines).toEqual(["aif: of␊model, 25 %, 3 min left\n", "aif: of␊model, 50 %, 2 min left\n"]);
});
