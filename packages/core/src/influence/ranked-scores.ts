import type { Ranks } from "../parallel/ranks.js";

/** Entries of a rank's sorted list that travel at a time. */
const PIECE = 1 << 18;

/** What ranks of scores say of two classes. */
export interface Ranked {
  /** P(score of a positive > score of a negative), ties counting half, by weight. */
  readonly area: number;
  /** n: the share of the other class that a row is ranked rightly against, whose mean over either class is the area (DeLong). */
  readonly placements: Float64Array;
  /** Σ w of the positives, and of the negatives. */
  readonly weights: readonly [number, number];
}

/**
 * The area under the curve of the rows of all ranks: each rank sorts its own scores, and every sorted list passes by all ranks, a piece
 * at a time, so that none holds those of others.
 * @param y n: positive or not, of the own rows
 */
export async function rankedScores(
  y: ArrayLike<number>,
  w: Float64Array,
  f: Float64Array,
  ranks: Ranks,
): Promise<Ranked> {
  const { order } = ascending(f);
  const n = order.length;
  const sorted = new Float64Array(n);
  const signed = new Float64Array(n); // positive for positives, negative for the others
  const beaten = new Float64Array(n);
  const totals = new Float64Array(2);
  for (let k = 0; k < n; k++) {
    const i = order[k];
    sorted[k] = f[i];
    signed[k] = y[i] > 0 ? w[i] : -w[i];
    totals[y[i] > 0 ? 0 : 1] += w[i];
  }
  const lengths = new Float64Array(ranks.size);
  lengths[ranks.rank] = n;
  await ranks.add(totals, lengths);
  for (let rank = 0; rank < ranks.size; rank++) {
    for (let from = 0; from < lengths[rank]; from += PIECE) {
      const size = Math.min(PIECE, lengths[rank] - from);
      const [scores, weights] = [new Float64Array(size), new Float64Array(size)];
      if (rank === ranks.rank) {
        scores.set(sorted.subarray(from, from + size));
        weights.set(signed.subarray(from, from + size));
      }
      await ranks.add(scores, weights);
      addBeaten(beaten, sorted, signed, { scores, weights });
    }
  }
  const [positives, negatives] = totals;
  const placements = new Float64Array(n);
  const area = new Float64Array(1);
  for (let k = 0; k < n; k++) {
    const place = signed[k] > 0 ? beaten[k] / negatives : 1 - beaten[k] / positives;
    placements[order[k]] = place;
    if (signed[k] > 0) area[0] += signed[k] * place;
  }
  await ranks.add(area);
  return { area: area[0] / positives, placements, weights: [positives, negatives] };
}

/** Adds to each own row the weight of the other class in a piece that is below it, ties by half. All ascend by score. */
function addBeaten(
  beaten: Float64Array,
  sorted: Float64Array,
  signed: Float64Array,
  { scores, weights }: { readonly scores: Float64Array; readonly weights: Float64Array },
): void {
  let at = 0;
  let [up, down] = [0, 0]; // of the entries before `at`, all below
  for (let k = 0; k < sorted.length; ) {
    const score = sorted[k];
    for (; at < scores.length && scores[at] < score; at++) {
      if (weights[at] > 0) up += weights[at];
      else down -= weights[at];
    }
    let [upHere, downHere] = [0, 0];
    for (; at < scores.length && scores[at] === score; at++) {
      if (weights[at] > 0) upHere += weights[at];
      else downHere -= weights[at];
    }
    for (; k < sorted.length && sorted[k] === score; k++) {
      beaten[k] += signed[k] > 0 ? down + 0.5 * downHere : up + 0.5 * upHere;
    }
    up += upHere;
    down += downHere;
  }
}

const DIGIT = 11;
const PLACES = 1 << DIGIT;
/** Fewer numbers are sorted faster by comparing them. */
const FEW = 1 << 12;

/** Numbers in ascending order. */
interface Sorted {
  /** Their places, ties by place. */
  readonly order: Uint32Array;
  /** By rank: equal numbers have equal keys, and few others do. */
  readonly keys: Uint32Array;
}

/**
 * Finite numbers in ascending order: sorted digit by digit by the upper halves of their words, from the last digit on; the few that share
 * an upper half are compared.
 */
export function ascending(f: Float64Array): Sorted {
  const n = f.length;
  const compared = (a: number, b: number): number => f[a] - f[b] || a - b;
  if (n < FEW) return { order: Uint32Array.from(f.keys()).sort(compared), keys: new Uint32Array(n) };
  const words = new Uint32Array(f.buffer, f.byteOffset, 2 * n);
  let [keys, next] = [new Uint32Array(n), new Uint32Array(n)];
  let [order, nextOrder] = [new Uint32Array(n), new Uint32Array(n)];
  for (let i = 0; i < n; i++) {
    const word = words[2 * i + 1];
    // Of negative numbers all bits are turned over, of others (and −0) the sign: then bits ascend as numbers do.
    const isZero = word === 0x80000000 && words[2 * i] === 0;
    keys[i] = word >>> 31 === 1 && !isZero ? ~word : word | 0x80000000;
    order[i] = i;
  }
  for (let shift = 0; shift < 32; shift += DIGIT) {
    const starts = new Uint32Array(PLACES + 1);
    for (let k = 0; k < n; k++) starts[((keys[k] >>> shift) & (PLACES - 1)) + 1]++;
    for (let p = 0; p < PLACES; p++) starts[p + 1] += starts[p];
    for (let k = 0; k < n; k++) {
      const at = starts[(keys[k] >>> shift) & (PLACES - 1)]++;
      next[at] = keys[k];
      nextOrder[at] = order[k];
    }
    [keys, next, order, nextOrder] = [next, keys, nextOrder, order];
  }
  for (let from = 0, to = 0; from < n; from = to) {
    let sorted = true;
    for (to = from + 1; to < n && keys[to] === keys[from]; to++) sorted &&= f[order[to - 1]] <= f[order[to]];
    if (!sorted) order.subarray(from, to).sort(compared);
  }
  return { order, keys };
}
