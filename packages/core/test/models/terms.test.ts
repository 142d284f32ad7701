/** Basis terms as people write them. */
import { describe, expect, test } from "vitest";
import { AifError } from "../../src/index.js";
import { parseMonomials } from "../../src/models/terms.js";

/** [coefficient, powers by feature name] of each term. */
function parsed(text: string, features: readonly string[]): [number, Record<string, number>][] {
  return parseMonomials(text, features).map(({ coefficient, factors }) => [
    coefficient,
    Object.fromEntries(factors.map(({ input, power }) => [features[input], power])),
  ]);
}

test.each<[string, string[], [number, Record<string, number>][]]>([
  ["x", ["x"], [[1, { x: 1 }]]],
  [
    "x1, x2 ,x1*x2",
    ["x1", "x2"],
    [
      [1, { x1: 1 }],
      [1, { x2: 1 }],
      [1, { x1: 1, x2: 1 }],
    ],
  ],
  ["x^2/4", ["x"], [[0.25, { x: 2 }]]],
  ["2*x^3", ["x"], [[2, { x: 3 }]]],
  ["-2.5*x", ["x"], [[-2.5, { x: 1 }]]],
  ["1e-3*x", ["x"], [[1e-3, { x: 1 }]]],
  ["x/2/5", ["x"], [[0.1, { x: 1 }]]],
  ["x/2*3", ["x"], [[1.5, { x: 1 }]]],
  ["x*x", ["x"], [[1, { x: 2 }]]],
  ["x^2*y*x", ["x", "y"], [[1, { x: 3, y: 1 }]]],
  ["`living area`^2", ["living area"], [[1, { "living area": 2 }]]],
  ["`a,b`*`c*d`", ["a,b", "c*d"], [[1, { "a,b": 1, "c*d": 1 }]]],
  ["`a^2`", ["a^2"], [[1, { "a^2": 1 }]]],
  ["`2`*x", ["2", "x"], [[1, { "2": 1, x: 1 }]]],
  ["color=red*x_1.y", ["color=red", "x_1.y"], [[1, { "color=red": 1, "x_1.y": 1 }]]],
  [
    "__proto__, constructor",
    ["__proto__", "constructor"],
    [
      [1, Object.fromEntries([["__proto__", 1]])],
      [1, { constructor: 1 }],
    ],
  ],
])("%s", (text, features, expected) => {
  expect(parsed(text, features)).toEqual(expected);
});

describe("what cannot be read is refused, by name", () => {
  test.each([
    ["", /empty/],
    ["x,,y", /empty/],
    ["x,", /empty/],
    ["z", /no feature.*x, y/],
    ["x*", /cannot be read/],
    ["*x", /no feature/],
    ["x y", /no feature/],
    ["x^", /whole power/],
    ["x^0", /whole power/],
    ["x^1.5", /whole power/],
    ["x^-1", /whole power/],
    ["x^21", /whole power/],
    ["x^2^3", /cannot be read/],
    ["x/y", /divides by a feature/],
    ["x/0", /factor 0/],
    ["0*x", /factor 0/],
    ["3", /constant/],
    ["x,2*x", /twice/],
    ["x*y,y*x", /twice/],
    ["`x", /cannot be read/],
    ["`x`y", /cannot be read/],
    ["x**2", /no feature/],
  ])("%s", (text, message) => {
    let caught: unknown = null;
    try {
      parseMonomials(text, ["x", "y"]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(AifError);
    expect((caught as AifError).code).toBe("usage");
    expect((caught as AifError).message).toMatch(message);
  });

  test("a coefficient that is no finite number", () => {
    expect(() => parseMonomials("1e308*1e308*x", ["x"])).toThrow(AifError);
    expect(() => parseMonomials("1e-308*1e-308*x", ["x"])).toThrow(AifError);
  });
});
