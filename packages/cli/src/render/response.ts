import type { LocalResponse, RestartedResponse, StudyResult, ThreatSection } from "@aif/core";
import { restartSpread } from "@aif/core";
import { shownName } from "./ground.js";
import { count, equation, number, percent, short, signed } from "./numbers.js";

/** One thing that is said, and what it is about. */
export interface Statement {
  readonly label: string;
  readonly words: string;
}

/** What an imported model does on the given rows, before anything else is said; nothing of a model trained here. */
export function importStatements({ fit: { imported }, settings, model }: StudyResult): {
  readonly title: string;
  readonly facts: readonly Statement[];
  readonly afterwards: string;
} | null {
  if (imported === null) return null;
  const { naturalLoss, constantLoss, metrics, polish } = imported;
  const accuracy = metrics["accuracy"] === undefined ? "" : `, accuracy ${percent(metrics["accuracy"])}`;
  const fitness = metrics["r2"] === undefined ? "" : `, R² ${number(metrics["r2"])}`;
  const afterwards =
    settings.local?.training === "import"
      ? "It is analysed as it is."
      : `Then it was brought to the minimum on these rows (${settings.local?.training ?? ""})${polish ? `, which moved its scores by ${percent(polish.scoreShift)} of their spread` : ""}; the rest is about that.`;
  return {
    title: `The imported model, ${shownName(settings.local?.import ?? "", 48)}`,
    facts: [
      {
        label: "as it came",
        words: `loss ${number(naturalLoss, 4)} ${shownName(model.unit, 24)}${accuracy}${fitness}`,
      },
      { label: "a constant", words: `loss ${number(constantLoss, 4)}` },
    ],
    afterwards: `${afterwards} Its influence needs the rows that it was trained on.`,
  };
}

const kinds: Readonly<Record<LocalResponse["kind"], string>> = {
  influence: "θ̃ is a minimum and nothing is damped: the response is the influence function.",
  damped: "LOCAL (DAMPED) RESPONSE −(H+λI)⁻¹Φ: one damped step from θ̃, not the derivative of a minimum.",
};

const undamped = "LOCAL RESPONSE −H⁻¹Φ: one Newton step from θ̃, which is no minimum; not the derivative of a minimum.";

/** What kind of response the numbers of a threat are; nothing in closed form. */
export function responseStatements(threat: ThreatSection): Statement[] {
  const { local, solver, verdict } = threat;
  if (local === null) return [];
  const { shift, relativeShift, newtonDecrement, gradientNorm, smallestEigenvalue, curvature, damping } = local;
  const share =
    relativeShift === null
      ? ""
      : `, ${number(relativeShift, 2)} times the predicted shift${verdict ? ` at ε = ${short(verdict.epsilon)}` : ""} in the norm of ${damping === 0 ? "H" : "H+λI"}`;
  const eigenvalue = smallestEigenvalue === null ? "" : `, smallest eigenvalue ${number(smallestEigenvalue, 2)}`;
  const second = curvature === "hessian" ? "the Hessian" : "Gauss–Newton";
  return [
    { label: "kind", words: local.kind === "damped" && damping === 0 ? undamped : kinds[local.kind] },
    {
      label: "minimum",
      words: `relative gradient ${number(gradientNorm, 2)}; a step towards the minimum has length ${number(shift, 2)}${share}, and would lower the loss by ${number(newtonDecrement, 2)}`,
    },
    {
      label: "H",
      words: `${second}${eigenvalue}, ${damping === 0 ? "not damped" : `${equation("λ", damping)} added`}`,
    },
    {
      label: "solver",
      words: `${solver.reason ?? solver.name} ${effort(solver)}Residual ${number(solver.relativeResidual, 2)}.${singular(solver)}`,
    },
    ...kinks(threat),
  ];
}

/** Softmax outputs do not change when all biases move alike, so that H has no inverse there. */
const singular = ({ name }: ThreatSection["solver"]): string =>
  name === "pseudo-inverse"
    ? " H is singular: some directions change no score, and of all solutions the shortest is taken (the pseudo-inverse)."
    : "";

/** What an iterative solver did; nothing of one that factorises. */
function effort({ name, iterations, sketchProducts }: ThreatSection["solver"]): string {
  if (name === "cholesky" || name === "pseudo-inverse") return "";
  const sketch = sketchProducts ? `${count(sketchProducts, "product")} of a sketch, ` : "";
  return `${sketch}${count(iterations, "pass", "passes")}. `;
}

/** How many kinks lie on the way, where there are any. */
function kinks({ curve }: ThreatSection): Statement[] {
  const flips = curve.flatMap(({ epsilon, flippedUnits }) =>
    epsilon > 0 && flippedUnits !== null ? [`${percent(flippedUnits)} at ε ${short(epsilon)}`] : [],
  );
  if (flips.length === 0) return [];
  return [
    {
      label: "ReLU",
      words: `units that switch on or off on the way to θ̃+εI, by training row: ${flips.join(", ")}`,
    },
  ];
}

export const DAMPING_TITLE = "How much the damping decides";

export const restartsTitle = (restarts: readonly RestartedResponse[]): string =>
  `The network from ${restarts.length} seeds, by the objective of training (loss and ridge); the first is the one analysed`;

/** How far the minima agree, at the largest size that can be trusted, or the smallest. */
export function spreadOf(curve: ThreatSection["curve"], restarts: readonly RestartedResponse[]): string {
  const {
    minima,
    curvature: [least, most],
  } = restartSpread(restarts);
  if (minima === 1) return "All of them are one minimum.";
  const at = curve.findLastIndex(({ epsilon, extrapolated }) => epsilon > 0 && !extrapolated);
  const k = at < 0 ? curve.findIndex(({ epsilon }) => epsilon > 0) : at;
  const costs = restarts.map(({ costs: list }) => list[k]);
  const cost =
    k < 0
      ? ""
      : `, and the cost at ε = ${short(curve[k].epsilon)} from ${signed(Math.min(...costs))} to ${signed(Math.max(...costs))}`;
  return `Over ${minima} different minima ½I'H_LI runs from ${number(least)} to ${number(most)}${cost}.`;
}
