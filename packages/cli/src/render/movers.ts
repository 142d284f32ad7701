import { referencePoint, type StudyResult, type ThreatSection } from "@aif/core";
import { parameterUnits, shownName } from "./ground.js";
import { glue, table, wrap } from "./layout.js";
import { number, short, signed, signedPercent } from "./numbers.js";
import type { Paint } from "./page.js";

const shownParameters = 8;
const shownRows = 5;

/** The parameters that robust training moves most. */
export function parameterLines(
  { model, fit }: StudyResult,
  threat: ThreatSection,
  { heading, faint }: Paint,
): string[] {
  const epsilon = referencePoint(threat)?.epsilon ?? 0.01;
  const movers = model.parameters
    .map((name, j) => ({
      name,
      value: fit.parameters[j],
      shift: epsilon * threat.influence[j],
      range: threat.simultaneous && ([threat.simultaneous.lower[j], threat.simultaneous.upper[j]] as const),
    }))
    .filter(({ shift }) => shift !== 0)
    .toSorted((a, b) => Math.abs(b.shift) - Math.abs(a.shift));
  if (movers.length === 0) return [heading("Robust training moves no parameter")];
  const shown = movers.slice(0, shownParameters);
  const units = parameterUnits(model);
  const { header, body } = table(
    [
      {
        header: [""],
        cells: shown.map(({ name }) => `  ${shownName(name, threat.simultaneous ? 24 : 40)}`),
        align: "left",
      },
      { header: ["now"], cells: shown.map(({ value }) => number(value)), align: "right" },
      { header: ["shift"], cells: shown.map(({ shift }) => signed(shift)), align: "right" },
      {
        header: [""],
        cells: shown.map(({ value, shift }) => (value === 0 ? "–" : signedPercent(shift / Math.abs(value)))),
        align: "right",
      },
      ...(threat.simultaneous
        ? [
            {
              header: [`${short(100 * threat.simultaneous.level)} % interval`],
              cells: shown.map(({ range }) =>
                range ? `${signed(epsilon * range[0])} to ${signed(epsilon * range[1])}` : "",
              ),
              align: "right" as const,
            },
          ]
        : []),
    ],
    2,
  );
  return [
    heading(`Parameters that move most at ε = ${short(epsilon)}${units}`),
    ...header.map(faint),
    ...body,
    ...(movers.length > shown.length
      ? [faint(`  … and ${movers.length - shown.length} more (--coefficients lists all)`)]
      : []),
    ...(threat.simultaneous
      ? wrap("Intervals are for the shift in the population and hold for all parameters at once.", { indent: 2 }).map(
          faint,
        )
      : []),
  ];
}

/** The rows that contribute most to the curvature part of S. */
export function rowLines(
  { contributions, sensitivity }: ThreatSection,
  { heading, faint }: Paint,
  explain: boolean,
): string[] {
  const rows = contributions.rows.slice(0, shownRows);
  if (rows.length === 0 || sensitivity.training.curvature === 0) return [];
  const shares = rows.map(({ row, share }) => `row${glue}${row}${glue}${number(100 * share, 2)}${glue}%`).join(", ");
  const words = "Shares of the curvature part of S; all rows together make 100 %, and some may be negative.";
  return [
    heading("Rows that pull hardest on the training cost"),
    ...wrap(shares, { indent: 2 }),
    ...(explain ? wrap(words, { indent: 2 }).map(faint) : []),
  ];
}
