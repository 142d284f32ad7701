import { applyEncoding } from "../data/apply-encoding.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { TargetEncoding } from "../data/encoding.js";
import { quoted } from "../data/names.js";
import type { Column, Table } from "../data/table.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { CurvePoint, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import { chosenSizes } from "./worst-cases.js";

/** What the model predicts at given rows, and what robust training would change: what `--predictions` writes. */
export interface Predictions {
  readonly schema: "aif.predictions/1";
  /** One for each number that the model predicts of a row: the target, the probability of a label, or the score of each class. */
  readonly outputs: readonly string[];
  /** Of the intervals; null: there are none. */
  readonly level: number | null;
  /** One for each adversary and size. */
  readonly attacks: readonly PredictedChanges[];
}

/** How robust training against one attack would change the predictions for given rows. */
export interface PredictedChanges {
  readonly norm: string | null;
  readonly wasserstein: string | null;
  readonly divergence: string | null;
  readonly epsilon: number;
  readonly radius: number;
  readonly extrapolated: boolean;
  readonly rows: readonly PredictedRow[];
}

/** One row's predictions, as scores of the model (for classes: log odds, or one score a class). */
export interface PredictedRow {
  /** 1-based row of the file. */
  readonly row: number;
  /** One for each output: the prediction of the model as it is, and what training against this attack changes. */
  readonly now: readonly number[];
  readonly change: readonly number[];
  /** Of the changes, for a training set drawn anew; null: there is none. */
  readonly interval: readonly (readonly [number, number])[] | null;
}

/** The rows to predict, in their columns as the model sees them; the file needs no target, weights or groups. */
export interface RowsToPredict {
  readonly x: Matrix;
  readonly sourceRows: ArrayLike<number>;
}

/** @throws input: a column is absent, or holds what the training rows had not */
export function rowsToPredict(table: Table, { encoding }: EncodedDataset): RowsToPredict {
  const { target } = encoding;
  const columns = [...table.columns.filter(({ name }) => name !== target.column), stand(target, table.rows)];
  const plain = { ...encoding, weights: null, splitBy: null, cluster: null, by: null };
  const data = applyEncoding({ ...table, columns }, plain, { role: "evaluation" });
  const x = Matrix.zeros(data.rows, data.features.length);
  for (const block of data.blocks()) x.data.set(block.x.data, block.firstRow * x.columns);
  return { x, sourceRows: data.sourceRows };
}

/** A target that can be read and is not looked at. */
function stand({ column: name, labels, classes }: TargetEncoding, rows: number): Column {
  const label = labels?.negative ?? classes?.[0];
  if (label === undefined) return { kind: "numeric", name, values: new Float64Array(rows) };
  return { kind: "categorical", name, boolean: false, levels: [label], codes: new Int32Array(rows) };
}

/** What is predicted of one threat's rows, r·k each. */
export interface PredictionsOf {
  readonly now: Float64Array;
  /** At θ̂ + εI. */
  after(epsilon: number): Float64Array;
  /** Of the change at ε. */
  interval?(epsilon: number, at: number): readonly [number, number];
}

/** The predictions of all adversaries at the sizes asked for, or else at the one that the analysis speaks of. */
export function predictionsOf(
  sections: readonly ThreatSection[],
  settings: StudySettings,
  rows: RowsToPredict,
  outputs: readonly string[],
  find: (threat: number) => PredictionsOf,
): Predictions {
  const attacks: PredictedChanges[] = [];
  let level: number | null = null;
  for (const [t, section] of sections.entries()) {
    const found = find(t);
    if (found.interval) level = settings.confidence;
    for (const point of chosenSizes(section, settings)) {
      attacks.push(changesAt(section, point, found, rows, outputs.length));
    }
  }
  return { schema: "aif.predictions/1", outputs, level, attacks };
}

function changesAt(
  { threat: { norm, wasserstein, divergence } }: ThreatSection,
  { epsilon, radius, extrapolated }: CurvePoint,
  { now, after, interval }: PredictionsOf,
  { sourceRows }: RowsToPredict,
  k: number,
): PredictedChanges {
  const then = after(epsilon);
  const list = Array.from(sourceRows, (row, i) => {
    const places = Array.from({ length: k }, (_, o) => i * k + o);
    return {
      row,
      now: places.map((at) => now[at]),
      change: places.map((at) => then[at] - now[at]),
      interval: interval ? places.map((at) => interval(epsilon, at)) : null,
    };
  });
  return { norm, wasserstein, divergence, epsilon, radius, extrapolated, rows: list };
}

/** What the outputs are called: the target, its positive label or its classes. */
export const outputNames = ({ classes, labels, encoding }: EncodedDataset): readonly string[] =>
  classes ?? [labels ? `${encoding.target.column} = ${labels.positive}` : encoding.target.column];

/** @throws usage */
export function refusePredictions(model: string): never {
  throw usageError(
    `--predict: changes of predictions are known for models in closed form and kernel regressions, not for ${quoted(model)}; leave it out.`,
  );
}
