/**
 * Matrix product on packed panels. Element (i, p) of the left operand lies at a + i·rowStepA + p·columnStepA (steps in
 * bytes, likewise for the right one), so a transposed operand is a matter of steps.
 */
import { addPanel, DEPTH, pack, SCRATCH, WHOLE } from "./tiles";

const HEIGHT: i32 = 64; // 64×256 numbers are 128 KB: the packed left panel stays in the second-level cache
const WIDTH: i32 = 512;

// Scratch memory at fixed offsets: from 64 on one tile, then the packed left panel and the packed right panel.
const LEFT_PANEL: usize = 64 + SCRATCH;
const RIGHT_PANEL: usize = LEFT_PANEL + (DEPTH * HEIGHT << 3);

/** The first address that callers may use. */
export const FREE: usize = RIGHT_PANEL + (DEPTH * WIDTH << 3);

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
      pack(width, depth, b + <usize>p0 * rowStepB + <usize>j0 * columnStepB, columnStepB, rowStepB, RIGHT_PANEL);
      for (let i0 = lower ? j0 : 0; i0 < m; i0 += HEIGHT) {
        const height = min(HEIGHT, m - i0);
        pack(height, depth, a + <usize>i0 * rowStepA + <usize>p0 * columnStepA, rowStepA, columnStepA, LEFT_PANEL);
        const at = c + <usize>i0 * rowStepC + (<usize>j0 << 3);
        addPanel(height, width, depth, alpha, LEFT_PANEL, RIGHT_PANEL, at, rowStepC, lower ? i0 - j0 : WHOLE);
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
