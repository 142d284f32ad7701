import { access } from "node:fs/promises";
import type { EvaluationPlan } from "@aif/core";
import { usageError } from "../errors.js";

/** Patterns, addresses, lists and stdin are the reader's to judge. */
const plainPath = /^(?!https?:|@)[^*?[\]{}]+$/i;

/** Everything that --evaluation does not know is taken for a file: says so where there is none. @throws usage */
export async function checkEvaluationFile(plan: EvaluationPlan): Promise<void> {
  if (plan.kind !== "file" || plan.path === "-" || !plainPath.test(plan.path)) return;
  const exists = await access(plan.path).then(
    () => true,
    () => false,
  );
  if (exists) return;
  throw usageError(`--evaluation ${plan.path} is neither cv:10, fraction:0.2 nor training, and there is no such file.`);
}
