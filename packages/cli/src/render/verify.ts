import { type VerificationResult, type VerifiedThreat, words } from "@aif/core";
import { adversaryWords } from "./adversary.js";
import { clean } from "./clean.js";
import { groundLines, reachLines, selectionLines, shownName } from "./ground.js";
import { glue, inSections, labelled, wrap } from "./layout.js";
import { noteLines } from "./notes.js";
import { count, number } from "./numbers.js";
import { type Paint, paint } from "./page.js";
import { timingLines } from "./timings.js";
import { isTrained } from "./truth.js";
import { glued } from "./verdict.js";
import { budgetLines } from "./verify-budget.js";
import { verifyTableLines } from "./verify-table.js";

/** The verification for people: at most 80 columns, sections apart by an empty line. */
export function renderVerification(result: VerificationResult, { colour }: { colour: boolean }): string {
  const painted = paint(colour);
  const study = { ...result, schema: "aif.study/1" as const };
  const sections = [
    groundLines(study),
    lossLines(result),
    selectionLines(study, painted),
    reachLines(study, painted),
    ...result.threats.map((threat, first) => threatLines(threat, painted, first === 0)),
    noteLines(result.flags, painted),
    timingLines(result.timings, painted),
  ];
  return inSections(sections);
}

/** What every change in the tables is a change of. */
const lossLines = ({ fit, model }: VerificationResult): string[] =>
  wrap(
    `Training loss (${clean(model.lossLabel)}) of the fit: ${number(fit.trainingLoss, 4)}, in ${shownName(model.unit, 60)}. Changes below are changes of it, without attack.`,
  );

function threatLines(threat: VerifiedThreat, painted: Paint, explain: boolean): string[] {
  const truth = isTrained(threat) ? "adversarial training by projected gradients" : "exact";
  const rowwise = threat.threat.divergence === null && (threat.threat.wasserstein ?? "inf") === "inf";
  const allowed = rowwise
    ? `Each row may move by up to ρ = ε·c, c${glue}=${glue}${number(threat.scale, 4)}.`
    : adversaryWords(threat);
  return [
    painted.heading(`Predicted against ${truth}, ${words.threatLabel(threat.threat)}`),
    ...wrap(allowed, { indent: 2 }),
    ...verifyTableLines(threat, painted, explain),
    "",
    ...labelled("verdict", glued(clean(threat.verification.text)), 12),
    ...timeLines(threat),
    "",
    ...budgetLines(threat, painted),
  ];
}

/** "exact optimum", or "3 adversarial trainings". */
function optimaWords(threat: VerifiedThreat, solved: number): string {
  const [one, several] = isTrained(threat)
    ? ["adversarial training", "adversarial trainings"]
    : ["exact optimum", "exact optima"];
  return solved === 1 ? one : count(solved, one, several);
}

/** One influence serves every size; each optimum is work of its own. */
function timeLines(threat: VerifiedThreat): string[] {
  const solved = threat.curve.filter(({ optimum, epsilon }) => optimum !== null && epsilon > 0);
  if (solved.length === 0) return [];
  const { prediction } = solved[0].seconds;
  const exact = solved.reduce((sum, { seconds }) => sum + seconds.exact, 0);
  const ratio = prediction > 0 ? `, ${number(exact / prediction, 2)} times as long` : "";
  return labelled(
    "time",
    `The influence took ${number(prediction, 2)} s for all sizes, the ${optimaWords(threat, solved.length)} ${number(exact, 2)} s${solved.length === 1 ? "" : " together"}${ratio}.`,
    12,
  );
}
