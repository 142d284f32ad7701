import { readableBytes } from "../../data/stream/estimate.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import { usageError } from "../../errors.js";
import type { Metrics } from "../../influence/metrics.js";
import { rankedScores } from "../../influence/ranked-scores.js";
import { EachRank, type Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import type { Fit } from "../../solvers/fit.js";
import type { StudySettings } from "../settings.js";
import { type CurveRows, pairsOf, predictionCount, predictionsAt } from "./curve-rows.js";
import type { RowsView } from "./rows-view.js";
import { Variances } from "./variances.js";
import type { StreamedWork } from "./work.js";

/** Labels, weights, and one list of scores while it is sorted and ranked, a row; and each list of scores that is kept. */
const ROW_BYTES = 56;
const LIST_BYTES = 8;
/** Before and after robust training. */
const LEAST_LISTS = 2;
/** Of the memory that the work may take. */
const SHARE = 0.5;

/** The least memory that the AUC takes of a process. */
export const aucBytes = (rows: number): number => rows * (ROW_BYTES + LEAST_LISTS * LIST_BYTES);

/**
 * How many lists of scores may be kept at a time, the same on all ranks; 0: the AUC does not fit.
 * @param memoryBytes what the work of this process may take, with all its threads
 * @throws usage: a condition on the AUC, where that does not fit
 */
export async function listsAtOnce(
  { ownRows, rows, ranks }: StreamedDataset,
  { failIf }: StudySettings,
  { memoryBytes = Infinity, threads = 1 }: Pick<StreamedWork, "memoryBytes" | "threads">,
): Promise<number> {
  const each = new EachRank(ranks, 1);
  const room = (SHARE * memoryBytes) / threads / Math.max(1, ownRows) - ROW_BYTES;
  each.own[0] = Math.max(0, Math.min(MOST_LISTS, Math.floor(room / LIST_BYTES)));
  await ranks.add(each.all);
  const lists = each.smallest(0);
  if (lists >= LEAST_LISTS) return lists;
  const asked = failIf.find(({ quantity }) => /^(auc|robustAuc)(Drop|Rise)$/.test(quantity));
  if (asked === undefined) return 0;
  throw usageError(
    `--fail-if ${asked.text}: the AUC takes ${aucBytes(1)} bytes of memory a row, ${readableBytes(aucBytes(rows))} in all, for which --memory leaves no room; give more, or judge by another quantity, such as accuracyDrop.`,
  );
}

const MOST_LISTS = 1e6;

/** The AUC of a curve's predictions, and how its changes vary. */
export interface CurveAucs {
  /** Of the predictions in the order of their list. */
  readonly areas: Float64Array;
  /** The standard error of the change of each pair. */
  readonly errors: Float64Array;
}

export interface Aucs {
  readonly curves: readonly CurveAucs[];
  /** Of the fit on its own rows, where those are evaluated. */
  readonly own: number | null;
}

interface AucGround {
  readonly fit: Fit;
  readonly ranks: Ranks;
  /** As `listsAtOnce` says. */
  readonly lists: number;
}

/** Two predictions of a curve. */
interface Pair {
  readonly curve: number;
  readonly place: number;
  readonly between: readonly [number, number];
}

/**
 * The AUC of all curves, exactly, from scores that are kept for it, with as many passes as they do not fit together.
 * @param pass over the rows that are evaluated: nothing else asks it, and it remembers nothing
 */
export async function aucRows(
  pass: Pass<RowsView>,
  { ownRows, firstRow, clusters: all = null }: StreamedDataset,
  curves: readonly CurveRows[],
  { fit, ranks, lists }: AucGround,
): Promise<Aucs> {
  const own = { ownRows, firstRow, clustered: all !== null };
  const found = curves.map((curve) => ({
    areas: new Float64Array(predictionCount(curve)),
    errors: new Float64Array(pairsOf(curve).length),
  }));
  const pairs = curves.flatMap((curve, t) =>
    pairsOf(curve).map((between, place): Pair => ({ curve: t, place, between })),
  );
  for (let next = 0; next < pairs.length; ) {
    const keys = new Map<string, readonly [number, number]>();
    const first = next;
    for (; next < pairs.length; next++) {
      const { curve, between } = pairs[next];
      const more = between.map((k) => [`${curve} ${k}`, [curve, k]] as const).filter(([key]) => !keys.has(key));
      if (keys.size + more.length > lists && next > first) break;
      for (const [key, of] of more) keys.set(key, of);
    }
    const asked = [...keys.values()];
    const kept = await keptScores(pass, own, asked.length, async (view) => {
      const evaluated = await Promise.all(curves.map((curve) => curve.evaluatedOn(view)));
      const { w } = evaluated[0].rows;
      return { w, scores: asked.map(([t, k]) => predictionsAt(curves[t], evaluated[t], k)) };
    });
    const influences = new Map<string, Float64Array>();
    for (const [v, key] of [...keys.keys()].entries()) {
      const [t, k] = asked[v];
      const { area, influence } = await rankedInfluence(kept, kept.scores[v], ranks);
      found[t].areas[k] = area;
      influences.set(key, influence);
    }
    for (const { curve, place, between } of pairs.slice(first, next)) {
      const [before, after] = between.map((k) => influences.get(`${curve} ${k}`) ?? new Float64Array(0));
      const { sampling, clusters } = curves[curve];
      const variance = new Variances(1, sampling, clusters);
      variance.add(
        0,
        0,
        after.map((value, i) => value - before[i]),
        kept,
      );
      const total = new Float64Array(1);
      for (const weight of kept.w) total[0] += weight;
      await ranks.add(total, ...variance.sums);
      found[curve].errors[place] = Math.sqrt(variance.of(0)) / total[0];
    }
  }
  if (curves[0].heldOut) return { curves: found, own: null };
  const kept = await keptScores(pass, own, 1, async (view) => ({
    w: view.block.evaluationWeights,
    scores: [view.scores(fit.model, fit.parameters)],
  }));
  return { curves: found, own: (await rankedScores(kept.y, kept.w, kept.scores[0], ranks)).area };
}

interface OwnRows {
  readonly ownRows: number;
  readonly firstRow: number;
  readonly clustered: boolean;
}

interface KeptScores {
  /** 1 for positives, 0 for the others. */
  readonly y: Uint8Array;
  readonly w: Float64Array;
  /** null: rows are drawn by themselves. */
  readonly clusterOf: Int32Array | null;
  readonly scores: readonly Float64Array[];
}

/** Scores of all rows of this rank, one pass. */
async function keptScores(
  pass: Pass<RowsView>,
  { ownRows, firstRow, clustered }: OwnRows,
  count: number,
  scoresOf: (view: RowsView) => Promise<{ readonly w: Float64Array; readonly scores: readonly Float64Array[] }>,
): Promise<KeptScores> {
  const y = new Uint8Array(ownRows);
  const w = new Float64Array(ownRows);
  const scores = Array.from({ length: count }, () => new Float64Array(ownRows));
  const clusterOf = clustered ? new Int32Array(ownRows) : null;
  await pass({
    sums: [],
    async visit(view) {
      const at = view.block.firstRow - firstRow;
      const found = await scoresOf(view);
      const labels = view.data.y;
      for (let i = 0; i < labels.length; i++) y[at + i] = labels[i] > 0 ? 1 : 0;
      w.set(found.w, at);
      if (view.clusterOf) clusterOf?.set(view.clusterOf, at);
      found.scores.forEach((list, v) => {
        scores[v].set(list, at);
      });
    },
  });
  return { y, w, clusterOf, scores };
}

/** ψ of each row, in place of its scores. */
async function rankedInfluence(
  { y, w }: KeptScores,
  scores: Float64Array,
  ranks: Ranks,
): Promise<{ area: number; influence: Float64Array }> {
  const { area, placements, weights } = await rankedScores(y, w, scores, ranks);
  for (let i = 0; i < scores.length; i++) scores[i] = (placements[i] - area) / weights[y[i] > 0 ? 0 : 1];
  return { area, influence: scores };
}

/** Metrics with the AUC where those in memory have it. */
export const withAuc = <T>(metrics: Readonly<Record<string, T>>, auc: T): Readonly<Record<string, T>> =>
  Object.fromEntries(
    Object.entries(metrics).flatMap(([name, value]): [string, T][] =>
      name === "balancedAccuracy"
        ? [
            [name, value],
            ["auc", auc],
          ]
        : [[name, value]],
    ),
  );

/** @param auc null: it is left out */
export const metricsWith = (metrics: Metrics, auc: number | null | undefined): Metrics =>
  auc === null || auc === undefined ? metrics : withAuc(metrics, auc);
