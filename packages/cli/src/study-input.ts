import { ensureBlas, readTable, type StudyInput, type StudySettings, type Table } from "@aif/core";
import type { dataOptions } from "./options/data.js";
import type { ValuesOf } from "./options/rule.js";
import type { Reporter } from "./progress.js";

export type DataValues = ValuesOf<typeof dataOptions>;

/** The files that an analysis reads. */
export const inputFiles = (data: string, { evaluation }: StudySettings): string[] =>
  evaluation.kind === "file" ? [data, evaluation.path] : [data];

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
  const { evaluation } = settings;
  const evaluationTable = evaluation.kind === "file" ? { evaluationTable: await read(evaluation.path) } : {};
  return { table, ...evaluationTable, settings, readSeconds: (performance.now() - started) / 1000 };
}
