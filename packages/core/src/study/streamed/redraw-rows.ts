import { AifError } from "../../errors.js";
import type { Influence } from "../../influence/aif.js";
import { type Drawn, drawnInfluence } from "../../influence/bootstrap-refit.js";
import type { DrawnFrom, WriteDraws } from "../../influence/bootstrap-weights.js";
import type { Sampling } from "../../influence/sampling.js";
import type { Pass } from "../../parallel/passes.js";
import { attackRows } from "./attack-rows.js";
import { type FitGround, fitRows } from "./fit-rows.js";
import type { RowsView } from "./rows-view.js";
import { summarise } from "./summary.js";

interface RedrawGround {
  readonly ground: FitGround;
  /** Of the same fit. */
  readonly attacks: readonly Influence[];
  readonly sampling: Sampling;
  readonly relativeRadius: boolean;
}

/**
 * One draw of a bootstrap by a whole fit and AIF on rows that pass by, as `refitDraw` makes them in memory; null where the draw has no
 * estimate.
 * @param write one draw @param total what its weights sum to
 */
export async function redrawRows(
  pass: Pass<RowsView>,
  write: WriteDraws,
  total: number,
  { ground, attacks, sampling, relativeRadius }: RedrawGround,
): Promise<Drawn | null> {
  const { fit } = attacks[0];
  const drawn: Pass<RowsView> = ({ sums, visit }) =>
    pass({ sums, visit: (view) => visit(drawnView(view, write, total)) });
  try {
    const summary = await summarise(drawn, ground.model, 0);
    const fitted = await fitRows(drawn, ground, summary, { theta: fit.parameters, known: null });
    if (fitted.fit.inverse.rank < fit.inverse.rank) return null;
    const threats = attacks.map(
      ({ threat }) =>
        () =>
          threat,
    );
    const again = await attackRows(drawn, fitted, threats, summary, { ranks: ground.ranks, sampling });
    return {
      parameters: fitted.fit.parameters,
      attacks: again.map(({ attack }, a) => drawnInfluence(attacks[a], attack, relativeRadius)),
    };
  } catch (error) {
    if (error instanceof AifError && (error.code === "numerical" || error.code === "input")) return null;
    throw error;
  }
}

/** The rows of a block that were drawn. */
function drawnView(view: RowsView, write: WriteDraws, total: number): RowsView {
  return view.once(write, () => {
    const rows = drawnFrom(view);
    const own = new Float64Array(rows.weights.length);
    write(rows, own);
    const kept = Int32Array.from([...own.keys()].filter((i) => own[i] > 0));
    return view.chosen(
      kept,
      Float64Array.from(kept, (i) => own[i] / total),
    );
  });
}

/** Rows of a block as a bootstrap draws them. */
export const drawnFrom = ({ data: { weights }, block: { firstRow }, clusterOf }: RowsView): DrawnFrom => ({
  firstRow,
  weights,
  clusters: clusterOf,
});
