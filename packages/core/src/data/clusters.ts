import { type AifError, inputError } from "../errors.js";
import { asText } from "./column-kinds.js";
import { gatheredCodes } from "./gather.js";
import { quoted } from "./names.js";
import type { Origin } from "./row-place.js";
import type { Column } from "./table.js";

/** Rows that a message lists. */
export const rowsShown = 5;

/**
 * The code of each row's cluster.
 * @throws AifError "input" naming the rows without one: nothing says whether they were drawn together
 */
export function clusterCodes(column: Column, rows: Int32Array, origin: Origin): Int32Array {
  const codes = gatheredCodes(asText(column).codes, rows);
  const missing = rows.filter((_, i) => codes[i] < 0);
  if (missing.length === 0) return codes;
  throw clusterMissing(column.name, missing.length, [...missing.subarray(0, rowsShown)], origin);
}

/** @param shown the first rows without a cluster, from 0 */
export function clusterMissing(
  name: string,
  total: number,
  shown: readonly number[],
  { source, placeOf }: Origin,
): AifError {
  const listed = shown.map(placeOf).join(", ");
  const more = total > shown.length ? " and more" : "";
  const count = total === 1 ? "1 row" : `${total} rows`;
  return inputError(
    `${source}: cluster column ${quoted(name)} is missing in ${count} (${listed}${more}); fill these cells in or remove the rows.`,
  );
}

/**
 * The finest partition of the rows that tears apart neither a group nor a cluster: the connected components of rows that
 * share one or the other, found by union and find. A component has the least code of its groups, so that clusters that
 * lie within groups change nothing.
 * @param groups n codes from −1
 */
export function joinedGroups(groups: Int32Array, clusters: Int32Array): Int32Array {
  const largest = (codes: Int32Array): number => codes.reduce((most, code) => Math.max(most, code), -1);
  const found = new Components(largest(groups) + 1, largest(clusters) + 1);
  groups.forEach((code, i) => {
    found.join(code, clusters[i]);
  });
  return groups.map((code) => found.rootOf(code));
}

/** Groups that clusters tie together. */
export class Components {
  /** Place k stands for code k − 1. */
  readonly parent: Int32Array;
  /** By cluster: the place of a group that it meets, or −1. */
  readonly first: Int32Array;

  constructor(groups: number, clusters: number) {
    this.parent = Int32Array.from({ length: groups + 1 }, (_, k) => k);
    this.first = new Int32Array(clusters).fill(-1);
  }

  /** A row of this group and this cluster. */
  join(group: number, cluster: number): void {
    const place = group + 1;
    if (this.first[cluster] < 0) this.first[cluster] = place;
    else this.tie(this.first[cluster], place);
  }

  /** The least group that this one is tied to. */
  rootOf(group: number): number {
    return this.root(group + 1) - 1;
  }

  /** What rows elsewhere tie together. */
  takeOver(parent: Float64Array, first: Float64Array): void {
    parent.forEach((other, place) => {
      this.tie(other, place);
    });
    first.forEach((place, cluster) => {
      if (place >= 0) this.join(place - 1, cluster);
    });
  }

  private tie(one: number, two: number): void {
    const [a, b] = [this.root(one), this.root(two)];
    this.parent[Math.max(a, b)] = Math.min(a, b);
  }

  private root(place: number): number {
    const { parent } = this;
    let at = place;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  }
}
