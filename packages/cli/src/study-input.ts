import { readFile } from "node:fs/promises";
import { ensureBlas, readTable, type StudyInput, type StudySettings, type Table } from "@aif/core";
import { inputError } from "./errors.js";
import type { dataOptions } from "./options/data.js";
import type { ValuesOf } from "./options/rule.js";
import type { Reporter } from "./progress.js";

export type DataValues = ValuesOf<typeof dataOptions>;

/** The files that an analysis reads. */
export const inputFiles = (data: string, { evaluation, local }: StudySettings): string[] => [
  data,
  ...(evaluation.kind === "file" ? [evaluation.path] : []),
  ...[local.import, local.scaler].filter((path) => path !== null),
];

/** A file that is read whole. @throws input: there is none, or it cannot be read. */
async function bytesOf(path: string, option: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "ENOENT" ? "there is no such file" : String(error);
    throw inputError(`${option} ${path} cannot be read: ${why}.`);
  }
}

/** Reads the table, and the one to evaluate on where there is one. @throws as `readTable` */
export async function readStudyInput(
  data: string,
  values: Pick<DataValues, "header" | "delimiter">,
  settings: StudySettings,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<StudyInput> {
  await ensureBlas();
  const started = performance.now();
  const read = (source: string): Promise<Table> =>
    readTable(source, {
      signal,
      ...(values.header === null ? {} : { header: values.header }),
      ...(values.delimiter === null ? {} : { delimiter: values.delimiter }),
      onProgress: ({ bytes, totalBytes }) => reporter.report("reading", bytes, totalBytes ?? bytes),
    });
  const table = await read(data);
  const { evaluation, local } = settings;
  const evaluationTable = evaluation.kind === "file" ? { evaluationTable: await read(evaluation.path) } : {};
  return {
    table,
    ...evaluationTable,
    ...(local.import === null ? {} : { importedModel: await bytesOf(local.import, "--import") }),
    ...(local.scaler === null ? {} : { importedScaler: await bytesOf(local.scaler, "--scaler") }),
    settings,
    readSeconds: (performance.now() - started) / 1000,
  };
}
