import { usageError } from "../errors.js";
import type { Experiment } from "./experiment.js";
import { figure1 } from "./figure1.js";

/** The results of the paper that can be run, in the paper's order. */
export const EXPERIMENTS: readonly Experiment[] = [figure1];

/** The experiments that a word means: one, or "all". @throws usage: an unknown name. */
export function experimentsNamed(name: string): readonly Experiment[] {
  if (name === "all") return EXPERIMENTS;
  const found = EXPERIMENTS.filter((experiment) => experiment.name === name.toLowerCase());
  if (found.length > 0) return found;
  const known = EXPERIMENTS.map((experiment) => experiment.name).join(", ");
  throw usageError(`There is no result ${JSON.stringify(name)} to reproduce: use ${known} or all.`);
}
