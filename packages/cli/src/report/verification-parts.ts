import { attackKey, type VerificationResult, type VerifiedPoint, type VerifiedThreat } from "@aif/core";
import { adversaryName, adversaryTitle, adversaryWords } from "../render/adversary.js";
import { clean } from "../render/clean.js";
import { groundSentences, shownName } from "../render/ground.js";
import { number, percent, short, signed } from "../render/numbers.js";
import { html } from "./html.js";
import type { FiguresOf, ReportParts, Section } from "./parts.js";
import { numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif verify`: the prediction beside robust training itself. */
export async function verificationParts(result: VerificationResult, figures: FiguresOf): Promise<ReportParts> {
  const study = { ...result, schema: "aif.study/1" as const };
  const sections: Section[] = [];
  for (const threat of result.threats) {
    sections.push({
      id: `attack-${attackKey(threat.threat)}`,
      title: adversaryTitle(threat.threat, false),
      body: html`<p>${adversaryWords(threat)}</p>${await figures(attackKey(threat.threat))}<h3>Numbers</h3>${tableHtml(verifiedTable(result, threat))}`,
    });
  }
  return {
    title: `How good the prediction is: ${shownName(result.data.target, 60)}`,
    ground: groundSentences(study),
    lead: html`${result.threats.map(
      (threat) =>
        html`<p class="lead"><strong>${adversaryName(threat.threat)}.</strong> ${clean(threat.verification.text)}</p>`,
    )}`,
    sections,
    flags: result.flags,
  };
}

function verifiedTable(result: VerificationResult, { curve, verification }: VerifiedThreat): Table {
  const columns: readonly {
    readonly head: string;
    readonly cell: (point: VerifiedPoint) => ReturnType<typeof textCell>;
  }[] = [
    { head: "ε", cell: ({ epsilon }) => numberCell(epsilon, short) },
    { head: "predicted change", cell: ({ thisData }) => numberCell(thisData.predicted, signed) },
    { head: "exact change", cell: ({ thisData }) => numberCell(thisData.exact, signed) },
    { head: "ratio", cell: ({ lossRatio }) => numberCell(lossRatio, number) },
    { head: "parameter error", cell: ({ relativeParameterError }) => numberCell(relativeParameterError, percent) },
    {
      head: "proven bound",
      cell: ({ errorBound, parameterError, relativeParameterError }) =>
        numberCell(boundShare(errorBound, parameterError, relativeParameterError), percent),
    },
    { head: "residual", cell: ({ optimum }) => numberCell(optimum?.residual ?? null, number) },
    { head: "seconds", cell: ({ seconds }) => numberCell(seconds.exact, number) },
  ];
  return {
    caption: `Change of the training loss without attack, in ${shownName(result.model.unit, 60)}; errors relative to the shift; tolerance of the verdict ${percent(verification.tolerance)}`,
    head: columns.map(({ head }) => head),
    rows: curve.map((point) => ({ cells: columns.map(({ cell }) => cell(point)), rough: point.extrapolated })),
  };
}

/** The bound relative to the size of the shift, which the error and its share tell. */
const boundShare = (bound: number | null, error: number | null, share: number | null): number | null =>
  bound === null || !error || !share ? null : (bound * share) / error;
