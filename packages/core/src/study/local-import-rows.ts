import { applyEncoding } from "../data/apply-encoding.js";
import { chooseColumns } from "../data/choose-columns.js";
import { numericStatistics } from "../data/column-statistics.js";
import { fitEncoding } from "../data/encode.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { ColumnEncoding, Encoding, FeatureInfo } from "../data/encoding.js";
import { listed, quoted } from "../data/names.js";
import { originOf } from "../data/row-place.js";
import type { Table } from "../data/table.js";
import { type AifError, inputError } from "../errors.js";
import { matchColumns } from "../models/import/match.js";
import type { ImportedNetwork } from "../models/import/network.js";
import type { NetworkLoss } from "../models/perceptron.js";
import { encodeOptions } from "./prepare.js";
import type { StudySettings } from "./settings.js";

/** One feature that the table could feed the network with. */
interface Available {
  readonly info: FeatureInfo;
  readonly encoding: ColumnEncoding;
}

const TASKS = {
  squared: "regression",
  "half-squared": "regression",
  logistic: "binary",
  softmax: "multiclass",
} as const satisfies Record<NetworkLoss, string>;

/**
 * The table as an imported network sees it: one feature an input, in the network's order, through the network's own scaler
 * and no other; labels in the order of its scores. `statement` says what was decided about labels.
 * @throws input, usage: columns or labels that do not fit the network's.
 */
export function encodeForNetwork(
  table: Table,
  network: ImportedNetwork,
  loss: NetworkLoss,
  settings: StudySettings,
): { data: EncodedDataset; statement: string | null } {
  const options = {
    ...encodeOptions(settings, TASKS[loss]),
    standardize: false,
    intercept: false,
    keep: [...settings.keep, ...wantedIn(table, network, settings)],
  };
  refuseMoreLabels(table, network, loss, settings.target);
  const base = fitEncoding(table, options);
  const available = availableFeatures(table, base, chooseColumns(table, options).candidates);
  const names = available.map(({ info }) => info.name);
  const texts = table.columns
    .filter(({ name, kind }) => kind === "categorical" && name !== settings.target && !names.includes(name))
    .map(({ name }) => name);
  const chosen = matchColumns(network, names, settings.local.columns, texts).map((k) => available[k]);
  const features = chosen.map(({ info }, k) => ({
    ...info,
    mean: network.scaler?.mean[k] ?? 0,
    scale: network.scaler?.scale[k] ?? 1,
  }));
  const { target, statement } = matchTarget(table, base.target, network);
  const classesOf = ({ classes, labels }: Encoding["target"]) => classes ?? [labels?.negative, labels?.positive];
  const placeOf = new Map(classesOf(base.target).map((label, k) => [label, k]));
  const dropped = new Set(chosen.map(({ info }) => info.column));
  const encoding: Encoding = {
    ...base,
    target,
    // A class without rows has no weight to balance.
    classFactors:
      base.classFactors && classesOf(target).map((label) => base.classFactors?.[placeOf.get(label) ?? -1] ?? 1),
    features,
    columns: columnsOf(chosen, network.source),
    // A column that the network wants is used, whatever it looks like.
    notes: base.notes.filter(({ columns }) => !columns.some((name) => dropped.has(name))),
  };
  return { data: applyEncoding(table, encoding, { role: "training" }), statement };
}

/** One number a row tells two labels apart. */
function refuseMoreLabels({ source, columns }: Table, network: ImportedNetwork, loss: NetworkLoss, name: string): void {
  const target = columns.find((column) => column.name === name);
  if (loss !== "logistic" || target?.kind !== "categorical" || target.levels.length <= 2) return;
  throw inputError(
    `${source}: target column ${quoted(name)} holds ${target.levels.length} labels (${listed(target.levels)}), but ${network.source} gives one number a row, which tells two apart; keep the rows of the two that it was trained on, or choose another target.`,
  );
}

/** Columns of the table that the network asks for by name. */
function wantedIn({ columns }: Table, { inputNames }: ImportedNetwork, { local }: StudySettings): string[] {
  const wanted = new Set(local.columns ?? inputNames ?? []);
  return columns.map(({ name }) => name).filter((name) => wanted.has(name));
}

/** All features that the table gives, in its order; constant and repeated columns too, since the network has weights for them. */
function availableFeatures(table: Table, base: Encoding, candidates: Table["columns"]): Available[] {
  const given = new Map<string, Available[]>();
  let at = 0;
  for (const encoding of base.columns) {
    const width = encoding.kind === "categorical" ? encoding.features.length : 1;
    given.set(
      encoding.column,
      base.features.slice(at, at + width).map((info) => ({ info, encoding })),
    );
    at += width;
  }
  const restored = new Set(
    base.notes
      .filter(({ code }) => code === "constant-column" || code === "duplicate-column")
      .map(({ columns }) => columns[0]),
  );
  return candidates.flatMap((column) => {
    const known = given.get(column.name);
    if (known) return known;
    return column.kind === "numeric" && restored.has(column.name) ? [plainColumn(column.name, column.values)] : [];
  });
}

function plainColumn(name: string, values: Float64Array): Available {
  const finite = values.filter(Number.isFinite);
  const even = new Float64Array(finite.length).fill(1 / finite.length);
  const { mean, minimum, maximum, twoValued, integerValues } = numericStatistics(
    finite,
    Int32Array.from(finite.keys()),
    even,
  );
  return {
    encoding: { kind: "numeric", column: name, fill: mean },
    info: {
      name,
      column: name,
      level: null,
      kind: "numeric",
      twoValued,
      integerValues,
      mean: 0,
      scale: 1,
      minimum,
      maximum,
    },
  };
}

/** The columns behind the chosen features, each once. */
function columnsOf(chosen: readonly Available[], source: string): ColumnEncoding[] {
  const columns: ColumnEncoding[] = [];
  for (const { info, encoding } of chosen) {
    const last = columns.at(-1);
    if (encoding.kind !== "categorical" || info.level === null) {
      columns.push(encoding);
      continue;
    }
    const fill = encoding.fill[encoding.features.indexOf(info.level)];
    if (last?.kind === "categorical" && last.column === encoding.column) {
      columns[columns.length - 1] = { ...last, features: [...last.features, info.level], fill: [...last.fill, fill] };
    } else if (columns.some(({ column }) => column === encoding.column)) {
      throw inputError(
        `${source} takes levels of ${quoted(encoding.column)} apart from each other; order its inputs so that they stand together.`,
      );
    } else columns.push({ ...encoding, features: [info.level], fill: [fill] });
  }
  return columns;
}

/** Which label stands for which score; the network's own names first. */
function matchTarget(
  table: Table,
  target: Encoding["target"],
  network: ImportedNetwork,
): { target: Encoding["target"]; statement: string | null } {
  const found = target.classes ?? (target.labels && [target.labels.negative, target.labels.positive]);
  if (!found) return { target, statement: null };
  const count = network.outputSize === 1 ? 2 : network.outputSize;
  const numbers = Array.from({ length: count }, (_, k) => String(k));
  const names = network.labels ?? numbers;
  const named = found.every((label) => names.includes(label));
  // Names that are mere positions say nothing: then sorted labels are what most libraries count by.
  const positions = names.every((name, k) => name === numbers[k]);
  if (!named && !(positions && found.length === count)) {
    throw strangeLabels(table, target.column, found, names, { source: network.source, positions });
  }
  const order = named ? names : found;
  const statement = `The scores of ${network.source} are taken to stand in the order of the labels ${listed(order)}${named ? "" : ", sorted, since it names none of them"}.`;
  return {
    statement,
    target: target.classes
      ? { ...target, classes: order }
      : { ...target, labels: { negative: order[0], positive: order[1] } },
  };
}

/** Labels that are no classes of the network: how many there are where it names none, else the first row with one. */
function strangeLabels(
  table: Table,
  target: string,
  found: readonly string[],
  names: readonly string[],
  { source, positions }: { readonly source: string; readonly positions: boolean },
): AifError {
  const where = `${table.source}: target column ${quoted(target)}`;
  if (positions) {
    return inputError(
      `${where} holds ${found.length} labels (${listed(found)}), but ${source} tells ${names.length} classes apart and does not name them; leave out the rows of other labels, or name the classes in the order of its scores with --classes.`,
    );
  }
  const stranger = found.find((label) => !names.includes(label)) ?? "";
  const column = table.columns.find(({ name }) => name === target);
  const labelOf = (row: number): string =>
    column?.kind === "categorical" ? column.levels[column.codes[row]] : String(column?.values[row]);
  let row = 0;
  while (row < table.rows && labelOf(row) !== stranger) row++;
  return inputError(
    `${where} holds ${quoted(stranger)} (${originOf(table).placeOf(row)}), which is no class of ${source}; its classes are ${listed(names)}.`,
  );
}
