/** A matrix product by all threads of a team: this one packs the operands piece by piece, and all of them take tiles of the result. */
import { DEPTH, loadPart, type Operand, type Part, transposed } from "./operand.js";
import type { Team } from "./team.js";

/** Numbers of A and B together that are packed as one piece: two of them are 4 MB. */
const PIECE = 1 << 18;
/** Rows of A or columns of B that are copied before they are packed: 512×256 numbers are 1 MB, still in the cache then. */
const COPIED = 512;
/** Edges of tiles: the largest that gives every thread enough of them, so that nobody waits long for the last. */
const EDGES = [64, 32, 16, 8];
const TILES_PER_THREAD = 4;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

/** C ← alpha·A·B + C. */
export function multiplyTogether(
  team: Team,
  { lower, same, rows, columns, terms, alpha, left, right, atC }: Part,
): void {
  const { kernels } = team;
  const packed = rows + (same ? 0 : columns);
  const widest = Math.floor(PIECE / packed / DEPTH) * DEPTH;
  const depth = Math.min(terms, Math.max(DEPTH, widest));
  const edge = edgeOf(rows, columns, lower, team.threads, Number(kernels.MOST_TILES.value));
  const staging = team.allocate(Math.min(COPIED, Math.max(rows, columns)) * DEPTH);
  const rooms = team.allocate(2 * depth * ((same ? 0 : wholeSlivers(columns)) + wholeSlivers(rows)));
  const pieces = Math.ceil(terms / depth);
  const tiles = tilesOf(rows, columns, lower, edge);
  kernels.begin(lower, same, rows, columns, terms, alpha, edge, depth, rooms, atC, columns * BYTES);

  const pack = (piece: number): void => {
    const end = Math.min(terms, (piece + 1) * depth);
    for (let p0 = piece * depth; p0 < end; p0 += DEPTH) {
      const here = Math.min(DEPTH, end - p0);
      const one = (operand: Operand, count: number, into: typeof kernels.packLeft): void => {
        for (let from = 0; from < count; from += COPIED) {
          const some = Math.min(COPIED, count - from);
          const { at, rowStep, columnStep } = loadPart(team, staging, operand, from, p0, some, here);
          into(piece, p0 - piece * depth, here, from, some, at, rowStep, columnStep);
        }
      };
      one(left, rows, kernels.packLeft);
      if (!same) one(transposed(right), columns, kernels.packRight);
    }
    kernels.packed(piece);
  };

  team.together(() => {
    let next = 0;
    for (;;) {
      while (next < pieces && kernels.hasRoom(next)) pack(next++);
      const ticket = kernels.take();
      // Who takes none may be waited for: others have tickets for pieces that are not packed yet.
      const last = ticket < 0 ? pieces - 1 : Math.floor(ticket / tiles);
      while (next <= last) {
        kernels.awaitRoom(next);
        pack(next++);
      }
      if (ticket < 0) return;
      kernels.work(ticket);
    }
  });
}

const wholeSlivers = (count: number): number => 4 * Math.ceil(count / 4);

function tilesOf(rows: number, columns: number, lower: boolean, edge: number): number {
  const down = Math.ceil(rows / edge);
  return lower ? (down * (down + 1)) / 2 : down * Math.ceil(columns / edge);
}

function edgeOf(rows: number, columns: number, lower: boolean, threads: number, mostTiles: number): number {
  const tiles = (edge: number): number => tilesOf(rows, columns, lower, edge);
  const allowed = EDGES.filter((edge) => tiles(edge) <= mostTiles);
  return allowed.find((edge) => tiles(edge) >= TILES_PER_THREAD * threads) ?? allowed[allowed.length - 1];
}
