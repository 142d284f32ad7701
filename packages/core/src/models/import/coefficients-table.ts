import { listed, quoted } from "../../data/names.js";
import { readTable } from "../../data/read.js";
import type { CategoricalColumn, NumericColumn, Table } from "../../data/table.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { CoefficientOptions } from "./coefficients.js";
import { linearModel, softmaxModel } from "./linear-model.js";
import type { ImportedNetwork } from "./network.js";

const INTERCEPT_NAMES = new Set(["intercept", "(intercept)", "intercept_", "const"]);
/** What the column of values is called; ours calls that of θ̂ itself "natural". */
const VALUE_NAMES = new Set(["value", "coef", "coef_", "coefficient", "coefficients", "estimate", "natural"]);
/** What a column that names the class of each row is called. */
const CLASS_NAMES = new Set(["class", "classes", "class_", "classes_", "label", "labels"]);

/** The scores that a table gives: names of the parameters, and one list of values a class. */
interface Scores {
  readonly names: readonly string[];
  /** K lists, in the order of `names`. */
  readonly values: readonly (readonly number[])[];
  /** K; null: one score. */
  readonly classes: readonly string[] | null;
}

/** Names and values as rows of a table or as its header and its only row; several classes as rows of their own, or as columns. */
export async function fromTable(
  bytes: Uint8Array,
  name: string,
  options: CoefficientOptions,
): Promise<ImportedNetwork> {
  const table = await readTable(bytes, { name });
  const found = classRows(table) ?? nameColumn(table, name) ?? singleRow(table);
  if (found === null) throw inputError(unreadable(table, name));
  const scores = { ...found, names: found.names.map(unescaped), classes: found.classes?.map(unescaped) ?? null };
  return ownTable(scores, name) ?? linearTable(scores, name, options);
}

/** Our CSV has an apostrophe before names that a spreadsheet would run as formulas. */
const unescaped = (name: string): string => (/^'+[=+\-@\t\r\n＝＋－＠]/.test(name) ? name.slice(1) : name);

/** A file of ours with standardised features or several classes: rows `mean(feature)` and `scale(feature)`, names "class: feature". */
function ownTable({ names, values, classes }: Scores, source: string): ImportedNetwork | null {
  if (classes !== null) return null;
  const scaling = names.map((name) => /^(mean|scale)\((.*)\)$/s.exec(name));
  const parameters = names.filter((_, j) => scaling[j] === null);
  if (parameters.every((name) => /^layer\d+\.(weight|bias)\[/.test(name))) {
    throw inputError(
      `${source} holds a network, whose layers a table does not tell; write it as JSON (--coefficients FILE.json).`,
    );
  }
  const given = (what: string) => values[0].filter((_, j) => scaling[j]?.[1] === what);
  const [mean, scale] = [given("mean"), given("scale")];
  return softmaxModel({
    source,
    names: parameters,
    values: Float64Array.from(values[0].filter((_, j) => scaling[j] === null)),
    scaler: mean.length === 0 ? null : { mean: Float64Array.from(mean), scale: Float64Array.from(scale) },
  });
}

function linearTable({ names, values, classes }: Scores, source: string, options: CoefficientOptions): ImportedNetwork {
  const isIntercept = names.map((name) => INTERCEPT_NAMES.has(name.toLowerCase()));
  if (isIntercept.filter(Boolean).length > 1) throw inputError(`${source} holds two intercepts; leave one.`);
  const features = names.filter((_, j) => !isIntercept[j]);
  const at = isIntercept.indexOf(true);
  values.forEach((list, k) => {
    const missing = list.findIndex((value) => Number.isNaN(value));
    if (missing < 0) return;
    const score = classes === null ? "" : ` for the class ${quoted(classes[k])}`;
    throw inputError(`${source}: the coefficient of ${quoted(names[missing])}${score} is missing; give a number.`);
  });
  return linearModel({
    source,
    weight: Matrix.fromRows(values.map((list) => list.filter((_, j) => !isIntercept[j]))),
    intercepts: at < 0 ? null : Float64Array.from(values, (list) => list[at]),
    features,
    labels: classes,
    output: options.output ?? (classes === null ? "identity" : "softmax"),
  });
}

const numericOf = ({ columns }: Table): NumericColumn[] =>
  columns.filter((column): column is NumericColumn => column.kind === "numeric");

const namesColumn = ({ columns }: Table): CategoricalColumn | undefined =>
  columns.find((column): column is CategoricalColumn => column.kind === "categorical");

/** A row for each class: its first column is called "class", or its header has the intercept among the features. */
function classRows(table: Table): Scores | null {
  const [first, ...others] = table.columns;
  if (first === undefined || table.rows < 2 || others.some(({ kind }) => kind !== "numeric")) return null;
  const numeric = others.filter((column): column is NumericColumn => column.kind === "numeric");
  const named = CLASS_NAMES.has(first.name.toLowerCase());
  const intercept = first.kind === "categorical" && numeric.some(({ name }) => INTERCEPT_NAMES.has(name.toLowerCase()));
  if (!named && !intercept) return null;
  const classes =
    first.kind === "categorical"
      ? Array.from(first.codes, (code) => first.levels[code] ?? "")
      : Array.from(first.values, String);
  return {
    names: numeric.map(({ name }) => name),
    values: classes.map((_, row) => numeric.map(({ values }) => values[row])),
    classes,
  };
}

/** A column of names with one of values, or with one for each class. */
function nameColumn(table: Table, file: string): Scores | null {
  const column = namesColumn(table);
  const numeric = numericOf(table);
  if (column === undefined || numeric.length === 0) return null;
  const names = Array.from(column.codes, (code, row) => {
    if (code >= 0) return column.levels[code];
    throw inputError(`${file}: row ${row + 1} has no name; give every coefficient the name of its feature.`);
  });
  const single = numeric.length === 1 ? numeric[0] : numeric.find(({ name }) => VALUE_NAMES.has(name.toLowerCase()));
  if (single) return { names, values: [[...single.values]], classes: null };
  const statistics = numeric.some(({ name }) => STATISTICS.test(name));
  if (statistics || numeric.length + 1 !== table.columns.length) return null;
  return { names, values: numeric.map(({ values }) => [...values]), classes: numeric.map(({ name }) => name) };
}

/** Columns of a regression table, which are no classes. */
const STATISTICS = /^(se|std\.?[ _]?(err|error)|standard error|[tz]([ _]?(value|stat))?|p([ _]?value)?|p>\|[tz]\|)$/i;

const singleRow = (table: Table): Scores | null =>
  table.rows !== 1 || namesColumn(table) !== undefined
    ? null
    : {
        names: numericOf(table).map(({ name }) => name),
        values: [numericOf(table).map(({ values }) => values[0])],
        classes: null,
      };

const unreadable = ({ rows, columns }: Table, file: string): string =>
  `${file} has ${rows} rows of the columns ${listed(columns.map(({ name }) => name))}; expected rows of a name and a value ("coef"), or a header of names and one row of numbers; several classes as a column "class" before one column a feature, or as one column of values a class.`;
