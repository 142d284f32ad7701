import { numericalError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { deal } from "../parallel/deal.js";
import { ALONE } from "../parallel/ranks.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import { batchDraws, canBatch, keptDraws } from "./bootstrap-batch.js";
import { type Drawn, refitDraw } from "./bootstrap-refit.js";
import { drawWeights, type ResamplingOptions, weightMatrix } from "./bootstrap-weights.js";

/** How many data sets are redrawn, and what is estimated anew in each. */
export interface BootstrapOptions extends Work, ResamplingOptions {
  /** B (default 200). */
  readonly draws?: number;
  /** Whether the radius is relative, so that c is estimated too (default true). */
  readonly relativeRadius?: boolean;
}

/** What the draws of a bootstrap gave under one threat: a row for each draw that has an estimate. */
export interface BootstrapDraws {
  /** θ̂_b, B×d; the same matrix for all threats. */
  readonly parameters: Matrix;
  /** I_b, B×d */
  readonly influence: Matrix;
  /** B: c_b, or ĉ where the radius is absolute. */
  readonly scale: Float64Array;
  /** B: ½I_b'H_{L,b}I_b, the natural Hessian under the draw's weights. */
  readonly sensitivity: Float64Array;
  /** Draws without an estimate (separable classes, parameters that the drawn rows do not determine), beside the B rows. */
  readonly failed: number;
}

const DRAWS = 200;
/** More draws without an estimate than this share, and those with one do not stand for all. */
const FAILED_SHARE = 0.1;
/** What the rows' weights, and the Hessians with their factors, may each take of a batch. */
const BATCH_BYTES = 2 ** 27;
const LARGEST_BATCH = 200;

/**
 * The bootstrap of the plug-in AIF: in each draw the rows get random weights, and θ̂, c, Φ, H and I are made anew from them
 * (MATH 3, 14.8). Rows are never copied; scaler and encoding stay as they are (MATH 14.6). All threats share draws and fits.
 * Linear scores without a box: draws are fitted many at a time, exactly for squared losses, else to a thousandth of the
 * standard error (less closely where θ̂_b is next to a corner of the penalty). Other models, rows attacked together and draws at a
 * kink: one fit and AIF each, kinks resolved as in `influence`.
 * @param attacks one or more, of the same fit.
 * @throws usage: a Wasserstein adversary of order 1; options that make no sense. numerical: more than a tenth of the draws have no estimate.
 */
export async function bootstrap(
  attacks: readonly Influence[],
  options: BootstrapOptions = {},
): Promise<BootstrapDraws[]> {
  const { draws = DRAWS, relativeRadius = true, signal, onProgress, ranks = ALONE } = options;
  if (!(Number.isInteger(draws) && draws >= 2))
    throw usageError(`A bootstrap needs a whole number of draws, 2 or more; got ${draws}.`);
  if (attacks.length === 0) return [];
  const { fit: full } = attacks[0];
  if (attacks.some(({ threat: { settings } }) => settings.order === 1)) throw usageError(ONE_ROW);
  if (attacks.some(({ fit }) => fit !== full))
    throw usageError("All attacks of one bootstrap must be of the same fit.");
  const { data, parameters: start } = full;
  const weightsOf = drawWeights(data.weights, options);
  const own = new Float64Array(data.rows);
  const refit = (draw: number): Promise<Drawn | null> => {
    weightsOf(draw, own);
    return refitDraw(attacks, own, start, relativeRadius, { signal });
  };
  const together = canBatch(attacks);
  const size = together ? Math.min(batchSize(data.rows, start.length), Math.ceil(draws / ranks.size)) : 1;
  let failed = 0;
  const batches = await deal(ranks, Math.ceil(draws / size), async (b) => {
    const from = b * size;
    const to = Math.min(from + size, draws);
    onProgress?.({ phase: "bootstrap", done: from, total: draws });
    const batch: (Drawn | null)[] = together
      ? await batchDraws(
          attacks,
          keptDraws(attacks, weightMatrix(data.weights, options, from, to), { signal }),
          relativeRadius,
          data.rows,
        )
      : [null];
    for (const [k, drawn] of batch.entries()) {
      batch[k] = drawn ?? (await refit(from + k));
      if (batch[k] === null && ++failed > FAILED_SHARE * draws) throw numericalError(tooMany(failed, from + k + 1));
    }
    return batch;
  });
  onProgress?.({ phase: "bootstrap", done: draws, total: draws });
  return drawsOf(attacks, batches.flat());
}

/** What all draws gave, threat by threat. @throws numerical: more than a tenth of them have no estimate. */
export function drawsOf(attacks: readonly Influence[], all: readonly (Drawn | null)[]): BootstrapDraws[] {
  const found = all.filter((drawn) => drawn !== null);
  const failed = all.length - found.length;
  if (failed > FAILED_SHARE * all.length) throw numericalError(tooMany(failed, all.length));
  const parameters = Matrix.fromRows(found.map((drawn) => drawn.parameters));
  return attacks.map((_, a) => ({
    parameters,
    influence: Matrix.fromRows(found.map((drawn) => drawn.attacks[a].influence)),
    scale: Float64Array.from(found, (drawn) => drawn.attacks[a].scale),
    sensitivity: Float64Array.from(found, (drawn) => drawn.attacks[a].sensitivity),
    failed,
  }));
}

/** So many draws at once that neither their weights nor their Hessians and factors take too much memory. */
function batchSize(rows: number, d: number): number {
  const perDraw = 8 * Math.max(rows, 3 * d * d);
  return Math.max(1, Math.min(LARGEST_BATCH, Math.floor(BATCH_BYTES / perDraw)));
}

const ONE_ROW =
  "A Wasserstein adversary of order 1 puts its whole budget on one row, whose influence has no distribution to be resampled: use an order above 1.";

const tooMany = (failed: number, tried: number): string =>
  `${failed} of ${tried} bootstrap draws have no estimate: rows drawn at random separate the targets or do not determine all parameters. Add a ridge such as --l2 0.01, leave out rare levels, or use the closed-form intervals.`;
