import { describe, expect, it } from "vitest";
import { cpuTime } from "../../../core/test/cpu-time.js";
import { clean } from "../../src/render/clean.js";
import { forbiddenInText, hostileNames } from "../fixtures/hostile.js";

describe("clean", () => {
  it.each([
    ["plain naïve 価格 🏠", "plain naïve 価格 🏠"],
    ["two\nlines\r\n", "two␊lines␍␊"],
    ["\u001b[1;31mred\u001b[0m", "red"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u0007", "link"],
    ["\u001b]0;never closed", "0;never closed"],
    ["\u009b31mred", "red"],
    ["a\u202eb\u2066c\u200bd\u0000e", "abcde"],
    ["half \ud83c", "half \ufffd"],
  ])("makes %j harmless", (text, shown) => {
    expect(clean(text)).toBe(shown);
  });

  it("leaves nothing that a terminal obeys", () => {
    for (const name of hostileNames) expect(clean(name)).not.toMatch(forbiddenInText);
  });

  it("takes time in proportion to the text", () => {
    const started = cpuTime();
    clean("\u001b]".repeat(200_000));
    expect(cpuTime() - started).toBeLessThan(2000);
  });
});
