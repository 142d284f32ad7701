/** The runner, on an experiment that costs nothing. */
import { describe, expect, test, vi } from "vitest";
import type { Experiment, Repetition } from "../../src/experiments/experiment.js";
import { EXPERIMENTS, experimentsNamed } from "../../src/experiments/registry.js";
import { type Repeat, repeatHere, runExperiment } from "../../src/experiments/run.js";
import { summarise } from "../../src/experiments/summary.js";

const repeat = vi.fn<Experiment["repeat"]>(async ({ norm }, random, { onProgress }) => {
  const columns = { epsilon: [1, 2], value: [random.normal(), 1 / norm] };
  onProgress?.({ phase: "inside", done: 1, total: 2 });
  onProgress?.({ phase: "inside", done: 2, total: 2 });
  return { columns, values: { odd: random.normal() > 0 ? 1 : null } };
});

const experiment: Experiment = {
  name: "tiny",
  reference: "Nowhere",
  title: "Nothing",
  shows: "nothing",
  defaults: { repetitions: 2, seed: 7, norm: Number.POSITIVE_INFINITY },
  columns: ["epsilon", "value"].map((name) => ({ name, heading: [name], meaning: name })),
  setup: () => "None.",
  repeat,
  conclude: () => ({ verdicts: [], chart: {} }),
};

describe("a run", () => {
  test("draws every repetition from its own stream, whatever is run with it", async () => {
    const two = await runExperiment(experiment);
    const three = await runExperiment(experiment, { repetitions: 3 });
    expect(three.repetitions.slice(0, 2)).toEqual(two.repetitions);
    const [a, b, c] = three.repetitions.map(({ columns }) => columns["value"][0]);
    expect(new Set([a, b, c]).size).toBe(3);
    const other = await runExperiment(experiment, { seed: 8 });
    expect(other.repetitions[0].columns["value"][0]).not.toBe(a);
    expect(two.settings).toEqual({ repetitions: 2, seed: 7, norm: "inf" });
  });

  test("goes on from finished repetitions with the same digits", async () => {
    const whole = await runExperiment(experiment, { repetitions: 4 });
    repeat.mockClear();
    const stored: Repetition[] = JSON.parse(JSON.stringify(whole.repetitions.slice(0, 3)));
    const resumed = await runExperiment(experiment, { repetitions: 4 }, { finished: stored });
    expect(repeat).toHaveBeenCalledTimes(1);
    expect({ ...resumed, seconds: 0 }).toEqual({ ...whole, seconds: 0 });
  });

  test("tells how far it is over all repetitions", async () => {
    const told: number[] = [];
    const onProgress = vi.fn(({ done, total }: { done: number; total: number }) => told.push(done / total));
    await runExperiment(experiment, {}, { onProgress });
    expect(told).toEqual([0.25, 0.5, 0.75, 1]);
    expect(onProgress.mock.calls[0][0]).toMatchObject({ phase: "tiny" });
  });

  test("gives the same numbers however many lanes there are, and tells what is finished in order", async () => {
    const alone = await runExperiment(experiment, { repetitions: 6 });
    const prefixes: (readonly Repetition[])[] = [];
    const slow: Repeat = async (...words) => {
      await new Promise((resolve) => setTimeout(resolve, [30, 1, 15, 5, 25, 1][words[2]]));
      return repeatHere(...words);
    };
    const together = await runExperiment(
      experiment,
      { repetitions: 6 },
      { lanes: { count: 3, repeat: slow }, onFinished: (finished) => prefixes.push(finished) },
    );
    expect({ ...together, seconds: 0 }).toEqual({ ...alone, seconds: 0 });
    expect(prefixes.length).toBeGreaterThan(1);
    expect(prefixes.at(-1)).toHaveLength(6);
    prefixes.forEach((prefix, k) => {
      expect(prefix).toEqual(alone.repetitions.slice(0, prefix.length));
      if (k > 0) expect(prefix.length).toBeGreaterThan(prefixes[k - 1].length);
    });
  });

  test("a lane that fails ends the run with its error", async () => {
    const failing: Repeat = async (_, __, r) => {
      if (r === 1) throw new Error("lost");
      return { columns: { epsilon: [1, 2], value: [0, 0] }, values: {} };
    };
    const lanes = { count: 2, repeat: failing };
    await expect(runExperiment(experiment, { repetitions: 50 }, { lanes })).rejects.toThrow("lost");
  });

  test("columns of formulas are taken as they are, without standard errors", async () => {
    const known = { ...experiment, formulas: ({ norm }: { norm: number }) => ({ known: [1 / norm, 7] }) };
    const { summary } = await runExperiment(known, { repetitions: 3, norm: 2 });
    expect(summary.columns["known"]).toEqual({ mean: [0.5, 7], standardErrors: null });
    expect(summary.columns["value"].standardErrors).not.toBeNull();
    expect(summary.dataSets).toBe(3);
  });

  test("a statement about some norms is not run with others", async () => {
    const only = { ...experiment, norms: [2, Number.POSITIVE_INFINITY] };
    await expect(runExperiment(only, { norm: 1 })).rejects.toThrow(
      "Nowhere (tiny) is about the norm p = 2, inf, not p = 1.",
    );
    await expect(runExperiment(only, { norm: 2 })).resolves.toMatchObject({ settings: { norm: "2" } });
  });

  test.each([
    [{ repetitions: 0 }, /repetitions must be a whole number ≥ 1, got 0/],
    [{ repetitions: 1.5 }, /repetitions/],
    [{ seed: Number.NaN }, /seed must be a whole number/],
    [{ norm: 0.5 }, /norm/],
  ])("%j makes no sense", async (settings, message) => {
    await expect(runExperiment(experiment, settings)).rejects.toThrow(message);
  });

  test("stops when it is told to", async () => {
    for (const real of EXPERIMENTS) {
      await expect(runExperiment(real, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "cancelled",
      });
    }
  });
});

test("means and standard errors leave out what a repetition does not have", () => {
  const made = (value: number, odd: number | null): Repetition => ({ columns: { value: [value, 0] }, values: { odd } });
  const { columns, values } = summarise([made(1, null), made(2, 4), made(6, 8)]);
  expect(columns["value"].mean).toEqual([3, 0]);
  // s² = (4 + 1 + 9) / 2 = 7
  expect(columns["value"].standardErrors?.[0]).toBeCloseTo(Math.sqrt(7 / 3), 12);
  expect(values["odd"]).toEqual({ mean: 6, standardError: 2, count: 2 });
  const alone = summarise([made(1, null)]);
  expect(alone.columns["value"].standardErrors).toBeNull();
  expect(alone.values["odd"]).toEqual({ mean: null, standardError: null, count: 0 });
});

test("results are found by name", () => {
  expect(experimentsNamed("figure1")).toEqual([EXPERIMENTS[0]]);
  expect(experimentsNamed("Figure1")).toEqual([EXPERIMENTS[0]]);
  expect(experimentsNamed("all")).toEqual(EXPERIMENTS);
  expect(() => experimentsNamed("theorem9")).toThrow(/no result "theorem9" to reproduce: use figure1.* or all/);
});
