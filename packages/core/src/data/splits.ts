import { inputError, usageError } from "../errors.js";
import { hashOrder } from "./hash.js";

/** What a split of the rows keeps together, or spreads evenly. */
export interface SplitOptions {
  /** n labels: each fold gets its share of every label (for classes; not for targets that are all different). */
  readonly strata?: Float64Array | undefined;
  /** n group codes: a group is never torn apart. Strata do not count then. */
  readonly groups?: Int32Array | undefined;
}

/** How many rows there are, or their ids (such as `sourceRows`), by which chance decides. */
export type Rows = number | Int32Array;

const idsOf = (rows: Rows): Int32Array =>
  typeof rows === "number" ? Int32Array.from({ length: rows }, (_, i) => i) : rows;

/**
 * The fold, 0 … folds − 1, of each row. Decided by a hash of (seed, row id) and nothing else: rows are ranked by hash
 * within their stratum and dealt to the folds in turn, each stratum going on where the one before ended, so that
 * sizes differ by at most one, in every stratum and in all. Groups go, in the order of their hashes, to the fold that
 * has the fewest rows.
 *
 * @throws AifError "usage" where the number of folds makes no sense, "input" where rows or groups are fewer than folds
 */
export function assignFolds(rows: Rows, folds: number, seed: number, options: SplitOptions = {}): Uint16Array {
  const ids = idsOf(rows);
  checkLengths(ids.length, options);
  checkFolds(options.groups === undefined ? ids.length : null, folds, seed);
  if (options.groups !== undefined) return assignGroups(options.groups, folds, seed);
  const { of, sizes } = strataOf(ids.length, options.strata);
  const next = new Float64Array(sizes.length); // where each stratum's dealing goes on
  for (let s = 1; s < sizes.length; s++) next[s] = next[s - 1] + sizes[s - 1];
  const out = new Uint16Array(ids.length);
  for (const i of hashOrder(ids, seed)) out[i] = next[of[i]]++ % folds;
  return out;
}

/** @param rows null: they are not what is dealt. @throws as `assignFolds` */
export function checkFolds(rows: number | null, folds: number, seed: number): void {
  checkSeed(seed);
  if (!Number.isInteger(folds) || folds < 2 || folds > 65_535) {
    throw usageError(`The number of folds is ${folds}; give a whole number from 2 to 65535.`);
  }
  if (rows !== null && rows < folds) {
    throw inputError(`${folds} folds need at least ${folds} rows, there are ${rows}; use fewer folds.`);
  }
}

function assignGroups(groups: Int32Array, folds: number, seed: number): Uint16Array {
  const foldOf = foldsOfGroups(groupSizes(groups), folds, seed);
  return Uint16Array.from(groups, (group) => foldOf.get(group) ?? 0);
}

/** The fold of each group. @param sizes rows by group @throws input: fewer groups than folds */
export function foldsOfGroups(sizes: ReadonlyMap<number, number>, folds: number, seed: number): Map<number, number> {
  if (sizes.size < folds) {
    throw inputError(`${folds} folds need at least ${folds} groups, there are ${sizes.size}; use fewer folds.`);
  }
  const fill = new Float64Array(folds);
  const foldOf = new Map<number, number>();
  for (const group of groupOrder(sizes, seed)) {
    const smallest = fill.indexOf(fill.reduce((least, rows) => Math.min(least, rows)));
    foldOf.set(group, smallest);
    fill[smallest] += sizes.get(group) ?? 0;
  }
  return foldOf;
}

/**
 * Splits off a share of the rows for evaluation, by the same hash: of every stratum its share, of groups as many as
 * come nearest to the share. Both lists hold positions 0 … n − 1 in ascending order.
 * @throws usage: a share that is not between 0 and 1, strata or groups of another length, or one side without rows
 */
export function holdOut(
  rows: Rows,
  fraction: number,
  seed: number,
  options: SplitOptions = {},
): { training: Int32Array; evaluation: Int32Array } {
  const ids = idsOf(rows);
  checkLengths(ids.length, options);
  checkShare(fraction, seed);
  const held =
    options.groups === undefined
      ? heldRows(ids, fraction, seed, options.strata)
      : heldGroups(options.groups, fraction, seed);
  const all = Int32Array.from({ length: ids.length }, (_, i) => i);
  const training = all.filter((i) => held[i] === 0);
  const evaluation = all.filter((i) => held[i] === 1);
  refuseEmptySide(training.length, evaluation.length, fraction);
  return { training, evaluation };
}

/** @throws usage: a share or a seed that makes no sense */
export function checkShare(fraction: number, seed: number): void {
  checkSeed(seed);
  if (fraction > 0 && fraction < 1) return;
  throw usageError(`The share of rows to hold out is ${fraction}; give a number between 0 and 1.`);
}

/** @throws input: one side of a split is empty */
export function refuseEmptySide(training: number, evaluation: number, fraction: number): void {
  if (training > 0 && evaluation > 0) return;
  throw inputError(
    `Holding out ${fraction} of ${training + evaluation} rows leaves no ${training === 0 ? "training" : "evaluation"} rows; choose another share.`,
  );
}

/** How many rows of each stratum are held out. */
export function heldOfStrata(sizes: readonly number[], fraction: number): Float64Array {
  let before = 0;
  return Float64Array.from(sizes, (size) => {
    const held = Math.round((before + size) * fraction) - Math.round(before * fraction);
    before += size;
    return held;
  });
}

function heldRows(ids: Int32Array, fraction: number, seed: number, strata: Float64Array | undefined): Uint8Array {
  const { of, sizes } = strataOf(ids.length, strata);
  const left = heldOfStrata(sizes, fraction); // rows that each stratum still gives
  const held = new Uint8Array(ids.length);
  for (const i of hashOrder(ids, seed)) if (left[of[i]]-- > 0) held[i] = 1;
  return held;
}

function heldGroups(groups: Int32Array, fraction: number, seed: number): Uint8Array {
  const chosen = groupsHeld(groupSizes(groups), fraction, seed);
  return Uint8Array.from(groups, (group) => (chosen.has(group) ? 1 : 0));
}

/** The groups that are held out. @param sizes rows by group @throws input: one group alone */
export function groupsHeld(sizes: ReadonlyMap<number, number>, fraction: number, seed: number): Set<number> {
  if (sizes.size < 2)
    throw inputError("Holding out rows by group needs at least 2 groups, there is 1; choose another column.");
  const wanted = [...sizes.values()].reduce((total, size) => total + size, 0) * fraction;
  const chosen = new Set<number>();
  let count = 0;
  for (const group of groupOrder(sizes, seed)) {
    const size = sizes.get(group) ?? 0;
    const nearer = Math.abs(count + size - wanted) < Math.abs(count - wanted);
    if ((!nearer && chosen.size > 0) || chosen.size === sizes.size - 1) break;
    chosen.add(group);
    count += size;
  }
  return chosen;
}

/** Each row's stratum, in ascending order of labels, and the strata's sizes. */
function strataOf(n: number, strata: Float64Array | undefined): { of: Int32Array; sizes: number[] } {
  if (strata === undefined) return { of: new Int32Array(n), sizes: [n] };
  const labels = [...new Set(strata)].toSorted((a, b) => a - b);
  const position = new Map(labels.map((label, s) => [label, s]));
  const of = Int32Array.from(strata, (label) => position.get(label) ?? 0);
  const sizes = new Array<number>(labels.length).fill(0);
  for (const s of of) sizes[s]++;
  return { of, sizes };
}

function groupSizes(groups: Int32Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return sizes;
}

function groupOrder(sizes: ReadonlyMap<number, number>, seed: number): number[] {
  const codes = [...sizes.keys()].toSorted((a, b) => a - b);
  return Array.from(hashOrder(codes, seed), (i) => codes[i]);
}

function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed)) throw usageError(`The seed is ${seed}; give a whole number.`);
}

function checkLengths(n: number, { strata, groups }: SplitOptions): void {
  for (const [name, labels] of [
    ["strata", strata],
    ["groups", groups],
  ] as const) {
    if (labels !== undefined && labels.length !== n) {
      throw usageError(`There are ${n} rows, but ${labels.length} ${name}.`);
    }
  }
}
