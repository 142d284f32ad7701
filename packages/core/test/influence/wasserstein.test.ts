/** The AIF of the Wasserstein adversary against the golden fixture. Its exact counterpart is tested in robust/emp-optimum. */
import { describe, expect, test } from "vitest";
import { fit, influence, lp, rowContributions } from "../../src/index.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { exponentOf, type GoldenCase, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";

const cases = golden.cases.map((c) => [goldenName(c), c as GoldenCase & { dro: Record<string, number[]> }] as const);

describe.each(cases)("%s", (_, c) => {
  test("the influence at every order", async () => {
    const fitted = await fit(goldenModel(c), goldenData(c), { l2: c.l2 });
    expect(Object.keys(c.dro).length).toBeGreaterThan(3);
    for (const [u, truth] of Object.entries(c.dro)) {
      const found = await influence(fitted, wasserstein(Number(u), lp(exponentOf(c.p))));
      expect(relativeError(found.influence, truth)).toBeLessThan(1e-9);
      expect(relativeError([found.scale], [c.c])).toBeLessThan(1e-12);
      expect(found.threat.settings.order).toBe(Number(u));
      // The rows' shares of dθ_j still add up to it.
      const shares = await rowContributions(
        found,
        Float64Array.from(truth, (__, j) => (j === 0 ? 1 : 0)),
      );
      expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(found.influence[0], 11);
    }
    const pointwise = await influence(fitted, wasserstein(Number.POSITIVE_INFINITY, lp(exponentOf(c.p))));
    expect(relativeError(pointwise.influence, c.aif)).toBeLessThan(1e-8);
  });
});
