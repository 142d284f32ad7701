import { access } from "node:fs/promises";
import { ensureBlas, readTable, type StudyInput, type StudySettings, type Table } from "@aif/core";
import { inputError } from "./errors.js";
import { readInputFile } from "./input-file.js";
import type { dataOptions } from "./options/data.js";
import type { ValuesOf } from "./options/rule.js";
import type { Reporter } from "./progress.js";

export type DataValues = ValuesOf<typeof dataOptions>;

/** The files that an analysis reads. */
export const inputFiles = (data: string, { evaluation, local, project }: StudySettings): string[] => [
  data,
  ...(evaluation.kind === "file" ? [evaluation.path] : []),
  ...(project?.kind === "matrix" ? [project.path] : []),
  ...[local.import, local.scaler].filter((path) => path !== null),
];

const whyOf = (error: unknown): string =>
  error instanceof Error && "code" in error && error.code === "ENOENT" ? "there is no such file" : String(error);

/** The matrix of `--project FILE`, where it names one, whatever `--header` and `--delimiter` say of the data. @throws input: naming the option */
export async function readProjection(
  { project }: Pick<StudySettings, "project">,
  signal: AbortSignal,
): Promise<Pick<StudyInput, "projectionTable">> {
  if (project?.kind !== "matrix") return {};
  const { path } = project;
  await access(path).catch((error: unknown) => {
    throw inputError(
      `--project ${path} cannot be read: ${whyOf(error)}. Use pca:k, factors:k or a file with a matrix.`,
    );
  });
  return { projectionTable: await readTable(path, { signal }) };
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
      unused: settings.exclude.filter((name) => name !== settings.by),
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
    ...(await readProjection(settings, signal)),
    ...(local.import === null ? {} : { importedModel: await readInputFile(local.import, `--import ${local.import}`) }),
    ...(local.scaler === null ? {} : { importedScaler: await readInputFile(local.scaler, `--scaler ${local.scaler}`) }),
    settings,
    readSeconds: (performance.now() - started) / 1000,
  };
}
