import { describe, expect, it } from "vitest";
import { splitNames, splitPairs } from "../../src/options/split.js";

describe("a comma list of names", () => {
  it.each([
    ["a", ["a"]],
    ["a,b , c", ["a", "b", "c"]],
    ["living area,a.b,a[0],__proto__", ["living area", "a.b", "a[0]", "__proto__"]],
    ['"a,b",c', ["a,b", "c"]],
    ['"say ""no""", " padded "', ['say "no"', " padded "]],
    ['"two\nlines",5" pipe', ["two\nlines", '5" pipe']],
    ["a=b:c", ["a=b:c"]],
    ["naïve,価格,🏠", ["naïve", "価格", "🏠"]],
  ])("splits %j", (text, names) => {
    expect(splitNames(text, "--freeze")).toEqual(names);
  });

  it.each([
    ["", "empty item"],
    ["a,,b", "empty item"],
    ["a,", "empty item"],
    ['"a', "never closes"],
    ['"a"b', "after a closing quote"],
  ])("refuses %j", (text, reason) => {
    expect(() => splitNames(text, "--freeze")).toThrow(new RegExp(`--freeze.*${reason}`));
  });
});

describe("a comma list of name=value", () => {
  it.each([
    [
      "a=.5,b=2",
      [
        ["a", ".5"],
        ["b", "2"],
      ],
    ],
    ["a = 1:2", [["a", "1:2"]]],
    ["x=1=.5", [["x=1", ".5"]]],
    ['"a,b=c"=3', [["a,b=c", "3"]]],
    [
      '"two\nlines"= :5,__proto__=1:',
      [
        ["two\nlines", ":5"],
        ["__proto__", "1:"],
      ],
    ],
  ])("splits %j", (text, pairs) => {
    expect(splitPairs(text, "--budget").map(({ name, value }) => [name, value])).toEqual(pairs);
  });

  it.each(["a", "=1", '"a"', "a=1,b"])("refuses %j", (text) => {
    expect(() => splitPairs(text, "--budget")).toThrow(/--budget takes name=value/);
  });
});
