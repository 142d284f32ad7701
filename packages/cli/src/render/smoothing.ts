import type { ResolvedSettings, SmoothingSettings, ThreatSection } from "@aif/core";
import { glue } from "./layout.js";
import { equation, number } from "./numbers.js";

/** Noise on the inputs, and what the adversary and the evaluation know of it. */
export function noiseSentences({ smoothing }: Pick<ResolvedSettings, "smoothing">): string[] {
  if (smoothing === null || smoothing.sigma === 0) return [];
  return [
    `Gaussian noise of ${equation("σ", smoothing.sigma)} on every feature as the model sees it: ${noiseConventions(smoothing)}.`,
  ];
}

/** What the adversary and the evaluation know of the noise, and whose mean norm c is. */
export function noiseConventions({
  attack,
  evaluation,
  budget,
}: Pick<SmoothingSettings, "attack" | "evaluation" | "budget">): string {
  const adversary =
    attack === "draw"
      ? "the adversary sees the noisy row before it moves it"
      : "the adversary attacks the mean loss over the noise";
  const judged = evaluation === "noisy" ? "judged with noise" : "judged on rows without noise";
  const size = budget === "clean" ? "without" : "with";
  return `${adversary}, losses are ${judged}, c is of rows ${size} noise`;
}

/** How far draws leave a threat's numbers open, and the numbers that need no draw. */
export function smoothingSentences({ smoothing, curve }: ThreatSection): string[] {
  if (smoothing === null) return [];
  const { method, draws, standardErrors, exact, evaluation } = smoothing;
  if (method === "closed-form") return ["The mean over the noise is exact: no draw is taken."];
  const last = curve.length - 1;
  const errors =
    standardErrors === null
      ? ""
      : ` Monte-Carlo standard errors, from ${standardErrors.batches} batches: curvature ${number(standardErrors.heldOutCurvature ?? standardErrors.curvature, 2)}, slope ${number(standardErrors.heldOutSlope ?? standardErrors.slope, 2)}, change at ε${glue}=${glue}${number(curve[last].epsilon)} ${number(standardErrors.costs[last], 2)}.`;
  const known = exact?.[evaluation];
  return [
    `Numbers are means over ${draws} draws of the noise for every row.${errors}`,
    ...(known
      ? [
          `In closed form, on the training rows: slope ${number(known.slope)}, curvature ${number(known.curvature)} (${evaluation === "noisy" ? "with" : "without"} noise).`,
        ]
      : []),
  ];
}
