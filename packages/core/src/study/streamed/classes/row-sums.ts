import { lossSlopesOf } from "../../../influence/local/changes.js";
import { blockContributions } from "../../../influence/local/contributions.js";
import type { LocalInfluence } from "../../../influence/local/influence.js";
import type { LocalSensitivity } from "../../../influence/moving-rows.js";
import { type Sampling, varianceAbout } from "../../../influence/sampling.js";
import type { Model } from "../../../models/model.js";
import { asColumn } from "../../../models/sweep.js";
import type { Work } from "../../../parallel/work.js";
import { dot } from "../../../solvers/inverse-hessian.js";
import { eachBlock, modelBlockRows } from "../../../solvers/model-risk.js";
import { riskOperator } from "../../../solvers/risk-operator.js";
import type { RowShare } from "../../threat-section.js";
import { LargestRows } from "../largest-rows.js";
import type { PassingPart } from "./evaluated-parts.js";
import type { PassingBlocks } from "./passing-blocks.js";

/** Σ w [l(θ̃ + εI) − l(θ̃)] over the training rows, at each size. */
export async function predictedChanges(
  { point: { model, parameters }, influence: I }: LocalInfluence,
  data: PassingBlocks,
  epsilons: readonly number[],
  work: Work,
): Promise<number[]> {
  const moved = epsilons.map((epsilon) => parameters.map((value, j) => value + epsilon * I[j]));
  const sums = new Float64Array(epsilons.length);
  await eachBlock(
    data,
    "losses",
    work,
    (block) => {
      const before = model.losses(parameters, block);
      moved.forEach((theta, e) => {
        const after = model.losses(theta, block);
        for (let i = 0; i < after.length; i++) sums[e] += block.w[i] * (after[i] - before[i]);
      });
    },
    [sums],
  );
  return [...sums];
}

/** Slope and curvature of the natural loss on rows that were not trained on, each under its own θ̃ and I (MATH 2). */
export async function passingSensitivity(
  model: Model,
  parts: readonly PassingPart[],
  curvature: LocalInfluence["curvature"],
  sampling: Sampling,
  work: Work,
): Promise<LocalSensitivity> {
  const { ranks } = parts[0].data;
  const overRows = async (visit: (slopes: Float64Array, w: Float64Array) => void): Promise<void> => {
    for (const { data, parameters, influence } of parts) {
      for (const block of data.blocks(modelBlockRows(data.features.length))) {
        visit(lossSlopesOf(model, parameters, block, influence), block.evaluationWeights);
      }
    }
  };
  const [sums, variance] = [new Float64Array(2), new Float64Array(1)];
  await overRows((slopes, w) => {
    for (let i = 0; i < w.length; i++) {
      sums[0] += w[i];
      sums[1] += w[i] * slopes[i];
    }
  });
  await ranks.add(sums);
  const [total, slope] = sums;
  await overRows((slopes, w) => {
    variance[0] += varianceAbout(slope / total, slopes, w, sampling);
  });
  await ranks.add(variance);
  let bend = 0;
  for (const { data, share, parameters, influence } of parts) {
    const ridge = new Float64Array(parameters.length);
    const operator = riskOperator({ model, data, ridge, parameters }, { curvature, withRidge: false }, work);
    bend += 0.5 * share * dot(influence, (await operator.product(asColumn(influence))).data);
  }
  return { slope, slopeStandardError: Math.sqrt(variance[0]) / total, curvature: bend };
}

/** The rows with the largest part in I'H_LI. @param image H_L I */
export async function largestContributions(
  attack: LocalInfluence,
  data: PassingBlocks,
  image: Float64Array,
  work: Work,
): Promise<RowShare[]> {
  const sharesOf = await blockContributions(attack, image, work);
  const largest = new LargestRows(data.ranks);
  for (const block of data.blocks(modelBlockRows(data.features.length))) largest.see(sharesOf(block), block.sourceRows);
  await data.ranks.add(...largest.sums);
  return largest.found();
}
