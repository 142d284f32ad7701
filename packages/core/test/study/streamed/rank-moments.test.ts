/** Variances about means that are known later are those of numbers in memory, for any cut into ranks and blocks. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { meanStandardError } from "../../../src/influence/sampling.js";
import { RankMoments } from "../../../src/study/streamed/rank-moments.js";
import { together } from "../../parallel/together.js";

test("any numbers, cuts and centres, also far from 0", async () => {
  const rows = fc.array(fc.record({ z: fc.double({ min: -1, max: 1, noNaN: true }), w: fc.nat(4) }), {
    minLength: 2,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(0, 1e3, -1e7),
      fc.boolean(),
      async (list, size, block, offset, oneByOne) => {
        fc.pre(list.some(({ w }) => w > 0));
        const weight = list.reduce((sum, { w }) => sum + w, 0);
        const z = Float64Array.from(list, (row) => row.z + offset);
        const w = Float64Array.from(list, (row) => row.w / weight);
        const mean = z.reduce((sum, value, i) => sum + w[i] * value, 0);
        const found = await together(size, async (ranks) => {
          const moments = new RankMoments(ranks, 2);
          const from = Math.floor((ranks.rank * z.length) / size);
          const end = Math.floor(((ranks.rank + 1) * z.length) / size);
          for (let at = from; at < end; at += block) {
            const to = Math.min(end, at + block);
            const omega = w.slice(at, to).map((value) => value * value);
            if (oneByOne) for (let i = at; i < to; i++) moments.addOne(1, z[i], omega[i - at]);
            else moments.add(1, z.slice(at, to), omega);
          }
          await ranks.add(...moments.sums);
          return moments.about(1, mean);
        });
        const known = meanStandardError(z, w, { weightsKind: "sampling", totalWeight: z.length }) ** 2;
        // The mean itself is known to so many digits only.
        const lost = 1e-14 * Math.abs(offset);
        for (const variance of found) {
          expect(Math.abs(variance - known)).toBeLessThanOrEqual(
            1e-10 * known + lost * (Math.sqrt(known) + lost) + 1e-30,
          );
        }
      },
    ),
  );
});
