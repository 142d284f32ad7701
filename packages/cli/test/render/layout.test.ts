import { describe, expect, it } from "vitest";
import { glue, padEnd, padStart, shorten, table, widthOf, wrap } from "../../src/render/layout.js";

describe("layout", () => {
  it("shortens in the middle, by code points", () => {
    expect(shorten("abcdefghij", 10)).toBe("abcdefghij");
    expect(shorten("abcdefghij", 6)).toBe("abc…ij");
    expect(shorten("🏠".repeat(10), 5)).toBe("🏠🏠…🏠🏠");
  });

  it("pads to a width", () => {
    expect(padStart("🏠", 3)).toBe("  🏠");
    expect(padEnd("🏠", 3)).toBe("🏠  ");
    expect(padEnd("abcd", 3)).toBe("abcd");
  });

  it("wraps at blanks, hangs, and cuts words that fill more than a line", () => {
    expect(wrap("aa bb cc dd", { indent: 2, hang: 4, width: 8 })).toEqual(["  aa bb", "    cc", "    dd"]);
    expect(wrap("abcdefghij k", { indent: 1, width: 5 })).toEqual([" abcd", " efgh", " ij k"]);
    expect(wrap("")).toEqual([""]);
  });

  it("keeps glued words together", () => {
    expect(wrap(`aaaa x${glue}=${glue}1`, { width: 7 })).toEqual(["aaaa", "x = 1"]);
  });

  it("aligns columns under their headers", () => {
    const { header, body } = table(
      [
        { header: ["name"], cells: ["a", "🏠🏠"], align: "left" },
        { header: ["two", "lines"], cells: ["1", "-22"], align: "right" },
      ],
      2,
    );
    expect([...header, ...body]).toEqual(["        two", "name  lines", "a         1", "🏠🏠      -22"]);
    expect(body.map(widthOf)).toEqual([11, 11]);
  });
});
