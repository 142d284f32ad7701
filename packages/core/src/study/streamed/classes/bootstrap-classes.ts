import type { BootstrapDraws } from "../../../influence/bootstrap.js";
import type { Drawn } from "../../../influence/bootstrap-refit.js";
import { writeDraws } from "../../../influence/bootstrap-weights.js";
import { localDraws, refitLocal } from "../../../influence/local/bootstrap.js";
import { influenceOn, type LocalInfluence } from "../../../influence/local/influence.js";
import type { Sampling } from "../../../influence/sampling.js";
import type { Pass } from "../../../parallel/passes.js";
import type { Work } from "../../../parallel/work.js";
import { bootstrapInferences, type LocalInference } from "../../local-inference.js";
import type { DescribedLocal } from "../../local-prepare.js";
import { hasAbsoluteSizes } from "../../settings.js";
import { type DrawnTotals, drawsAtOnce, inWaves, weighDraws } from "../drawn-waves.js";
import type { RowsView } from "../rows-view.js";
import type { Chosen, PassingBlocks } from "./passing-blocks.js";

/** d×d matrices that a draw holds at a time: H, its copy with the damping, its factor, and a preconditioner. */
const MATRICES = 4;

/** What the draws are made of, beside the rows. */
interface DrawingGround {
  readonly sampling: Sampling;
  /** Of `drawingRoom`. */
  readonly roomBytes: number;
}

/** Intervals of all responses from the draws of a bootstrap, which are those in memory. */
export function bootstrapClasses(
  pass: Pass<RowsView>,
  { influences, ...described }: DescribedLocal,
  training: PassingBlocks,
  ground: DrawingGround,
  work: Work,
): Promise<LocalInference[]> {
  const here = influences.map((attack) => influenceOn(attack, training.on(pass)));
  return bootstrapInferences(here, described, (sound) => drawnClasses(pass, sound, described, training, ground), work);
}

/** As many draws side by side as there is room for: each goes on from θ̃ to the minimum under its weights, step by step with the others. */
async function drawnClasses(
  pass: Pass<RowsView>,
  attacks: readonly LocalInfluence[],
  { input: { settings } }: Pick<DescribedLocal, "input">,
  training: PassingBlocks,
  { sampling, roomBytes }: DrawingGround,
): Promise<BootstrapDraws[]> {
  if (attacks.length === 0) return [];
  const { draws: count, seed } = settings;
  const options = { ...sampling, seed };
  const totals = await weighDraws(pass, training.ranks, options, count);
  const size = Math.min(count, drawsAtOnce(roomBytes, MATRICES, attacks[0].influence.length));
  const found: (Drawn | null)[] = Array.from({ length: count }, () => null);
  const some = [...totals.keys()].filter((k) => totals[k].rows > 0);
  await inWaves(pass, some, size, async (own, k) => {
    const rows = training.on(own, 1 / size).choose(drawnRows(writeDraws(options, k, k + 1), totals[k]));
    found[k] = await refitLocal(attacks, rows, !hasAbsoluteSizes(settings), {});
  });
  return localDraws(attacks, found, {});
}

/** The rows that a draw gave a weight. @param write one draw */
const drawnRows = (write: ReturnType<typeof writeDraws>, { total, rows, before }: DrawnTotals): Chosen => ({
  rows,
  firstRow: before,
  of({ firstRow, w, clusterOf = null }) {
    const drawn = new Float64Array(w.length);
    write({ firstRow, weights: w, clusters: clusterOf }, drawn);
    const kept = Int32Array.from(drawn.keys()).filter((i) => drawn[i] > 0);
    return { kept, w: Float64Array.from(kept, (i) => drawn[i] / total) };
  },
});
