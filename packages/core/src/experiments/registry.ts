import { usageError } from "../errors.js";
import { corollary51 } from "./corollary5.1.js";
import { example51 } from "./example5.1.js";
import type { Experiment } from "./experiment.js";
import { figure1 } from "./figure1.js";
import { figure2a } from "./figure2a.js";
import { figure2b } from "./figure2b.js";
import { remark2 } from "./remark2.js";
import { theorem51 } from "./theorem5.1.js";
import { theorem52 } from "./theorem5.2.js";
import { theorem53 } from "./theorem5.3.js";
import { theorem54 } from "./theorem5.4.js";
import { theorem61 } from "./theorem6.1.js";

/** The results of the paper that can be run, in the paper's order. */
export const EXPERIMENTS: readonly Experiment[] = [
  figure1,
  remark2,
  theorem51,
  theorem52,
  corollary51,
  theorem53,
  example51,
  figure2a,
  theorem54,
  figure2b,
  theorem61,
];

/** The experiments that a word means: one, or "all". @throws usage: an unknown name. */
export function experimentsNamed(name: string): readonly Experiment[] {
  if (name === "all") return EXPERIMENTS;
  const found = EXPERIMENTS.filter((experiment) => experiment.name === name.toLowerCase());
  if (found.length > 0) return found;
  const known = EXPERIMENTS.map((experiment) => experiment.name).join(", ");
  throw usageError(`There is no result ${JSON.stringify(name)} to reproduce: use ${known} or all.`);
}
