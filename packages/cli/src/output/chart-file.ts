import { writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";
import { toPng } from "./png.js";

/** What a chart's file may be called. @throws usage */
export function checkChartPath(path: string, option: string): string {
  if (/\.(?:svg|png)$/i.test(path)) return path;
  throw usageError(`${option} takes a file whose name ends in .svg or .png, not "${path}".`);
}

/** Writes a drawn chart as the file's name says, whole or not at all. */
export async function writeChart(path: string, svg: string): Promise<void> {
  await writeFileAtomically(path, /\.png$/i.test(path) ? await toPng(svg) : svg);
}
