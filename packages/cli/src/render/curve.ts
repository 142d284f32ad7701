import type { CurvePoint, StudyResult, ThreatSection } from "@aif/core";
import { shownName } from "./ground.js";
import { pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { number, percent, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";
import { sparkline } from "./sparkline.js";

/** A sign before a row that deserves doubt; the first that applies is shown. */
interface Mark {
  readonly sign: string;
  readonly applies: (point: CurvePoint, threat: ThreatSection) => boolean;
  readonly legend: string;
}

const marks: readonly Mark[] = [
  {
    sign: "!",
    applies: ({ epsilon }, { collapseRadius }) => collapseRadius !== null && epsilon >= collapseRadius,
    legend: "beyond the collapse radius: the prediction means nothing",
  },
  {
    sign: "~",
    applies: ({ extrapolated }, { trustRadius }) => extrapolated && trustRadius !== null,
    legend: "EXTRAPOLATED: beyond the trust radius, read numbers and intervals as rough",
  },
  {
    sign: "~",
    applies: ({ extrapolated }) => extrapolated,
    legend: "EXTRAPOLATED: unchecked, since the trust radius is unknown",
  },
];

const markOf = (point: CurvePoint, threat: ThreatSection): Mark | null =>
  marks.find(({ applies }) => applies(point, threat)) ?? null;

/** A column that says what a radius means to one feature, in the feature's own units. */
interface Move {
  readonly label: string;
  readonly feature: string;
  readonly perRadius: number;
}

/** The widest and the narrowest attacked feature, or the only one; none where all move alike. */
function movesOf({ originalUnits }: ThreatSection): readonly Move[] {
  if (originalUnits.length === 1) return [{ label: "moves", ...originalUnits[0] }];
  const ascending = originalUnits.toSorted((a, b) => a.perRadius - b.perRadius);
  const [least, most] = [ascending[0], ascending[ascending.length - 1]];
  if (ascending.length === 0 || least.perRadius === most.perRadius) return [];
  return [
    { label: "most", ...most },
    { label: "least", ...least },
  ];
}

function movesLegend(moves: readonly Move[]): string[] {
  const names = moves.map(({ feature }) => shownName(feature));
  if (names.length === 0) return [];
  return names.length === 1
    ? [`moves: what ρ means to ${names[0]}, the only attacked feature, in its own units`]
    : [
        `most, least: what ρ means to the widest and the narrowest attacked feature, ${names.join(" and ")}, in their own units`,
      ];
}

/** The table over ε, and the words that explain its columns. */
export function curveLines(
  result: StudyResult,
  threat: ThreatSection,
  { heading, faint }: Paint,
  explain: boolean,
): string[] {
  const moves = movesOf(threat);
  const { header, body, layout } = fitting((tried) => columnsOf(result, threat, moves, tried));
  const rows = threat.curve.map((point, i) => (markOf(point, threat) === null ? body[i] : faint(body[i])));
  return [
    ...header.map(heading),
    ...rows,
    ...sparkline(threat),
    ...legend(threat, layout.moves ? moves : [], explain).map(faint),
  ];
}

/** How a table is squeezed onto the page. */
interface Layout {
  readonly gap: number;
  readonly digits: number;
  readonly arrow: string;
  /** Whether there is room for the moves in original units. */
  readonly moves: boolean;
}

/** From comfortable to narrow; the last one fits whatever the numbers are. */
const layouts: readonly Layout[] = [
  { gap: 2, digits: 3, arrow: " → ", moves: true },
  { gap: 1, digits: 3, arrow: " → ", moves: true },
  { gap: 1, digits: 3, arrow: "→", moves: true },
  { gap: 1, digits: 2, arrow: "→", moves: true },
  { gap: 1, digits: 2, arrow: "→", moves: false },
];

/** The first layout in which the table fits the page. */
function fitting(columnsFor: (layout: Layout) => TableColumn[]): {
  header: string[];
  body: string[];
  layout: Layout;
} {
  const tables = layouts.map((layout) => ({ ...table(columnsFor(layout), layout.gap), layout }));
  const fits = tables.find(({ header, body }) => [...header, ...body].every((line) => widthOf(line) <= pageWidth));
  return fits ?? tables[tables.length - 1];
}

function columnsOf(result: StudyResult, threat: ThreatSection, moves: readonly Move[], layout: Layout): TableColumn[] {
  const { curve } = threat;
  const { digits, arrow } = layout;
  const right = (header: string[], cell: (point: CurvePoint) => string): TableColumn => ({
    header,
    cells: curve.map(cell),
    align: "right",
  });
  const heldOut = curve.some((point) => point.heldOut !== null)
    ? [right(["held-out", "change"], (point) => signed(point.heldOut?.predicted ?? null, digits))]
    : [];
  return [
    { header: [""], cells: curve.map((point) => markOf(point, threat)?.sign ?? " "), align: "left" },
    right(["ε"], ({ epsilon }) => short(epsilon)),
    right(["ρ"], ({ radius }) => short(radius)),
    ...(layout.moves ? moves : []).map(({ label, feature, perRadius }) =>
      right([label, shownName(feature, 8)], ({ radius }) => number(perRadius * radius, digits)),
    ),
    ...heldOut,
    right(["training", "change"], ({ thisData }) => signed(thisData.predicted, digits)),
    ...(curve.some(({ thisData }) => thisData.secondOrder !== null)
      ? [right(["second", "order"], ({ thisData }) => signed(thisData.secondOrder, digits))]
      : []),
    ...(curve.some(({ thisData }) => thisData.exact !== null)
      ? [right(["the same", "exactly"], ({ thisData }) => signed(thisData.exact, digits))]
      : []),
    right(["robust loss", `now${arrow}then`], ({ robustLossNatural, robustLoss }) =>
      [robustLossNatural, robustLoss].map((loss) => number(loss, digits + 1)).join(arrow),
    ),
    // The residual of a log loss never changes sign, and those of networks are not followed.
    ...(result.model.loss === "logistic" || !hasResidualKinks(threat)
      ? []
      : [right(["rows", "flip"], (point) => percent(point.residualFraction).replace(" ", ""))]),
  ];
}

/** Rows that are attacked together have no corner where a residual is 0. */
const hasResidualKinks = ({ threat: { wasserstein, divergence }, curve }: ThreatSection): boolean =>
  divergence === null &&
  (wasserstein === null || wasserstein === "inf") &&
  curve.some(({ residualFraction }) => residualFraction !== null);

function legend(threat: ThreatSection, moves: readonly Move[], explain: boolean): string[] {
  const used = marks.filter((mark) => threat.curve.some((point) => markOf(point, threat) === mark));
  const entries = [
    ...used.map(({ sign, legend: words }) => `${sign} ${words}`),
    ...movesLegend(moves),
    ...(explain ? columnLegend(threat) : []),
  ];
  return entries.flatMap((entry) => wrap(entry, { indent: 2, hang: 4 }));
}

/** How losses under attack were found, where that is not exact. */
const methods: Readonly<Record<string, string>> = {
  expansion: " (second-order expansion)",
  "shared-budget": " (the rows of each fold share one budget)",
  reweighting: " (the worst weights of the rows of each fold)",
  "projected-gradient": " (by search: lower bounds)",
};

function columnLegend({ curve }: ThreatSection): string[] {
  const method = methods[curve[0]?.robustLossMethod] ?? "";
  const drawn = curve[0]?.attackedSample?.rows;
  const flips = curve.some(({ residualFraction }) => (residualFraction ?? 0) > 0);
  return [
    "change: of the loss without attack, by training against attacks of this size",
    ...(curve.some(({ thisData }) => thisData.secondOrder !== null)
      ? ["second order: the change on the training rows along θ̂+εI+½ε²J"]
      : []),
    ...(curve.some(({ thisData }) => thisData.exact !== null)
      ? ["exactly: the change on the training rows when the robust training problem is actually solved"]
      : []),
    `robust loss: under attack, of the model as it is now → trained against it${method}${drawn === undefined ? "" : `, what attacks add on ${drawn} rows drawn from all`}`,
    ...(flips ? ["rows flip: rows whose residual changes sign"] : []),
  ];
}
