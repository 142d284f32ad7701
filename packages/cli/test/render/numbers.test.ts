import { describe, expect, it } from "vitest";
import { count, number, percent, short, signed, signedPercent } from "../../src/render/numbers.js";

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [1, "1.00"],
    [0.0341, "0.0341"],
    [-0.00123456, "-0.00123"],
    [9.994e-4, "9.99e-4"],
    [9.9999e-4, "0.00100"],
    [999.6, "1000"],
    [12345.6, "12346"],
    [123456, "1.23e5"],
    [-2.5e-7, "-2.50e-7"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "–"],
    [null, "–"],
  ])("shows %s with three digits", (value, text) => {
    expect(number(value)).toBe(text);
  });

  it("drops zeros from sizes that were typed", () => {
    expect([0.01, 0.1, 10, 100, 1e-4, 0.0213, 2e6, 0].map((value) => short(value))).toEqual([
      "0.01",
      "0.1",
      "10",
      "100",
      "1e-4",
      "0.0213",
      "2e6",
      "0",
    ]);
  });

  it("shows signs, shares and counts", () => {
    expect([signed(1.5), signed(-1.5), signed(0)]).toEqual(["+1.50", "-1.50", "0"]);
    expect([percent(0.1234), percent(0), percent(0.0001), percent(1)]).toEqual([
      "12.3 %",
      "0.0 %",
      "<0.1 %",
      "100.0 %",
    ]);
    expect([signedPercent(0.031), signedPercent(-0.5), signedPercent(23), signedPercent(-2e-5)]).toEqual([
      "+3.1 %",
      "-50 %",
      ">999 %",
      "about 0 %",
    ]);
    expect([count(1, "row"), count(20640, "row")]).toEqual(["1 row", "20,640 rows"]);
  });
});
