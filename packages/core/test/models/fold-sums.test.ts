import { afterAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { blas, useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { type FoldSums, foldSums } from "../../src/models/fold-sums.js";
import { LinearMap } from "../../src/models/linear-map.js";
import { backends, required } from "../linalg/backends.js";
import { Random } from "./naive.js";

const before = blas();
afterAll(() => useBlas(before));

const folds = 4;
const random = new Random(33);
/** Two blocks of rows; and rows so wide that all threads share each product. */
const [n, widths] = [12_000, [100, 740]] as const;
const tables = widths.map((m) => {
  const rows = m === 100 ? n : 200;
  return new Matrix(Float64Array.from(random.normals(rows * m)), rows, m);
});
const omega = Float64Array.from({ length: n }, () => random.below(3));
const pi = Float64Array.from(random.normals(n));
/** Three folds of more than a thousand rows each, and one without any. */
const foldOf = Uint16Array.from({ length: n }, () => [0, 1, 3][random.below(3)]);

for (const backend of backends) {
  for (const [weights, alike] of [
    [omega, "apart"],
    [new Float64Array(n).fill(0.25), "alike"],
  ] as const) {
    for (const intercept of [true, false]) {
      describe.skipIf(backend.blas === undefined)(`sums over folds, ${backend.name}`, () => {
        it.each(tables)(`are those of plain loops: weights ${alike}, intercept ${intercept}, %#`, async (x) => {
          useBlas(required(backend));
          const [n, m] = [x.rows, x.columns];
          const map = new LinearMap(m, intercept);
          const data = matrixDataset(x, new Float64Array(n));
          const ofRows = foldOf.subarray(0, n);
          const sums = (): ReturnType<typeof foldSums> =>
            foldSums(map, data, ofRows, folds, ({ firstRow, y }, onGram, onPull) => {
              onGram.set(weights.subarray(firstRow, firstRow + y.length));
              onPull.set(pi.subarray(firstRow, firstRow + y.length));
            });
          const found = await sums();
          const again = await sums(); // the same to the last digit, whoever was faster
          const all = ({ grams, pulls }: FoldSums): Float64Array[] => [
            ...grams.map(({ data: sum }) => sum),
            pulls.data,
          ];
          all(found).forEach((sum, k) => {
            const other = all(again)[k];
            expect(sum.every((value, at) => value === other[at])).toBe(true);
          });
          const d = map.count;
          const grams = Array.from({ length: folds }, () => new Float64Array(d * d));
          const pulls = new Float64Array(d * folds);
          for (let i = 0; i < n; i++) {
            const v = intercept ? [1, ...x.row(i)] : [...x.row(i)];
            const gram = grams[foldOf[i]];
            for (let a = 0; a < d; a++) {
              pulls[a * folds + foldOf[i]] += pi[i] * v[a];
              for (let b = 0; b <= a; b++) gram[a * d + b] += weights[i] * v[a] * v[b];
            }
          }
          const near = (value: number, wanted: number): boolean => Math.abs(value - wanted) <= 1e-12 * n;
          expect(found.pulls.data.every((value, at) => near(value, pulls[at]))).toBe(true);
          grams.forEach((gram, k) => {
            for (let a = 0; a < d; a++) {
              for (let b = 0; b <= a; b++) {
                if (!near(found.grams[k].data[a * d + b], gram[a * d + b])) throw new Error(`fold ${k}: (${a}, ${b})`);
              }
            }
          });
        });
      });
    }
  }
}
