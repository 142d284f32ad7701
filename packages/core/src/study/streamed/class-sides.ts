import type { EvaluatedRows } from "../../influence/evaluated-rows.js";
import { isCounted } from "../../influence/metric-changes.js";
import { METRIC_RULES } from "../../influence/metrics.js";
import type { CurveRows } from "./curve-rows.js";
import type { RowsView } from "./rows-view.js";

/** Bits that a number holds exactly. */
const BITS = 50;

/** Which rows are classified rightly by each of some predictions, of all ranks; nothing for regressions and for many rows. */
export function sidesOf({ attacked, rows, settings }: CurveRows, predictions: number) {
  const { loss } = attacked.attack.fit.model;
  const kept = METRIC_RULES[loss.name].right && isCounted(rows) && settings.inference !== "none";
  const n = kept ? rows : 0;
  const [y, w] = [new Float64Array(n), new Float64Array(n)];
  const codes = Array.from({ length: kept ? Math.ceil(predictions / BITS) : 0 }, () => new Float64Array(n));
  return {
    sums: [y, w, ...codes],
    y,
    w,
    see({ block: { firstRow } }: RowsView, own: EvaluatedRows["rows"], right: readonly Uint8Array[]): void {
      if (!kept) return;
      y.set(own.y, firstRow);
      w.set(own.w, firstRow);
      right.forEach((list, k) => {
        const code = codes[Math.floor(k / BITS)];
        for (let i = 0; i < list.length; i++) code[firstRow + i] += list[i] * 2 ** (k % BITS);
      });
    },
    /** n, for a prediction by its place. */
    right(): ((k: number) => Uint8Array) | null {
      if (!kept) return null;
      return (k) => Uint8Array.from(codes[Math.floor(k / BITS)], (code) => Math.floor(code / 2 ** (k % BITS)) % 2);
    },
  };
}
