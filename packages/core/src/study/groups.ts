import type { EncodedDataset } from "../data/encoded-dataset.js";
import { meanStandardError, type Sampling } from "../influence/sampling.js";
import type { DataSection, GroupPoint } from "./result.js";

/** Rows that `--by` keeps apart. */
export interface Groups {
  readonly column: string;
  readonly names: readonly string[];
  /** Row indices of each group. */
  readonly rows: readonly Int32Array[];
  /** How many of the rows are noisy copies of one. */
  readonly copies: number;
}

export function groupsOf({ by, copies }: EncodedDataset): Groups | null {
  if (!by) return null;
  const rows: number[][] = by.names.map(() => []);
  by.of.forEach((group, i) => rows[group].push(i));
  return { column: by.column, names: by.names, rows: rows.map((list) => Int32Array.from(list)), copies };
}

/** What the result says of the groups before any attack: their rows and natural losses l_i. */
export function groupSection(
  { column, names, rows, copies }: Groups,
  losses: Float64Array,
  w: Float64Array,
): NonNullable<DataSection["groups"]> {
  return {
    column,
    names,
    rows: rows.map((list) => list.length / copies),
    naturalLoss: rows.map((list) => meanOver(list, losses, w)),
  };
}

/** Cost and benefit of each group, of what each row loses and gains; z: half width of an interval in standard errors, or null. */
export function groupPoints(
  { names, rows }: Groups,
  { costs, benefits }: { readonly costs: Float64Array; readonly benefits: Float64Array },
  w: Float64Array,
  sampling: Sampling,
  z: number | null,
): GroupPoint[] {
  return names.map((name, g) => {
    const own = rows[g];
    const cost = meanOver(own, costs, w);
    return {
      name,
      cost,
      costInterval: cost === null || z === null ? null : intervalOver(own, cost, costs, w, sampling, z),
      benefit: meanOver(own, benefits, w),
    };
  });
}

function meanOver(rows: Int32Array, values: Float64Array, w: Float64Array): number | null {
  let [total, sum] = [0, 0];
  for (const i of rows) {
    total += w[i];
    sum += w[i] * values[i];
  }
  return total > 0 ? sum / total : null;
}

function intervalOver(
  rows: Int32Array,
  mean: number,
  values: Float64Array,
  w: Float64Array,
  { clusters, ...sampling }: Sampling,
  z: number,
): readonly [number, number] | null {
  if (rows.length < 2) return null;
  const pick = (from: Float64Array): Float64Array => Float64Array.from(rows, (i) => from[i]);
  const within = { ...sampling, clusters: clusters && Int32Array.from(rows, (i) => clusters[i]) };
  const reach = z * meanStandardError(pick(values), pick(w), within);
  return [mean - reach, mean + reach];
}
