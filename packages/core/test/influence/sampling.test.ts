import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meanStandardError } from "../../src/influence/sampling.js";

const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 30 });

describe("the standard error of a weighted mean", () => {
  test("of equal rows is the deviation over √n", () => {
    fc.assert(
      fc.property(values, (list) => {
        const z = Float64Array.from(list);
        const n = z.length;
        const mean = z.reduce((a, b) => a + b, 0) / n;
        const deviation = Math.sqrt(z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
        const w = new Float64Array(n).fill(1 / n);
        const se = meanStandardError(z, w, { weightsKind: "sampling", totalWeight: n });
        expect(se).toBeCloseTo(deviation / Math.sqrt(n), 12);
        // A part of the rows is judged relative to its own weight.
        expect(
          meanStandardError(
            z,
            w.map((x) => x / 3),
            { weightsKind: "sampling", totalWeight: n },
          ),
        ).toBeCloseTo(se, 12);
      }),
    );
  });

  test("of counts is that of repeated rows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.integer({ min: 1, max: 6 })), {
          minLength: 2,
          maxLength: 20,
        }),
        (rows) => {
          const repeated = Float64Array.from(rows.flatMap(([z, count]) => new Array<number>(count).fill(z)));
          const N = repeated.length;
          const plain = meanStandardError(repeated, new Float64Array(N).fill(1 / N), {
            weightsKind: "sampling",
            totalWeight: N,
          });
          const counted = meanStandardError(
            Float64Array.from(rows, ([z]) => z),
            Float64Array.from(rows, ([, count]) => count / N),
            { weightsKind: "frequency", totalWeight: N },
          );
          expect(counted).toBeCloseTo(plain, 12);
        },
      ),
    );
  });

  test("within clusters adds up sums, with G/(G − 1)", () => {
    const z = Float64Array.of(1, 2, 4, 7, 11, 16);
    const w = Float64Array.of(0.1, 0.2, 0.1, 0.3, 0.2, 0.1);
    const clusters = Int32Array.of(5, 5, 9, 9, 9, 2);
    const mean = z.reduce((sum, value, i) => sum + w[i] * value, 0);
    const sums = [
      0.1 * (1 - mean) + 0.2 * (2 - mean),
      0.1 * (4 - mean) + 0.3 * (7 - mean) + 0.2 * (11 - mean),
      0.1 * (16 - mean),
    ];
    const expected = Math.sqrt((3 / 2) * sums.reduce((total, sum) => total + sum * sum, 0));
    expect(meanStandardError(z, w, { weightsKind: "sampling", totalWeight: 6, clusters })).toBeCloseTo(expected, 14);
  });
});
