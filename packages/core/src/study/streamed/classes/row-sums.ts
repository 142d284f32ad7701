import { lossSlopesOf } from "../../../influence/local/changes.js";
import { blockContributions } from "../../../influence/local/contributions.js";
import type { LocalInfluence } from "../../../influence/local/influence.js";
import type { LocalSensitivity } from "../../../influence/moving-rows.js";
import type { Sampling } from "../../../influence/sampling.js";
import { rowCounts } from "../../../influence/sandwich.js";
import { asColumn } from "../../../models/sweep.js";
import { type Pass, sideBySide } from "../../../parallel/passes.js";
import type { Work } from "../../../parallel/work.js";
import { dot } from "../../../solvers/inverse-hessian.js";
import { eachBlock } from "../../../solvers/model-risk.js";
import { riskOperator } from "../../../solvers/risk-operator.js";
import type { RowShare } from "../../threat-section.js";
import { LargestRows } from "../largest-rows.js";
import { momentsOf } from "../moments.js";
import type { RowsView } from "../rows-view.js";
import { overParts, type PassingPart } from "./evaluated-parts.js";
import type { PassingBlocks } from "./passing-blocks.js";

/** Σ w [l(θ̃ + εI) − l(θ̃)] over the training rows, at each size. */
export async function predictedChanges(
  { point: { model, parameters, data }, influence: I }: LocalInfluence,
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

/** Slope and curvature of the natural loss on rows that were not trained on, each under its own θ̃ and I (MATH 2): one pass. */
export async function passingSensitivity(
  views: Pass<RowsView>,
  parts: readonly PassingPart[],
  curvature: LocalInfluence["curvature"],
  { sampling, clusters }: { readonly sampling: Sampling; readonly clusters: number | null },
  work: Work,
): Promise<LocalSensitivity> {
  // Σ w, Σ w s
  const sums = new Float64Array(2);
  const moments = momentsOf(parts[0].data.ranks, 1, clusters);
  const [, ...bends] = await sideBySide<RowsView, number>(views, [
    async (own) => {
      await overParts(own, parts, [sums, ...moments.sums], (block, { model, parameters, influence }) => {
        const w = block.evaluationWeights;
        const slopes = lossSlopesOf(model, parameters, block, influence);
        for (let i = 0; i < w.length; i++) {
          sums[0] += w[i];
          sums[1] += w[i] * slopes[i];
        }
        moments.add(0, slopes, { w, omega: rowCounts(w, sampling), clusterOf: block.clusterOf ?? null });
      });
      return 0;
    },
    ...parts.map(({ model, data, parameters, influence }) => async (own: Pass<RowsView>) => {
      const problem = { model, data: data.on(own).asJudged(), ridge: new Float64Array(parameters.length), parameters };
      const operator = riskOperator(problem, { curvature, withRidge: false }, work);
      return 0.5 * dot(influence, (await operator.product(asColumn(influence))).data);
    }),
  ]);
  const [total, slope] = sums;
  return {
    slope,
    slopeStandardError: Math.sqrt(moments.about([{ k: 0, mean: slope / total }])) / total,
    curvature: bends.reduce((sum, bend) => sum + bend, 0),
  };
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
  await data.pass({
    sums: largest.sums,
    visit: (block) => largest.see(sharesOf(block), block.sourceRows),
  });
  return largest.found();
}
