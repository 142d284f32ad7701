import type { PathResult, PathSection } from "@aif/core";
import { normName } from "./adversary.js";
import { clean } from "./clean.js";
import { groundLines, shownName } from "./ground.js";
import { glue, inSections, wrap } from "./layout.js";
import { noteLines } from "./notes.js";
import { count, equation, number, short } from "./numbers.js";
import { type Paint, paint } from "./page.js";
import { pathEventLines } from "./path-events.js";
import { pathTableLines } from "./path-table.js";

/** The path for people: at most 80 columns, sections apart by an empty line. */
export function renderPath(result: PathResult, { colour }: { colour: boolean }): string {
  const painted = paint(colour);
  const { read, fit, path, total } = result.timings;
  const sections = [
    [
      ...groundLines({ ...result, data: { ...result.data, evaluation: "training", evaluationRows: result.data.rows } }),
      ...wrap(
        `Every line is the exact optimum of robust training, judged on the training rows themselves: new rows may differ. Losses are ${clean(result.model.lossLabel)}, in ${shownName(result.model.unit, 60)}.`,
      ),
    ],
    ...result.paths.map((section, k) => sectionLines(result, section, painted, k === 0)),
    noteLines(result.flags, painted),
    wrap(`Done in ${seconds(total)}: reading ${seconds(read)}, fit ${seconds(fit)}, path ${seconds(path)}.`).map(
      painted.faint,
    ),
  ];
  return inSections(sections);
}

const seconds = (value: number): string => (value < 0.01 ? `<0.01${glue}s` : `${short(value, 2)}${glue}s`);

/** A collapse at a smaller ε is one at 0 but for rounding. */
const rounding = 1e-9;

/** All that is said of one norm; `explain` adds what is the same under every norm. */
function sectionLines(result: PathResult, section: PathSection, painted: Paint, explain: boolean): string[] {
  const { norm, scale, attacked, frozen } = section;
  if (section.collapseRadius < rounding) {
    return [
      ...wrap(`Attack in the ${normName(norm)}, p = ${norm}`).map(painted.heading),
      "  There is nothing to give up: the attacked features do not help at all.",
    ];
  }
  const budgets = result.settings.budgets === null ? "" : " (in budgets)";
  return [
    ...wrap(`Attack in the ${normName(norm)}, p = ${norm}`).map(painted.heading),
    ...wrap(
      `Each row may move by up to ρ = ε·c, with c${glue}=${glue}${number(scale, 4)}${budgets}, in ${attacked.length} of ${count(attacked.length + frozen.length, "feature")}.`,
      { indent: 2 },
    ),
    "",
    ...pathTableLines(result, section, painted, explain),
    "",
    painted.heading("On the way"),
    ...pathEventLines(section),
    ...wrap(endWords(section, result.settings.epsilonMax), { indent: 2 }),
  ];
}

function endWords({ end, collapseRadius, scale }: PathSection, epsilonMax: number | null): string {
  const at = `${equation("ε", collapseRadius)} (${equation("ρ", collapseRadius * scale)})`;
  if (end === "epsilon-max")
    return `The path ends where it was asked to; from ${at} on, robust training gives up every attacked feature.`;
  const beyond =
    epsilonMax !== null && epsilonMax > collapseRadius
      ? ` The path stops there, before ${equation("ε", epsilonMax)}, since the model does not change any more.`
      : "";
  return `Collapse: from ${at} on, robust training gives up every attacked feature.${beyond}`;
}
