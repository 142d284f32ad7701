import { usageError } from "../errors.js";
import type { Threat } from "../threats/threat.js";
import type { AttackSearch } from "./attack-result.js";

/** @throws usage: a radius or search option that makes no sense. */
export function checkSearch(radius: number, { steps = 1, stepSize = 1, restarts = 0 }: AttackSearch): void {
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius of an attack must be a number ≥ 0, got ${radius}.`);
  if (!(Number.isInteger(steps) && steps >= 1))
    throw usageError(`An attack needs a whole number of steps ≥ 1, got ${steps}.`);
  if (!(stepSize > 0 && stepSize < Number.POSITIVE_INFINITY))
    throw usageError(`The step size of an attack must be a number > 0, got ${stepSize}.`);
  if (!(Number.isInteger(restarts) && restarts >= 0))
    throw usageError(`The restarts of an attack must be a whole number ≥ 0, got ${restarts}.`);
}

/** @throws usage: θ or the threat are of another model. */
export function checkShapes(parameters: number, features: number, theta: Float64Array, threat: Threat): void {
  if (theta.length !== parameters) throw usageError(`This model has ${parameters} parameters, got ${theta.length}.`);
  const { budgets } = threat.settings;
  if (budgets.length !== features)
    throw usageError(`This model has ${features} features, the threat ${budgets.length}.`);
}
