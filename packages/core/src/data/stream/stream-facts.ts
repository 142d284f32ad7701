import { inputError } from "../../errors.js";
import { exchange } from "../../parallel/deal.js";
import { classPlaces, classTotals } from "../class-weight.js";
import { sameCells } from "../column-checks.js";
import {
  addDistances,
  addLevelWeights,
  addSums,
  joinedSums,
  type NumberSums,
  noSums,
  statisticsOf,
} from "../column-statistics.js";
import type { ColumnInfo } from "../column-survey.js";
import { quoted } from "../names.js";
import type { ColumnStatistics, TableFacts } from "../table-facts.js";
import { DISTINCT_LABELS, readTarget, type TargetFacts, targetFacts } from "../target.js";
import { allDifferent } from "./all-different.js";
import type { CachedTable } from "./cached-table.js";
import { streamedBy } from "./stream-by.js";
import { chooseUsedRows, type UsedRows, usedPieces } from "./used-rows.js";

/** What a cached table answers: passes over this rank's pieces, put together over all ranks. */
export function streamFacts(table: CachedTable): TableFacts<ColumnInfo, UsedRows> {
  return {
    origin: table.origin,
    columns: table.columns,
    survey: (column) => table.survey(column),
    allDifferent: (column) => allDifferent(table, column),
    chooseRows(target, features, weighting, rule) {
      for (const column of [target, ...features]) refuseTooManyTexts(table, column);
      return chooseUsedRows(table, target, features, weighting, rule);
    },
    statistics: (columns, rows) => statistics(table, columns, rows),
    twins: (groups, rows) => twins(table, groups, rows),
    target: (column, rows) => target(table, column, rows),
    async classTotals(column, encoding, used) {
      const totals = new Float64Array(encoding.classes?.length ?? 2);
      for (const { piece, rows, weights } of usedPieces(table, used)) {
        const { y } = readTarget(piece.column(column), encoding, rows, piece.origin);
        classTotals(classPlaces(y, encoding), weights, totals.length).forEach((total, k) => {
          totals[k] += total;
        });
      }
      await table.ranks.add(totals);
      return totals;
    },
    by(column, rows) {
      refuseTooManyTexts(table, column);
      return streamedBy(table, column, rows);
    },
  };
}

function refuseTooManyTexts(table: CachedTable, column: ColumnInfo): void {
  const survey = table.survey(column);
  if (survey.kind !== "categorical" || !survey.more) return;
  throw inputError(
    `${table.source}: column ${quoted(column.name)} holds more than ${survey.levels.length} different texts, too many to stream; leave it out with --exclude.`,
  );
}

/** Two passes: sums, then distances from the mean that they give. */
async function statistics(
  table: CachedTable,
  columns: readonly ColumnInfo[],
  used: UsedRows,
): Promise<ColumnStatistics[]> {
  const own = columns.map(() => noSums());
  const levels = columns.map((column) =>
    column.kind === "numeric" ? new Float64Array(0) : new Float64Array(column.levels.length + 1),
  );
  for (const { piece, rows, weights } of usedPieces(table, used)) {
    columns.forEach((info, k) => {
      const column = piece.column(info);
      if (column.kind === "numeric") addSums(own[k], column.values, rows, weights);
      else addLevelWeights(levels[k], column.codes, rows, weights);
    });
  }
  const sums = await joinedOverRanks(table, own);
  const distances = columns.map(() => ({ rest: 0, squares: 0 }));
  if (columns.some(({ kind }) => kind === "numeric")) {
    for (const { piece, rows, weights } of usedPieces(table, used)) {
      columns.forEach((info, k) => {
        const column = piece.column(info);
        if (column.kind === "numeric") addDistances(distances[k], sums[k], column.values, rows, weights);
      });
    }
  }
  const added = Float64Array.from(distances.flatMap(({ rest, squares }) => [rest, squares]));
  await table.ranks.add(added, ...levels);
  return columns.map((column, k): ColumnStatistics => {
    if (column.kind !== "numeric") return { kind: "levels", sums: levels[k] };
    return {
      kind: "numeric",
      statistics: statisticsOf(sums[k], { rest: added[2 * k], squares: added[2 * k + 1] }),
    };
  });
}

/** JSON has no infinity: the extremes of no cells become null on the way. */
type SentSums = Omit<NumberSums, "minimum" | "maximum"> & {
  readonly minimum: number | null;
  readonly maximum: number | null;
};

async function joinedOverRanks({ ranks }: CachedTable, own: NumberSums[]): Promise<NumberSums[]> {
  if (ranks.size === 1) return own;
  const all = await exchange<readonly SentSums[]>(ranks, own);
  return own.map((_, k) =>
    all
      .map((rank): NumberSums => {
        const { minimum, maximum, ...sums } = rank[k];
        return {
          ...sums,
          minimum: minimum ?? Number.POSITIVE_INFINITY,
          maximum: maximum ?? Number.NEGATIVE_INFINITY,
        };
      })
      .reduce(joinedSums),
  );
}

async function twins(
  table: CachedTable,
  groups: readonly (readonly ColumnInfo[])[],
  used: UsedRows,
): Promise<(ColumnInfo | null)[][]> {
  // For each group and each two of its columns, whether they differ somewhere.
  const differs = groups.map((group) => new Float64Array(group.length * group.length));
  for (const { piece, rows } of usedPieces(table, used)) {
    groups.forEach((group, g) => {
      const cells = group.map((info) => piece.column(info));
      cells.forEach((column, k) => {
        for (let j = 0; j < k; j++) {
          const at = k * group.length + j;
          if (differs[g][at] === 0 && !sameCells(column, cells[j], rows)) differs[g][at] = 1;
        }
      });
    });
  }
  await table.ranks.add(...differs);
  return groups.map((group, g) =>
    group.map((_, k) => group.slice(0, k).find((_other, j) => differs[g][k * group.length + j] === 0) ?? null),
  );
}

async function target(table: CachedTable, column: ColumnInfo, used: UsedRows): Promise<TargetFacts> {
  const found = new Set<number>();
  let firstRow: number | null = null;
  for (const { piece, rows } of usedPieces(table, used)) {
    if (rows.length === 0) continue;
    const own = targetFacts(piece.column(column), rows, DISTINCT_LABELS);
    firstRow ??= piece.before + own.firstRow;
    for (const value of own.found) if (found.size < DISTINCT_LABELS) found.add(value);
    if (found.size === DISTINCT_LABELS) break;
  }
  const all = await exchange(table.ranks, { found: [...found], firstRow });
  const together = new Set(all.flatMap((rank) => rank.found));
  return {
    found: [...together].slice(0, DISTINCT_LABELS),
    firstRow: all.find((rank) => rank.firstRow !== null)?.firstRow ?? 0,
  };
}
