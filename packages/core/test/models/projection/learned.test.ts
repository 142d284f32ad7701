/** Learned projections against scikit-learn's, and against what they are defined by. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { factorAnalysis, givenProjection, Matrix, matrixDataset, principalComponents } from "../../../src/index.js";
import { type Projection, projectRows } from "../../../src/models/projection/projection.js";
import { Random } from "../naive.js";

interface Fixture {
  readonly x: number[][];
  readonly pca: { readonly ratios: number[]; readonly scores: number[][] };
  readonly factors: Readonly<Record<string, { readonly scores: number[][]; readonly maximum: number[][] }>>;
}

const { x, pca, factors }: Fixture = JSON.parse(
  readFileSync(new URL("fixtures/projections.json", import.meta.url), "utf8"),
);
const rowsOf = (rows: readonly (readonly number[])[], weights?: readonly number[]) =>
  matrixDataset(
    Matrix.fromRows(rows),
    rows.map((_, i) => i % 3),
    weights ? { weights } : {},
  );
const first = Matrix.fromRows(x.slice(0, 5));

/** Columns that agree with the reference up to sign. */
function expectSameColumns(found: Matrix, reference: readonly (readonly number[])[], digits: number): void {
  for (let c = 0; c < found.columns; c++) {
    const sign = Math.sign(found.data[c] * reference[0][c]);
    reference.forEach((row, i) => expect(sign * found.data[i * found.columns + c]).toBeCloseTo(row[c], digits));
  }
}

test("principal components are scikit-learn's", async () => {
  const found = await principalComponents(rowsOf(x), 4);
  expectSameColumns(projectRows(found, first), pca.scores, 11);
  found.explained.forEach((share, c) => expect(share).toBeCloseTo(pca.ratios[c], 12));
  for (let c = 0; c < 4; c++) {
    const column = found.matrix.column(c);
    expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
  }
});

test.each(["1", "2"])("%s factors are scikit-learn's, and those at the maximum of the likelihood", async (k) => {
  const found = await factorAnalysis(rowsOf(x), Number(k));
  expectSameColumns(projectRows(found, first), factors[k].scores, 3);
  expectSameColumns(projectRows(found, first), factors[k].maximum, 6);
  expect(found.convergence?.change).toBeLessThanOrEqual(1e-8);
  expect(found.atLimit).toEqual([]);
});

describe("laws", () => {
  const shuffled = [...x.keys()].sort((a, b) => ((a * 37) % 200) - ((b * 37) % 200));
  const learners: Readonly<Record<string, (data: ReturnType<typeof rowsOf>) => Promise<Projection>>> = {
    pca: (data) => principalComponents(data, 3),
    factors: (data) => factorAnalysis(data, 2),
  };
  test.each(Object.keys(learners))(
    "%s: the order of the rows changes nothing, weights are repetitions",
    async (name) => {
      const learn = learners[name];
      const plain = await learn(rowsOf(x));
      const again = await learn(rowsOf(shuffled.map((i) => x[i])));
      again.matrix.data.forEach((value, j) => expect(value).toBeCloseTo(plain.matrix.data[j], 6));
      const repeats = x.map((_, i) => 1 + (i % 3));
      const repeated = await learn(rowsOf(x.flatMap((row, i) => Array.from({ length: repeats[i] }, () => row))));
      const weighted = await learn(rowsOf(x, repeats));
      weighted.matrix.data.forEach((value, j) => expect(value).toBeCloseTo(repeated.matrix.data[j], 6));
      weighted.centre.forEach((value, j) => expect(value).toBeCloseTo(repeated.centre[j], 10));
    },
  );

  test("explained shares are R² of the features on the components", async () => {
    const random = new Random(3);
    const P = Matrix.fromRows(Array.from({ length: 7 }, () => [random.normal(), random.normal()]));
    const found = await givenProjection(rowsOf(x), P);
    // Least squares of every centred feature on the centred components, by the normal equations.
    const mean = x[0].map((_, j) => x.reduce((sum, row) => sum + row[j], 0) / x.length);
    const centred = x.map((row) => row.map((value, j) => value - mean[j]));
    const z = centred.map((row) =>
      [0, 1].map((c) => row.reduce((sum, value, j) => sum + value * P.data[2 * j + c], 0)),
    );
    const sum = (f: (i: number) => number): number => x.reduce((total, _, i) => total + f(i), 0);
    const [a, b, c] = [sum((i) => z[i][0] ** 2), sum((i) => z[i][0] * z[i][1]), sum((i) => z[i][1] ** 2)];
    let [explained, total] = [0, 0];
    mean.forEach((_, j) => {
      const [u, v] = [sum((i) => z[i][0] * centred[i][j]), sum((i) => z[i][1] * centred[i][j])];
      explained += (c * u * u - 2 * b * u * v + a * v * v) / (a * c - b * b);
      total += sum((i) => centred[i][j] ** 2);
    });
    expect(found.explained[0] + found.explained[1]).toBeCloseTo(explained / total, 12);
  });
});

describe("refusals", () => {
  test("numbers of components that make no sense", async () => {
    await expect(principalComponents(rowsOf(x), 8)).rejects.toThrow("from 1 to 7");
    await expect(principalComponents(rowsOf(x), 0)).rejects.toThrow("from 1 to 7");
    await expect(factorAnalysis(rowsOf(x), 1.5)).rejects.toThrow("from 1 to 7");
  });
  test("more components than dimensions, more factors than there are", async () => {
    const flat = x.map(([a, b]) => [a, b, a + b]);
    await expect(principalComponents(rowsOf(flat), 3)).rejects.toThrow("span 2 dimensions");
    await expect(factorAnalysis(rowsOf(flat), 2)).rejects.toThrow("do not determine 2 factors: ask for 1 at most");
    const pair = x.map(([a, b]) => [a, b, 0]);
    await expect(factorAnalysis(rowsOf(pair), 1)).rejects.toThrow(
      "2 features that vary do not determine 1 factor: use",
    );
    const square = [-1, 1].flatMap((a) => [-1, 1].flatMap((b) => [-1, 1].map((c) => [a, b, c])));
    await expect(factorAnalysis(rowsOf(square), 1)).rejects.toThrow("share fewer than 1 factor:");
  });
  test("a factor that is one feature is named", async () => {
    const heywood = x.map(([a, b, c]) => [a, a * 0.9 + 1e-5 * b, c]);
    const found = await factorAnalysis(rowsOf(heywood), 1);
    expect(found.atLimit?.length).toBeGreaterThan(0);
  });
  test("matrices that do not fit", async () => {
    const data = rowsOf(x);
    await expect(givenProjection(data, Matrix.zeros(5, 2))).rejects.toThrow("5 rows");
    const bad = Matrix.fromRows(x[0].map((value, j) => [value, j === 2 ? Number.NaN : 1]));
    await expect(givenProjection(data, bad)).rejects.toThrow("Row 3, column 2");
    const twice = Matrix.fromRows(x[0].map((value) => [value, 2 * value]));
    await expect(givenProjection(data, twice)).rejects.toThrow("Column 2");
  });
});
