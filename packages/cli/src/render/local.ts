import {
  type LocalResponse,
  type RestartedResponse,
  restartSpread,
  type StudyResult,
  type ThreatSection,
} from "@aif/core";
import { shownName } from "./ground.js";
import { labelled, pageWidth, table, widthOf, wrap } from "./layout.js";
import { count, equation, number, percent, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";

const labelWidth = 14;

/** What an imported model does on the given rows, before anything else is said. */
export function importLines({ fit: { imported }, settings, model }: StudyResult, { heading }: Paint): string[] {
  if (imported === null) return [];
  const { naturalLoss, constantLoss, metrics, polish } = imported;
  const accuracy = metrics["accuracy"] === undefined ? "" : `, accuracy ${percent(metrics["accuracy"])}`;
  const fitness = metrics["r2"] === undefined ? "" : `, R² ${number(metrics["r2"])}`;
  const afterwards =
    settings.local?.training === "import"
      ? "It is analysed as it is."
      : `Then it was brought to the minimum on these rows (${settings.local?.training ?? ""})${polish ? `, which moved its scores by ${percent(polish.scoreShift)} of their spread` : ""}; the rest is about that.`;
  return [
    heading(`The imported model, ${shownName(settings.local?.import ?? "", 48)}`),
    ...labelled(
      "as it came",
      `loss ${number(naturalLoss, 4)} ${shownName(model.unit, 24)}${accuracy}${fitness}`,
      labelWidth,
    ),
    ...labelled("a constant", `loss ${number(constantLoss, 4)}`, labelWidth),
    ...wrap(`${afterwards} Its influence needs the rows that it was trained on.`, { indent: 2 }),
  ];
}

const kinds: Readonly<Record<LocalResponse["kind"], string>> = {
  influence: "θ̃ is a minimum and nothing is damped: the response is the influence function.",
  damped: "LOCAL (DAMPED) RESPONSE −(H+λI)⁻¹Φ: one damped step from θ̃, not the derivative of a minimum.",
};

const undamped = "LOCAL RESPONSE −H⁻¹Φ: one Newton step from θ̃, which is no minimum; not the derivative of a minimum.";

/** What kind of response the numbers of a threat are; nothing in closed form. */
export function localLines(threat: ThreatSection, paint: Paint): string[] {
  const { local, solver } = threat;
  if (local === null) return [];
  const { shift, relativeShift, newtonDecrement, gradientNorm, smallestEigenvalue, curvature, damping } = local;
  const share =
    relativeShift === null ? "" : `, ${number(relativeShift, 2)} times the predicted shift in the norm of H`;
  const eigenvalue = smallestEigenvalue === null ? "" : `, smallest eigenvalue ${number(smallestEigenvalue, 2)}`;
  const second = curvature === "hessian" ? "the Hessian" : "Gauss–Newton";
  return [
    "",
    paint.heading("What kind of response this is"),
    ...labelled("kind", local.kind === "damped" && damping === 0 ? undamped : kinds[local.kind], labelWidth),
    ...labelled(
      "minimum",
      `relative gradient ${number(gradientNorm, 2)}; a step towards the minimum has length ${number(shift, 2)}${share}, and would lower the loss by ${number(newtonDecrement, 2)}`,
      labelWidth,
    ),
    ...labelled(
      "H",
      `${second}${eigenvalue}, ${damping === 0 ? "not damped" : `${equation("λ", damping)} added`}`,
      labelWidth,
    ),
    ...labelled(
      "solver",
      `${solver.reason ?? solver.name} ${effort(solver)}Residual ${number(solver.relativeResidual, 2)}.`,
      labelWidth,
    ),
    ...kinkLines(threat),
    ...dampingLines(local, paint),
    ...restartLines(threat, local, paint),
  ];
}

/** What an iterative solver did; nothing of one that factorises. */
function effort({ name, iterations, sketchProducts }: ThreatSection["solver"]): string {
  if (name === "cholesky" || name === "pseudo-inverse") return "";
  const sketch = sketchProducts ? `${count(sketchProducts, "product")} of a sketch, ` : "";
  return `${sketch}${count(iterations, "pass", "passes")}. `;
}

/** How many kinks lie on the way, where there are any. */
function kinkLines({ curve }: ThreatSection): string[] {
  const flips = curve.flatMap(({ epsilon, flippedUnits }) =>
    epsilon > 0 && flippedUnits !== null ? [`${percent(flippedUnits)} at ε ${short(epsilon)}`] : [],
  );
  if (flips.length === 0) return [];
  return labelled(
    "ReLU",
    `units that switch on or off on the way to θ̃+εI, by training row: ${flips.join(", ")}`,
    labelWidth,
  );
}

function dampingLines({ dampingCurve }: LocalResponse, { faint }: Paint): string[] {
  if (dampingCurve.length === 0) return [];
  const { header, body } = table(
    [
      { header: ["  λ"], cells: dampingCurve.map(({ damping }) => `  ${short(damping)}`), align: "left" },
      { header: ["½I'HI"], cells: dampingCurve.map(({ sensitivity }) => number(sensitivity)), align: "right" },
      { header: ["‖I‖"], cells: dampingCurve.map(({ length }) => number(length)), align: "right" },
    ],
    3,
  );
  return ["  How much the damping decides:", ...header.map(faint), ...body];
}

function restartLines({ curve }: ThreatSection, { restarts }: LocalResponse, { faint }: Paint): string[] {
  if (restarts === null) return [];
  // Sizes beyond which a table would not fit the page are in the JSON.
  const shown = curve.map((_, k) => k).filter((k) => curve[k].epsilon > 0);
  const columnsFor = (sizes: readonly number[]) =>
    table(
      [
        { header: ["  seed"], cells: restarts.map(({ seed }) => `  ${seed}`), align: "left" },
        { header: ["objective"], cells: restarts.map(({ objective }) => number(objective, 5)), align: "right" },
        {
          header: ["training", "loss"],
          cells: restarts.map(({ trainingLoss }) => number(trainingLoss, 4)),
          align: "right",
        },
        { header: ["½I'H_LI"], cells: restarts.map(({ curvature }) => number(curvature)), align: "right" },
        ...sizes.map((k) => ({
          header: ["cost at", short(curve[k].epsilon)],
          cells: restarts.map(({ costs }) => signed(costs[k])),
          align: "right" as const,
        })),
      ],
      2,
    );
  let sizes = shown;
  while (sizes.length > 1 && columnsFor(sizes).body.some((line) => widthOf(line) > pageWidth))
    sizes = sizes.slice(0, -1);
  const { header, body } = columnsFor(sizes);
  return [
    ...wrap(
      `The network from ${restarts.length} seeds, by the objective of training (loss and ridge); the first is the one analysed:`,
      {
        indent: 2,
      },
    ),
    ...header.map(faint),
    ...body,
    ...wrap(spreadOf(curve, restarts), { indent: 2 }),
  ];
}

/** How far the minima agree, at the largest size that can be trusted, or the smallest. */
function spreadOf(curve: ThreatSection["curve"], restarts: readonly RestartedResponse[]): string {
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
