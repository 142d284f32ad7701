import type { StudyResult } from "@aif/core";

/** Models that the form offers, by what the target is. */
export const MODELS: readonly {
  readonly value: string;
  readonly label: string;
  readonly target: "any" | "numeric" | "categorical";
}[] = [
  { value: "", label: "linear or logistic, by the target", target: "any" },
  { value: "linear", label: "linear regression", target: "numeric" },
  { value: "quadratic", label: "quadratic regression", target: "numeric" },
  { value: "poisson", label: "Poisson regression (counts)", target: "numeric" },
  { value: "logistic", label: "logistic regression (two labels)", target: "any" },
  { value: "softmax", label: "softmax regression (several classes)", target: "categorical" },
  { value: "mlp:32", label: "network, one layer of 32 units", target: "any" },
  { value: "mlp:32,16", label: "network, layers of 32 and 16 units", target: "any" },
];

const CLOSED = ["linear", "logistic", "poisson"];

/** Whether robust training can be solved exactly, so that it is worked out unasked at every size of the slider. */
export const hasExactOptimum = ({ model, threats }: StudyResult): boolean =>
  CLOSED.includes(model.kind) &&
  threats.every(
    ({ threat, local }) =>
      local === null &&
      threat.wasserstein === null &&
      threat.divergence === null &&
      Object.keys(threat.bounds).length === 0,
  );
