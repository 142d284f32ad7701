import type { Work } from "../parallel/work.js";
import type { Study } from "./analyze.js";
import { noiseOf } from "./noise.js";
import type { StudyInput } from "./prepare.js";
import type { ThreatSection } from "./result.js";
import { hasAbsoluteSizes, type StudySettings } from "./settings.js";
import { withErrors } from "./smoothing-section.js";
import { SMOOTHING_BATCHES } from "./smoothing-settings.js";

/**
 * The study with Monte-Carlo standard errors: the analysis is done again on each independent batch of the draws, at the same
 * sizes, and how far the batches lie apart says how far their mean may lie from that of all draws there could be.
 */
export async function withMonteCarloErrors(
  study: Study,
  input: StudyInput,
  once: (input: StudyInput, work: Work) => Promise<Study>,
  work: Work,
): Promise<Study> {
  const { settings } = input;
  const smoothing = noiseOf(settings);
  const { threats } = study.result;
  const drawn = threats.some((section) => section.smoothing?.method === "draws");
  if (smoothing === null || smoothing.batch !== null || !drawn) return study;
  const { onWorstCases: _cases, onPredictions: _predictions, predictionTable: _rows, ...whole } = input;
  const quiet = work.signal ? { signal: work.signal } : {};
  const judged: ThreatSection[] = [];
  for (const [t, section] of threats.entries()) {
    const batches: ThreatSection[] = [];
    for (let batch = 0; batch < SMOOTHING_BATCHES; batch++) {
      const done = t * SMOOTHING_BATCHES + batch;
      work.onProgress?.({ phase: "batches of the noise", done, total: threats.length * SMOOTHING_BATCHES });
      const part = partSettings(settings, section, t);
      const again = await once({ ...whole, settings: { ...part, smoothing: { ...smoothing, batch } } }, quiet);
      batches.push(again.result.threats[0]);
    }
    judged.push(withErrors(section, batches));
  }
  return { ...study, result: { ...study.result, threats: judged } };
}

/** One threat of the study at the sizes of its curve, and nothing that costs time beside. */
function partSettings(settings: StudySettings, { curve }: ThreatSection, t: number): StudySettings {
  const sizes = hasAbsoluteSizes(settings)
    ? { epsilons: null, radii: curve.map(({ radius }) => radius) }
    : { epsilons: curve.map(({ epsilon }) => epsilon), radii: null };
  return {
    ...settings,
    ...sizes,
    norms: [settings.norms[t]],
    inference: "none",
    exact: false,
    attackRate: null,
    failIf: [],
    by: null,
    local: { ...settings.local, restarts: 1 },
  };
}
