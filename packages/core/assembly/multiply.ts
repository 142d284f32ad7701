/**
 * Matrix product on packed panels. Element (i, p) of the left operand lies at a + i·rowStepA + p·columnStepA (steps in
 * bytes, likewise for the right one), so a transposed operand is a matter of steps. Operands are packed into slivers of
 * four rows (of the left) and four columns (of the right), padded with zeros at the edges; a 4×4 tile of the result is
 * then held in registers while one pair of slivers streams by.
 */
import { multiplyAdd } from "./simd";

const DEPTH: i32 = 256; // a sliver of 256×4 numbers is 8 KB: one of each operand fits the first-level cache
const HEIGHT: i32 = 64; // 64×256 numbers are 128 KB: the packed left panel stays in the second-level cache
const WIDTH: i32 = 512;

// Scratch memory at fixed offsets from 64 on: one 4×4 tile, the packed left panel, the packed right panel.
const TILE: usize = 64;
const LEFT_PANEL: usize = TILE + (16 << 3);
const RIGHT_PANEL: usize = LEFT_PANEL + (DEPTH * HEIGHT << 3);

/** The first address that callers may use; where threads share a memory, the bytes of scratch that each needs. */
export const FREE: usize = RIGHT_PANEL + (DEPTH * WIDTH << 3);

let base: usize = 0;

/** Moves this thread's scratch memory. */
export function useScratch(at: usize): void {
  base = at;
}

// @ts-ignore: decorator
@inline
function scratch(offset: usize): usize {
  return ASC_FEATURE_THREADS ? base + offset : offset;
}

/** Packs `count` vectors of `depth` numbers into slivers of four, interleaved; vector i starts at s + i·step. */
function pack(count: i32, depth: i32, s: usize, step: usize, depthStep: usize, to: usize): void {
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
  const tile = scratch(TILE);
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

/**
 * C ← alpha·A·B + C, A m×k, B k×n, C m×n with rows `rowStepC` bytes apart; with `lower` only the entries (i, j ≤ i) of
 * C.
 */
export function multiply(
  lower: bool, m: i32, n: i32, k: i32, alpha: f64,
  a: usize, rowStepA: usize, columnStepA: usize,
  b: usize, rowStepB: usize, columnStepB: usize,
  c: usize, rowStepC: usize,
): void {
  for (let j0 = 0; j0 < n; j0 += WIDTH) {
    const width = min(WIDTH, n - j0);
    for (let p0 = 0; p0 < k; p0 += DEPTH) {
      const depth = min(DEPTH, k - p0);
      const sliver = <usize>depth << 5;
      pack(width, depth, b + <usize>p0 * rowStepB + <usize>j0 * columnStepB, columnStepB, rowStepB, scratch(RIGHT_PANEL));
      for (let i0 = lower ? j0 : 0; i0 < m; i0 += HEIGHT) {
        const height = min(HEIGHT, m - i0);
        pack(height, depth, a + <usize>i0 * rowStepA + <usize>p0 * columnStepA, rowStepA, columnStepA, scratch(LEFT_PANEL));
        const columns = lower ? min(width, i0 + height - j0) : width;
        let right = scratch(RIGHT_PANEL);
        for (let j = 0; j < columns; j += 4) {
          let left = scratch(LEFT_PANEL);
          const tileColumns = min(4, width - j);
          for (let i = 0; i < height; i += 4) {
            const diagonal = lower ? i0 + i - (j0 + j) : 4;
            if (diagonal > -4) {
              const at = c + <usize>(i0 + i) * rowStepC + (<usize>(j0 + j) << 3);
              const tileRows = min(4, height - i);
              if (tileRows == 4 && tileColumns == 4 && diagonal > 2) addTile(depth, alpha, left, right, at, rowStepC);
              else addPartialTile(depth, alpha, left, right, at, rowStepC, tileRows, tileColumns, diagonal);
            }
            left += sliver;
          }
          right += sliver;
        }
      }
    }
  }
}

/** C ← beta·C, or its entries (i, j ≤ i) with `lower`; beta = 0 overwrites whatever is there. */
export function scale(lower: bool, m: i32, n: i32, beta: f64, c: usize, rowStep: usize): void {
  for (let i = 0; i < m; i++) {
    const columns = lower ? min(n, i + 1) : n;
    if (beta == 0) memory.fill(c, 0, <usize>columns << 3);
    else for (let j = 0; j < columns; j++) {
      const at = c + (<usize>j << 3);
      store<f64>(at, beta * load<f64>(at));
    }
    c += rowStep;
  }
}
