import type { Coefficients } from "@aif/core";
import { describe, expect, it } from "vitest";
import { coefficientsCsv, coefficientsFile } from "../../src/output/coefficients.js";
import { toJson } from "../../src/output/json.js";

const coefficients: Coefficients = {
  schema: "aif.coefficients/1",
  model: "linear",
  loss: "squared",
  target: "y",
  labels: null,
  names: ["(intercept)", "=SUM(A1)", '+a,"b"', "two\nlines", "-x", "@y", "plain"],
  units: "original",
  scaler: null,
  network: null,
  projection: null,
  columns: [
    { norm: null, epsilon: 0, radius: 0, kind: "natural", values: [1, -2, 0.1, 1e-20, 5, 6, 7] },
    { norm: "2", epsilon: 0.01, radius: 0.02, kind: "predicted", values: [1, 2, 3, 4, 5, 6, 1 / 3] },
    { norm: "2", epsilon: 0.01, radius: 0.02, kind: "exact", values: [9, 8, 7, 6, 5, 4, 3] },
  ],
};

describe("coefficients", () => {
  it("as CSV: quoted, formulas disarmed, numbers in full", () => {
    expect(coefficientsCsv(coefficients, false)).toBe(
      [
        "name,natural,p=2 eps=0.01,p=2 eps=0.01 exact",
        "(intercept),1,1,9",
        "'=SUM(A1),-2,2,8",
        `"'+a,""b""",0.1,3,7`,
        '"two\nlines",1e-20,4,6',
        "'-x,5,5,5",
        "'@y,6,6,4",
        `plain,7,${1 / 3},3`,
        "",
      ].join("\r\n"),
    );
  });

  it("as CSV: the scaler follows where the parameters need it", () => {
    const standardized: Coefficients = {
      ...coefficients,
      units: "standardized",
      scaler: { features: ["plain"], mean: [10], scale: [2] },
    };
    expect(coefficientsCsv(standardized, false)).toMatch(/\r\nmean\(plain\),10,10,10\r\nscale\(plain\),2,2,2\r\n$/);
  });

  it("as JSON: the object itself", () => {
    expect(JSON.parse(coefficientsFile("c.JSON", coefficients, false))).toEqual(coefficients);
    expect(coefficientsFile("c.csv", coefficients, true)).toBe(coefficientsCsv(coefficients, true));
  });
});

describe("JSON", () => {
  it("holds no number that is not finite, and ends its line", () => {
    expect(toJson({ a: Number.NaN, b: [Infinity, -Infinity, 1] })).toBe(
      '{\n  "a": null,\n  "b": [\n    null,\n    null,\n    1\n  ]\n}\n',
    );
  });

  it("escapes what a terminal would obey, without losing it", () => {
    const treacherous = "\u009b2J \u202e \u2028 \u200b \u001b[0m \ufeff";
    const text = toJson({ [treacherous]: treacherous });
    // oxlint-disable-next-line no-control-regex
    expect(text).toMatch(/^[\n\u0020-\u007e]*$/);
    expect(JSON.parse(text)).toEqual({ [treacherous]: treacherous });
  });
});
