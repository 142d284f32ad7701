import { describe, expect, test } from "vitest";
import { verdictLines } from "../../src/render/verdict.js";
import * as fixture from "../fixtures/study.js";

const plain = (text: string): string => text;
const paint = new Proxy({}, { get: () => plain });

describe("the verdict", () => {
  test.each([
    [{ cost: -1, benefit: 2, breakEvenRate: 0 }, "Yes: it is predicted to cost nothing"],
    [{ cost: -1, benefit: -2, breakEvenRate: null }, "it acts as a"],
    [{ cost: 1, benefit: -2, breakEvenRate: null }, "No: it is predicted to cost loss"],
    [{ cost: 1, benefit: 3, breakEvenRate: 0.25 }, "it pays if more than 25.0 % of"],
  ])("%j", (changes, words) => {
    const lines = verdictLines(fixture.study(), fixture.threat({ curve: [fixture.point(changes)] }), paint as never);
    expect(lines.join(" ").replace(/\s+/g, " ")).toContain(words);
    for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(80);
  });

  test("says when chance could explain the change", () => {
    const open = fixture.point({ heldOut: { predicted: 1, interval: [-1, 3] } });
    const clear = fixture.point({ heldOut: { predicted: 1, interval: [0.5, 3] } });
    const said = (point: typeof open): string =>
      verdictLines(fixture.study(), fixture.threat({ curve: [point] }), paint as never).join(" ");
    expect(said(open)).toContain("Chance could explain");
    expect(said(clear)).not.toContain("Chance could explain");
  });
});
