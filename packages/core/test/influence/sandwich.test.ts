import { describe, expect, test } from "vitest";
import { fit, influence, lp, scoreShifts } from "../../src/index.js";
import { sandwich } from "../../src/influence/sandwich.js";
import { exponentOf, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";

describe.each(golden.cases.map((c) => [goldenName(c), c] as const))("%s", (_, c) => {
  test("standard errors of I and of S, debiased S", async () => {
    const attack = await influence(await fit(goldenModel(c), goldenData(c), { l2: c.l2 }), lp(exponentOf(c.p)));
    const found = await sandwich(attack, await scoreShifts(attack));
    expect(relativeError(found.standardErrors, c.se)).toBeLessThan(1e-6);
    expect(relativeError([found.sensitivityStandardError], [c.se_s])).toBeLessThan(1e-6);
    expect(Math.abs(found.debiased - c.s_debiased)).toBeLessThan(1e-6 * c.s_eq3);
    // The paper's own intervals leave out the estimation of θ̂, H and c.
    expect(relativeError(found.standardErrors, c.se_paper)).toBeGreaterThan(1e-3);
  });
});
