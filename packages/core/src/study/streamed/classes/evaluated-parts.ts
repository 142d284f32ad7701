import type { StreamedDataset } from "../../../data/streamed-dataset.js";
import { inputError } from "../../../errors.js";
import { pointAt } from "../../../influence/local/point.js";
import { EachRank } from "../../../parallel/passes.js";
import type { Work } from "../../../parallel/work.js";
import { foldAdvice } from "../../local-evaluation.js";
import type { DescribedLocal } from "../../local-prepare.js";
import { influencesAt } from "../../local-response.js";
import { trainConvex } from "../../local-separation.js";
import { hasAbsoluteSizes } from "../../settings.js";
import { PassingBlocks } from "./passing-blocks.js";

/** Rows under parameters and a response that are meant for them. */
export interface PassingPart {
  readonly data: PassingBlocks;
  /** Of the weight of all evaluated rows. */
  readonly share: number;
  /** θ̃ (d), I (d) per unit of ε, and c. */
  readonly parameters: Float64Array;
  readonly influence: Float64Array;
  readonly scale: number;
}

/** The parts that each threat is judged on: the rows given under the fit itself. */
export const onePart = (data: PassingBlocks, { influences, point }: DescribedLocal): PassingPart[][] =>
  influences.map(({ influence, scale }) => [{ data, share: 1, parameters: point.parameters, influence, scale }]);

/** Every fold under a fit of the others, which begins at θ̂. */
export async function foldParts(
  stream: StreamedDataset,
  { ranks }: Pick<PassingBlocks, "ranks">,
  folds: number,
  described: DescribedLocal,
  work: Work,
): Promise<PassingPart[][]> {
  const { local, point, l2, reach, damping, influences, input } = described;
  const { settings } = input;
  const { model } = local;
  const sizes = await foldSizes(stream, { ranks }, folds);
  const parts: PassingPart[][] = influences.map(() => []);
  for (const [fold, { inside, outside, share }] of sizes.entries()) {
    work.onProgress?.({ phase: "held-out folds", done: fold, total: folds });
    const quiet = work.signal ? { signal: work.signal } : {};
    const rest = new PassingBlocks(stream, ranks, { ...outside, keeps: (k) => k !== fold });
    const data = new PassingBlocks(stream, ranks, { ...inside, keeps: (k) => k === fold });
    const found = await trainConvex(local, rest, { l2, start: point.parameters, near: true }, quiet).catch(
      foldAdvice(fold, folds),
    );
    const there = await pointAt(model, rest, found.parameters, { l2 }, quiet);
    const responses = await influencesAt(there, damping, reach, settings, quiet, { eigenvalues: false }).catch(
      foldAdvice(fold, folds),
    );
    responses.forEach(({ influence, scale }, t) => {
      // An absolute size is the same for every fold, whatever the mean norm of its rows.
      const whole = hasAbsoluteSizes(settings) ? influences[t].scale : scale;
      const moved = influence.map((value) => (whole / scale) * value);
      parts[t].push({ data, share, parameters: found.parameters, influence: moved, scale: whole });
    });
  }
  return parts;
}

/** Rows and weights inside and outside each fold, over all ranks. */
async function foldSizes(stream: StreamedDataset, { ranks }: Pick<PassingBlocks, "ranks">, folds: number) {
  const counts = new EachRank(ranks, folds);
  const weights = new Float64Array(folds);
  const shares = new Float64Array(folds);
  for (const { y, w, evaluationWeights, foldOf } of stream.blocks()) {
    if (foldOf === null) throw inputError("The rows have no folds, which --evaluation cv needs.");
    for (let i = 0; i < y.length; i++) {
      counts.own[foldOf[i]]++;
      weights[foldOf[i]] += w[i];
      shares[foldOf[i]] += evaluationWeights[i];
    }
  }
  await ranks.add(counts.all, weights, shares);
  const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
  const total = sum(weights);
  return Array.from({ length: folds }, (_, fold) => {
    const ofRanks = counts.ofAll(fold);
    const rows = sum(ofRanks);
    const before = sum(ofRanks.subarray(0, ranks.rank));
    return {
      share: shares[fold],
      inside: { rows, firstRow: before, weight: weights[fold] },
      outside: { rows: stream.rows - rows, firstRow: stream.firstRow - before, weight: total - weights[fold] },
    };
  });
}
