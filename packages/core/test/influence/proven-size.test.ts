/** The search for the largest ε that is proven, where floor and need are known functions of ε. */
import { describe, expect, test } from "vitest";
import { largestProven, type Tried } from "../../src/influence/proven-size.js";

/** What is found, and how many sizes were asked. */
async function search(
  estimate: number,
  floor: (epsilon: number) => number,
  need: (epsilon: number) => number,
  knows: (epsilon: number) => boolean = () => true,
) {
  const asked: number[] = [];
  const found = await largestProven(estimate, async (epsilon): Promise<Tried> => {
    asked.push(epsilon);
    const proof = { floor: floor(epsilon), need: need(epsilon) };
    return { epsilon, held: proof.floor >= proof.need, proof: knows(epsilon) ? proof : null };
  });
  return { found, asked };
}

describe("where a line meets a power of ε", () => {
  // (1 − ε/a) = (ε/b)^power at ε = 0.03 for every b that is worked out from a.
  const meeting = 0.03;
  test.each([
    [0.06, 1],
    [0.09, 1.5],
    [0.2, 0.6],
    [0.031, 2],
    [0.08, 3],
  ])("floor 0 at %d, power %d: four sizes do, from any estimate", async (a, power) => {
    const floor = (epsilon: number): number => 1 - epsilon / a;
    const need = (epsilon: number): number => floor(meeting) * (epsilon / meeting) ** power;
    for (const estimate of [0.0305, 0.035, 0.045, 0.055, 0.08]) {
      const { found, asked } = await search(estimate, floor, need);
      expect(found).toBeLessThanOrEqual(meeting);
      expect(found).toBeGreaterThan(meeting / 1.0101);
      expect(asked[0]).toBe(estimate / 2);
      expect(asked.length).toBeLessThanOrEqual(4);
      expect(asked.every((epsilon) => epsilon > 0 && epsilon <= estimate)).toBe(true);
    }
  });
});

test("powers that rise with ε take no more", async () => {
  // The need of a proof near its end: steeper and steeper. It meets the floor at 0.0274: 1 − 12.19·0.0274 = 0.665994.
  const floor = (epsilon: number): number => 1 - 12.19 * epsilon;
  const need = (epsilon: number): number => 0.665994 * Math.E ** (45.2 * (epsilon - 0.0274));
  const { found, asked } = await search(0.032, floor, need);
  expect(found).toBeLessThanOrEqual(0.0274);
  expect(found).toBeGreaterThan(0.0274 / 1.012);
  expect(asked.length).toBeLessThanOrEqual(5);
});

test("what is only known to fail halves what is left", async () => {
  const { found, asked } = await search(
    1,
    () => 1,
    (epsilon) => (epsilon <= 0.37 ? 0.5 * epsilon : 2),
    (epsilon) => epsilon <= 0.37,
  );
  expect(found).toBeLessThanOrEqual(0.37);
  expect(found).toBeGreaterThan(0.37 / 1.0101);
  expect(asked.length).toBeLessThanOrEqual(12);
});

test("a curve that a jump has cut is not believed", async () => {
  for (const jump of [0.51, 0.6, 0.77, 0.93]) {
    const { found } = await search(
      1,
      () => 1,
      (epsilon) => (epsilon < jump ? 0.97 * (epsilon / jump) ** 0.5 : 2),
    );
    expect(found).toBeLessThan(jump);
    expect(found).toBeGreaterThan(jump / 1.0101);
  }
});

test("the estimate itself where all holds; 0 where nothing does; a proof far below it is found in its steps", async () => {
  const always = await search(
    0.5,
    () => 1,
    (epsilon) => epsilon,
  );
  expect(always.found).toBe(0.5);
  const never = await search(
    1,
    () => 1,
    () => 2,
    () => false,
  );
  expect(never.found).toBe(0);
  const far = await search(
    1,
    (epsilon) => 1 - epsilon,
    (epsilon) => (epsilon / 0.004) ** 0.5,
  );
  // 1 − ε = √(250ε): ε² − 252ε + 1 = 0.
  const end = 126 - Math.sqrt(126 ** 2 - 1);
  expect(far.found).toBeLessThanOrEqual(end);
  expect(far.found).toBeGreaterThan(end / 1.0101);
});
