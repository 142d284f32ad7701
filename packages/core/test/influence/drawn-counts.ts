import { type ResamplingOptions, writeDraws } from "../../src/influence/bootstrap-weights.js";

/** How often each row (or unit, of frequency weights) is drawn: whole numbers. */
export function drawnCounts(weights: Float64Array, options: ResamplingOptions, draw: number): Float64Array {
  const out = new Float64Array(weights.length);
  writeDraws(options, draw, draw + 1)({ firstRow: 0, weights }, out);
  return out.map((value, i) => Math.round(options.weightsKind === "frequency" ? value : value / weights[i]));
}
