/** A matrix product by all threads of a team: this one packs the operands piece by piece, and all of them take tiles of the result. */
import type { SharedExports } from "./modules.js";
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

/** An operand that meets no more rows or columns than this is packed by whoever takes a tile. */
const FEW = 32;

/** C ← alpha·A·B + C. */
export function multiplyTogether(team: Team, part: Part): void {
  const { lower, same, rows, columns, terms, alpha, left, right, atC } = part;
  const { kernels } = team;
  const widest = Math.floor(PIECE / (rows + (same ? 0 : columns)) / DEPTH) * DEPTH;
  const depth = Math.min(terms, Math.max(DEPTH, widest));
  const edge = edgeOf(rows, columns, lower, team.threads, Number(kernels.MOST_TILES.value));
  const staging = team.allocate(Math.min(COPIED, Math.max(rows, columns)) * DEPTH);
  const leftRoom = depth * wholeSlivers(rows);
  const room = leftRoom + (same ? 0 : depth * wholeSlivers(columns));
  const rooms = team.allocate(2 * room);
  const pieces = Math.ceil(terms / depth);
  const tiles = tilesOf(rows, columns, lower, edge);
  const sides: readonly Side[] = [
    { operand: left, count: rows, pack: kernels.packLeft, at: 0 },
    ...(same ? [] : [{ operand: transposed(right), count: columns, pack: kernels.packRight, at: leftRoom }]),
  ];
  const loose = looseSide(part);
  const [looseStep, looseTerm] = loose < 0 ? [0, 0] : stepsOf(sides[loose], depth);
  kernels.begin(
    lower,
    same,
    rows,
    columns,
    terms,
    alpha,
    edge,
    depth,
    rooms,
    atC,
    columns * BYTES,
    loose + 1,
    looseStep * BYTES,
    looseTerm * BYTES,
  );

  const pack = (piece: number): void => {
    const end = Math.min(terms, (piece + 1) * depth);
    sides.forEach((side, s) => {
      if (s === loose) copyPiece(team, side, rooms + ((piece % 2) * room + side.at) * BYTES, piece * depth, end, depth);
      else packPiece(team, side, staging, piece, piece * depth, end);
    });
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

/** An operand as rows of terms: those of A, or the columns of B. */
interface Side {
  readonly operand: Operand;
  /** Its rows. */
  readonly count: number;
  readonly pack: SharedExports["packLeft"];
  /** Where it begins in a room, in numbers. */
  readonly at: number;
}

/** The longer one, where the other has few rows; −1: none. */
function looseSide({ same, rows, columns }: Part): number {
  if (same || Math.min(rows, columns) > FEW) return -1;
  return rows >= columns ? 0 : 1;
}

/** Packs the terms of a piece, a block that the kernels take at once after the other. */
function packPiece(
  team: Team,
  { operand, count, pack }: Side,
  staging: number,
  piece: number,
  start: number,
  end: number,
) {
  for (let p0 = start; p0 < end; p0 += DEPTH) {
    const terms = Math.min(DEPTH, end - p0);
    for (let from = 0; from < count; from += COPIED) {
      const some = Math.min(COPIED, count - from);
      const { at, rowStep, columnStep } = loadPart(team, staging, operand, from, p0, some, terms);
      pack(piece, p0 - start, terms, from, some, at, rowStep, columnStep);
    }
  }
}

/** Copies the terms of a piece as they are. */
function copyPiece(team: Team, { operand, count }: Side, at: number, start: number, end: number, depth: number): void {
  const { data, rowStep, columnStep } = operand;
  const from = operand.start + start * columnStep;
  if (columnStep === 1) team.load(at, data, from, count, end - start, rowStep, depth);
  else team.load(at, data, from, end - start, count, columnStep);
}

/** From row to row and from term to term of what `copyPiece` has copied, in numbers. */
const stepsOf = ({ operand, count }: Side, depth: number): [row: number, term: number] =>
  operand.columnStep === 1 ? [depth, 1] : [1, count];

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
