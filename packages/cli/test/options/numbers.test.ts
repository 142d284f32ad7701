import { describe, expect, it } from "vitest";
import { readInteger, readInterval, readNorms, readNumber, readNumbers } from "../../src/options/numbers.js";

describe("numbers of options", () => {
  it.each([
    ["0.01", 0.01],
    [".5", 0.5],
    ["-1", -1],
    ["1e-3", 0.001],
    [" 2. ", 2],
  ])("reads %j", (text, value) => {
    expect(readNumber(text, "--l2")).toBe(value);
  });

  it.each(["", "abc", "1,5", "0x10", "1e999", "NaN", "Infinity", "1 2"])("refuses %j", (text) => {
    expect(() => readNumber(text, "--l2")).toThrow(/--l2 takes a number/);
  });

  it("knows a decimal comma by what the comma leaves behind", () => {
    expect(() => readNumbers("0,01", "--epsilon")).toThrow(/decimals with a point/);
    expect(readNumbers("0,0.01,10", "--epsilon")).toEqual([0, 0.01, 10]);
  });

  it("reads norms, inf among them", () => {
    expect(readNorms("1,2,1.5,inf,Infinity", "--norm")).toEqual([1, 2, 1.5, Infinity, Infinity]);
  });

  it("reads whole numbers down to a bound", () => {
    expect(readInteger("3", "--threads", 1)).toBe(3);
    expect(() => readInteger("0", "--threads", 1)).toThrow(/whole number of at least 1/);
    expect(() => readInteger("1.5", "--seed", Number.MIN_SAFE_INTEGER)).toThrow(/takes a whole number, and/);
  });

  it("reads intervals with open ends", () => {
    expect(readInterval("-1:2.5", "--bounds")).toEqual({ lower: -1, upper: 2.5 });
    expect(readInterval(":5", "--bounds")).toEqual({ lower: -Infinity, upper: 5 });
    expect(readInterval("0:", "--bounds")).toEqual({ lower: 0, upper: Infinity });
    for (const text of [":", "5", "1:2:3", "a:2"]) expect(() => readInterval(text, "--bounds")).toThrow(/--bounds/);
    expect(() => readInterval("2:1", "--bounds")).toThrow(/lower bound above/);
  });
});
