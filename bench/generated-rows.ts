import type { Encoding } from "../packages/core/src/data/encoding.js";
import type { StreamedBlock, StreamedDataset } from "../packages/core/src/data/streamed-dataset.js";
import { ALONE } from "../packages/core/src/index.js";
import { Matrix } from "../packages/core/src/linalg/matrix.js";

/** Rows made anew on every pass, the same each time: m uniform features of variance 1, and a target of the model. */
export function generatedRows(
  rows: number,
  columns: number,
  model: string,
  folds: number,
): StreamedDataset & { madeSeconds(): number } {
  let made = 0;
  const features = Array.from({ length: columns }, (_, k) => `x${k}`);
  const weight = 1 / rows;
  return {
    rows,
    ownRows: rows,
    firstRow: 0,
    ranks: ALONE,
    features,
    encoding: encodingOf(features, model),
    notes: [],
    weightTotal: rows,
    madeSeconds: () => made / 1000,
    *blocks(size = 8192, seen = 0): Generator<StreamedBlock> {
      const buffer = new Float64Array(size * columns);
      for (let firstRow = size * Math.floor(seen / size); firstRow < rows; firstRow += size) {
        const started = performance.now();
        const r = Math.min(size, rows - firstRow);
        const x = new Matrix(buffer.subarray(0, r * columns), r, columns);
        fillUniform(x.data, firstRow);
        const y = targetsOf(x, firstRow, model);
        const w = new Float64Array(r).fill(weight);
        const foldOf = Uint16Array.from({ length: r }, (_, i) => (firstRow + i) % folds);
        const sourceRows = Float64Array.from({ length: r }, (_, i) => firstRow + i + 1);
        made += performance.now() - started;
        yield { x, y, w, firstRow, evaluationWeights: w, rawWeights: w, sourceRows, foldOf };
      }
    },
  };
}

/** Mixes a counter into 32 bits (Murmur's finaliser), from which uniform numbers of variance 1 come. */
function fillUniform(out: Float64Array, seed: number): void {
  const spread = Math.sqrt(12);
  for (let k = 0; k < out.length; k++) {
    let h = Math.imul(k + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    out[k] = ((h >>> 0) / 2 ** 32 - 0.5) * spread;
  }
}

function targetsOf(x: Matrix, firstRow: number, model: string): Float64Array {
  const noise = new Float64Array(x.rows);
  fillUniform(noise, firstRow + 17);
  const m = x.columns;
  const slopes = Float64Array.from({ length: m }, (_, k) => Math.cos(k + 1) / Math.sqrt(m));
  return noise.map((e, i) => {
    let f = 0;
    for (let k = 0, at = i * m; k < m; k++, at++) f += x.data[at] * slopes[k];
    if (model === "logistic") return f + 1.5 * e > 0 ? 1 : -1;
    return model === "poisson" ? Math.floor(Math.exp(0.5 * f) * (1 + 0.5 * e) + 0.5) : f + e;
  });
}

function encodingOf(names: readonly string[], model: string): Encoding {
  const binary = model === "logistic";
  return {
    features: names.map((name) => ({
      name,
      column: name,
      level: null,
      kind: "numeric",
      mean: 0,
      scale: 1,
      minimum: -2,
      maximum: 2,
      twoValued: false,
      integerValues: null,
    })),
    columns: names.map((column) => ({ kind: "numeric", column, fill: 0 })),
    standardized: true,
    target: {
      column: "y",
      task: binary ? "binary" : model === "poisson" ? "count" : "regression",
      labels: binary ? { negative: "no", positive: "yes" } : null,
      classes: null,
    },
  } as unknown as Encoding;
}
