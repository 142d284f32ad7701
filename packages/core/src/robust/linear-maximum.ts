/**
 * t maximising Σ h_k t_k over 0 ≤ t_k ≤ cap_k, ‖t ⊘ e‖_p ≤ 1 for h ≥ 0; writes t (m) and returns the maximum. Exact after at most
 * m rounds: the free coordinates share what the capped ones leave in the proportions (h_k e_k)^{q−1} of the dual direction
 * (MATH 0), and every round caps those that would pass their cap (p = 1: the best coordinates are filled up in turn).
 * @param extents e ≥ 0 (m); 0 = frozen. @param caps m, Infinity where nothing but the ball holds.
 */
export function linearMaximum(
  p: number,
  extents: Float64Array,
  caps: Float64Array,
  h: Float64Array,
  t: Float64Array,
): number {
  const m = h.length;
  // In s = t/e the gain of coordinate k is h_k e_k.
  let most = 0;
  for (let k = 0; k < m; k++) {
    t[k] = 0;
    most = Math.max(most, h[k] * extents[k]);
  }
  if (most === 0) return 0;
  if (p === Number.POSITIVE_INFINITY) for (let k = 0; k < m; k++) t[k] = h[k] > 0 ? Math.min(extents[k], caps[k]) : 0;
  else if (p === 1) fillInTurn(extents, caps, h, t);
  else fillTogether(p, extents, caps, h, t);
  let sum = 0;
  for (let k = 0; k < m; k++) sum += h[k] * t[k];
  return sum;
}

function fillInTurn(extents: Float64Array, caps: Float64Array, h: Float64Array, t: Float64Array): void {
  const worth = (k: number): number => h[k] * extents[k];
  const useful = [...h.keys()].filter((k) => worth(k) > 0);
  const first = useful.reduce((best, k) => (worth(k) > worth(best) ? k : best), useful[0]);
  // Mostly one coordinate takes everything.
  const order = caps[first] >= extents[first] ? [first] : useful.toSorted((a, b) => worth(b) - worth(a));
  let left = 1;
  for (const k of order) {
    const share = Math.min(left, caps[k] / extents[k]);
    t[k] = share * extents[k];
    left -= share;
    if (left <= 0) return;
  }
}

function fillTogether(p: number, extents: Float64Array, caps: Float64Array, h: Float64Array, t: Float64Array): void {
  const m = h.length;
  const shape = new Float64Array(m);
  const free = new Int32Array(m);
  let count = 0;
  for (let k = 0; k < m; k++) if (h[k] * extents[k] > 0) free[count++] = k;
  // General powers cost more than all else here.
  const power = p === 2 ? (value: number): number => value * value : (value: number): number => value ** p;
  let left = 1;
  while (count > 0) {
    let most = 0;
    for (let at = 0; at < count; at++) most = Math.max(most, h[free[at]] * extents[free[at]]);
    let sum = 0;
    for (let at = 0; at < count; at++) {
      const ratio = (h[free[at]] * extents[free[at]]) / most;
      shape[free[at]] = p === 2 ? ratio : ratio ** (1 / (p - 1));
      sum += power(shape[free[at]]);
    }
    const factor = (Math.max(0, left) / sum) ** (1 / p);
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const k = free[at];
      t[k] = factor * shape[k] * extents[k];
      if (t[k] <= caps[k]) free[kept++] = k;
      else {
        t[k] = caps[k];
        left -= power(caps[k] / extents[k]);
      }
    }
    if (kept === count) return;
    count = kept;
  }
}
