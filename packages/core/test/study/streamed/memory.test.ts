/** What an analysis by passes holds in memory does not grow with the rows. */
import { expect, test } from "vitest";
import { generatedRows } from "../../../../../bench/generated-rows.js";
import { analyzeStreamed, DEFAULT_SETTINGS } from "../../../src/index.js";

const MB = 2 ** 20;
const COLUMNS = 8;

/** The result, and the most memory that the process held while its rows passed by. */
async function peakOf(rows: number): Promise<{ peak: number; trainingLoss: number }> {
  const made = generatedRows(rows, COLUMNS, "logistic", 10);
  let peak = 0;
  const training = {
    ...made,
    *blocks(size?: number) {
      for (const block of made.blocks(size)) {
        yield block;
        peak = Math.max(peak, process.memoryUsage.rss());
      }
    },
  };
  const settings = { ...DEFAULT_SETTINGS, target: "y", epsilons: [0.01] };
  const { result } = await analyzeStreamed({
    training,
    evaluation: null,
    settings,
    source: "made rows",
    readSeconds: 0,
  });
  return { peak, trainingLoss: result.fit.trainingLoss };
}

test("a few thousand rows, made as they pass by, are analysed", async () => {
  const { trainingLoss } = await peakOf(3000);
  expect(trainingLoss).toBeGreaterThan(0.1);
  expect(trainingLoss).toBeLessThan(Math.log(2));
});

test.runIf(process.env["AIF_LONG_TESTS"] === "1")(
  "2,000,000 rows take hardly more than 120,000: one number a row would be 16 MB",
  { timeout: 1_200_000 },
  async () => {
    const few = await peakOf(120_000);
    const many = await peakOf(2_000_000);
    expect(many.peak - few.peak).toBeLessThan(60 * MB);
    expect(many.peak).toBeLessThan(1024 * MB);
  },
);
