import fc from "fast-check";
import { expect, test } from "vitest";
import { drawRows } from "../../src/stats/draw-rows.js";

test("as many different rows as asked for, in order, the same for the same seed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70 }), fc.nat(), (rows, count, seed) => {
      const drawn = drawRows(rows, count, seed);
      expect(drawn.length).toBe(Math.min(rows, count));
      expect([...drawn]).toEqual([...new Set(drawn)].sort((a, b) => a - b));
      expect(drawn.every((row) => row >= 0 && row < rows)).toBe(true);
      expect(drawRows(rows, count, seed)).toEqual(drawn);
    }),
  );
});

test("every row is as likely as the next", () => {
  const hits = new Float64Array(10);
  for (let seed = 0; seed < 4000; seed++) for (const row of drawRows(10, 3, seed)) hits[row]++;
  // Binomial: 1200 ± 29.
  for (const count of hits) expect(Math.abs(count - 1200)).toBeLessThan(130);
});
