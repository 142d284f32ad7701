import { inputError } from "../errors.js";
import { asText } from "./column-kinds.js";
import { gatheredCodes } from "./gather.js";
import { quoted } from "./names.js";
import type { Column } from "./table.js";

const rowsShown = 5;

/**
 * The code of each row's cluster.
 * @throws AifError "input" naming the rows without one: nothing says whether they were drawn together
 */
export function clusterCodes(column: Column, rows: Int32Array, source: string): Int32Array {
  const codes = gatheredCodes(asText(column).codes, rows);
  const missing = rows.filter((_, i) => codes[i] < 0);
  if (missing.length === 0) return codes;
  const shown = Array.from(missing.subarray(0, rowsShown), (row) => row + 1).join(", ");
  const more = missing.length > rowsShown ? " and more" : "";
  const count = missing.length === 1 ? "1 row" : `${missing.length} rows`;
  throw inputError(
    `${source}: cluster column ${quoted(column.name)} is missing in ${count} (data row ${shown}${more}); fill these cells in or remove the rows.`,
  );
}

/**
 * The finest partition of the rows that tears apart neither a group nor a cluster: the connected components of rows that
 * share one or the other, found by union and find. A component has the least code of its groups, so that clusters that
 * lie within groups change nothing.
 * @param groups n codes from −1
 */
export function joinedGroups(groups: Int32Array, clusters: Int32Array): Int32Array {
  const most = groups.reduce((largest, code) => Math.max(largest, code), -1);
  const parent = Int32Array.from({ length: most + 2 }, (_, k) => k); // place k stands for code k − 1
  const rootOf = (place: number): number => {
    let at = place;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  const firstPlace = new Map<number, number>(); // by cluster
  groups.forEach((code, i) => {
    const place = code + 1;
    const first = firstPlace.get(clusters[i]);
    if (first === undefined) {
      firstPlace.set(clusters[i], place);
      return;
    }
    const [a, b] = [rootOf(first), rootOf(place)];
    parent[Math.max(a, b)] = Math.min(a, b);
  });
  return groups.map((code) => rootOf(code + 1) - 1);
}
