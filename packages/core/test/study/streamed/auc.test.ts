/** The AUC of rows that pass by: that of rows in memory, however few scores may be kept, or one sentence. */
import { expect, test } from "vitest";
import { AifError, type StudySettings } from "../../../src/index.js";
import { Random } from "../../models/naive.js";
import { categorical, loans, table } from "../tables.js";
import { expectAgreement, RANKS, streamed } from "./agreement.js";

const ROWS = 200;
/** Of one rank, with so many lists of scores at a time. */
const bytesFor = (lists: number, rows = ROWS): number => 2 * rows * (56 + 8 * lists);

test("few lists of scores at a time, more of them in each pass, or all at once: the same result", async () => {
  for (const lists of [2, 3, 7, 1000]) {
    const memory = { memoryBytes: bytesFor(lists) };
    await expectAgreement(loans(ROWS), { target: "repaid", norms: [2], evaluation: { kind: "training" } }, memory);
    // The largest share, of 0.43, decides for all ranks.
    await expectAgreement(
      loans(ROWS),
      { target: "repaid", norms: [2] },
      { ...RANKS, memoryBytes: bytesFor(lists, 86) },
    );
  }
});

test("rows that share their scores, on any rank", async () => {
  const random = new Random(4);
  const [a, b] = [0, 1].map(() => Array.from({ length: 150 }, () => ["x", "y", "z"][Math.floor(3 * random.uniform())]));
  const repaid = a.map((value, i) => (random.uniform() < (value === b[i] ? 0.7 : 0.4) ? "yes" : "no"));
  const data = table([categorical("a", a), categorical("b", b), categorical("repaid", repaid)]);
  const changes: Partial<StudySettings> = { target: "repaid", norms: [2], l2: 0.01, freeze: ["none"] };
  await expectAgreement(data, changes);
  await expectAgreement(data, changes, RANKS);
});

test("where scores take more than half of the memory the AUC is left out and a flag says so", async () => {
  const [found] = await streamed(loans(ROWS), { target: "repaid" }, { memoryBytes: bytesFor(2) - 1 });
  expect(found.fit.metrics).not.toHaveProperty("auc");
  expect(found.threats[0].curve[0].metrics.changes.natural).not.toHaveProperty("auc");
  expect(found.flags.find(({ code }) => code === "left-out-streamed")?.message).toBe(
    "Left out: exact robust optima, which need all rows at once, and the AUC, which takes 15 kB, for which --memory leaves no room.",
  );
});

test("a condition on it is judged, or refused before any pass where it does not fit", async () => {
  const failIf = [
    { text: "robustAucDrop>0.01", quantity: "robustAucDrop", operator: ">", limit: 0.01, epsilon: null },
  ] as const;
  const changes: Partial<StudySettings> = { target: "repaid", failIf, evaluation: { kind: "training" } };
  await expectAgreement(loans(ROWS), changes, RANKS);
  const refused = streamed(loans(ROWS), changes, { ...RANKS, memoryBytes: 1000 });
  await expect(refused).rejects.toBeInstanceOf(AifError);
  await expect(refused).rejects.toThrow(
    /^--fail-if robustAucDrop>0.01: the AUC takes 72 bytes of memory a row, 15 kB in all/,
  );
});
