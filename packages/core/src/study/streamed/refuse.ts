import { usageError } from "../../errors.js";
import { isKernelModel } from "../kernel-settings.js";
import { hasL1 } from "../l1-settings.js";
import { localKindOf } from "../local-settings.js";
import type { StudySettings } from "../settings.js";

/** What needs all rows in memory: the option, whether it is given, and what to do instead. */
function needs(settings: StudySettings): readonly (readonly [string, boolean, string])[] {
  const { model, local, wasserstein } = settings;
  return [
    [
      `--model ${model}`,
      isKernelModel(model) || localKindOf(model) === "mlp",
      "use linear, logistic, poisson, quadratic, basis or softmax, or give fewer rows",
    ],
    ["--import", local.import !== null, "import the model on a part of the rows"],
    ["--input-scale", local.inputScale !== null, "scale the columns beforehand and use --no-standardize"],
    ["--l1", hasL1(settings), "use --l2, or select features on a part of the rows"],
    ["--smoothing", settings.smoothing !== null, "leave it out, or give fewer rows"],
    ["--divergence", settings.divergence !== null, "leave it out, or give fewer rows"],
    [
      "--wasserstein",
      wasserstein !== null && wasserstein !== Number.POSITIVE_INFINITY,
      "attack every row by itself (leave it out)",
    ],
    ["--solver lissa", local.solver === "lissa", "use --solver auto, cholesky or cg"],
    [`--optimizer ${local.optimizer}`, !["newton", null].includes(local.optimizer), "leave it out"],
  ];
}

/**
 * Refuses what cannot be worked out on rows that pass by block by block.
 * @throws usage: the first option that needs all rows in memory, and what to do instead.
 */
export function refuseUnstreamed(settings: StudySettings): void {
  const found = needs(settings).find(([, given]) => given);
  if (!found) return;
  const [option, , instead] = found;
  throw usageError(`${option} needs all rows in memory, and these pass by block by block: ${instead}.`);
}
