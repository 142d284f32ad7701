import { borrowBuffers } from "./idle-buffers.js";
import { type Bends, JET_ROWS, type Jets, type Loss } from "./losses.js";

/** [from, to) of stretches of rows that a loss takes at a time. */
export function* jetStretches(rows: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < rows; from += JET_ROWS) yield [from, Math.min(rows, from + JET_ROWS)];
}

/** A loss and its derivatives at the scores of any number of rows (n), a stretch after the other; each stays until the next. */
export function* rowJets(
  loss: Loss,
  f: Float64Array,
  y: Float64Array,
): Generator<Jets & { readonly from: number; readonly to: number }> {
  for (const [from, to] of jetStretches(y.length)) {
    yield { from, to, ...loss.jets(f.subarray(from, to), y.subarray(from, to)) };
  }
}

/** The derivatives alone. */
export function* rowBends(
  loss: Loss,
  f: Float64Array,
  y: Float64Array,
): Generator<Bends & { readonly from: number; readonly to: number }> {
  for (const [from, to] of jetStretches(y.length)) {
    yield { from, to, ...loss.bends(f.subarray(from, to), y.subarray(from, to)) };
  }
}

/** ℓ of every row, to `out`. */
export function lossValues(loss: Loss, f: Float64Array, y: Float64Array, out: Float64Array): void {
  for (const { from, values } of rowJets(loss, f, y)) out.set(values, from);
}

/** ℓ' of every row, to `out`. A squared loss is asked once, not for every row. */
export function lossSlopes(loss: Loss, f: Float64Array, y: Float64Array, out: Float64Array): void {
  if (loss.quadratic) {
    const curvature = loss.second(0, 0);
    for (let i = 0; i < f.length; i++) out[i] = curvature * (f[i] - y[i]);
  } else for (const { from, slopes } of rowBends(loss, f, y)) out.set(slopes, from);
}

/** ℓ'' of every row, to `out`. */
export function lossCurvatures(loss: Loss, f: Float64Array, y: Float64Array, out: Float64Array): void {
  if (loss.quadratic) out.fill(loss.second(0, 0));
  else for (const { from, curvatures } of rowBends(loss, f, y)) out.set(curvatures, from);
}

/** Both of every row, each to its place. */
export function lossBends(
  loss: Loss,
  f: Float64Array,
  y: Float64Array,
  slopes: Float64Array,
  curvatures: Float64Array,
): void {
  if (loss.quadratic) {
    lossSlopes(loss, f, y, slopes);
    lossCurvatures(loss, f, y, curvatures);
    return;
  }
  for (const found of rowBends(loss, f, y)) {
    slopes.set(found.slopes, found.from);
    curvatures.set(found.curvatures, found.from);
  }
}

/** Rows that are looked at together: what is computed of them stays in a second-level cache. */
export const ROWS_TOGETHER = 1 << 12;

/** Shows ℓ' and ℓ'' of all rows, some at a time from row `from` on, in arrays that are used again. */
export function eachLoss(
  loss: Loss,
  f: Float64Array,
  y: Float64Array,
  visit: (from: number, slopes: Float64Array, curvatures: Float64Array) => void,
): void {
  const buffers = borrowBuffers();
  const [ofSlopes, ofCurvatures] = [buffers.one(), buffers.one()];
  for (let from = 0; from < f.length; from += ROWS_TOGETHER) {
    const to = Math.min(from + ROWS_TOGETHER, f.length);
    const [scores, targets] = [f.subarray(from, to), y.subarray(from, to)];
    const [slopes, curvatures] = [ofSlopes(to - from), ofCurvatures(to - from)];
    lossBends(loss, scores, targets, slopes, curvatures);
    visit(from, slopes, curvatures);
  }
  buffers.giveBack();
}
