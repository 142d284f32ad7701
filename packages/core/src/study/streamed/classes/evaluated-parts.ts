import type { StreamedDataset } from "../../../data/streamed-dataset.js";
import { inputError } from "../../../errors.js";
import { pointAt } from "../../../influence/local/point.js";
import type { PredictiveModel } from "../../../models/predictive-model.js";
import { EachRank, type Pass, sideBySide } from "../../../parallel/passes.js";
import type { Ranks } from "../../../parallel/ranks.js";
import type { Work } from "../../../parallel/work.js";
import { refuseLostClass } from "../../fold-classes.js";
import { foldAdvice } from "../../local-evaluation.js";
import type { DescribedLocal } from "../../local-prepare.js";
import { influencesAt, preconditionerOf } from "../../local-response.js";
import { trainConvex } from "../../local-separation.js";
import { hasAbsoluteSizes } from "../../settings.js";
import type { RowsView } from "../rows-view.js";
import { ofFolds, type PassingBlock, type PassingBlocks } from "./passing-blocks.js";

/** Rows under parameters and a response that are meant for them. */
export interface PassingPart {
  readonly model: PredictiveModel;
  readonly data: PassingBlocks;
  /** θ̃ (d), I (d) per unit of ε, and c. */
  readonly parameters: Float64Array;
  readonly influence: Float64Array;
  readonly scale: number;
}

/** The parts that each threat is judged on: the rows given under the fit itself. */
export const onePart = (
  data: PassingBlocks,
  { influences, point: { parameters }, local: { model } }: DescribedLocal,
): PassingPart[][] => influences.map(({ influence, scale }) => [{ model, data, parameters, influence, scale }]);

/** Every fold under a fit of the others, which begins at θ̂: all side by side, so that they share their passes. */
export async function foldParts(
  views: Pass<RowsView>,
  { training, stream, folds }: { training: PassingBlocks; stream: StreamedDataset; folds: number },
  described: DescribedLocal,
  work: Work,
): Promise<PassingPart[][]> {
  const { local, point, l2, reach, damping, influences, input } = described;
  const { settings } = input;
  const quiet = work.signal ? { signal: work.signal } : {};
  const sizes = await foldSizes(views, stream, training.ranks, folds);
  const preconditioner = await preconditionerOf(influences[0], quiet);
  const found = await sideBySide(
    views,
    sizes.map(({ inside, outside }, fold) => async (own: Pass<RowsView>): Promise<PassingPart[]> => {
      const rest = training.on(own, 1 / folds).choose(outside);
      const data = training.choose(inside);
      const model = (await local.relearn?.(rest)) ?? local.model;
      const { parameters } = await trainConvex(
        { ...local, model },
        rest,
        { l2, start: point.parameters, near: true, preconditioner },
        quiet,
      ).catch(foldAdvice(fold, folds));
      const there = await pointAt(model, rest, parameters, { l2 }, quiet);
      const responses = await influencesAt(there, damping, reach, settings, quiet, {
        eigenvalues: false,
        preconditioner,
      }).catch(foldAdvice(fold, folds));
      return responses.map(({ influence, scale }, t) => {
        // An absolute size is the same for every fold, whatever the mean norm of its rows.
        const whole = hasAbsoluteSizes(settings) ? influences[t].scale : scale;
        const moved = influence.map((value) => (whole / scale) * value);
        return { model, data, parameters, influence: moved, scale: whole };
      });
    }),
  );
  return influences.map((_, t) => found.map((parts) => parts[t]));
}

/** One pass over the rows of all parts. */
export async function overParts(
  views: Pass<RowsView>,
  parts: readonly PassingPart[],
  sums: readonly Float64Array[],
  visit: (block: PassingBlock, part: PassingPart) => void | Promise<void>,
): Promise<void> {
  await sideBySide(
    views,
    parts.map(
      (part, k) => (own: Pass<RowsView>) =>
        part.data.on(own).pass({ sums: k === 0 ? sums : [], visit: (block) => visit(block, part) }),
    ),
  );
}

/** Rows and weights inside and outside each fold, over all ranks. */
async function foldSizes(views: Pass<RowsView>, stream: StreamedDataset, ranks: Ranks, folds: number) {
  const counts = new EachRank(ranks, folds);
  const weights = new Float64Array(folds);
  const { classes } = stream.encoding.target;
  const byClass = new Float64Array(folds * (classes?.length ?? 0));
  await views({
    sums: [counts.all, weights, byClass],
    visit({ block: { y, w, foldOf } }) {
      if (foldOf === null) throw inputError("The rows have no folds, which --evaluation cv needs.");
      for (let i = 0; i < y.length; i++) {
        counts.own[foldOf[i]]++;
        weights[foldOf[i]] += w[i];
        if (classes && w[i] > 0) byClass[foldOf[i] * classes.length + y[i]]++;
      }
    },
  });
  if (classes && stream.encoding.intercept) refuseLostClass({ counts: byClass, classes });
  const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
  const total = sum(weights);
  return Array.from({ length: folds }, (_, fold) => {
    const ofRanks = counts.ofAll(fold);
    const rows = sum(ofRanks);
    const before = sum(ofRanks.subarray(0, ranks.rank));
    return {
      inside: { rows, firstRow: before, shared: true, of: ofFolds((k) => k === fold, weights[fold]) },
      outside: {
        rows: stream.rows - rows,
        firstRow: stream.firstRow - before,
        shared: true,
        of: ofFolds((k) => k !== fold, total - weights[fold]),
      },
    };
  });
}
