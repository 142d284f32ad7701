/**
 * One matrix product by several threads that share one memory, each with an instance of this module. The inner sum is cut into pieces,
 * which one thread packs into two rooms in turn; the result is cut into tiles. Whoever is free takes the next tile of the next piece, so
 * that a thread which is slow, or comes late, takes fewer. A tile's pieces are added in order: digits do not depend on who adds them.
 */
import { addPanel, DEPTH, pack, SCRATCH as TILE, scratchPanel, WHOLE } from "./tiles";

export { scale } from "./multiply";
export { useScratch } from "./tiles";

/** Tiles have at most so many rows and columns. */
export const MOST_EDGE: i32 = 64;

/** Bytes of scratch memory that each thread needs: a 4×4 tile, and what it packs itself. */
export const SCRATCH: usize = TILE + (MOST_EDGE * DEPTH << 3);

/** How often a thread looks before it sleeps: some 50 µs, about what waking takes. */
const LOOKS: i32 = 20_000;

// Words that threads wait for, each in a cache line of its own: the next ticket, and how many pieces are packed.
const NEXT: usize = 64;
const PACKED: usize = 128;

/** The product, as the thread that began it has written it. */
@unmanaged
class Product {
  lower: bool;
  pieces: i32;
  tiles: i32;
  /** Tiles beside each other, where they are not those of a lower triangle. */
  across: i32;
  edge: i32;
  rows: i32;
  columns: i32;
  terms: i32;
  /** Terms of a piece, all but the last. */
  depth: i32;
  alpha: f64;
  /** Slivers of the left and of the right operand, and where those of the first room begin. */
  leftSlivers: i32;
  rightSlivers: i32;
  left: usize;
  right: usize;
  /** From the first room to the second. */
  roomStep: usize;
  /**
   * Which operand is loose: not packed, but packed by whoever takes a tile, where a tile has all that the other operand multiplies it
   * with; and its bytes from row (or column) to row, and from term to term.
   */
  loose: i32;
  looseStep: usize;
  looseTerm: usize;
  c: usize;
  rowStep: usize;
}

/** Values of `loose`. */
const LEFT: i32 = 1;
const RIGHT: i32 = 2;

const PRODUCT: usize = 192;

/** How many tiles a result may have, and how many pieces each of them has got. */
export const MOST_TILES: i32 = 1024;
const DONE: usize = 512;

/** The first address that callers may use. */
export const FREE: usize = DONE + (MOST_TILES << 2);

// @ts-ignore: decorator
@inline
function product(): Product {
  return changetype<Product>(PRODUCT);
}

// @ts-ignore: decorator
@inline
function done(tile: i32): usize {
  return DONE + (<usize>tile << 2);
}

function waitFor(at: usize, least: i32): void {
  for (let looks = 0; looks < LOOKS; looks++) if (atomic.load<i32>(at) >= least) return;
  for (let now = atomic.load<i32>(at); now < least; now = atomic.load<i32>(at)) atomic.wait<i32>(at, now, -1);
}

function tell(at: usize, value: i32): void {
  atomic.store<i32>(at, value);
  atomic.notify(at, i32.MAX_VALUE);
}

/**
 * Begins C ← alpha·A·B + C, A rows×terms, B terms×columns; with `lower` only the entries (i, j ≤ i) of C, in tiles of `edge` rows and
 * columns. A and B are packed from `rooms` on in pieces of `depth` terms, a multiple of 256 if there are several; with `same`, B = A'.
 * With `loose` 1 A lies there as it is, with `loose` 2 B.
 * Nobody may be at work on the product before.
 */
export function begin(
  lower: bool, same: bool, rows: i32, columns: i32, terms: i32, alpha: f64, edge: i32, depth: i32,
  rooms: usize, c: usize, rowStep: usize, loose: i32, looseStep: usize, looseTerm: usize,
): void {
  const p = product();
  p.lower = lower;
  p.rows = rows;
  p.columns = columns;
  p.terms = terms;
  p.alpha = alpha;
  p.edge = edge;
  p.depth = depth;
  const down = (rows + edge - 1) / edge;
  p.across = (columns + edge - 1) / edge;
  p.tiles = lower ? (down * (down + 1)) >> 1 : down * p.across;
  p.pieces = (terms + depth - 1) / depth;
  p.leftSlivers = (rows + 3) >> 2;
  p.rightSlivers = (columns + 3) >> 2;
  p.left = rooms;
  p.right = same ? rooms : rooms + sliversAt(p.leftSlivers, depth);
  p.roomStep = sliversAt(same ? p.leftSlivers : p.leftSlivers + p.rightSlivers, depth);
  p.c = c;
  p.rowStep = rowStep;
  p.loose = loose;
  p.looseStep = looseStep;
  p.looseTerm = looseTerm;
  for (let tile = 0; tile < p.tiles; tile++) atomic.store<i32>(done(tile), 0);
  atomic.store<i32>(PACKED, 0);
  atomic.store<i32>(NEXT, 0);
}

/** Bytes of that many slivers. */
// @ts-ignore: decorator
@inline
function sliversAt(slivers: i32, depth: i32): usize {
  return <usize>slivers * <usize>depth << 5;
}

/** Where block `p0` of a piece is packed, from row (or column) `from` on, a multiple of 4. */
// @ts-ignore: decorator
@inline
function packedAt(room: usize, slivers: i32, p0: i32, depth: i32, from: i32): usize {
  return room + sliversAt(slivers, p0) + sliversAt(from >> 2, depth);
}

/** Packs `count` rows of A, the first one row `from`, for the `depth` terms of a piece from its term `p0` on. */
export function packLeft(piece: i32, p0: i32, depth: i32, from: i32, count: i32, s: usize, step: usize, depthStep: usize): void {
  const p = product();
  pack(count, depth, s, step, depthStep, packedAt(p.left + (piece & 1) * p.roomStep, p.leftSlivers, p0, depth, from));
}

/** As `packLeft`, columns of B. */
export function packRight(piece: i32, p0: i32, depth: i32, from: i32, count: i32, s: usize, step: usize, depthStep: usize): void {
  const p = product();
  pack(count, depth, s, step, depthStep, packedAt(p.right + (piece & 1) * p.roomStep, p.rightSlivers, p0, depth, from));
}

/** Whether a piece may be packed: the one that was in its room before is no longer read. */
export function hasRoom(piece: i32): bool {
  const tiles = product().tiles;
  if (piece >= 2) for (let tile = 0; tile < tiles; tile++) if (atomic.load<i32>(done(tile)) < piece - 1) return false;
  return true;
}

/** Waits until a piece may be packed. */
export function awaitRoom(piece: i32): void {
  const tiles = product().tiles;
  if (piece >= 2) for (let tile = 0; tile < tiles; tile++) waitFor(done(tile), piece - 1);
}

/** Says that pieces up to this one are packed. */
export function packed(piece: i32): void {
  tell(PACKED, piece + 1);
}

/** The next ticket, a piece's number times the tiles plus the tile's; negative when there are no more. */
export function take(): i32 {
  const p = product();
  const ticket = atomic.add<i32>(NEXT, 1);
  return ticket < p.pieces * p.tiles ? ticket : -1;
}

/** Packs a part of the loose operand to this thread's own memory. */
function packLoose(room: usize, p0: i32, depth: i32, from: i32, count: i32): usize {
  const p = product();
  const at = scratchPanel();
  pack(count, depth, room + <usize>from * p.looseStep + <usize>p0 * p.looseTerm, p.looseStep, p.looseTerm, at);
  return at;
}

/** Adds a piece to a tile, when the piece has been packed and those before have been added. */
export function work(ticket: i32): void {
  const p = product();
  const piece = ticket / p.tiles;
  const tile = ticket % p.tiles;
  let i = tile / p.across;
  let j = tile % p.across;
  if (p.lower) {
    i = 0;
    for (j = tile; j > i; j -= i) i++;
  }
  i *= p.edge;
  j *= p.edge;
  const height = min(p.edge, p.rows - i);
  const width = min(p.edge, p.columns - j);
  const terms = min(p.depth, p.terms - piece * p.depth);
  const room = (piece & 1) * p.roomStep;
  const at = p.c + <usize>i * p.rowStep + (<usize>j << 3);
  waitFor(PACKED, piece + 1);
  waitFor(done(tile), piece);
  for (let p0 = 0; p0 < terms; p0 += DEPTH) {
    const depth = min(DEPTH, terms - p0);
    const left = p.loose == LEFT
      ? packLoose(p.left + room, p0, depth, i, height)
      : packedAt(p.left + room, p.leftSlivers, p0, depth, i);
    const right = p.loose == RIGHT
      ? packLoose(p.right + room, p0, depth, j, width)
      : packedAt(p.right + room, p.rightSlivers, p0, depth, j);
    addPanel(height, width, depth, p.alpha, left, right, at, p.rowStep, p.lower ? i - j : WHOLE);
  }
  // Unless the product has been given up.
  atomic.cmpxchg<i32>(done(tile), piece, piece + 1);
  atomic.notify(done(tile), i32.MAX_VALUE);
}

/** Takes tiles until there are no more. */
export function assist(): void {
  for (let ticket = take(); ticket >= 0; ticket = take()) work(ticket);
}

/** Ends a product that cannot be finished: nobody waits any longer. */
export function giveUp(): void {
  const p = product();
  atomic.store<i32>(NEXT, p.pieces * p.tiles);
  for (let tile = 0; tile < p.tiles; tile++) tell(done(tile), i32.MAX_VALUE);
  tell(PACKED, p.pieces);
}
