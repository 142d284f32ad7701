import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { sparkline } from "../../src/render/sparkline.js";
import { point, threat } from "../fixtures/study.js";

const plain = (lines: readonly string[]): string => lines.join("\n").replaceAll("\u00a0", " ");

/** A curve c(ε) over some sizes, on the training rows. */
const over = (sizes: readonly number[], change: (epsilon: number) => number, trustRadius: number | null) => {
  const [base] = threat().curve;
  const curve = sizes.map((epsilon) => ({
    ...point(),
    epsilon,
    heldOut: null,
    thisData: { ...base.thisData, predicted: change(epsilon) },
  }));
  return sparkline({ curve, trustRadius });
};

describe("the sparkline", () => {
  const sizes = [0.01, 0.02, 0.03, 0.04];

  it("rises evenly with a straight line", () => {
    expect(plain(over(sizes, (epsilon) => 100 * epsilon, null))).toBe(
      "  training change  ▁▁▂▂▂▃▃▄▄▄▅▅▅▆▆▇▇▇██  ε = 0 to 0.04: 0 to +4.0",
    );
  });

  it("shows where changes are below 0, and says so", () => {
    const line = plain(over(sizes, (epsilon) => 1e4 * (epsilon - 0.01) ** 2 - 1, null));
    expect(line).toMatch(/: -1\.0 to \+8\.0$/);
    const blocks = Array.from(/[▁-█]+/.exec(line)?.[0] ?? "");
    expect(blocks).toHaveLength(20);
    expect(blocks.indexOf("▁")).toBeGreaterThan(0);
    expect(blocks.at(-1)).toBe("█");
  });

  it("ends at two and a half trust radii", () => {
    expect(plain(over(sizes, (epsilon) => epsilon, 0.014))).toMatch(/ε = 0 to 0\.035: 0 to \+0\.035$/);
  });

  it("is left out where there is no curve", () => {
    expect(over([0.01], (epsilon) => epsilon, null)).toEqual([]);
    expect(over(sizes, () => 0, null)).toEqual([]);
    expect(over(sizes, () => Number.NaN, null)).toEqual([]);
    expect(over(sizes, (epsilon) => epsilon, 1e-6)).toEqual([]);
  });

  it("keeps to the page", () => {
    for (const line of over(sizes, (epsilon) => -1.2345e-7 * epsilon, null))
      expect(widthOf(line)).toBeLessThanOrEqual(80);
  });
});
