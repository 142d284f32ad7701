/** The variance of several sums at once, each over rows of its own, is that of the one column they make together. */
import { expect, test } from "vitest";
import { meanStandardError, type Sampling } from "../../../src/influence/sampling.js";
import { momentsOf } from "../../../src/study/streamed/moments.js";
import { Random } from "../../models/naive.js";
import { together } from "../../parallel/together.js";

const ROWS = 60;
const CLUSTERS = 7;

test.each([true, false])("in clusters: %s", async (clustered) => {
  const random = new Random(4);
  const draw = (make: () => number): Float64Array => Float64Array.from({ length: ROWS }, make);
  const z = draw(() => 3 + random.normal());
  const kind = draw(() => Math.floor(3 * random.uniform()));
  // The last cluster has rows without weight only, and is none.
  const clusters = Int32Array.from({ length: ROWS }, (_, i) => (i * i + 1) % CLUSTERS);
  const raw = draw(() => 1 + Math.floor(4 * random.uniform()));
  raw.forEach((_, i) => {
    if (clusters[i] === 2) raw[i] = 0;
  });
  const weight = raw.reduce((sum, value) => sum + value, 0);
  const w = raw.map((value) => value / weight);
  const means = [0, 1, 2].map((k) => {
    const own = [...kind.keys()].filter((i) => kind[i] === k);
    return own.reduce((sum, i) => sum + w[i] * z[i], 0) / own.reduce((sum, i) => sum + w[i], 0);
  });
  const factors = [2, -0.5, 1.5];
  // Its weighted mean is 0.
  const column = z.map((value, i) => factors[kind[i]] * (value - means[kind[i]]));
  const sampling: Sampling = {
    weightsKind: "sampling",
    totalWeight: weight,
    ...(clustered && { clusters }),
  };
  const found = await together(3, async (ranks) => {
    const moments = momentsOf(ranks, 3, clustered ? CLUSTERS : null);
    const rows = { w, omega: w.map((value) => value * value), clusterOf: clustered ? clusters : null };
    for (let i = ranks.rank; i < ROWS; i += ranks.size) moments.addOne(kind[i], z[i], i, rows);
    await ranks.add(...moments.sums);
    return moments.about(means.map((mean, k) => ({ k, mean, factor: factors[k] })));
  });
  const known = meanStandardError(column, w, sampling) ** 2;
  for (const variance of found) expect(Math.abs(variance - known)).toBeLessThanOrEqual(1e-11 * known);
});
