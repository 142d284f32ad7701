import type { ResolvedSettings, ThreatSection } from "@aif/core";
import { shownName } from "./ground.js";
import { glue, labelled } from "./layout.js";
import { equation, short } from "./numbers.js";

const labelWidth = 12;

/** What is said of one radius; null where there is nothing to say. */
type Sentence = (threat: ThreatSection, settings: ResolvedSettings) => string | null;

const at = ({ scale }: ThreatSection, epsilon: number): string =>
  `${equation("ε", epsilon)} (${equation("ρ", epsilon * scale)})`;

const methods: Readonly<Record<string, (tolerance: string) => string>> = {
  certificate: (tolerance) => `a proven bound keeps the error below ${tolerance} of the parameters' shift`,
  stationarity: (tolerance) => `the robust risk's own gradient agrees with it to within ${tolerance}`,
};

const trust: Sentence = (threat, { trustTolerance }) => {
  const { trustRadius, trustMethod } = threat;
  if (trustRadius === null) return "How far the prediction can be trusted is not known (see the notes).";
  return `Up to ${at(threat, trustRadius)} the prediction can be trusted: ${methods[trustMethod ?? ""]?.(`${short(100 * trustTolerance)}${glue}%`) ?? "checked"}.`;
};

const free: Sentence = (threat) => {
  const { freeRadius, sensitivity } = threat;
  if (sensitivity.heldOut === null) return null;
  if (freeRadius === null) return "Robust training is not expected to lower the held-out loss at any size.";
  const doubts = freeDoubts.filter(({ applies }) => applies(threat, freeRadius)).map(({ words }) => words);
  const but = doubts.length === 0 ? "" : `, but ${doubts.join(", and ")}`;
  return `Robust training up to ${at(threat, freeRadius)} is expected to LOWER the held-out loss${but}.`;
};

/** What makes the free radius uncertain. */
const freeDoubts: readonly {
  readonly applies: (threat: ThreatSection, freeRadius: number) => boolean;
  readonly words: string;
}[] = [
  {
    applies: ({ sensitivity: { heldOut } }) =>
      heldOut !== null && Math.abs(heldOut.slope) < 2 * heldOut.slopeStandardError,
    words: "chance could explain that (the slope is within two standard errors of 0)",
  },
  {
    applies: ({ trustRadius }, freeRadius) => trustRadius !== null && freeRadius > trustRadius,
    words: "that is beyond the trust radius",
  },
];

const kink: Sentence = (threat) =>
  threat.kinkRadius === null
    ? null
    : `At ${at(threat, threat.kinkRadius)} the first residual or coefficient changes sign; a few may do so before the prediction suffers.`;

const features: Sentence = (threat) => {
  const { supportChange: change } = threat;
  if (change === null) return null;
  return `At ${at(threat, change.epsilon)} ${shownName(change.parameter)} ${change.kind} the model; the prediction keeps the selected features as they are.`;
};

const bound: Sentence = (threat) =>
  threat.boundRadius === null ? null : `At ${at(threat, threat.boundRadius)} the first row meets one of its bounds.`;

const collapse: Sentence = (threat) =>
  threat.collapseRadius === null
    ? null
    : `From ${at(threat, threat.collapseRadius)} on, exact robust training ${threat.threat.divergence === null ? "gives up every attacked feature" : "sets every parameter to 0, where all rows have the same loss"}.`;

const sentences: Readonly<Record<string, Sentence>> = { trust, free, features, kink, bound, collapse };

/** What is said of the radii, by their names. */
export const radiusSentences = (
  threat: ThreatSection,
  settings: ResolvedSettings,
): readonly { readonly name: string; readonly words: string }[] =>
  Object.entries(sentences).flatMap(([name, sentence]) => {
    const words = sentence(threat, settings);
    return words === null ? [] : [{ name, words }];
  });

/** Up to where the prediction can be trusted, and what else happens on the way. */
export const reachOfTrustLines = (threat: ThreatSection, settings: ResolvedSettings): string[] =>
  radiusSentences(threat, settings).flatMap(({ name, words }) => labelled(name, words, labelWidth));
