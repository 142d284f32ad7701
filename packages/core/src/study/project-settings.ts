import { usageError } from "../errors.js";
import type { StudySettings } from "./settings.js";

/** Which low-dimensional inputs z = P'(x − μ) the model works on. */
export type ProjectSetting =
  | { readonly kind: "pca" | "factors"; readonly components: number }
  | { readonly kind: "matrix"; readonly path: string };

/** "pca:3", "factors:3" or a file name. */
export const projectName = (setting: ProjectSetting): string =>
  setting.kind === "matrix" ? setting.path : `${setting.kind}:${setting.components}`;

/** Reads what `projectName` writes. @throws usage: a number of components that is none. */
export function parseProject(text: string): ProjectSetting {
  const [kind, count] = text.split(":", 2);
  if (kind !== "pca" && kind !== "factors") return { kind: "matrix", path: text };
  if (/^\d+\.\.\d+$/.test(count ?? "")) {
    throw usageError(
      `--project ${text} asks for several numbers of components: give one, or compare them with aif compare.`,
    );
  }
  if (!/^\d+$/.test(count ?? "") || Number(count) < 1) {
    throw usageError(`--project ${text} needs a whole number of components from 1, such as ${kind}:3.`);
  }
  return { kind, components: Number(count) };
}

/** @throws usage: a number of components that is none; a model that has its own inputs. */
export function checkProject({ project, local }: StudySettings): void {
  if (project === null) return;
  if (project.kind !== "matrix" && !(Number.isInteger(project.components) && project.components >= 1)) {
    throw usageError(`--project ${projectName(project)} needs a whole number of components from 1.`);
  }
  if (local.import !== null) {
    throw usageError("--project trains a model on components of the features: an imported model has its own inputs.");
  }
}
