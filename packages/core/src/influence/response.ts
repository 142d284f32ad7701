import type { Block } from "../data/dataset.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Response, Threat } from "../threats/threat.js";
import type { RowPull } from "./aif.js";
import { coupledKinks } from "./kinks.js";

/** The adversary's answer to a block at θ̂, with the same snapping as in the AIF. */
export function responseAt(
  {
    fit,
    threat,
    pull,
  }: { readonly fit: Fit; readonly threat: Threat; readonly pull: Pick<RowPull, "slopes" | "gamma"> },
  block: Block,
): Response {
  const { map } = fit.model;
  const slope = pull.slopes.subarray(block.firstRow, block.firstRow + block.y.length);
  if (pull.gamma) return threat.respond({ slope, base: pull.gamma }, block);
  const base = map.inputGradients(fit.parameters, block.x);
  coupledKinks(base, slope, usedBudgets(fit, threat), threat.settings.p);
  return threat.respond({ slope, base }, block);
}

/** The budgets, 0 for inputs that the score does not use, and that no small change lets in. */
export const usedBudgets = ({ model: { map }, sparse }: Fit, { settings: { budgets } }: Threat): Float64Array =>
  budgets.map((b, k) => (map.usesInput(k) && (!sparse || sparse.inputs[k] === 1) ? b : 0));

/** n: g_i·φ_i, what every row gains per unit of its own movement. */
export async function rowGains(
  fit: Fit,
  threat: Threat,
  pull: Pick<RowPull, "slopes" | "gamma">,
  work?: Work,
): Promise<Float64Array> {
  const gains = new Float64Array(fit.data.rows);
  await sweep(
    fit.model.map,
    fit.data,
    { phase: "influence" },
    ({ block }) => gains.set(responseAt({ fit, threat, pull }, block).gain, block.firstRow),
    work,
  );
  return gains;
}
