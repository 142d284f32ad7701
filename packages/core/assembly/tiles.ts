/**
 * What matrix products are made of. Operands are packed into slivers of four rows (of the left) and four columns (of the right),
 * padded with zeros at the edges; a 4×4 tile of the result is then held in registers while one pair of slivers streams by.
 */
import { multiplyAdd } from "./simd";

/** Terms of the inner sum that are packed together: a sliver of 256×4 numbers is 8 KB, one of each operand fits the first-level cache. */
export const DEPTH: i32 = 256;

/** Bytes of scratch memory that each thread needs: one 4×4 tile. */
export const SCRATCH: usize = 16 << 3;

let scratch: usize = 64;

/** Moves this thread's scratch memory. */
export function useScratch(at: usize): void {
  scratch = at;
}

/** What lies behind the tile in this thread's scratch memory. */
export function scratchPanel(): usize {
  return scratch + SCRATCH;
}

/** Packs `count` vectors of `depth` numbers into slivers of four, interleaved; vector i starts at s + i·step. */
export function pack(count: i32, depth: i32, s: usize, step: usize, depthStep: usize, to: usize): void {
  for (let i = 0; i < count; i += 4) {
    const here = count - i;
    if (here >= 4) {
      let from = s;
      if (step == 8) {
        for (let p = 0; p < depth; p++) {
          v128.store(to, v128.load(from));
          v128.store(to, v128.load(from, 16), 16);
          from += depthStep;
          to += 32;
        }
      } else {
        const from1 = step;
        const from2 = step << 1;
        const from3 = from1 + from2;
        for (let p = 0; p < depth; p++) {
          store<f64>(to, load<f64>(from));
          store<f64>(to, load<f64>(from + from1), 8);
          store<f64>(to, load<f64>(from + from2), 16);
          store<f64>(to, load<f64>(from + from3), 24);
          from += depthStep;
          to += 32;
        }
      }
    } else {
      memory.fill(to, 0, <usize>depth << 5);
      for (let r = 0; r < here; r++) {
        let from = s + <usize>r * step;
        let at = to + (<usize>r << 3);
        for (let p = 0; p < depth; p++) {
          store<f64>(at, load<f64>(from));
          from += depthStep;
          at += 32;
        }
      }
      to += <usize>depth << 5;
    }
    s += step << 2;
  }
}

// @ts-ignore: decorator
@inline
function addRow(c: usize, scale: v128, left: v128, right: v128): void {
  v128.store(c, f64x2.add(v128.load(c), f64x2.mul(scale, left)));
  v128.store(c, f64x2.add(v128.load(c, 16), f64x2.mul(scale, right)), 16);
}

/** Adds alpha times the product of two slivers to the 4×4 tile at c. */
function addTile(depth: i32, alpha: f64, a: usize, b: usize, c: usize, rowStep: usize): void {
  let c00 = f64x2.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  // Unrolling this loop makes the engine spill registers: it then runs a third slower.
  const end = a + (<usize>depth << 5);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.load64_splat(a, 8);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.load64_splat(a, 16);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.load64_splat(a, 24);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    a += 32;
    b += 32;
  }
  const scale = f64x2.splat(alpha);
  addRow(c, scale, c00, c01);
  c += rowStep;
  addRow(c, scale, c10, c11);
  c += rowStep;
  addRow(c, scale, c20, c21);
  c += rowStep;
  addRow(c, scale, c30, c31);
}

/**
 * As `addTile`, where only some of the tile exists: `rows`×`columns` of it, and with `diagonal` < 4 only columns up to
 * diagonal + row.
 */
function addPartialTile(
  depth: i32, alpha: f64, a: usize, b: usize, c: usize, rowStep: usize, rows: i32, columns: i32, diagonal: i32,
): void {
  const tile = scratch;
  memory.fill(tile, 0, 16 << 3);
  addTile(depth, alpha, a, b, tile, 32);
  for (let i = 0; i < rows; i++) {
    const end = min(columns, diagonal + i + 1);
    for (let j = 0; j < end; j++) {
      const at = c + (<usize>j << 3);
      store<f64>(at, load<f64>(at) + load<f64>(tile + (<usize>(i * 4 + j) << 3)));
    }
    c += rowStep;
  }
}

/** As `above` of a panel: its entries are all wanted. */
export const WHOLE: i32 = 1 << 28;

/**
 * Adds alpha times the product of `height` packed rows and `width` packed columns to C. `above` is how many rows lie between the
 * diagonal of C and its first entry here, where only entries on and below the diagonal are wanted, else `WHOLE`.
 */
export function addPanel(
  height: i32, width: i32, depth: i32, alpha: f64, left: usize, right: usize, c: usize, rowStep: usize, above: i32,
): void {
  const sliver = <usize>depth << 5;
  const columns = min(width, above + height);
  for (let j = 0; j < columns; j += 4) {
    let row = left;
    const tileColumns = min(4, width - j);
    for (let i = 0; i < height; i += 4) {
      const diagonal = above + i - j;
      if (diagonal > -4) {
        const at = c + <usize>i * rowStep + (<usize>j << 3);
        const tileRows = min(4, height - i);
        if (tileRows == 4 && tileColumns == 4 && diagonal > 2) addTile(depth, alpha, row, right, at, rowStep);
        else addPartialTile(depth, alpha, row, right, at, rowStep, tileRows, tileColumns, diagonal);
      }
      row += sliver;
    }
    right += sliver;
  }
}
