import type { RowBlocks } from "../data/dataset.js";
import { listed, quoted } from "../data/names.js";
import type { Table } from "../data/table.js";
import { AifError, inputError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { factorAnalysis } from "../models/projection/factor-analysis.js";
import { givenProjection } from "../models/projection/given-matrix.js";
import { principalComponents } from "../models/projection/principal-components.js";
import type { Projection } from "../models/projection/projection.js";
import { projectName } from "./project-settings.js";
import type { StudySettings } from "./settings.js";

/**
 * The projection that `--project` asks for, learned from these rows.
 * @param matrix the rows of the file, where it names one.
 * @throws usage: more components than features. input: features that do not carry it, or a file that does not fit them.
 */
export async function chooseProjection(
  { project }: StudySettings,
  data: RowBlocks,
  matrix: Table | undefined,
): Promise<Projection | null> {
  if (project === null) return null;
  if (project.kind === "matrix") {
    if (!matrix) throw usageError(`--project ${project.path}: the file was not read.`);
    return fromTable(matrix, data);
  }
  const { components } = project;
  refuseManyComponents(project, data.features);
  return (project.kind === "pca" ? principalComponents : factorAnalysis)(data, components);
}

/** @throws usage: more components than features. */
export function refuseManyComponents(project: StudySettings["project"], features: readonly string[]): void {
  const m = features.length;
  if (project === null || project.kind === "matrix" || project.components <= m) return;
  throw usageError(
    `--project ${projectName(project)} asks for more components than the ${m} features (${listed(features, 5)}): use 1 to ${m}.`,
  );
}

/** One row a feature, by name where the first column holds names, else in the features' order; one column a component. */
async function fromTable(table: Table, data: RowBlocks): Promise<Projection> {
  const { features } = data;
  const [first, ...rest] = table.columns;
  const named = first.kind === "categorical";
  const columns = named ? rest : table.columns;
  const where = `--project ${table.source}`;
  if (columns.length === 0) throw inputError(`${where} has no column of numbers: give one for each component.`);
  if (columns.length > features.length) {
    throw inputError(`${where} has ${columns.length} components for ${features.length} features: leave columns out.`);
  }
  if (!named && table.rows !== features.length) {
    throw inputError(
      `${where} has ${table.rows} rows, but the model sees ${features.length} features (${listed(features, 5)}): give one row each, or name the features in a first column.`,
    );
  }
  const rowOf = named ? rowsByName(first, features, where) : features.map((_, k) => k);
  const k = columns.length;
  const P = Matrix.zeros(features.length, k);
  columns.forEach((column, c) => {
    if (column.kind !== "numeric") {
      throw inputError(`${where}: column ${quoted(column.name)} holds text, where a component needs numbers.`);
    }
    rowOf.forEach((row, j) => {
      if (!Number.isFinite(column.values[row])) {
        throw inputError(`${where}: row ${row + 1}, column ${quoted(column.name)} holds no number; fill it in.`);
      }
      P.data[j * k + c] = column.values[row];
    });
  });
  const guessed = table.notes?.some(({ code }) => code === "no-header") ?? false;
  const isArray = /\.npy$/i.test(table.source);
  try {
    return await givenProjection(data, P, guessed || isArray ? undefined : columns.map(({ name }) => name));
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    throw inputError(`${where}: ${error.message}`);
  }
}

/** The row that names each feature. @throws input: a name that is none, is missing or comes twice. */
function rowsByName(
  names: Extract<Table["columns"][number], { kind: "categorical" }>,
  features: readonly string[],
  where: string,
): number[] {
  const rowOf = new Map<string, number>();
  names.codes.forEach((code, row) => {
    const name = code < 0 ? "" : names.levels[code];
    if (!features.includes(name)) {
      throw inputError(
        `${where}: row ${row + 1} is for ${quoted(name)}, which is no feature of the model (${listed(features, 8)}).`,
      );
    }
    if (rowOf.has(name)) throw inputError(`${where} has two rows for ${quoted(name)}: leave one out.`);
    rowOf.set(name, row);
  });
  return features.map((name) => {
    const row = rowOf.get(name);
    if (row === undefined) throw inputError(`${where} has no row for the feature ${quoted(name)}: add one.`);
    return row;
  });
}
