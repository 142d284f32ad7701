import { DEFAULT_SETTINGS } from "@aif/core";
import { inputError } from "../errors.js";

/** What `settings` says of a result, as the file has it: it may come from anybody. */
type Said = Readonly<Record<string, unknown>>;

/** By the option's name: nothing where it is as by default. */
type Rule = (said: unknown) => unknown;

/** As typed; what no result has there, nothing, which is refused when it is read. */
const word = (said: unknown): string => (typeof said === "string" || typeof said === "number" ? String(said) : "");
const inQuotes = (name: unknown): string => `"${word(name).replaceAll('"', '""')}"`;
const listOf = (said: unknown): readonly unknown[] => (Array.isArray(said) ? said : []);
/** Objects; anything else has no fields. */
const fieldsOf = (said: unknown): readonly Said[] => listOf(said).map((one): Said => Object(one));
const joined = (words: readonly string[]): string | null => (words.length > 0 ? words.join(",") : null);

const asSaid: Rule = (said) => said;
const unless =
  (usual: unknown): Rule =>
  (said) =>
    said === usual ? null : said;
const whenFalse: Rule = (said) => (said === false ? true : null);
const numbers: Rule = (said) => (Array.isArray(said) ? joined(said.map(word)) : said);
const columns: Rule = (said) => joined(listOf(said).map(inQuotes));

/** By the field of `settings`. */
export const RULES: Readonly<Record<string, readonly [option: string, rule: Rule]>> = {
  target: ["target", asSaid],
  model: ["model", asSaid],
  loss: ["loss", asSaid],
  positive: ["positive", asSaid],
  intercept: ["no-intercept", whenFalse],
  standardize: ["no-standardize", whenFalse],
  missing: ["missing", unless(DEFAULT_SETTINGS.missing)],
  exclude: ["exclude", columns],
  keep: ["keep", columns],
  weights: ["weights", asSaid],
  weightsKind: ["weights-kind", unless(DEFAULT_SETTINGS.weightsKind)],
  cluster: ["cluster", asSaid],
  by: ["by", asSaid],
  classWeight: ["class-weight", asSaid],
  l1: ["l1", numbers],
  l2: ["l2", unless(0)],
  norms: ["norm", numbers],
  wasserstein: ["wasserstein", asSaid],
  divergence: ["divergence", asSaid],
  epsilons: ["epsilon", numbers],
  radii: ["radius", numbers],
  freeze: ["freeze", (said) => (listOf(said).length === 1 && listOf(said)[0] === "none" ? "none" : columns(said))],
  budgets: [
    "budget",
    (said) => joined(fieldsOf(said).map(({ column, budget }) => `${inQuotes(column)}=${word(budget)}`)),
  ],
  bounds: [
    "bounds",
    (said) =>
      joined(fieldsOf(said).map(({ column, lower, upper }) => `${inQuotes(column)}=${word(lower)}:${word(upper)}`)),
  ],
  evaluation: ["evaluation", asSaid],
  splitBy: ["split-by", asSaid],
  seed: ["seed", unless(DEFAULT_SETTINGS.seed)],
  confidence: ["confidence", unless(DEFAULT_SETTINGS.confidence)],
  inference: ["inference", unless(DEFAULT_SETTINGS.inference)],
  draws: ["draws", unless(DEFAULT_SETTINGS.draws)],
  trustTolerance: ["trust-tolerance", unless(DEFAULT_SETTINGS.trustTolerance)],
  secondOrder: ["second-order", unless(DEFAULT_SETTINGS.secondOrder)],
  exact: ["no-exact", whenFalse],
  attackRate: ["attack-rate", asSaid],
  failIf: ["fail-if", (said) => (listOf(said).length > 0 ? said : null)],
  project: ["project", asSaid],
};

/** What stands in `settings` with all its defaults worked out, so that it can no longer be told what was asked for. */
export const WORKED_OUT: Readonly<Record<string, string>> = {
  local: "a network, a softmax model or an import",
  kernel: "a kernel regression",
  smoothing: "noise on the inputs",
};

/**
 * The options under which `aif analyze` gives a result of the library again, which has no `command`: those that its `settings`
 * say of models in closed form.
 * @throws input: the result is of another model
 */
export function resolvedOptions(settings: Said, path: string): Record<string, unknown> {
  const other = Object.keys(WORKED_OUT).find((part) => (settings[part] ?? null) !== null);
  if (other !== undefined) {
    throw inputError(
      `--settings ${path} is a result of the library for ${WORKED_OUT[other]}, of which "settings" holds what was worked out, not what was asked for: type the options.`,
    );
  }
  return Object.fromEntries(
    Object.entries(RULES).flatMap(([field, [option, rule]]) => {
      const value = Object.hasOwn(settings, field) ? rule(settings[field]) : null;
      return value === null || value === undefined ? [] : [[option, value]];
    }),
  );
}
