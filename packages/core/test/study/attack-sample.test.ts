/** Losses under attack of some rows, beside those of all of them. */
import { describe, expect, it } from "vitest";
import { analyze, DEFAULT_SETTINGS, type StudySettings } from "../../src/index.js";
import { Random } from "../models/naive.js";
import { categorical, numeric, table } from "./tables.js";

const ROWS = 400;
const random = new Random(5);
const names = ["ash", "beech", "cedar"];
const kinds = Array.from({ length: ROWS }, (_, i) => names[i % 3]);
const clouds = table(
  [
    numeric(
      "x",
      kinds.map((_, i) => [0, 1.2, 0.3][i % 3] + random.normal()),
    ),
    numeric(
      "y",
      kinds.map((_, i) => [0, 0.2, 1.5][i % 3] + random.normal()),
    ),
    categorical("kind", kinds),
    categorical(
      "town",
      kinds.map((_, i) => (i % 2 === 0 ? "left" : "right")),
    ),
  ],
  "clouds.csv",
);

const resultOf = async (local: Partial<StudySettings["local"]>, changes: Partial<StudySettings> = {}) => {
  const settings: StudySettings = {
    ...DEFAULT_SETTINGS,
    target: "kind",
    model: "softmax",
    l2: 0.01,
    exclude: ["town"],
    evaluation: { kind: "training" },
    epsilons: [0.05, 0.2],
    attackRate: 0.5,
    ...changes,
    local: { ...DEFAULT_SETTINGS.local, ...local },
  };
  return (await analyze({ table: clouds, settings })).result;
};

describe.each([
  ["on the training rows", { kind: "training" }],
  ["in folds", { kind: "cv", folds: 4 }],
] as const)("a sample of the rows attacked, %s", (_, evaluation) => {
  it("stands for all of them within its standard error, and says so", async () => {
    const all = await resultOf({}, { evaluation });
    const some = await resultOf({ attackRows: 120 }, { evaluation });
    for (const [k, point] of some.threats[0].curve.entries()) {
      const whole = all.threats[0].curve[k];
      const error = point.attackedSample?.standardError ?? 0;
      expect(point.attackedSample?.rows).toBe(120);
      expect(whole.attackedSample).toBe(null);
      expect(error).toBeGreaterThan(0);
      expect(Math.abs(point.robustLoss - whole.robustLoss)).toBeLessThan(4 * error);
      expect(Math.abs(point.robustLossNatural - whole.robustLossNatural)).toBeLessThan(4 * error);
      expect(point.benefit).toBeCloseTo(point.robustLossNatural - point.robustLoss, 12);
      expect([point.cost, point.stationarity, point.thisData]).toEqual([
        whole.cost,
        whole.stationarity,
        whole.thisData,
      ]);
      expect(point.metrics.natural).toEqual(whole.metrics.natural);
      expect(Math.abs(point.metrics.robust["accuracy"] - whole.metrics.robust["accuracy"])).toBeLessThan(0.2);
      const [low, high] = point.benefitInterval ?? [0, 0];
      const [lowest, highest] = whole.benefitInterval ?? [0, 0];
      expect(high - low).toBeGreaterThan(highest - lowest);
      expect(Math.abs((point.mixed?.benefit ?? 0) - (whole.mixed?.benefit ?? 1))).toBeLessThan(4 * error);
    }
    const codes = some.flags.map(({ code }) => code);
    expect(codes).toContain("sampled-attacks");
    expect(all.flags.map(({ code }) => code)).not.toContain("sampled-attacks");
    expect(some.flags.find(({ code }) => code === "sampled-attacks")?.message).toMatch(/120 rows drawn from 400/);
  });
});

it("all rows are attacked where the sample would be as large, and all is a choice", async () => {
  const all = await resultOf({});
  for (const attackRows of [ROWS, ROWS + 1, "all"] as const) {
    const { threats, flags } = await resultOf({ attackRows });
    expect(threats[0].curve).toEqual(all.threats[0].curve);
    expect(flags.map(({ code }) => code)).not.toContain("sampled-attacks");
  }
});

it("a number of rows that makes no sense is refused, and so is the option without a search", async () => {
  await expect(resultOf({ attackRows: 1 })).rejects.toThrow(/--attack-rows must be a whole number of at least 2/);
  await expect(resultOf({ attackRows: 10 }, { by: "town" })).rejects.toThrow(/--by asks for what every group gains/);
  const closed = resultOf({ attackRows: 10 }, { model: "linear", target: "x", exclude: ["kind", "town"] });
  await expect(closed).rejects.toThrow(/--attack-rows is for --model softmax/);
});
