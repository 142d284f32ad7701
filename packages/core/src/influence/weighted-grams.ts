import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { doParts, sharedNumbers } from "../linalg/parts/share.js";
import { weightedGramsJob, weightedGramsStarts } from "../linalg/parts/weighted-grams.js";

/** V'diag(ω_k)V under K sets of weights at once, over blocks of rows. */
export class WeightedGrams {
  private readonly starts: readonly number[];
  /** What is summed, the sets side by side: of rows elsewhere too, if it is added to theirs. */
  readonly sums: Float64Array;
  private readonly rows = growingBuffer(sharedNumbers);
  private readonly weights = growingBuffer(sharedNumbers);

  constructor(
    private readonly count: number,
    private readonly sets: number,
  ) {
    this.starts = weightedGramsStarts(count);
    this.sums = sharedNumbers(((count * (count + 1)) / 2) * sets);
  }

  /** Room for the weights of r rows (r×K), which `add` takes. */
  room(rows: number): Float64Array {
    return this.weights(rows * this.sets);
  }

  /** @param x r×d @param weights r×K, from `room` */
  add(x: Matrix, weights: Float64Array): void {
    const { starts, sets, sums } = this;
    const features = this.rows(x.data.length);
    features.set(x.data);
    doParts(weightedGramsJob({ starts, rows: x.rows, sets, features, weights, sums }));
  }

  /** The d×d matrix of set k, lower triangle. */
  gram(k: number): Matrix {
    const { sums, sets, count } = this;
    const out = Matrix.zeros(count, count);
    for (let j = 0, at = k; j < count; j++) {
      for (let l = 0; l <= j; l++, at += sets) out.data[j * count + l] = sums[at];
    }
    return out;
  }
}
