import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  influence,
  lasso,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  poisson,
  rowContributions,
  scoreShifts,
} from "../../src/index.js";
import { supportChange } from "../../src/influence/support-change.js";

interface Case {
  readonly name: string;
  readonly loss: "squared" | "logistic" | "poisson";
  readonly p: string;
  readonly l1: number;
  readonly l2: number;
  /** Index of the case that holds the rows. */
  readonly data: number;
  readonly theta: number[];
  readonly scale: number;
  readonly derivative: number[];
  readonly selected: number[];
  readonly boundary?: number;
  readonly x?: number[][];
  readonly y?: number[];
}

const CASES: readonly Case[] = JSON.parse(
  readFileSync(new URL("./fixtures/lasso-paths.json", import.meta.url), "utf8"),
);
const MODELS = { squared: linear(), logistic: logistic(), poisson: poisson() };

const attackOf = async ({ loss, p, l1, l2, data }: Case) => {
  const { x = [], y = [] } = CASES[data];
  const fit = await lasso(MODELS[loss], matrixDataset(Matrix.fromRows(x), y), { l1, l2 });
  return influence(fit, lp(p === "inf" ? Infinity : Number(p)));
};

const largest = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));

describe("the influence of a lasso", () => {
  it.each(CASES)("is the derivative of the robust lasso's optimum: $name", async (example) => {
    const attack = await attackOf(example);
    const { fit, influence: I, scale } = attack;
    expect(scale).toBeCloseTo(example.scale, 12);
    expect(largest(fit.parameters.map((value, j) => value - example.theta[j]))).toBeLessThan(1e-10);
    const error = largest(I.map((value, j) => value - example.derivative[j]));
    expect(error / largest(example.derivative)).toBeLessThan(example.p === "3" ? 1e-5 : 2e-7);
    // What the optimum keeps at 0 does not move at all.
    const moves = new Set([0, ...example.selected]);
    I.forEach((value, j) => expect(value === 0 || moves.has(j)).toBe(true));
    expect(attack.relativeResidual).toBeLessThan(1e-12);
  });

  it("resolves zeros on the boundary of the penalty one way or the other", async () => {
    const boundary = CASES.filter((example) => example.boundary !== undefined);
    let entered = 0;
    for (const example of boundary) {
      const { fit, influence: I } = await attackOf(example);
      const j = example.boundary ?? 0;
      expect(fit.parameters[j] === 0 || Math.abs(fit.parameters[j]) < 1e-12).toBe(true);
      if (example.selected.includes(j)) entered++;
      expect(I[j] !== 0).toBe(example.selected.includes(j));
    }
    expect(entered).toBeGreaterThan(0);
    expect(entered).toBeLessThan(boundary.length);
  });

  it("is shared out among rows that add up to it", async () => {
    for (const example of CASES) {
      const attack = await attackOf(example);
      const { influence: I } = attack;
      const metric = Float64Array.from(I, (_, j) => Math.sin(j + 1));
      const rows = await rowContributions(attack, metric);
      const total = metric.reduce((sum, value, j) => sum + value * I[j], 0);
      expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(total, 9);
    }
  });

  it("says where the set of non-zero coefficients first changes, as exact optima do", async () => {
    const example = CASES[2];
    const attack = await attackOf(example);
    const change = await supportChange(attack, await scoreShifts(attack));
    expect(change?.epsilon).toBeGreaterThan(0);
    expect(change && attack.fit.model.parameterNames[change.parameter]).toBeTruthy();
    const plain = await influence(await lasso(linear(), attack.fit.data, { l1: 0 }), lp(2));
    expect(await supportChange(plain, await scoreShifts(plain))).toBeNull();
  });
});
