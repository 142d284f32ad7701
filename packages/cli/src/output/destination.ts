import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { Study } from "@aif/core";
import { assertWritable, writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";
import type { outputOptions } from "../options/output.js";
import type { ValuesOf } from "../options/rule.js";
import { printed, type TypedCommand } from "../recorded/typed-command.js";
import { wantsColour } from "../render/page.js";
import { renderStudy } from "../render/study.js";
import { coefficientsFile } from "./coefficients.js";
import { toJson } from "./json.js";
import { writeReport } from "./report-file.js";
import { writeStdout } from "./stdout.js";

/** Where the result goes, and in which form; its files can be written. */
export interface Destination {
  readonly format: "text" | "json";
  /** null: stdout. */
  readonly out: string | null;
  readonly coefficients: string | null;
  readonly report: string | null;
  /** Whether CSV holds texts that a spreadsheet would run as they are. */
  readonly rawCsv: boolean;
}

/**
 * Looks at the output files before long work starts.
 * @throws usage: a file named twice, or one that is read. resource: a file that cannot be written
 */
export async function destinationOf(
  {
    format,
    out,
    coefficients,
    report,
    worstCase = null,
    predictions = null,
    chart = null,
    rawCsv = false,
  }: Pick<ValuesOf<typeof outputOptions>, "format" | "out" | "coefficients" | "report"> & {
    readonly worstCase?: string | null;
    readonly predictions?: string | null;
    readonly chart?: string | null;
    readonly rawCsv?: boolean;
  },
  inputs: readonly string[],
): Promise<Destination> {
  const taken = new Set(await Promise.all(inputs.map(identity)));
  const files = {
    "--out": out,
    "--coefficients": coefficients,
    "--worst-case": worstCase,
    "--predictions": predictions,
    "--report": report,
    "--chart": chart,
  };
  for (const [option, path] of Object.entries(files)) {
    if (path === null) continue;
    const file = await identity(path);
    if (taken.has(file))
      throw usageError(`${option} ${path} would overwrite a file of this analysis; choose another name.`);
    taken.add(file);
    await assertWritable(path);
  }
  return {
    format: format ?? (out !== null && /\.json$/i.test(out) ? "json" : "text"),
    out,
    coefficients,
    report,
    rawCsv,
  };
}

/** The same for two paths that lead to one file. */
const identity = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

/** Writes the files, each whole or not at all. */
export async function writeFiles(study: Study, typed: TypedCommand, destination: Destination): Promise<void> {
  const { out, coefficients, report, rawCsv } = destination;
  if (coefficients !== null) {
    await writeFileAtomically(coefficients, coefficientsFile(coefficients, study.coefficients, rawCsv));
  }
  if (report !== null)
    await writeReport(report, printed(study.result, typed), renderStudy(study.result, { colour: false }));
  if (out !== null) await writeFileAtomically(out, rendered(study, typed, destination, false));
}

/** Prints the result, unless it went to a file. */
export async function print(study: Study, typed: TypedCommand, destination: Destination): Promise<void> {
  if (destination.out !== null) return;
  await writeStdout(rendered(study, typed, destination, wantsColour(process.stdout)));
}

const rendered = ({ result }: Study, typed: TypedCommand, { format }: Destination, colour: boolean): string =>
  format === "json" ? toJson(printed(result, typed)) : renderStudy(result, { colour });
