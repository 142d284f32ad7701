import { describe, expect, test } from "vitest";
import { verdictLines } from "../../src/render/verdict.js";
import * as fixture from "../fixtures/study.js";

const plain = (text: string): string => text;
const paint = new Proxy({}, { get: () => plain });

const linesOf = (study: ReturnType<typeof fixture.study>): string[] =>
  verdictLines(study, study.threats[0], paint as never);
const said = (lines: readonly string[]): string => lines.join(" ").replace(/\s+/g, " ");

const fits = (lines: readonly string[]): void => {
  for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(80);
};

describe("the verdict", () => {
  test("is the result's own paragraph, at the size that it speaks of", () => {
    const lines = linesOf(fixture.study());
    expect(said(lines)).toContain("Is it worth it at ε = 0.05? That depends.");
    fits(lines);
  });

  test("is left out where there is nothing to judge", () => {
    expect(linesOf(fixture.study({ threats: [fixture.threat({ curve: [], verdict: null })] }))).toEqual([]);
  });

  const metrics = {
    natural: { accuracy: 0.801, auc: 0.6595 },
    naturalNow: { accuracy: 0.804, auc: 0.6599 },
    robust: { accuracy: 0.799, auc: 0.6502 },
    robustNow: { accuracy: 0.81, auc: 0.6499 },
    changes: {
      natural: {
        accuracy: { change: -0.003, interval: [-0.009, 0.002], method: "bootstrap" },
        auc: { change: -0.0004, interval: null, method: null },
      },
      robust: {
        accuracy: { change: -0.011, interval: [-0.021, -0.001], method: "bootstrap" },
        auc: { change: 0.0003, interval: [-0.0024, 0.003], method: "paired" },
      },
    },
  } as const;

  test("shows metrics now and then, without and under attack, with the change's interval in points", () => {
    const lines = linesOf(fixture.study({ threats: [fixture.threat({ curve: [fixture.point({ metrics })] })] }));
    const row = lines.find((line) => line.includes("accuracy"))?.replace(/\s+/g, " ");
    expect(row).toBe(" accuracy 80.4→80.1 % -0.9…+0.2 81.0→79.9 % -2.1…-0.1");
    fits(lines);
    const outside = fixture.point({ metrics, extrapolated: true });
    expect(said(linesOf(fixture.study({ threats: [fixture.threat({ curve: [outside] })] })))).toContain("EXTRAPOLATED");
    expect(said(lines)).not.toContain("EXTRAPOLATED");
  });

  test("lists groups, those that lose most first, and marks the worst", () => {
    const { data } = fixture.study();
    const groups = [
      { name: "north", cost: -0.5, costInterval: null, benefit: 1 },
      { name: "south", cost: 2, costInterval: [1, 3] as const, benefit: 0.5 },
      { name: "empty", cost: null, costInterval: null, benefit: null },
    ];
    const lines = linesOf(
      fixture.study({
        data: {
          ...data,
          groups: {
            column: "side",
            names: ["north", "south", "empty"],
            rows: [700, 500, 0],
            naturalLoss: [1000, 1100, null],
          },
        },
        threats: [fixture.threat({ curve: [fixture.point({ groups, worstGroup: "south" })] })],
      }),
    );
    const from = lines.findIndex((line) => line === "By side");
    expect(lines[from + 2]).toMatch(/^! south +500 +1100 +\+2\.00 +\+1\.0…\+3\.0 +\+0\.500$/);
    expect(lines[from + 3]).toMatch(/^ {2}north/);
    expect(said(lines)).not.toContain("empty");
    fits(lines);
  });
});
