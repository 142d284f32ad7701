import { usageError } from "../errors.js";
import type { Threat } from "../threats/threat.js";
import type { AttackSearch } from "./attack-result.js";

/** @throws usage: a radius or search option that makes no sense. */
export function checkSearch(
  radius: number,
  { steps = 1, stepSize = 1, restarts = 0, precision = 0 }: AttackSearch,
): void {
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius of an attack must be a number ≥ 0, got ${radius}.`);
  if (!(Number.isInteger(steps) && steps >= 1))
    throw usageError(`An attack needs a whole number of steps ≥ 1, got ${steps}.`);
  if (!(stepSize > 0 && stepSize < Number.POSITIVE_INFINITY))
    throw usageError(`The step size of an attack must be a number > 0, got ${stepSize}.`);
  if (!(Number.isInteger(restarts) && restarts >= 0))
    throw usageError(`The restarts of an attack must be a whole number ≥ 0, got ${restarts}.`);
  if (!(precision >= 0 && precision < 1))
    throw usageError(`The precision of an attack must be a number from 0 to below 1, got ${precision}.`);
}

/** θ as d finite numbers. @param what it is, as it begins a sentence. @throws usage: a wrong length, or numbers that are none. */
export function readParameters(values: ArrayLike<number>, count: number, what = "The parameters"): Float64Array {
  if (values.length !== count)
    throw usageError(`${what} must be ${count} numbers, one for each of the model's parameters; got ${values.length}.`);
  const theta = Float64Array.from(values);
  const bad = theta.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw usageError(`${what} must be finite numbers: number ${bad} is ${theta[bad]}.`);
  return theta;
}

/** @throws usage: θ or the threat are of another model. */
export function checkShapes(parameters: number, features: number, theta: Float64Array, threat: Threat): void {
  if (theta.length !== parameters) throw usageError(`This model has ${parameters} parameters, got ${theta.length}.`);
  const { budgets } = threat.settings;
  if (budgets.length !== features)
    throw usageError(`This model has ${features} features, the threat ${budgets.length}.`);
}
