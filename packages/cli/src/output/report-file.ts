import { writeFileAtomically } from "@aif/core/node";
import type { ReportedResult } from "../report/parts.js";

/** Writes the page of a result, whole or not at all. `text` is the result as the terminal shows it. */
export async function writeReport(path: string, result: ReportedResult, text: string): Promise<void> {
  // The renderers of charts take a third of a second to load.
  const [{ report }, { originOf }] = await Promise.all([import("../report/report.js"), import("../report/origin.js")]);
  await writeFileAtomically(path, await report(result, originOf(text)));
}
