/** Every case study at few repetitions: what the numbers say of each statement. Far more with AIF_LONG_TESTS. */
import { beforeAll, describe, expect, test } from "vitest";
import { chanceOf } from "../../src/experiments/agreement.js";
import type { ExperimentRun } from "../../src/experiments/experiment.js";
import { EXPERIMENTS, experimentsNamed } from "../../src/experiments/registry.js";
import { runExperiment } from "../../src/experiments/run.js";
import { drawsOf } from "../long.js";

/** Of each its verdicts, in their order: true, false, null for a note; repetitions that take a few seconds, and many. */
const EXPECTED: readonly [name: string, quick: number, long: number, holds: readonly (boolean | null)[]][] = [
  ["remark2", 300, 2000, [false, true]],
  ["theorem5.1", 4, 40, [true, true, true, true, true, true, false]],
  ["theorem5.2", 6, 100, [true, true]],
  ["corollary5.1", 8, 200, [false, true, true, null]],
  ["theorem5.3", 4, 40, [false, true]],
  ["example5.1", 6, 40, [false, true, false, true, false, true, false, true]],
  ["theorem5.4", 6, 100, [false, true, true, false, true]],
  ["theorem6.1", 3, 20, [true, false, true, false]],
];

describe.each(EXPECTED)("%s", (name, quick, long, holds) => {
  let run: ExperimentRun;
  beforeAll(async () => {
    const experiment = EXPERIMENTS.find((one) => one.name === name);
    if (experiment === undefined) throw new Error(`${name} is not registered`);
    run = await runExperiment(experiment, { repetitions: drawsOf(quick, long) });
  }, 600_000);

  test("says of each statement what MATH says", () => {
    expect(run.verdicts.map(({ claim, holds: found }) => [claim, found])).toEqual(
      run.verdicts.map(({ claim }, k) => [claim, holds[k]]),
    );
    expect(run.verdicts).toHaveLength(holds.length);
  });

  test("has every column, with standard errors where it is simulated", () => {
    const [grid, ...others] = run.columns;
    const points = run.summary.columns[grid.name].mean.length;
    expect(Object.keys(run.summary.columns).toSorted()).toEqual(run.columns.map((column) => column.name).toSorted());
    for (const { name: column } of others) {
      const { mean, standardErrors } = run.summary.columns[column];
      expect(mean).toHaveLength(points);
      const drawn = column in run.repetitions[0].columns;
      expect(standardErrors === null, column).toBe(!drawn);
    }
  });
});

describe("figure2a", () => {
  test("has the means of MATH 5, in both conventions", async () => {
    const experiment = EXPERIMENTS.find((one) => one.name === "figure2a");
    if (experiment === undefined) throw new Error("figure2a is not registered");
    const repetitions = drawsOf(4, 100);
    const { summary } = await runExperiment(experiment, { repetitions });
    // Means of 40 data sets of another program.
    const relative = [1.17, 1.7, 2.08, 2.41, 2.54, 2.51, 2.28, 1.73, 1.35, 0.051];
    const absolute = [4.67, 2.91, 2.26, 1.92, 1.59, 1.3, 1.01, 0.666, 0.461, 0.0157];
    const check = (name: string, goals: readonly number[]): void =>
      goals.forEach((goal, k) => {
        const { mean, standardErrors } = summary.columns[name];
        const error = standardErrors?.[k] ?? Number.NaN;
        // The other program's means vary too, as those of 40 data sets do.
        const both = error * Math.sqrt(1 + repetitions / 40) + 0.005 * goal;
        expect(Math.abs(mean[k] - goal), `${name}, m = ${k + 1}`).toBeLessThan(chanceOf(repetitions) * both);
      });
    check("one.relative", relative);
    check("one.absolute", absolute);
  }, 600_000);

  test("says what a fixed attack does, also where S does not fall", () => {
    const [experiment] = experimentsNamed("figure2a");
    const column = (mean: readonly number[]) => ({ mean, standardErrors: mean.map(() => 0.01) });
    const [falling, humped] = [
      [5, 4, 3, 2, 1].flatMap((value) => [value, value - 0.5]),
      [2, 3, 4, 5, 6, 5, 4, 3, 2, 1],
    ];
    const noteOf = (absolute: readonly number[]): string => {
      const columns = {
        m: column(falling.map((_, k) => k + 1)),
        "one.relative": column(humped),
        "normal.relative": column(humped),
        "one.absolute": column(absolute),
        "normal.absolute": column(absolute),
      };
      const { verdicts } = experiment.conclude({ dataSets: 40, columns, values: {} }, experiment.defaults);
      return verdicts.at(-1)?.text ?? "";
    };
    expect(noteOf(falling)).toContain(
      "3.00 times as large at its peak as with one feature, while with a fixed attack every",
    );
    expect(noteOf(humped)).toContain("as with one feature, with a fixed attack 3.00 times");
  });
});

test("chance is Student's t: the quantile as unlikely as 4 standard errors", () => {
  // Of t with 3.17e-5 above it: 10, 30 and 100 degrees of freedom (SciPy: t.isf(norm.sf(4), nu)).
  for (const [nu, quantile] of [
    [10, 6.567179],
    [30, 4.645125],
    [100, 4.176598],
  ])
    expect(Math.abs(chanceOf(nu + 1) / quantile - 1)).toBeLessThan(0.02);
  expect(chanceOf(3)).toBe(Number.POSITIVE_INFINITY);
});
