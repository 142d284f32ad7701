/** Settings that contradict themselves, and the names of models and evaluations. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  checkSettings,
  evaluationName,
  FLAGS,
  parseEvaluation,
  parseModel,
  type StudySettings,
} from "../../src/index.js";
import { settings } from "./tables.js";

function refusal(work: () => unknown): AifError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(AifError);
    return error as AifError;
  }
  throw new Error("nothing was refused");
}

test("the defaults are sound", () => expect(() => checkSettings(settings())).not.toThrow());

test.each<[Partial<StudySettings>, RegExp]>([
  [{ model: "linaer" }, /Unknown --model/],
  [{ model: "basis" }, /needs its terms/],
  [{ model: "linear:x" }, /takes no terms/],
  [{ l2: 1, C: 1 }, /--l2, --C and --alpha/],
  [{ C: 1, alpha: 0 }, /--l2, --C and --alpha/],
  [{ l2: -1 }, /--l2/],
  [{ l2: Number.NaN }, /--l2/],
  [{ l2: Number.POSITIVE_INFINITY }, /--l2/],
  [{ alpha: -0.1 }, /--alpha/],
  [{ C: 0 }, /--C/],
  [{ C: Number.NaN }, /--C/],
  [{ norms: [] }, /--norm/],
  [{ norms: [2, 0.5] }, /--norm 0.5/],
  [{ norms: [Number.NaN] }, /--norm/],
  [{ epsilons: [0.1], radii: [1] }, /--epsilon and --radius/],
  [{ epsilons: [] }, /--epsilon/],
  [{ radii: [] }, /--radius/],
  [{ epsilons: [0.1, -0.1] }, /--epsilon -0.1/],
  [{ epsilons: [Number.NaN] }, /--epsilon/],
  [{ radii: [Number.POSITIVE_INFINITY] }, /--radius/],
  [{ freeze: ["a"], budgets: [{ column: "b", budget: 1 }] }, /--freeze and --budget/],
  [{ evaluation: { kind: "cv", folds: 1 } }, /cv:1/],
  [{ evaluation: { kind: "cv", folds: 2.5 } }, /cv:2.5/],
  [{ evaluation: { kind: "fraction", share: 1 } }, /fraction:1/],
  [{ evaluation: { kind: "fraction", share: Number.NaN } }, /fraction/],
  [{ seed: 0.5 }, /--seed/],
  [{ seed: Number.NaN }, /--seed/],
])("%o", (changes, message) => {
  const error = refusal(() => checkSettings(settings(changes)));
  expect(error.code).toBe("usage");
  expect(error.message).toMatch(message);
});

describe("names of evaluations go there and back", () => {
  test.each(["cv:10", "cv:3", "training", "fraction:0.2", "other.csv", "/a/b c.parquet"])("%s", (text) => {
    expect(evaluationName(parseEvaluation(text))).toBe(text);
  });
  test("short and broken forms", () => {
    expect(parseEvaluation("cv")).toEqual({ kind: "cv", folds: 10 });
    for (const text of ["cv:", "cv:ten", "fraction:", "fraction:a"]) {
      expect(refusal(() => parseEvaluation(text)).code).toBe("usage");
    }
  });
});

test("models", () => {
  expect(parseModel("logistic")).toEqual({ kind: "logistic", terms: null });
  expect(parseModel("basis:x,x^2:3")).toEqual({ kind: "basis", terms: "x,x^2:3" });
  expect(refusal(() => parseModel("__proto__")).code).toBe("usage");
});

test("every flag says when, why and what to do, in sentences", () => {
  for (const [code, { raised, why, todo, level }] of Object.entries(FLAGS)) {
    expect(code).toMatch(/^[a-z0-9-]+$/);
    expect(["note", "warning", "error"]).toContain(level);
    expect(raised.length).toBeGreaterThan(10);
    for (const text of [why, todo]) expect(text).toMatch(/^[A-Z].*\.$/);
  }
});
