/** Rows in memory that pass by block by block, cut among ranks. */
import type { Block } from "../../../src/data/dataset.js";
import type { EncodedDataset } from "../../../src/data/encoded-dataset.js";
import type { StreamedBlock, StreamedDataset } from "../../../src/data/streamed-dataset.js";
import type { Ranks } from "../../../src/parallel/ranks.js";

export interface Cut {
  readonly ranks: Ranks;
  /** The rows of this rank. */
  readonly from: number;
  readonly to: number;
  /** n */
  readonly foldOf: Uint16Array | null;
  /** At most; blocks asked for may be smaller. */
  readonly rowsPerBlock?: number;
}

/** Rows of a data set in memory, as one rank sees them pass by. Blocks do not outlive the next one. */
export function streamOf(
  data: EncodedDataset,
  { ranks, from, to, foldOf, rowsPerBlock = Infinity }: Cut,
): StreamedDataset {
  return {
    rows: data.rows,
    ownRows: to - from,
    firstRow: from,
    ranks,
    features: data.features,
    encoding: data.encoding,
    files: data.files ?? [],
    notes: data.notes,
    weightTotal: data.weightTotal,
    groups: data.by ?? null,
    clusters: data.clusters ? new Set(data.clusters).size : null,
    *blocks(asked = 1000, seen = 0): Generator<StreamedBlock> {
      for (const block of data.blocks(Math.min(asked, rowsPerBlock), from)) {
        if (block.firstRow + block.y.length <= from + seen) continue;
        const rows = Math.min(block.y.length, to - block.firstRow);
        if (rows <= 0) return;
        const passing = passingBlock(data, block, rows, foldOf);
        yield passing;
        // What is kept of a block that has passed is wrong.
        passing.x.data.fill(Number.NaN);
        passing.y.fill(Number.NaN);
      }
    },
  };
}

function passingBlock(data: EncodedDataset, block: Block, rows: number, foldOf: Uint16Array | null): StreamedBlock {
  const { firstRow } = block;
  const last = firstRow + rows;
  const { x } = block;
  return {
    x: new (x.constructor as typeof import("../../../src/linalg/matrix.js").Matrix)(
      x.data.slice(0, rows * x.columns),
      rows,
      x.columns,
    ),
    y: block.y.slice(0, rows),
    w: block.w.slice(0, rows),
    firstRow,
    evaluationWeights: data.evaluationWeights.slice(firstRow, last),
    rawWeights: new Float64Array(rows).fill(1),
    sourceRows: Float64Array.from(data.sourceRows.subarray(firstRow, last)),
    foldOf: foldOf && foldOf.slice(firstRow, last),
    groupOf: data.by ? data.by.of.slice(firstRow, last) : null,
    clusterOf: data.clusters ? clusterPlaces(data.clusters).slice(firstRow, last) : null,
  };
}

/** Codes without gaps, in their order. */
function clusterPlaces(codes: Int32Array): Int32Array {
  const sorted = [...new Set(codes)].toSorted((a, b) => a - b);
  return codes.map((code) => sorted.indexOf(code));
}

/** Uneven cuts of n rows: the share of each rank, from `bounds` between 0 and 1. */
export function cutsOf(rows: number, bounds: readonly number[]): { from: number; to: number }[] {
  const at = [0, ...bounds.map((share) => Math.round(share * rows)), rows].toSorted((a, b) => a - b);
  return at.slice(1).map((to, k) => ({ from: at[k], to }));
}
