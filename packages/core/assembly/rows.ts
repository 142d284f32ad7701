/** A module of its own: what is done to rows one by one. Addresses are in bytes. */
export { affine, extremes, norms, pull, units } from "./attack-rows";
export { powers } from "./powers";

/** Rows scaled in place, for symmetric products with weights: row i of A ← √weights[i] · row i, A m×n with rows behind each other. */
export function scaleByRoots(m: i32, n: i32, weights: usize, a: usize): void {
  for (let i = 0; i < m; i++) {
    const root = Math.sqrt(load<f64>(weights + (<usize>i << 3)));
    const factor = f64x2.splat(root);
    const end = a + (<usize>n << 3);
    for (; a + 32 <= end; a += 32) {
      v128.store(a, f64x2.mul(factor, v128.load(a)));
      v128.store(a, f64x2.mul(factor, v128.load(a, 16)), 16);
    }
    for (; a < end; a += 8) store<f64>(a, root * load<f64>(a));
  }
}
