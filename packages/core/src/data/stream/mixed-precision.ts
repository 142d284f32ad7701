import { inputError } from "../../errors.js";
import { exchange } from "../../parallel/deal.js";
import type { Encoding } from "../encoding.js";
import { quoted } from "../names.js";
import { type Note, note } from "../notes.js";
import type { CachedTable } from "./cached-table.js";

/** By how much 32 bits moved a cell of a column at most, as each of the ranks found it. */
type Rounding = readonly (readonly [string, number])[];

/**
 * An encoding's notes, and what the storage in 32 bits adds to them.
 * @throws input: a column whose cells differ by little more than 32 bits can tell apart
 */
export async function notesInStorage(table: CachedTable, encoding: Encoding): Promise<Note[]> {
  const rounding = (await exchange(table.ranks, [...table.blocks.rounding])).flat();
  if (rounding.length === 0) return [...encoding.notes];
  refuseLost(table, encoding, rounding);
  const moved = new Set(rounding.flatMap(([name, error]) => (error > 0 ? [name] : [])));
  return [...encoding.notes.map((one) => asStored(one, moved)), largestRounding(encoding, rounding)];
}

/** Columns whose cells were moved may be equal in 32 bits alone. */
function asStored(one: Note, moved: ReadonlySet<string>): Note {
  if (one.code !== "duplicate-column" || !one.columns.some((name) => moved.has(name))) return one;
  const [name, twin] = one.columns.map(quoted);
  const message = `Column ${name} is left out: in the 32 bits of --precision mixed it equals column ${twin} in every row; they may differ in 64.`;
  return note(one.code, message, one.columns);
}

/** Standard deviations that 32 bits may move a feature by. */
const MOST_ROUNDING = 0.01;

/** @throws input: a column whose cells differ by little more than 32 bits can tell apart */
function refuseLost(table: CachedTable, encoding: Encoding, rounding: Rounding): void {
  const flat = new Set(encoding.notes.flatMap(({ code, columns }) => (code === "constant-column" ? columns : [])));
  const lost = rounding.find(([name, error]) => {
    const column = table.columns.find((known) => known.name === name);
    const survey = column && table.survey(column);
    if (survey?.kind !== "numeric" || !survey.varies || error === 0) return false;
    const feature = encoding.features.find((known) => known.column === name);
    return feature ? encoding.standardized && error > MOST_ROUNDING * feature.scale : flat.has(name);
  });
  if (lost === undefined) return;
  throw inputError(
    `${table.source}: the cells of column ${quoted(lost[0])} differ by too little for the 32 bits of --precision mixed, which move them by up to ${lost[1].toPrecision(2)}; use --precision double, or subtract a constant from the column.`,
  );
}

/** How much 32 bits changed the features, in the units that the model sees. */
function largestRounding(encoding: Encoding, rounding: Rounding): Note {
  let worst = { column: "", error: 0 };
  for (const [name, moved] of rounding) {
    const feature = encoding.features.find(({ column }) => column === name);
    const error = feature === undefined ? 0 : moved / feature.scale;
    if (error > worst.error) worst = { column: name, error };
  }
  const unit = encoding.standardized ? " standard deviations" : "";
  const most =
    worst.error === 0
      ? "no feature was changed by it"
      : `no feature was changed by more than ${worst.error.toExponential(1)}${unit} (column ${quoted(worst.column)})`;
  return note("mixed-precision", `Features are stored in 32 bits: ${most}; sums are kept in 64 bits.`);
}
