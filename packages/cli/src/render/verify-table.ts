import type { VerifiedPoint, VerifiedThreat } from "@aif/core";
import { pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { number, percent, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";
import { isTrained } from "./truth.js";

/** A sign before a row, and what it means; the first that applies is shown. */
const marks: readonly {
  readonly sign: string;
  readonly applies: (point: VerifiedPoint, threat: VerifiedThreat["threat"]) => boolean;
  readonly legend: string;
}[] = [
  { sign: "x", applies: ({ failure }) => failure !== null, legend: "no exact optimum was found" },
  {
    sign: "!",
    applies: ({ optimum }, { divergence }) => optimum?.collapsed === true && divergence !== null,
    legend: "collapsed: the optimum has every parameter at 0, where all rows have the same loss",
  },
  {
    sign: "!",
    applies: ({ optimum }) => optimum?.collapsed === true,
    legend: "collapsed: the optimum is the best model without the attacked features",
  },
  {
    sign: "?",
    applies: ({ optimum }) => optimum?.converged === false,
    legend: "not converged: the best point found, not proven to be the optimum",
  },
  { sign: "~", applies: ({ extrapolated }) => extrapolated, legend: "beyond the trust radius, or that is not known" },
];

type Threat = VerifiedThreat["threat"];

const markOf = (point: VerifiedPoint, threat: Threat) => marks.find(({ applies }) => applies(point, threat)) ?? null;

/** How a table is squeezed onto the page: blanks between columns, digits, and whether the proven bound has room. */
interface Layout {
  readonly gap: number;
  readonly digits: number;
  readonly bound: boolean;
}

const layouts: readonly Layout[] = [
  { gap: 2, digits: 3, bound: true },
  { gap: 1, digits: 3, bound: true },
  { gap: 1, digits: 2, bound: true },
  { gap: 1, digits: 2, bound: false },
];

/** The table over ε, and the words that explain its columns. */
export function verifyTableLines(verified: VerifiedThreat, { heading, faint }: Paint, explain: boolean): string[] {
  const { curve, threat } = verified;
  const tables = layouts.map((layout) =>
    table(columnsOf(curve, threat, layout, isTrained(verified) ? "trained" : "exact"), layout.gap),
  );
  const fits = tables.find(({ header, body }) => [...header, ...body].every((line) => widthOf(line) <= pageWidth));
  const { header, body } = fits ?? tables[tables.length - 1];
  const used = marks.filter((mark) => curve.some((point) => markOf(point, threat) === mark));
  const legend = [
    ...used.map(({ sign, legend: words }) => `${sign} ${words}`),
    ...(explain ? columnLegend(curve) : []),
  ];
  return [
    ...header.map(heading),
    ...body,
    ...legend.flatMap((entry) => wrap(entry, { indent: 2, hang: 4 })).map(faint),
  ];
}

function columnsOf(
  curve: readonly VerifiedPoint[],
  threat: Threat,
  { digits, bound }: Layout,
  truth: string,
): TableColumn[] {
  const right = (header: string[], cell: (point: VerifiedPoint) => string): TableColumn => ({
    header,
    cells: curve.map(cell),
    align: "right",
  });
  return [
    { header: [""], cells: curve.map((point) => markOf(point, threat)?.sign ?? " "), align: "left" },
    right(["ε"], ({ epsilon }) => short(epsilon)),
    right(["error", "of θ"], ({ parameterError }) => number(parameterError, digits)),
    ...(bound ? [right(["proven", "bound"], ({ errorBound }) => number(errorBound, digits))] : []),
    right(["error", "/shift"], ({ relativeParameterError }) => share(relativeParameterError)),
    right(["change", "predicted"], ({ thisData }) => signed(thisData.predicted, digits)),
    ...(curve.some(({ thisData }) => thisData.secondOrder !== null)
      ? [right(["second", "order"], ({ thisData }) => signed(thisData.secondOrder, digits))]
      : []),
    right(["change", truth], ({ thisData }) => signed(thisData.exact, digits)),
    right(["pred.", `/${truth}`], ({ lossRatio }) => number(lossRatio)),
    ...(curve.every(({ kinkFraction }) => kinkFraction === null)
      ? []
      : [right(["kinks"], ({ kinkFraction }) => percent(kinkFraction).replace(" ", ""))]),
    right([truth, "sec."], ({ seconds }) => number(seconds.exact, 2)),
    right(["times", "AIF"], ({ seconds: { exact, prediction } }) =>
      prediction > 0 ? number(exact / prediction, 2) : number(null),
    ),
  ];
}

const share = (value: number | null): string =>
  value !== null && value >= 10 ? ">999%" : percent(value).replace(" ", "");

const columnLegend = (curve: readonly VerifiedPoint[]): string[] => [
  "error of θ: ‖θ_ε − (θ̂+εI)‖, in the norm of the proven bound or, without one, of the Hessian; /shift: relative to ‖εI‖",
  "change: of the training loss without attack, by training against attacks of this size",
  ...(curve.some(({ thisData }) => thisData.secondOrder !== null)
    ? ["second order: the change predicted along θ̂+εI+½ε²J"]
    : []),
  "sec.: time of that optimum; times AIF: relative to the influence, which serves every size",
  ...(curve.every(({ kinkFraction }) => kinkFraction === null)
    ? []
    : ["kinks: rows whose residual, coefficient or largest coefficient changes between θ̂ and θ̂+εI"]),
];
