/** Gains of forward selection against refits of every candidate. */
import { beforeAll, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { forwardSelection } from "../../src/solvers/forward-selection.js";
import { Random, solve } from "../models/naive.js";

beforeAll(() => ensureBlas());

test("groups of parameters enter in the order that refits give, over random problems", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const groups = [[1], [2, 3], [4], [5, 6, 7], [8]];
    const d = 9;
    const X = Array.from({ length: 60 }, () => {
      const shared = random.normal();
      return Array.from({ length: d }, (_, j) => (j === 0 ? 1 : random.normal() + 0.8 * shared));
    });
    const y = X.map((x) => x[2] - 0.7 * x[5] + 0.4 * x[8] + 0.3 * x[1] + random.normal());
    const gram = (a: number, b: number): number => X.reduce((sum, x) => sum + x[a] * x[b], 0);
    const right = (a: number): number => X.reduce((sum, x, i) => sum + x[a] * y[i], 0);
    const thetaOf = (inUse: readonly number[]): number[] =>
      solve(
        inUse.map((a) => inUse.map((b) => gram(a, b))),
        inUse.map(right),
      );
    const lossOf = (inUse: readonly number[]): number => {
      const theta = thetaOf(inUse);
      return X.reduce((sum, x, i) => sum + (y[i] - inUse.reduce((f, a, k) => f + theta[k] * x[a], 0)) ** 2, 0);
    };
    const parameters = (chosen: ReadonlySet<number>): number[] =>
      [0, ...groups.flatMap((group, k) => (chosen.has(k) ? group : []))].toSorted((a, b) => a - b);
    const found = await forwardSelection(
      {
        groups: groups.length,
        parameters: (chosen) => Int32Array.from(parameters(chosen)),
        at: async (inUse) => {
          const theta = thetaOf([...inUse]);
          const hessian = Matrix.fromRows(X[0].map((__, a) => X[0].map((_, b) => (b <= a ? gram(a, b) : Number.NaN))));
          const gradient = Float64Array.from(X[0], (_, a) =>
            inUse.includes(a) ? 0 : [...inUse].reduce((sum, b, k) => sum + gram(a, b) * theta[k], 0) - right(a),
          );
          return { hessian, gradient };
        },
      },
      groups.length,
    );
    const naive: number[] = [];
    while (naive.length < groups.length) {
      const left = groups.map((_, k) => k).filter((k) => !naive.includes(k));
      const losses = left.map((k) => lossOf(parameters(new Set([...naive, k]))));
      naive.push(left[losses.indexOf(Math.min(...losses))]);
    }
    expect(found).toEqual(naive);
  }
});

test("of equal gains the first enters", async () => {
  const hessian = Matrix.fromRows([
    [2, 0],
    [0, 2],
  ]);
  const order = await forwardSelection(
    {
      groups: 2,
      parameters: (chosen) => Int32Array.from(chosen).toSorted(),
      at: async (inUse) => ({ hessian, gradient: Float64Array.of(...[0, 1].map((j) => (inUse.includes(j) ? 0 : 1))) }),
    },
    2,
  );
  expect(order).toEqual([0, 1]);
});

test("a group that brings nothing gains nothing, first of all and later", async () => {
  const hessian = Matrix.fromRows([
    [2, 0],
    [0.5, 2],
  ]);
  const groups = [[], [0], [1], []];
  const order = await forwardSelection(
    {
      groups: groups.length,
      parameters: (chosen) => Int32Array.from(groups.flatMap((group, k) => (chosen.has(k) ? group : []))),
      // What is in use is at its minimum; the other parameter still gains.
      at: async (inUse) => ({
        hessian,
        gradient: Float64Array.of(inUse.includes(0) ? 0 : 1, inUse.includes(1) ? 0 : 3),
      }),
    },
    4,
  );
  expect(order).toEqual([2, 1, 0, 3]);
});
