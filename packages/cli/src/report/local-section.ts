import type { LocalResponse, StudyResult, ThreatSection } from "@aif/core";
import { number, short, signed } from "../render/numbers.js";
import {
  DAMPING_TITLE,
  importStatements,
  responseStatements,
  restartsTitle,
  type Statement,
  spreadOf,
} from "../render/response.js";
import { type Html, html } from "./html.js";
import { numberCell, type Table, tableHtml, textCell } from "./table.js";

const listOf = (statements: readonly Statement[]): Html =>
  html`<ul>${statements.map(({ label, words }) => html`<li>${label}: ${words}</li>`)}</ul>`;

/** What an imported model does as it came; nothing of a model trained here. */
export function importHtml(result: StudyResult): Html {
  const said = importStatements(result);
  if (said === null) return html``;
  return html`<h2>${said.title}</h2>${listOf(said.facts)}<p>${said.afterwards}</p>`;
}

/** Whether the numbers are of a minimum or of one damped step, and how far damping and seeds decide them; nothing in closed form. */
export function responseHtml(threat: ThreatSection): Html {
  const { local, curve } = threat;
  if (local === null) return html``;
  const { restarts } = local;
  return html`<h3>What kind of response this is</h3>
${listOf(responseStatements(threat))}
${local.dampingCurve.length === 0 ? "" : tableHtml(dampingTable(local))}
${restarts === null ? "" : html`${tableHtml(restartsTable(curve, restarts))}<p>${spreadOf(curve, restarts)}</p>`}`;
}

const shown = (value: number | null): string => (value === null ? "–" : number(value));

const dampingTable = ({ dampingCurve }: LocalResponse): Table => ({
  caption: `${DAMPING_TITLE}: the sensitivity and the length of the response over λ.`,
  head: ["λ", "½I'HI", "‖I‖"],
  rows: dampingCurve.map(({ damping, sensitivity, length }) => ({
    cells: [numberCell(damping, () => short(damping)), numberCell(sensitivity, shown), numberCell(length, shown)],
  })),
});

function restartsTable(curve: ThreatSection["curve"], restarts: NonNullable<LocalResponse["restarts"]>): Table {
  const sizes = curve.map((_, k) => k).filter((k) => curve[k].epsilon > 0);
  return {
    caption: `${restartsTitle(restarts)}.`,
    head: ["seed", "objective", "training loss", "½I'H_LI", ...sizes.map((k) => `cost at ${short(curve[k].epsilon)}`)],
    rows: restarts.map(({ seed, objective, trainingLoss, curvature, costs }) => ({
      cells: [
        textCell(String(seed)),
        numberCell(objective, (value) => (value === null ? "–" : number(value, 5))),
        numberCell(trainingLoss, (value) => (value === null ? "–" : number(value, 4))),
        numberCell(curvature, shown),
        ...sizes.map((k) => numberCell(costs[k], (value) => (value === null ? "–" : signed(value)))),
      ],
    })),
  };
}
