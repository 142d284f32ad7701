import type { RotationQueue } from "./rotations.js";

const EPSILON = Number.EPSILON / 2;
const STEPS_PER_EIGENVALUE = 50;

/** √(a² + b²) without harm from squares that vanish. */
function hypotenuse(a: number, b: number): number {
  const square = a * a + b * b;
  return square > 1e-280 ? Math.sqrt(square) : Math.hypot(a, b);
}

/** QL iteration on (d, e); every rotation of it goes to `rotations`. Returns whether it converged. */
export function diagonalise(n: number, d: Float64Array, e: Float64Array, rotations: RotationQueue): boolean {
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + Math.abs(e[i]));
  // Couplings below the square of the unit roundoff are far under the accuracy that is promised, and keeping them would
  // only iterate on noise.
  const negligible = EPSILON * EPSILON * norm;
  let remaining = STEPS_PER_EIGENVALUE * n;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1])) + negligible) m++;
      if (m < n - 1) e[m] = 0;
      if (m === l) break;
      if (remaining-- === 0) return false;
      const ratio = (d[l + 1] - d[l]) / (2 * e[l]);
      const root = hypotenuse(ratio, 1);
      let g = d[m] - d[l] + e[l] / (ratio + (ratio >= 0 ? root : -root));
      let s = 1;
      let c = 1;
      let p = 0;
      let first = l;
      const { cosines, sines } = rotations.begin(m - l);
      for (let i = m - 1; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        const r = hypotenuse(f, g);
        e[i + 1] = r;
        if (r === 0) {
          // The bulge vanished: the matrix splits here.
          d[i + 1] -= p;
          e[m] = 0;
          first = i + 1;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const q = (d[i] - g) * s + 2 * c * b;
        p = s * q;
        d[i + 1] = g + p;
        g = c * q - b;
        cosines[i - l] = c;
        sines[i - l] = s;
      }
      const skipped = first - l;
      if (skipped > 0) {
        cosines.copyWithin(0, skipped);
        sines.copyWithin(0, skipped);
      }
      rotations.end(first, m - first);
      if (first === l) {
        d[l] -= p;
        e[l] = g;
        e[m] = 0;
      }
    }
  }
  return true;
}
