import { listed } from "../../data/names.js";
import { integerFlags, tableFlags } from "../data-flags.js";
import { raise } from "../flags.js";
import type { Flag } from "../result.js";
import { resolveReach } from "../threat-choice.js";
import { short } from "../words.js";
import type { WholeInput } from "./comparison-input.js";
import type { ComparedModel, ComparisonResult } from "./comparison-result.js";
import type { EvaluatedCandidate } from "./evaluated.js";
import { isSelection } from "./feature-rule.js";
import type { ComparisonGround } from "./ground.js";

/** Models named in one message. */
const NAMED = 5;

/** What the numbers of a comparison leave open: of the data, of single models, and of how they are compared. */
export function comparisonFlags(
  input: WholeInput,
  ground: ComparisonGround,
  evaluated: readonly EvaluatedCandidate[],
  models: readonly ComparedModel[],
  { failed, sizes }: Pick<ComparisonResult, "failed" | "sizes">,
): Flag[] {
  const { settings } = input;
  const { training, evaluation } = ground;
  const selecting = evaluated.filter(({ candidate, population }) => isSelection(candidate.features) && population);
  const beyond = models.filter(({ relative, absolute }) => relative.extrapolated || absolute.extrapolated);
  const unknown = models.filter(({ trustRadius, scale }) => trustRadius === null && scale > 0);
  const bare = models.filter(({ scale }) => scale === 0);
  const flag = (code: Parameters<typeof raise>[0], list: readonly { readonly name: string }[], text: string): Flag[] =>
    list.length === 0
      ? []
      : [
          raise(
            code,
            `${listed(
              list.map(({ name }) => name),
              NAMED,
            )}: ${text}`,
          ),
        ];
  return [
    ...tableFlags(input, training, evaluation),
    ...integerFlags(resolveReach(settings, training, () => true)),
    ...(settings.evaluation.kind === "training"
      ? [raise("in-sample", "All models are compared on the rows that they were fitted on.")]
      : []),
    ...evaluated.flatMap(({ flags }) => flags),
    ...failed.map(({ name, reason }) => raise("model-left-out", `${name}: ${reason}`)),
    ...flag("unattackable-model", bare, "nothing that these models see can be attacked."),
    ...flag(
      "selection-not-counted",
      selecting.map(({ candidate }) => candidate),
      "S in the population is of the columns that were chosen, as if they had been chosen beforehand.",
    ),
    ...flag(
      "trust-exceeded",
      beyond,
      `the size (ε = ${short(sizes.epsilon)}, ρ = ${short(sizes.radius)}) lies beyond the trust radius.`,
    ),
    ...[...new Set(models.flatMap(({ populationReason }) => populationReason ?? []))].flatMap((reason) =>
      flag(
        "no-inference",
        models.filter(({ populationReason }) => populationReason === reason),
        `no S in the population, since ${reason}.`,
      ),
    ),
    ...flag("trust-unknown", unknown, "no trust radius is known."),
  ];
}
