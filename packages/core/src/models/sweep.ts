import type { Block, RowBlocks } from "../data/dataset.js";
import { defaultRowsPerBlock } from "../data/rows-dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { FeatureMap } from "./feature-map.js";
import { borrowBuffers } from "./idle-buffers.js";
import { KeptRows } from "./kept-rows.js";
import { LinearMap } from "./linear-map.js";
import { SharedSums } from "./shared-sums.js";

/** What a sweep computes: scores F = VΘ on the way in, V'Ω and V'diag(ω)V on the way out. */
export interface SweepPlan {
  /** d×K parameter vectors whose scores the visitor wants, or null. */
  readonly theta?: Matrix | null;
  /** J, the number of columns of Ω that the visitor fills; 0 = none. */
  readonly pull?: number;
  /** How many Gram matrices are summed; the visitor fills the weights of each. */
  readonly grams?: number;
  /** Whether the visitor reads the rows themselves, for which the pass then leaves it time (default false). */
  readonly reads?: boolean;
  readonly phase: string;
}

/** What the visitor sees of a block of r rows; it writes to `pull` and `grams`, which start at zero. */
export interface SweepRows {
  readonly block: Block;
  /** r×K, until the next block; empty without `theta`. */
  readonly scores: Matrix;
  /** r×J: Ω */
  readonly pull: Matrix;
  /** r each: ω */
  readonly grams: readonly Float64Array[];
}

export interface SweepSums {
  /** d×J: Σ over blocks of V'Ω */
  readonly pull: Matrix;
  /** d×d each, lower triangle: Σ over blocks of V'diag(ω)V. */
  readonly grams: readonly Matrix[];
}

/**
 * One pass over the data in blocks that fit the cache: everything that a score model needs of its rows is a function of their
 * scores, summed back through the basis. Blocks are added in order, so the result does not depend on anything but rounding.
 */
export async function sweep(
  map: FeatureMap,
  data: RowBlocks,
  plan: SweepPlan,
  visit: (rows: SweepRows) => void,
  work?: Work,
): Promise<SweepSums> {
  const d = map.count;
  const columns = plan.pull ?? 0;
  const pullSums = Matrix.zeros(d, columns);
  const gramSums = Array.from({ length: plan.grams ?? 0 }, () => Matrix.zeros(d, d));
  const slices = timeSlices(work);
  const buffers = borrowBuffers();
  const formedBuffer = buffers.one();
  const pullBuffer = buffers.one();
  const scoreBuffer = buffers.one();
  const gramBuffers = gramSums.map(() => buffers.one());
  const empty = Matrix.zeros(0, 0);
  const through: FeatureMap = map.formed ? new LinearMap(d, false) : map;
  const usesRows = (plan.theta?.columns ?? 0) + columns + gramSums.length > 0;
  const shared = SharedSums.for(through, data.rows, plan);
  const later = !shared && gramSums.length > 0 ? through.gramSums?.(data.rows, gramSums.length) : null;
  const usualLength = map.formed || gramSums.length > 0 ? blockRows(through.inputs, gramSums.length > 0) : undefined;
  const form = map.formed?.bind(map);
  const kept = form ? KeptRows.of(map, data) : null;
  const formed = (block: Block): Matrix => {
    if (!form) return block.x;
    return kept && block.lasting ? kept.block(block, form) : form(block.x, formedBuffer);
  };
  try {
    for (const block of data.blocks((shared ?? later)?.rowsPerBlock ?? usualLength)) {
      const r = block.x.rows;
      const x = usesRows ? formed(block) : block.x;
      const scores = plan.theta ? (shared?.scores(plan.theta, x) ?? through.scores(plan.theta, x, scoreBuffer)) : empty;
      const pull = new Matrix(pullBuffer(r * columns).fill(0), r, columns);
      const rows = { block, scores, pull, grams: gramBuffers.map((buffer) => buffer(r).fill(0)) };
      visit(rows);
      const lasting = block.lasting === true && x === block.x;
      if (shared) {
        shared.add({ x, lasting, firstRow: block.firstRow }, rows.grams, pull);
      } else {
        if (columns > 0) through.addPullback(x, pull, pullSums);
        if (later) later.add(x, rows.grams);
        else gramSums.forEach((sum, k) => through.addGram(x, rows.grams[k], sum));
      }
      if (slices.due()) await slices.pause({ phase: plan.phase, done: block.firstRow + r, total: data.rows });
    }
  } finally {
    shared?.settle();
  }
  shared?.addTo(gramSums, pullSums);
  shared?.giveBack();
  later?.addTo(gramSums);
  buffers.giveBack();
  kept?.done();
  await data.ranks?.add(pullSums.data, ...gramSums.map((sum) => sum.data));
  return { pull: pullSums, grams: gramSums };
}

/** Numbers that a block has at most where its Gram matrix is large: 32 MB. */
const LARGE_BLOCK = 1 << 22;

/** Rows of a block with m features: as many as the entries of a Gram matrix are worth reading and writing for. */
function blockRows(m: number, gram: boolean): number {
  const usual = defaultRowsPerBlock(m);
  return gram && m > 0 ? Math.max(usual, Math.min(m, Math.floor(LARGE_BLOCK / m))) : usual;
}

/** A parameter vector as the d×1 matrix a sweep takes. */
export const asColumn = (theta: Float64Array): Matrix => new Matrix(theta, theta.length, 1);

/** Parameter vectors side by side, d×K. */
export function asColumns(vectors: readonly Float64Array[]): Matrix {
  const d = vectors[0]?.length ?? 0;
  const out = Matrix.zeros(d, vectors.length);
  vectors.forEach((vector, k) => {
    for (let j = 0; j < d; j++) out.data[j * vectors.length + k] = vector[j];
  });
  return out;
}
