import type { Block, RowBlocks } from "../data/dataset.js";
import { newArray, type Store } from "../linalg/buffers.js";
import type { Matrix } from "../linalg/matrix.js";
import { type FeatureMap } from "./feature-map.js";

/** Numbers of V that are kept from one pass to the next of the same map over the same rows (2 MB). */
const KEPT_NUMBERS = 1 << 18;

let latest: KeptRows | null = null;

/** V as the latest passes formed it, block by block; it keeps neither the map nor the rows. */
export class KeptRows {
  private readonly blocks = new Map<number, Matrix>();
  private used = 0;
  private readers = 0;
  /** Behind what was formed so far; blocks that were cut otherwise before get arrays of their own. */
  private readonly room: Store = (length) => {
    const from = this.used;
    if (from + length > this.numbers.length) return newArray(length);
    this.used += length;
    return this.numbers.subarray(from, this.used);
  };

  private constructor(
    private readonly map: WeakRef<FeatureMap>,
    private readonly data: WeakRef<RowBlocks>,
    private readonly numbers: Float64Array,
  ) {}

  /** What was formed of these rows by the pass before and is formed by this one, until `done`; null where it may not be kept. */
  static of(map: FeatureMap, data: RowBlocks): KeptRows | null {
    const count = data.rows * map.count;
    if (data.pass || count > KEPT_NUMBERS) return null;
    if (latest?.map.deref() !== map || latest.data.deref() !== data) {
      // What no pass reads any more is written over: new memory would cost more than what is written there.
      const idle = latest?.readers === 0 && latest.numbers.length >= count ? latest.numbers : null;
      latest = new KeptRows(new WeakRef(map), new WeakRef(data), idle ?? new Float64Array(count));
    }
    latest.readers++;
    return latest;
  }

  /** V of a block whose rows stay as they are. */
  block({ x, firstRow }: Block, form: NonNullable<FeatureMap["formed"]>): Matrix {
    const kept = this.blocks.get(firstRow);
    if (kept?.rows === x.rows) return kept;
    const formed = form(x, this.room);
    this.blocks.set(firstRow, formed);
    return formed;
  }

  /** Ends a pass. One that fails does not get here, and what it read is left alone. */
  done(): void {
    this.readers--;
  }
}
