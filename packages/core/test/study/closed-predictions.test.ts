import { expect, test } from "vitest";
import { analyze, DEFAULT_SETTINGS, type Predictions } from "../../src/index.js";
import { normals } from "../kernel/naive.js";
import { numeric, table } from "./tables.js";

const n = 80;
const x = normals(n, 2, 3);
const score = (i: number): number => 0.5 + x.row(i)[0] - 0.7 * x.row(i)[1];
const targets = {
  linear: (i: number) => score(i) + Math.sin(i),
  logistic: (i: number) => (score(i) + 2 * Math.sin(7 * i) > 0 ? 1 : 0),
  poisson: (i: number) => Math.max(0, Math.round(Math.exp(0.5 * score(i)) + Math.sin(5 * i))),
};
const means = {
  linear: (f: number) => f,
  logistic: (f: number) => 1 / (1 + Math.exp(-f)),
  poisson: (f: number) => Math.exp(f),
};

test.each(["linear", "logistic", "poisson"] as const)(
  "%s: predictions now and after, on the target's scale",
  async (model) => {
    const found: Predictions[] = [];
    const rows = [
      [0.3, -1],
      [2, 0.5],
    ];
    const columns = (at: (i: number, k: number) => number, count: number) =>
      ["a", "b"].map((name, k) =>
        numeric(
          name,
          Array.from({ length: count }, (_, i) => at(i, k)),
        ),
      );
    const { result } = await analyze({
      table: table([
        ...columns((i, k) => x.row(i)[k], n),
        numeric(
          "y",
          Array.from({ length: n }, (_, i) => targets[model](i)),
        ),
      ]),
      settings: {
        ...DEFAULT_SETTINGS,
        target: "y",
        model,
        standardize: false,
        inference: "none",
        evaluation: { kind: "training" },
        epsilons: [0.02],
      },
      predictionTable: table(columns((i, k) => rows[i][k], 2)),
      onPredictions: (predictions) => found.push(predictions),
    });
    const theta = result.fit.parameters ?? [];
    const [{ influence }] = result.threats;
    const at = (row: readonly number[], epsilon: number): number => {
      const [b0, b1, b2] = theta.map((value, j) => value + epsilon * influence[j]);
      return means[model](b0 + b1 * row[0] + b2 * row[1]);
    };
    expect(found[0].outputs).toEqual([model === "logistic" ? "y = 1" : "y"]);
    for (const [i, { now, change, interval }] of found[0].attacks[0].rows.entries()) {
      expect(now[0]).toBeCloseTo(at(rows[i], 0), 12);
      expect(change[0]).toBeCloseTo(at(rows[i], 0.02) - at(rows[i], 0), 12);
      expect(interval).toBeNull();
    }
  },
);

test("networks are refused", async () => {
  const two = table([numeric("a", [1, 2, 3, 4, 5, 6]), numeric("y", [1, 3, 2, 5, 4, 6])]);
  const settings = { ...DEFAULT_SETTINGS, target: "y", model: "mlp:2" };
  await expect(analyze({ table: two, settings, predictionTable: two })).rejects.toThrow(
    /--predict: .* not for "mlp:2"/,
  );
});
