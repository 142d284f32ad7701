import { attackKey, type CurvePoint, referencePoint, type StudyResult, type ThreatSection } from "@aif/core";
import { adversaryName, adversaryTitle, adversaryWords } from "../render/adversary.js";
import { clean } from "../render/clean.js";
import { groundSentences, parameterUnits, shownName } from "../render/ground.js";
import { number, percent, short, signed } from "../render/numbers.js";
import { radiusSentences } from "../render/radii.js";
import { costSentences } from "../render/threat.js";
import { metricNames } from "../render/verdict.js";
import { type Html, html } from "./html.js";
import { lassoSections } from "./lasso-section.js";
import { importHtml, responseHtml } from "./local-section.js";
import type { FiguresOf, ReportParts, Section } from "./parts.js";
import { numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif analyze`: is it worth it, then under each attack the pictures and the numbers behind them. */
export async function studyParts(result: StudyResult, figures: FiguresOf): Promise<ReportParts> {
  const sections: Section[] = await lassoSections(result, figures);
  for (const threat of result.threats) sections.push(await threatSection(result, threat, figures));
  return {
    title: `What robustness costs: ${shownName(result.data.target, 60)}`,
    ground: groundSentences(result),
    lead: html`${naturalLoss(result)}${importHtml(result)}${result.threats.map((threat) => verdict(threat, result.threats.length > 1))}`,
    sections,
    flags: result.flags,
  };
}

function naturalLoss({ fit, model }: StudyResult): Html {
  const heldOut = fit.heldOutLoss === null ? "" : `${number(fit.heldOutLoss, 4)} on held-out rows, `;
  return html`<p>Natural loss (${clean(model.lossLabel)}, in ${shownName(model.unit, 60)}): ${heldOut}${number(fit.trainingLoss, 4)} on the training rows.</p>`;
}

function verdict(threat: ThreatSection, several: boolean): Html {
  if (threat.verdict === null) return html``;
  const under = several ? `, ${adversaryName(threat.threat)}` : "";
  return html`<h2>Is it worth it at ε = ${short(threat.verdict.epsilon)}${under}?</h2><p class="lead">${clean(threat.verdict.text)}</p>`;
}

async function threatSection(result: StudyResult, threat: ThreatSection, figures: FiguresOf): Promise<Section> {
  const point = referencePoint(threat);
  return {
    id: `attack-${attackKey(threat.threat)}`,
    title: adversaryTitle(threat.threat, false),
    body: html`<p>${adversaryWords(threat)}</p>
${costSentences(result, threat).map((sentence) => html`<p>${sentence}</p>`)}
<h3>How far the prediction reaches</h3>
<ul>${radiusSentences(threat, result.settings).map(({ words }) => html`<li>${words}</li>`)}</ul>
${responseHtml(threat)}
${await figures(attackKey(threat.threat))}
<h3>Numbers</h3>
${tableHtml(curveTable(result, threat))}
${point === null ? "" : metricTables(point).map(tableHtml)}
${point === null ? "" : tableHtml(parametersTable(result, threat, point))}
<p class="faint">${threat.threat.attacked.length === 0 ? "" : `The adversary may touch ${threat.threat.attacked.length} features: ${threat.threat.attacked.map((name) => shownName(name)).join(", ")}.`}${threat.threat.frozen.length > 0 ? ` Frozen: ${threat.threat.frozen.map((name) => shownName(name)).join(", ")}.` : ""}</p>`,
  };
}

const range = (interval: readonly [number, number] | null | undefined): string =>
  interval ? `${signed(interval[0])} to ${signed(interval[1])}` : "–";

function curveTable(result: StudyResult, { curve }: ThreatSection): Table {
  const heldOut = curve.some((point) => point.heldOut !== null);
  const exact = curve.some(({ thisData }) => thisData.exact !== null);
  const columns: readonly {
    readonly head: string;
    readonly cell: (point: CurvePoint) => ReturnType<typeof textCell>;
  }[] = [
    { head: "ε", cell: ({ epsilon }) => numberCell(epsilon, short) },
    { head: "ρ", cell: ({ radius }) => numberCell(radius, short) },
    ...(heldOut
      ? [
          {
            head: "held-out change",
            cell: (point: CurvePoint) => numberCell(point.heldOut?.predicted ?? null, signed),
          },
          {
            head: `${short(100 * result.settings.confidence)} % interval`,
            cell: (point: CurvePoint) => textCell(range(point.heldOut?.interval)),
          },
        ]
      : []),
    { head: "training change", cell: ({ thisData }) => numberCell(thisData.predicted, signed) },
    ...(exact
      ? [{ head: "the same exactly", cell: ({ thisData }: CurvePoint) => numberCell(thisData.exact, signed) }]
      : []),
    {
      head: "robust loss now",
      cell: ({ robustLossNatural }) => numberCell(robustLossNatural, (value) => number(value, 4)),
    },
    { head: "robust loss then", cell: ({ robustLoss }) => numberCell(robustLoss, (value) => number(value, 4)) },
    { head: "breaks even at", cell: ({ breakEvenRate }) => numberCell(breakEvenRate, percent) },
  ];
  return {
    caption: `Changes of the loss by size of the attack, in ${shownName(result.model.unit, 60)}; grey: beyond the trust radius, rough. “Breaks even at”: the share of attacked inputs from which robust training pays.`,
    head: columns.map(({ head }) => head),
    rows: curve.map((point) => ({ cells: columns.map(({ cell }) => cell(point)), rough: point.extrapolated })),
  };
}

function metricTables({ metrics, epsilon }: CurvePoint): Table[] {
  const names = Object.keys(metricNames).filter((name) => name in metrics.natural);
  if (names.length === 0) return [];
  const robust = Object.keys(metrics.robust).length > 0;
  return [
    {
      caption: `Metrics on the evaluation rows at ε = ${short(epsilon)}, now and after robust training`,
      head: [
        "metric",
        "without attack: now",
        "then",
        "interval of the change",
        ...(robust ? ["under attack: now", "then", "interval of the change"] : []),
      ],
      rows: names.map((name) => {
        const { label, write } = metricNames[name];
        const shown = (value: number | null): string => (value === null ? "–" : write(value));
        const side = (now: number, then: number, interval: readonly [number, number] | null | undefined) => [
          numberCell(now ?? null, shown),
          numberCell(then ?? null, shown),
          textCell(range(interval)),
        ];
        return {
          cells: [
            textCell(label),
            ...side(metrics.naturalNow[name], metrics.natural[name], metrics.changes.natural[name]?.interval),
            ...(robust
              ? side(metrics.robustNow[name], metrics.robust[name], metrics.changes.robust[name]?.interval)
              : []),
          ],
        };
      }),
    },
  ];
}

/** Of models with many parameters, those that move most. */
const MOST_PARAMETERS = 200;

function parametersTable({ model, fit }: StudyResult, threat: ThreatSection, { epsilon }: CurvePoint): Table {
  const interval = threat.simultaneous ?? threat.interval;
  const movers = model.parameters
    .map((name, j) => ({ name, j, shift: epsilon * threat.influence[j] }))
    .toSorted((a, b) => Math.abs(b.shift) - Math.abs(a.shift))
    .slice(0, MOST_PARAMETERS);
  const units = parameterUnits(model);
  return {
    caption: `Parameters at ε = ${short(epsilon)}${units}${movers.length < model.parameters.length ? `: the ${movers.length} of ${model.parameters.length} that move most` : ""}`,
    head: [
      "parameter",
      "now",
      "shift",
      "then",
      ...(interval
        ? [
            `${short(100 * interval.level)} % interval of the shift${interval.kind === "simultaneous" ? ", all at once" : ""}`,
          ]
        : []),
    ],
    rows: movers.map(({ name, j, shift }) => ({
      cells: [
        textCell(shownName(name, 80)),
        numberCell(fit.parameters[j], (value) => number(value)),
        numberCell(shift, signed),
        numberCell(fit.parameters[j] + shift, (value) => number(value)),
        ...(interval ? [textCell(range([epsilon * interval.lower[j], epsilon * interval.upper[j]]))] : []),
      ],
    })),
  };
}
