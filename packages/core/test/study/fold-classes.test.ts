import { describe, expect, test } from "vitest";
import { analyze } from "../../src/index.js";
import { refuseLostClass } from "../../src/study/fold-classes.js";
import { Random } from "../models/naive.js";
import { streamed } from "./streamed/agreement.js";
import { categorical, numeric, settings, table } from "./tables.js";

/** Two classes of many rows that numbers do not tell apart, and `few` rows of a third one. */
function kinds(few: number) {
  const random = new Random(5);
  const n = 90;
  const column = (name: string) =>
    numeric(
      name,
      Array.from({ length: n }, () => random.normal()),
    );
  const kind = Array.from({ length: n }, (_, i) => (i < few ? "rare" : i % 2 === 0 ? "left" : "right"));
  return table([column("a"), column("b"), categorical("kind", kind)]);
}

const asked = { target: "kind", model: "softmax", l2: 0.05, evaluation: { kind: "cv", folds: 3 } } as const;
const LOST = /^The only row of class "rare" is in fold \d of 3, so that the model fitted without that fold never sees/;

describe("a class that one fold holds alone", () => {
  test("is refused in memory", async () => {
    await expect(analyze({ table: kinds(1), settings: settings(asked) })).rejects.toThrow(LOST);
  });

  test("is refused where rows pass by, on every rank", async () => {
    await expect(streamed(kinds(1), asked)).rejects.toThrow(LOST);
    await expect(streamed(kinds(1), asked, { bounds: [0.4] })).rejects.toThrow(LOST);
  });

  test("is no harm without folds, or without intercepts that fall without end", async () => {
    for (const changes of [{ evaluation: { kind: "training" } }, { intercept: false }] as const) {
      const { result } = await analyze({ table: kinds(1), settings: settings({ ...asked, ...changes }) });
      expect(result.fit.trainingLoss).toBeLessThan(1.2);
    }
  });
});

test("a class in two folds is kept: folds are dealt class by class", async () => {
  const { result } = await analyze({ table: kinds(2), settings: settings(asked) });
  expect(result.fit.heldOutLoss).toBeLessThan(1.5);
});

test("the fold and the rows are named; classes without rows are none of its business", () => {
  const classes = ["a", "b", "c"];
  const counts = Float64Array.of(3, 0, 0, 2, 4, 0);
  expect(() => refuseLostClass({ counts, classes })).toThrow('All 4 rows of class "b" are in fold 2 of 2');
  expect(() => refuseLostClass({ counts: Float64Array.of(3, 1, 0, 2, 4, 0), classes })).not.toThrow();
});
