import { describe, expect, test } from "vitest";
import { randomStream } from "../../src/stats/random.js";

describe("normal numbers by the thousand", () => {
  test("are those that as many single calls return, wherever the array begins and ends", () => {
    for (const lengths of [[1000], [1, 2, 3], [0, 7, 0, 1, 1, 12], [3, 64, 65, 66, 67, 2501], [63, 4099, 1, 2048]]) {
      const [one, other] = [randomStream(7, 3), randomStream(7, 3)];
      for (const length of lengths) {
        const filled = new Float64Array(length);
        one.fillNormals(filled);
        expect([...filled]).toEqual(Array.from({ length }, () => other.normal()));
      }
      expect([one.uniform(), one.normal(), one.normal()]).toEqual([other.uniform(), other.normal(), other.normal()]);
    }
  });

  test("have the moments of normal ones: 0, 1, 0, 3, and neighbours are not correlated", () => {
    const n = 200_000;
    const z = new Float64Array(n);
    randomStream(1).fillNormals(z);
    const mean = (of: (value: number, i: number) => number): number => z.reduce((sum, v, i) => sum + of(v, i), 0) / n;
    // Five standard errors of each.
    expect(Math.abs(mean((v) => v))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(mean((v) => v * v) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(mean((v) => v ** 3))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(mean((v) => v ** 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    expect(Math.abs(mean((v, i) => v * z[(i + 1) % n]))).toBeLessThan(5 / Math.sqrt(n));
  });
});
