/** `--smoothing` in whole analyses. */
import { beforeAll, describe, expect, test } from "vitest";
import { analyze, DEFAULT_SMOOTHING, encode, type StudyResult, type StudySettings, verify } from "../../src/index.js";
import { houses, leaves, loans, settings } from "./tables.js";

const noise = (sigma: number, changes: Partial<StudySettings["smoothing"]> = {}): StudySettings["smoothing"] => ({
  ...DEFAULT_SMOOTHING,
  sigma,
  ...changes,
});
const APART = { kind: "fraction", share: 0.3 } as const;
const run = async (changes: Partial<StudySettings>, data = houses(60)): Promise<StudyResult> =>
  (
    await analyze({
      table: data,
      settings: settings({ epsilons: [0.02], evaluation: APART, exact: false, ...changes }),
    })
  ).result;

describe("noisy rows", () => {
  const data = encode(houses(20), { target: "price" });
  const noisy = data.withNoise({ sigma: 0.5, draws: 6, seed: 3 });
  /** Blocks share their memory, so rows are copied while they are read. */
  const read = (of: typeof noisy, measured = false): number[][] => {
    const out: number[][] = [];
    for (const { x, measured: other } of of.blocks(7)) {
      const from = measured ? (other ?? x) : x;
      for (let i = 0; i < x.rows; i++) out.push([...from.row(i)]);
    }
    return out;
  };
  const rows = read(noisy);

  test("come in pairs around the row, which relative sizes are measured on", () => {
    const plain = read(data);
    for (let i = 0; i < 20; i++) {
      for (let d = 0; d < 6; d += 2) {
        rows[6 * i + d].forEach((value, k) => {
          expect((value + rows[6 * i + d + 1][k]) / 2).toBeCloseTo(plain[i][k], 12);
          expect(value).not.toBe(plain[i][k]);
        });
      }
    }
    const measured = read(noisy, true);
    measured.forEach((row, at) => expect(row).toEqual(plain[Math.floor(at / 6)]));
    const deviations = rows.flatMap((row, at) => row.map((value, k) => value - plain[Math.floor(at / 6)][k]));
    expect(Math.sqrt(deviations.reduce((sum, value) => sum + value * value, 0) / deviations.length)).toBeCloseTo(
      0.5,
      1,
    );
  });

  test("are the same for every look and choice, and share the row's weight", () => {
    expect(read(noisy)).toEqual(rows);
    const chosen = noisy.select(Int32Array.of(50, 3, 4));
    expect(read(chosen)).toEqual([rows[50], rows[3], rows[4]]);
    expect(noisy.weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 12);
    expect(noisy.weightTotal).toBeCloseTo(20, 12);
    expect([...(noisy.clusters ?? [])].slice(0, 8)).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  });
});

describe("an adversary that sees the draws", () => {
  let result: StudyResult;
  beforeAll(async () => {
    result = await run({ smoothing: noise(0.5), norms: [2, 4] });
  });

  test("numbers lie within their Monte-Carlo errors of the closed form", () => {
    for (const { smoothing, penalty, sensitivity } of result.threats) {
      const { exact, standardErrors } = smoothing ?? {};
      if (!exact || !standardErrors) throw new Error("no errors");
      expect(standardErrors.penalty).toBeGreaterThan(0);
      expect(Math.abs(penalty - exact.penalty)).toBeLessThan(4 * standardErrors.penalty);
      expect(Math.abs(sensitivity.training.curvature - exact.noisy.curvature)).toBeLessThan(
        4 * standardErrors.curvature,
      );
      expect(standardErrors.costs[0]).toBeGreaterThan(0);
      expect(standardErrors.heldOutCurvature).toBeGreaterThan(0);
    }
  });

  test("rows are still counted once, and said to be noisy", () => {
    expect(result.data).toMatchObject({ rows: 42, evaluationRows: 18, clusters: null });
    expect(result.threats[0].threat.smoothing).toBe(0.5);
    expect(result.threats[0].smoothing).toMatchObject({ sigma: 0.5, attack: "draw", method: "draws", draws: 32 });
    const rows = result.threats[0].contributions.rows;
    expect(new Set(rows.map(({ row }) => row)).size).toBe(rows.length);
  });

  test("nine times the draws, a third of the error", async () => {
    const one = { epsilons: [0.02], inference: "none", exact: false } as const;
    const few = await run({ ...one, smoothing: noise(0.5, { draws: 16 }) });
    const many = await run({ ...one, smoothing: noise(0.5, { draws: 144 }) });
    const error = ({ threats }: StudyResult): number => threats[0].smoothing?.standardErrors?.penalty ?? Number.NaN;
    expect(error(many) / error(few)).toBeLessThan(0.75);
    const exact = many.threats[0].smoothing?.exact?.noisy.curvature ?? Number.NaN;
    expect(many.threats[0].sensitivity.training.curvature / exact).toBeCloseTo(1, 1);
  });

  test("on rows without noise robust training costs, or gains, at first order", async () => {
    const clean = await run({ smoothing: noise(0.5, { evaluation: "clean" }) });
    const { exact } = clean.threats[0].smoothing ?? {};
    const { slope, slopeStandardError } = clean.threats[0].sensitivity.heldOut ?? { slope: 0, slopeStandardError: 0 };
    expect(Math.abs(slope - (exact?.clean.slope ?? 0))).toBeLessThan(4 * slopeStandardError);
    expect(clean.fit.heldOutLoss).toBeLessThan(result.fit.heldOutLoss ?? 0);
  });

  test("c of noisy rows is larger", async () => {
    const noisy = await run({ smoothing: noise(0.5, { budget: "noisy" }), inference: "none" });
    expect(noisy.threats[0].scale).toBeGreaterThan(1.02 * result.threats[0].scale);
    expect(noisy.threats[0].smoothing?.standardErrors?.scale).toBeGreaterThan(0);
  });

  test("other models, projections and verification see the same noise", async () => {
    const logistic = await run(
      { target: "repaid", smoothing: noise(0.5), project: { kind: "pca", components: 1 } },
      loans(60),
    );
    expect(logistic.threats[0].smoothing?.standardErrors?.curvature).toBeGreaterThan(0);
    expect(logistic.threats[0].smoothing?.exact).toBeNull();
    const checked = await verify({
      table: houses(60),
      settings: settings({ epsilons: [0.005], smoothing: noise(0.5), evaluation: { kind: "training" } }),
    });
    const [point] = checked.threats[0].curve;
    expect(Math.abs((point.thisData.exact ?? 0) / point.thisData.predicted - 1)).toBeLessThan(0.1);
  });
});

describe("an attack on the mean loss", () => {
  const smoothed = (changes: Partial<StudySettings["smoothing"]> = {}) =>
    noise(0.5, { attack: "smoothed", ...changes });

  test("of squares is the closed form, and a ridge of 2σ²", async () => {
    const { threats, fit } = await run({ smoothing: smoothed() });
    const ridge = await run({ l2: 0.5, inference: "none" });
    expect(threats[0].smoothing).toMatchObject({ method: "closed-form", draws: null });
    fit.parameters.forEach((value, j) => expect(value / ridge.fit.parameters[j]).toBeCloseTo(1, 6));
    threats[0].influence.forEach((value, j) => expect(value / ridge.threats[0].influence[j]).toBeCloseTo(1, 5));
    // Judged without noise it is the ridge's own held-out change.
    const clean = await run({ smoothing: smoothed({ evaluation: "clean" }) });
    expect(clean.fit.heldOutLoss).toBeCloseTo(ridge.fit.heldOutLoss ?? 0, 4);
    const change = clean.threats[0].curve[0].heldOut?.predicted ?? 0;
    expect(change / (ridge.threats[0].curve[0].heldOut?.predicted ?? 0)).toBeCloseTo(1, 4);
  });

  test("of log losses by draws, with their errors", async () => {
    const found = await run({ target: "repaid", l2: 0.01, smoothing: smoothed({ draws: 16 }) }, loans(60));
    expect(found.model.kind).toBe("logistic");
    expect(found.threats[0].smoothing?.standardErrors?.curvature).toBeGreaterThan(0);
    // A convex loss is never less on average over noise.
    const plain = await run({ target: "repaid", l2: 0.01, inference: "none" }, loans(60));
    expect(found.fit.trainingLoss).toBeGreaterThan(plain.fit.trainingLoss);
  });
});

test("σ = 0 changes nothing", async () => {
  const own = /settings|timings|seconds/;
  const numbers = (result: StudyResult) => leaves(result).filter(({ path }) => !own.test(path));
  expect(numbers(await run({ smoothing: noise(0) }))).toEqual(numbers(await run({})));
});

describe("refusals", () => {
  test.each([
    ["a σ below 0", { smoothing: noise(-0.1) }, "number ≥ 0"],
    ["a number of draws that batches cannot share", { smoothing: noise(1, { draws: 20 }) }, "multiple of 16"],
    ["bounds", { smoothing: noise(1), bounds: [{ column: "area", lower: 0, upper: 999 }] }, "leave --bounds out"],
    [
      "the mean loss of a quadratic model",
      { smoothing: noise(1, { attack: "smoothed" }), model: "quadratic" },
      "--smoothing-attack draw",
    ],
    [
      "training rows judged without their noise",
      { smoothing: noise(1, { evaluation: "clean" }), evaluation: { kind: "training" } },
      "rows that were not trained on",
    ],
  ] as const)("%s", async (_, changes, said) => {
    await expect(run(changes as Partial<StudySettings>)).rejects.toThrow(said);
  });
});
