import { naturalCurvatureTimes } from "../../../influence/local/contributions.js";
import { influenceOn, type LocalInfluence } from "../../../influence/local/influence.js";
import { type LocalTrust, type LocalValidity, localTrust, localValidity } from "../../../influence/local/validity.js";
import type { Sampling } from "../../../influence/sampling.js";
import { type Pass, sideBySide } from "../../../parallel/passes.js";
import type { Work } from "../../../parallel/work.js";
import { dot } from "../../../solvers/inverse-hessian.js";
import { isLarge } from "../../attack-sample.js";
import { STUDY_SEARCH } from "../../local-evaluation.js";
import { type LocalInference, sandwichInference } from "../../local-inference.js";
import type { DescribedLocal } from "../../local-prepare.js";
import { TRUST_SEARCH } from "../../local-section.js";
import type { ThreatSection } from "../../result.js";
import { ascending, type RowShare, sizes } from "../../threat-section.js";
import type { RowsView } from "../rows-view.js";
import { type CurveSums, curveSums } from "./curve-sums.js";
import type { PassingCurve } from "./curve-tally.js";
import type { PassingBlocks } from "./passing-blocks.js";
import { largestContributions, passingSensitivity, predictedChanges } from "./row-sums.js";

/** What is asked of the training rows about one response. */
export interface JudgedClasses {
  readonly trust: LocalTrust;
  readonly epsilons: readonly number[];
  readonly checks: readonly LocalValidity[];
  /** Changes of the training loss at every size. */
  readonly predicted: readonly number[];
  /** H_L I (d) */
  readonly image: Float64Array;
  readonly rows: readonly RowShare[];
  readonly inference: LocalInference;
}

/** The questions about one response that do not wait for one another. */
export function judging(
  attack: LocalInfluence,
  described: DescribedLocal,
  training: PassingBlocks,
  sampling: Sampling & { readonly clusterCount: number | null },
  work: Work,
): ((own: Pass<RowsView>) => Promise<Partial<JudgedClasses>>)[] {
  const { settings } = described.input;
  return [
    async (own) => {
      const here = influenceOn(attack, training.on(own));
      const trust = await localTrust(here, { ...work, tolerance: settings.trustTolerance, search: TRUST_SEARCH });
      const named = settings.failIf.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon]));
      const epsilons = ascending([...sizes(settings, attack.scale, trust.radius, null), ...named]);
      const checked = epsilons.filter(
        (epsilon) =>
          epsilon > 0 && (!isLarge(training.rows, attack.influence.length) || epsilon <= (trust.radius ?? 0)),
      );
      const search = { ...STUDY_SEARCH, seed: settings.seed };
      const [checks, predicted] = await sideBySide<RowsView, unknown>(own, [
        (its) => localValidity(influenceOn(attack, training.on(its)), checked, { ...work, search }),
        (its) => predictedChanges(influenceOn(attack, training.on(its)), epsilons, work),
      ]);
      return { trust, epsilons, checks: checks as LocalValidity[], predicted: predicted as number[] };
    },
    async (own) => {
      const data = training.on(own);
      const here = influenceOn(attack, data);
      const image = await naturalCurvatureTimes(here, attack.influence, work);
      const counts = dot(attack.influence, image) > 0;
      return { image, rows: counts ? await largestContributions(here, data, image, work) : [] };
    },
    async (own) => {
      // Of a bootstrap all responses share the draws.
      if (settings.inference === "bootstrap") return {};
      return { inference: await sandwichInference(influenceOn(attack, training.on(own)), described, sampling, work) };
    },
  ];
}

/** What is asked of the evaluated rows about one response. */
export interface EvaluatedClasses {
  readonly sums: CurveSums;
  /** Null on training rows. */
  readonly sensitivity: ThreatSection["sensitivity"]["heldOut"];
}

/** The curves, and sensitivities on rows that were not trained on, of all responses in one pass. */
export async function evaluateClasses(
  views: Pass<RowsView>,
  asked: readonly { readonly curve: PassingCurve; readonly epsilons: readonly number[]; attack: LocalInfluence }[],
  heldOut: boolean,
  work: Work,
): Promise<EvaluatedClasses[]> {
  const found = await sideBySide<RowsView, unknown>(
    views,
    asked.flatMap(({ curve, epsilons, attack: { curvature } }) => [
      (own: Pass<RowsView>) => curveSums(own, curve, epsilons, work),
      async (own: Pass<RowsView>) => (heldOut ? passingSensitivity(own, curve.parts, curvature, curve, work) : null),
    ]),
  );
  return asked.map((_, t) => ({
    sums: found[2 * t] as CurveSums,
    sensitivity: found[2 * t + 1] as EvaluatedClasses["sensitivity"],
  }));
}
