import type { Loss } from "./losses.js";

/** ℓ' of every row, to `out`. A squared loss is asked once, not for every row. */
export function lossSlopes(loss: Loss, f: Float64Array, y: Float64Array, out: Float64Array): void {
  if (loss.quadratic) {
    const curvature = loss.second(0, 0);
    for (let i = 0; i < f.length; i++) out[i] = curvature * (f[i] - y[i]);
  } else for (let i = 0; i < f.length; i++) out[i] = loss.first(f[i], y[i]);
}

/** ℓ'' of every row, to `out`. */
export function lossCurvatures(loss: Loss, f: Float64Array, y: Float64Array, out: Float64Array): void {
  if (loss.quadratic) out.fill(loss.second(0, 0));
  else for (let i = 0; i < f.length; i++) out[i] = loss.second(f[i], y[i]);
}
