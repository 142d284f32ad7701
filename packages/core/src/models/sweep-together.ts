import type { Block, RowBlocks } from "../data/dataset.js";
import { columnRange } from "../linalg/products.js";
import type { Work } from "../parallel/work.js";
import type { FeatureMap } from "./feature-map.js";
import { type SweepSums, sweep } from "./sweep.js";

/** What one of several visitors of a pass sees of a block of r rows. */
export interface AskedRows {
  readonly block: Block;
  /** Its columns of Ω: row i's are `data[i * stride + first]` and what follows, 0 so far. */
  readonly pull: { readonly data: Float64Array; readonly stride: number; readonly first: number };
  /** r each: its ω */
  readonly grams: readonly Float64Array[];
}

/** Sums over the rows that share a pass with others: V'Ω of some columns, V'diag(ω)V of some weights. */
export interface Ask {
  readonly pull: number;
  readonly grams: number;
  visit(rows: AskedRows): void;
}

/** What each asks for, in one pass over the data; a block is shown to one after the other. */
export async function sweepTogether(
  map: FeatureMap,
  data: RowBlocks,
  phase: string,
  asks: readonly Ask[],
  work?: Work,
): Promise<SweepSums[]> {
  const [pulls, grams] = [startsOf(asks.map(({ pull }) => pull)), startsOf(asks.map((ask) => ask.grams))];
  const [columns, matrices] = [pulls[asks.length], grams[asks.length]];
  const sums = await sweep(
    map,
    data,
    { pull: columns, grams: matrices, phase },
    ({ block, pull, grams: weights }) => {
      for (const [a, ask] of asks.entries())
        ask.visit({
          block,
          pull: { data: pull.data, stride: columns, first: pulls[a] },
          grams: weights.slice(grams[a], grams[a + 1]),
        });
    },
    work,
  );
  return asks.map((_, a) => ({
    pull: columnRange(sums.pull, pulls[a], pulls[a + 1]),
    grams: sums.grams.slice(grams[a], grams[a + 1]),
  }));
}

/** One pass for one of them. */
export async function sweepFor(
  map: FeatureMap,
  data: RowBlocks,
  phase: string,
  ask: Ask,
  work?: Work,
): Promise<SweepSums> {
  const [sums] = await sweepTogether(map, data, phase, [ask], work);
  return sums;
}

/** Where each begins, and the end of the last. */
function startsOf(counts: readonly number[]): number[] {
  const starts = [0];
  for (const count of counts) starts.push(starts[starts.length - 1] + count);
  return starts;
}
