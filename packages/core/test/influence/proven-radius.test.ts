/** The smallest r with rκ(r) ≥ g against brute force, for floors κ that fall in different ways. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { provenBound } from "../../src/influence/proven-radius.js";

type Floor = (r: number) => number;

/** The first r with rκ(r) ≥ g, by steps of a thousandth of g and then bisection; null beyond 8g. */
function firstRadius(kappa: Floor, g: number): number | null {
  for (let k = 1000; k < 8000; k++) {
    let [low, high] = [(g * (k - 1)) / 1000, (g * k) / 1000];
    if (high * kappa(high) < g) continue;
    for (let step = 0; step < 60; step++) {
      const middle = 0.5 * (low + high);
      if (middle * kappa(middle) >= g) high = middle;
      else low = middle;
    }
    return high;
  }
  return null;
}

async function asked(kappa: Floor, g: number): Promise<{ bound: number | null; rounds: number; radii: number[] }> {
  const radii: number[] = [];
  let rounds = 0;
  const bound = await provenBound(async (list) => {
    rounds++;
    radii.push(...list);
    return list.map(kappa);
  }, g);
  return { bound, rounds, radii };
}

/** Floors that fall like those of a certificate: means of exponentials, less a little, squared. */
const floors = fc
  .record({
    rates: fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 4 }),
    start: fc.double({ min: 0.3, max: 1, noNaN: true }),
    lost: fc.double({ min: 0, max: 0.3, noNaN: true }),
  })
  .map(({ rates, start, lost }): Floor => {
    const mean: Floor = (r) => rates.reduce((sum, rate) => sum + Math.exp(-rate * r), 0) / rates.length;
    return (r) => start * Math.max(0, Math.sqrt(mean(r)) - lost * mean(-0.5 * r)) ** 2;
  });

test("a bound that is given is proven, and the smallest to a thousandth", async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(floors, fc.double({ min: 1e-6, max: 0.5, noNaN: true }), async (kappa, g) => {
      const { bound, radii } = await asked(kappa, g);
      const truth = firstRadius(kappa, g);
      if (bound === null) return;
      found++;
      expect(truth).not.toBe(null);
      expect(bound).toBeGreaterThanOrEqual((truth ?? 0) * (1 - 1e-9));
      expect(radii.some((r) => r * kappa(r) >= g && g / kappa(r) === bound)).toBe(true);
      if ((truth ?? 9) < 2 * g) expect(bound).toBeLessThanOrEqual((truth ?? 0) * (1 + 1e-3));
    }),
    { numRuns: 500, seed: 3 },
  );
  expect(found).toBeGreaterThan(200);
});

test("none is missed while the radius is below three times g", async () => {
  await fc.assert(
    fc.asyncProperty(floors, fc.double({ min: 1e-6, max: 0.5, noNaN: true }), async (kappa, g) => {
      const truth = firstRadius(kappa, g);
      // At the last radius that there is κ grazes g/r, and a hair decides.
      if (truth === null || truth > 2.5 * g || 1.1 * truth * kappa(1.1 * truth) < g) return;
      expect((await asked(kappa, g)).bound).not.toBe(null);
    }),
    { numRuns: 500, seed: 4 },
  );
});

describe("questions", () => {
  test("two rounds do where κ falls like an exponential", async () => {
    for (const rate of [0.1, 0.5, 2]) {
      const { bound, rounds } = await asked((r) => Math.exp(-rate * r), 0.15);
      expect(rounds).toBe(2);
      expect(bound).toBeCloseTo(firstRadius((r) => Math.exp(-rate * r), 0.15) ?? 0, 4);
    }
  });

  test("a constant κ is asked no more than that", async () => {
    const { bound, rounds } = await asked(() => 0.9, 1);
    expect(bound).toBeCloseTo(1 / 0.9, 12);
    expect(rounds).toBe(1);
  });

  test("an error of 0 needs none", async () => {
    expect(await asked(() => 0, 0)).toEqual({ bound: 0, rounds: 0, radii: [] });
  });

  test("where κ is 0 at g there is no bound, and nothing more is asked", async () => {
    expect(await asked(() => 0, 1)).toMatchObject({ bound: null, rounds: 1 });
  });

  test("where rκ(r) stays below g there is none", async () => {
    expect((await asked((r) => 0.2 * Math.exp(-r), 1)).bound).toBe(null);
  });

  test("radii beyond eight times g are not asked for, however small g", async () => {
    const { bound, radii } = await asked(() => 0.05, 1e-3);
    expect(bound).toBe(null);
    expect(Math.max(...radii)).toBeLessThan(8e-3);
  });

  test("where the first radii lead nowhere, some further ones are asked at once", async () => {
    // κ falls to 0.54 just beyond 1.6g and no further: a curve through what it was before sees no radius at all.
    const g = 0.2;
    const kappa: Floor = (r) => Math.max(0.54, 0.9 - 0.5833 * (r / g - 1));
    const { bound, radii } = await asked(kappa, g);
    expect((bound ?? 0) / g).toBeCloseTo(1 / 0.54, 10);
    expect(bound).toBeCloseTo(firstRadius(kappa, g) ?? 0, 10);
    [1, 1.35, 2, 2.5, 3.2].forEach((multiple, k) => expect(radii[k] / g).toBeCloseTo(multiple, 12));
    // They are not where the first ones do.
    const led = await asked((r) => Math.exp(-0.5 * r), g);
    expect(led.radii).toHaveLength(4);
  });

  test("radii beyond the first ones are tried", async () => {
    // rκ(r) = r/(1 + r/2)² reaches 0.49 only at r = 1.5 and beyond: more than three times g.
    const kappa: Floor = (r) => 1 / (1 + r / 2) ** 2;
    const { bound } = await asked(kappa, 0.49);
    expect(bound).toBeCloseTo(firstRadius(kappa, 0.49) ?? 0, 3);
  });
});
