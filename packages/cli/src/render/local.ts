import type { LocalResponse, StudyResult, ThreatSection } from "@aif/core";
import { labelled, pageWidth, table, widthOf, wrap } from "./layout.js";
import { number, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";
import { DAMPING_TITLE, importStatements, responseStatements, restartsTitle, spreadOf } from "./response.js";

const labelWidth = 14;

export function importLines(result: StudyResult, { heading }: Paint): string[] {
  const said = importStatements(result);
  if (said === null) return [];
  return [
    heading(said.title),
    ...said.facts.flatMap(({ label, words }) => labelled(label, words, labelWidth)),
    ...wrap(said.afterwards, { indent: 2 }),
  ];
}

export function localLines(threat: ThreatSection, paint: Paint): string[] {
  const { local } = threat;
  if (local === null) return [];
  return [
    "",
    paint.heading("What kind of response this is"),
    ...responseStatements(threat).flatMap(({ label, words }) => labelled(label, words, labelWidth)),
    ...dampingLines(local, paint),
    ...restartLines(threat, local, paint),
  ];
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
  return [`  ${DAMPING_TITLE}:`, ...header.map(faint), ...body];
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
    ...wrap(`${restartsTitle(restarts)}:`, { indent: 2 }),
    ...header.map(faint),
    ...body,
    ...wrap(spreadOf(curve, restarts), { indent: 2 }),
  ];
}
