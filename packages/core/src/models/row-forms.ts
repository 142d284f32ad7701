import { growingBuffer, type Store } from "../linalg/buffers.js";
import type { Matrix } from "../linalg/matrix.js";
import { formsJob, packedLength, packUppers } from "../linalg/parts/row-forms.js";
import { doParts, sharedNumbers } from "../linalg/parts/share.js";
import type { EquilibratedCholesky } from "../linalg/symmetric.js";
import type { FeatureMap } from "./feature-map.js";

/** What threads are handed, kept from pass to pass: until the next block, and until the pass is over. */
const outBuffer = growingBuffer(sharedNumbers);
const idle: Store[] = [];
const MOST_IDLE = 2;

/** v_i'Mv_i of rows, block by block, for each of K matrices M (d×d); in a frame LL' = SHS, u_i'Mu_i with u_i = L⁻¹Sv_i. */
export class RowForms {
  private readonly features: number;
  /** Where x itself will do, the intercept's rows and columns are the forms' linear and constant parts. */
  private readonly first: number;
  private readonly store: Store = idle.pop() ?? growingBuffer(sharedNumbers);
  private readonly uppers: Float64Array;
  private readonly borders: Float64Array;

  constructor(
    private readonly map: FeatureMap,
    private readonly matrices: readonly Matrix[],
    private readonly frame: EquilibratedCholesky | null = null,
  ) {
    const K = matrices.length;
    const d = map.count;
    const first = map.rowProducts && map.intercept && !frame ? 1 : 0;
    const m = d - first;
    const packed = packedLength(m, K);
    const numbers = this.store(packed + K * m);
    this.uppers = numbers.subarray(0, packed);
    const data = matrices.map((matrix) => matrix.data);
    packUppers(data, { ld: d, first, features: m }, this.uppers);
    this.borders = numbers.subarray(packed).fill(0);
    if (first === 1)
      for (let k = 0; k < K; k++)
        for (let j = 1; j < d; j++) this.borders[(j - 1) * K + k] = data[k][j] + data[k][j * d];
    this.features = m;
    this.first = first;
  }

  /** K arrays of r numbers, until the next block. */
  of(x: Matrix): Float64Array[] {
    const { map, matrices, features, first, uppers, borders } = this;
    const rows = x.rows;
    const forms = matrices.length;
    const out = outBuffer(forms * rows);
    const of = matrices.map(({ data }, k) => out.subarray(k * rows, (k + 1) * rows).fill(first === 1 ? data[0] : 0));
    const own = this.frame
      ? this.frame.halfSolve(map.features(x).transposed()).transposed()
      : map.rowProducts
        ? x
        : map.features(x);
    if (features > 0) doParts(formsJob({ x: own.data, rows, features, forms, uppers, borders, out }));
    return of;
  }

  /** What it has kept is free for the next pass. */
  giveBack(): void {
    if (idle.length < MOST_IDLE) idle.push(this.store);
  }
}
