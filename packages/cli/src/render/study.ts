import type { StudyResult } from "@aif/core";
import { groundLines, naturalLossLines, reachLines, selectionLines } from "./ground.js";
import { lassoPathLines } from "./lasso.js";
import { inSections } from "./layout.js";
import { importLines } from "./local.js";
import { noteLines } from "./notes.js";
import { paint } from "./page.js";
import { threatLines } from "./threat.js";
import { timingLines } from "./timings.js";

/** The report for people: at most 80 columns, sections apart by an empty line. */
export function renderStudy(result: StudyResult, { colour }: { colour: boolean }): string {
  const painted = paint(colour);
  const sections = [
    groundLines(result),
    importLines(result, painted),
    naturalLossLines(result, painted),
    lassoPathLines(result, painted),
    selectionLines(result, painted),
    reachLines(result, painted),
    ...result.threats.map((threat, first) => threatLines(result, threat, painted, first === 0)),
    noteLines(result.flags, painted),
    timingLines(result.timings, painted),
  ];
  return inSections(sections);
}
