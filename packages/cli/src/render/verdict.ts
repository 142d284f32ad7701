import { type CurvePoint, referencePoint, type StudyResult, type ThreatSection } from "@aif/core";
import { clean } from "./clean.js";
import { shownName } from "./ground.js";
import { glue, pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { equation, number, percent, signed } from "./numbers.js";
import type { Paint } from "./page.js";

/** What people call each metric, how it is written, and in which order they are shown. */
export const metricNames: Readonly<
  Record<string, { label: string; write: (value: number) => string; points: boolean }>
> = {
  accuracy: { label: "accuracy", write: percent, points: true },
  balancedAccuracy: { label: "balanced accuracy", write: percent, points: true },
  auc: { label: "AUC", write: (value) => number(value, 4), points: false },
  logLoss: { label: "log loss", write: (value) => number(value, 4), points: false },
  brier: { label: "Brier score", write: (value) => number(value, 4), points: false },
  rmse: { label: "RMSE", write: (value) => number(value, 4), points: false },
  mae: { label: "MAE", write: (value) => number(value, 4), points: false },
  r2: { label: "R²", write: (value) => number(value, 4), points: false },
};

/** Blanks between columns, and digits of an interval's ends: from comfortable to narrow. */
const metricLayouts = [
  { gap: 2, digits: 2 },
  { gap: 1, digits: 2 },
  { gap: 1, digits: 1 },
] as const;

/** Groups shown, those that lose most first. */
const shownGroups = 10;

/** Whether robust training is worth it, at the largest size that can be trusted, in plain words, and in metrics. */
export function verdictLines(result: StudyResult, threat: ThreatSection, { heading, faint }: Paint): string[] {
  const point = referencePoint(threat);
  const { verdict } = threat;
  if (point === null || verdict === null) return [];
  return [
    ...wrap(`Is it worth it at ${equation("ε", point.epsilon)}?`).map(heading),
    ...wrap(glued(clean(verdict.text)), { indent: 2 }),
    ...metricLines(result, point, faint),
    ...groupLines(result, point, { heading, faint }),
  ];
}

/** "ε = 0.1" and "5 %" stay together at the end of a line. */
export const glued = (text: string): string =>
  text.replaceAll(/([επρ]|p) = /g, `$1${glue}=${glue}`).replaceAll(/(\d) %/g, `$1${glue}%`);

/** One line a metric: now → then without attack, and under attack, each with the interval of the change. */
function metricLines(
  { settings }: StudyResult,
  { metrics, extrapolated }: CurvePoint,
  faint: (text: string) => string,
): string[] {
  const names = Object.keys(metricNames).filter((name) => name in metrics.natural);
  if (names.length === 0) return [];
  const sides = [
    { header: "without attack", before: metrics.naturalNow, after: metrics.natural, changes: metrics.changes.natural },
    { header: "under attack", before: metrics.robustNow, after: metrics.robust, changes: metrics.changes.robust },
  ].filter(({ after }) => Object.keys(after).length > 0);
  const known = sides.some(({ changes }) => Object.values(changes).some(({ interval }) => interval !== null));
  const columns = (digits: number): TableColumn[] => [
    { header: [""], cells: names.map((name) => `  ${metricNames[name].label}`), align: "left" },
    ...sides.flatMap((side) => [
      {
        header: [side.header],
        cells: names.map((name) => arrow(side.before[name], side.after[name], metricNames[name].write)),
        align: "right" as const,
      },
      ...(known
        ? [
            {
              header: ["change"],
              cells: names.map((name) => range(side.changes[name]?.interval ?? null, metricNames[name].points, digits)),
              align: "right" as const,
            },
          ]
        : []),
    ]),
  ];
  const layouts = metricLayouts.map(({ gap, digits }) => table(columns(digits), gap));
  const fits = layouts.find((lines) => lines.body.every((line) => widthOf(line) <= pageWidth));
  const { header, body } = fits ?? layouts[layouts.length - 1];
  const words = `now → then, on the evaluation rows; change: its ${number(100 * settings.confidence, 2)}${glue}% interval over these rows, given the fit (shares in percentage points)${extrapolated ? "; EXTRAPOLATED" : ""}`;
  return ["", ...header.map(faint), ...body, ...(known ? wrap(words, { indent: 2 }).map(faint) : [])];
}

const arrow = (before: number, after: number, write: (value: number) => string): string =>
  `${write(before).replace(" %", "")}→${write(after).replace(" %", glue + "%")}`;

const range = (interval: readonly [number, number] | null, points: boolean, digits: number): string =>
  interval === null ? "–" : interval.map((end) => (points ? signedPoints(end) : signed(end, digits))).join("…");

const signedPoints = (value: number): string =>
  `${value > 0 ? "+" : ""}${(100 * value).toFixed(Math.abs(value) < 5e-4 ? 2 : 1)}`;

function groupLines(
  { data }: StudyResult,
  { groups, worstGroup, extrapolated }: CurvePoint,
  { heading, faint }: Pick<Paint, "heading" | "faint">,
): string[] {
  if (groups === null || data.groups === null) return [];
  const before = new Map(data.groups.names.map((name, g) => [name, data.groups?.naturalLoss[g] ?? null]));
  const rows = new Map(data.groups.names.map((name, g) => [name, data.groups?.rows[g] ?? 0]));
  const ordered = groups.filter(({ cost }) => cost !== null).toSorted((a, b) => (b.cost ?? 0) - (a.cost ?? 0));
  const shown = ordered.slice(0, shownGroups);
  const { header, body } = table(
    [
      {
        header: [""],
        cells: shown.map(
          ({ name, cost }) => `${name === worstGroup && (cost ?? 0) > 0 ? "! " : "  "}${shownName(name, 24)}`,
        ),
        align: "left",
      },
      {
        header: ["rows"],
        cells: shown.map(({ name }) => (rows.get(name) ?? 0).toLocaleString("en-US")),
        align: "right",
      },
      { header: ["natural loss"], cells: shown.map(({ name }) => number(before.get(name) ?? null)), align: "right" },
      { header: ["cost"], cells: shown.map(({ cost }) => signed(cost)), align: "right" },
      {
        header: ["interval"],
        cells: shown.map(({ costInterval }) =>
          costInterval ? costInterval.map((end) => signed(end, 2)).join("…") : "–",
        ),
        align: "right",
      },
      { header: ["benefit"], cells: shown.map(({ benefit }) => signed(benefit)), align: "right" },
    ],
    2,
  );
  const more = ordered.length - shown.length;
  return [
    "",
    heading(`By ${shownName(data.groups.column)}`),
    ...header.map(faint),
    ...body,
    ...(more > 0 ? [faint(`  … and ${more} more, all in --format json`)] : []),
    ...wrap(
      `! loses most without attack; intervals are for one group at a time, over its evaluation rows${extrapolated ? "; EXTRAPOLATED" : ""}`,
      { indent: 2 },
    ).map(faint),
  ];
}
