import { expect, test } from "vitest";
import { coverageChart } from "../../src/index.js";

interface Mark {
  readonly lowest: number;
  readonly highest: number;
  readonly missed: boolean;
  readonly off: boolean;
  readonly text: string;
}

test("every design has its range, what missed is told apart, and what lies beyond the axis is said", () => {
  const cells = [
    { name: "kept", lowest: 94.3, highest: 96.3 },
    { name: "one quantity", lowest: 95, highest: 95 },
    { name: "missed", lowest: 91, highest: 96 },
    { name: "far off", lowest: 2.1, highest: 72 },
  ];
  const spec = coverageChart(cells, { title: "t", subtitle: "s", nominal: 95, accepted: [92.5, 97] });
  const { values } = spec["data"] as { values: Mark[] };
  expect(values.map(({ lowest, highest }) => [lowest, highest])).toEqual([
    [94.3, 96.3],
    [95, 95],
    [91, 96],
    [80, 80],
  ]);
  expect(values.map(({ missed, off }) => [missed, off])).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [true, true],
  ]);
  expect(values.map(({ text }) => text)).toEqual([
    "kept: 94.3 to 96.3 %",
    "one quantity: 95.0 %",
    "missed: 91.0 to 96.0 %",
    "far off: 2.10 to 72.0 %",
  ]);
});
