/** A start from a few rows saves passes and moves nothing. */
import { expect, test } from "vitest";
import type { StreamedDataset } from "../../../src/data/streamed-dataset.js";
import { ALONE, analyze } from "../../../src/index.js";
import { encodeTraining } from "../../../src/study/prepare.js";
import { analyzeStreamed } from "../../../src/study/streamed/analyze.js";
import { numeric, settings, table } from "../tables.js";
import { streamOf } from "./passing-rows.js";

const ROWS = 4000;
const BLOCK = 20;

/** Rows whose target rises along the table, so that the order misleads who looks at one place alone. */
function rowsOf(target: (f: number, chance: number) => number) {
  let state = 5;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const x = [0, 1, 2].map((j) => Float64Array.from({ length: ROWS }, (_, i) => uniform() + (j === 0 ? i / ROWS : 0)));
  const y = Float64Array.from({ length: ROWS }, (_, i) =>
    target(2 * x[0][i] - x[1][i] + 0.5 * x[2][i] - 1.5, uniform()),
  );
  return table([numeric("a", x[0]), numeric("b", x[1]), numeric("c", x[2]), numeric("y", y)]);
}

const MODELS = {
  logistic: rowsOf((f, chance) => (chance < 1 / (1 + Math.exp(-2 * f)) ? 1 : 0)),
  poisson: rowsOf((f, chance) => Math.floor(Math.exp(f) + chance)),
  linear: rowsOf((f, chance) => 100 + f + chance),
} as const;

type Places = (place: number) => number;
const everywhere: Places = (place) => place;

const SAMPLES: readonly (readonly [string, Places])[] = [
  ["evenly spread", everywhere],
  ["the first rows alone", () => 0],
  ["the last rows alone", () => ROWS - BLOCK],
];

for (const model of ["linear", "logistic", "poisson"] as const) {
  const asked = settings({ target: "y", model, evaluation: { kind: "training" }, inference: "none", epsilons: [0.01] });
  const data = encodeTraining(MODELS[model], asked);
  const known = analyze({ table: MODELS[model], settings: asked });
  const whole = streamOf(data, { ranks: ALONE, from: 0, to: ROWS, foldOf: null, rowsPerBlock: 500 });
  const input = (training: StreamedDataset) => ({
    training,
    evaluation: null,
    settings: asked,
    source: "test.csv",
    readSeconds: 0,
  });

  test.each(SAMPLES)(`${model}, a sample of %s: the fit in memory, and no more passes`, async (_, placeOf) => {
    let looked = 0;
    const sampled: StreamedDataset = {
      ...whole,
      *sample(places) {
        for (let k = 0; k < places; k++) {
          const from = placeOf(Math.floor(((k + 0.5) / places) * ROWS));
          looked += BLOCK;
          yield* streamOf(data, { ranks: ALONE, from, to: from + BLOCK, foldOf: null }).blocks();
        }
      },
    };
    const { result: found } = await analyzeStreamed(input(sampled));
    const { result: without } = await analyzeStreamed(input(whole));
    const { result: wanted } = await known;
    expect(looked).toBeGreaterThan(0);
    const scale = Math.max(...wanted.fit.parameters.map(Math.abs));
    wanted.fit.parameters.forEach((value, j) => {
      expect(Math.abs(found.fit.parameters[j] - value)).toBeLessThan(1e-11 * scale);
    });
    wanted.threats[0].influence.forEach((value, j) => {
      expect(Math.abs(found.threats[0].influence[j] - value)).toBeLessThan(1e-9 * Math.abs(value) + 1e-11);
    });
    const saved = (without.timings.passes ?? 0) - (found.timings.passes ?? 0);
    expect(saved).toBeGreaterThanOrEqual(placeOf === everywhere ? 1 : -3);
  });
}
