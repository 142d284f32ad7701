/** What an analysis takes, on the safe side of what was measured and within half as much again. */
import { freemem } from "node:os";
import type { StudySettings } from "@aif/core";
import type { TableSize } from "@aif/core/node";

/** Of the program itself, with what it needs for any table. */
export const PROGRAM_BYTES = 150 * 2 ** 20;
/** Numbers for each pair of parameters (Hessians of all folds and their factors, sandwich sums), where they are formed. */
const MATRICES = 15;
const SOFTMAX_MATRICES = 20;
const MOST_SCRATCH = 205e3;
/** Parameters up to which the Hessian of a softmax model is formed rather than multiplied with, where no product is dear. */
const FORMED = 2200;
/** Classes of a target that nobody has read. */
const CLASSES = 10;

/** What a kind of model takes beside the program. */
interface Costs {
  /** Bytes of a cell: the table, what is made of it, and rows of folds. */
  readonly cell: number;
  /** Bytes of what is computed of a row (losses, shifts, intervals), as much of it as waits to be collected at a time. */
  readonly row: number;
  /** Bytes of a row, and most bytes, that wait to be collected beside that: lists of many rows are collected late. */
  readonly waiting: number;
  readonly uncollected: number;
  /** Bytes for each parameter and row: rows as the model sees them, of which it has `MOST_SCRATCH` bytes a parameter at a time. */
  readonly scratch: number;
}

const LINEAR: Costs = { cell: 16, row: 700, waiting: 700, uncollected: 160e6, scratch: 10 };
const LOGISTIC: Costs = { ...LINEAR, row: 1000, waiting: 1100, uncollected: 230e6, scratch: 24 };
const SOFTMAX: Costs = { cell: 36, row: 1000, waiting: 1000, uncollected: 50e6, scratch: 0 };

const COSTS: Readonly<Record<string, Costs>> = {
  linear: LINEAR,
  poisson: LINEAR,
  logistic: LOGISTIC,
  quadratic: LINEAR,
  basis: LINEAR,
  softmax: SOFTMAX,
};

/** What of the settings decides how much an analysis takes. */
export type Modelled = Pick<StudySettings, "model" | "loss">;

const kindOf = ({ model }: Modelled): string => model?.split(":")[0] ?? "";

/** Where the target decides, it may have two classes. */
function costsOf(settings: Modelled): Costs {
  const costs = COSTS[kindOf(settings)] ?? LOGISTIC;
  const two = settings.loss === "logistic" ? LOGISTIC : LINEAR;
  const larger = (of: "row" | "waiting" | "uncollected"): number => Math.max(costs[of], two[of]);
  return { ...costs, row: larger("row"), waiting: larger("waiting"), uncollected: larger("uncollected") };
}

/** Parameters by columns, the target among them. Levels of text are not known before the rows are read. */
const PARAMETERS: Readonly<Record<string, (columns: number, model: string) => number>> = {
  quadratic: (columns) => (columns * (columns + 1)) / 2,
  basis: (_, model) => 1 + model.split(",").length,
  softmax: (columns) => CLASSES * columns,
};

function parametersOf({ rows, cells }: TableSize, settings: Modelled): number {
  const columns = cells / Math.max(rows, 1);
  return PARAMETERS[kindOf(settings)]?.(columns, settings.model ?? "") ?? columns;
}

/** What the rows of a table in memory take, in bytes, with what is computed of them. */
export function rowsBytes({ rows, cells }: TableSize, settings: Modelled): number {
  const { cell, row, waiting, uncollected } = costsOf(settings);
  return cell * cells + row * rows + Math.min(uncollected, waiting * rows);
}

/** What any analysis of such a table takes, in bytes, also where its rows pass by in blocks: the program and its matrices. */
export function fixedBytes(size: TableSize, settings: Modelled): number {
  const d = parametersOf(size, settings);
  const scratch = Math.min(costsOf(settings).scratch * size.rows, MOST_SCRATCH);
  return PROGRAM_BYTES + 8 * matrixNumbers(d, kindOf(settings)) + scratch * d;
}

function matrixNumbers(d: number, kind: string): number {
  if (kind !== "softmax") return MATRICES * d ** 2;
  // Beside conjugate gradients a Gram matrix of the inputs, and a factor for each class.
  return d <= FORMED ? SOFTMAX_MATRICES * d ** 2 : (CLASSES + 3) * (d / CLASSES) ** 2;
}

/** Half of what is free, in bytes: what work may take where nobody says. */
export const spareBytes = (): number => (process.availableMemory?.() ?? freemem()) / 2;
