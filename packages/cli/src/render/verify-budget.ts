import type { ErrorBudget, VerifiedThreat } from "@aif/core";
import { labelled, wrap } from "./layout.js";
import { equation, number, percent } from "./numbers.js";
import type { Paint } from "./page.js";

const labelWidth = 18;

/** Five possible sources of error, each with its size in words. */
const sources: readonly (readonly [string, (budget: ErrorBudget) => string])[] = [
  ["fit", ({ fit }) => `${size(fit)} (how far the fit is from its minimum)`],
  [
    "damping",
    ({ damping }) =>
      `${size(damping)} (${damping === 0 ? "the Hessian is used as it is" : "of the pull, carried by λ"})`,
  ],
  ["linear solver", ({ solver }) => `${size(solver)} (residual of HI = −Φ)`],
  ["linearisation", ({ linearisation }) => `${size(linearisation)} (what one straight step leaves out)`],
  [
    "sampling",
    ({ sampling }) =>
      sampling === null
        ? "not known: there is no interval for the population here"
        : `${size(sampling)} of S (standard error for the population, another matter than the ones above)`,
  ],
];

const size = (value: number): string => {
  if (value === 0) return "0";
  return value < 5e-4 || value > 10 ? number(value, 2) : percent(value);
};

/** Where the prediction's error comes from. */
export function budgetLines({ errorBudget }: VerifiedThreat, { heading }: Paint): string[] {
  if (errorBudget === null) return [];
  return [
    ...wrap(
      `Where errors come from at ${equation("ε", errorBudget.epsilon)}, as shares of the predicted shift in the norm of the Hessian`,
    ).map(heading),
    ...sources.flatMap(([label, words]) => labelled(label, words(errorBudget), labelWidth)),
  ];
}
