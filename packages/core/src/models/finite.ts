import { numericalError } from "../errors.js";
import { allFinite } from "../linalg/elements.js";

/** @throws numerical: naming what is not finite. */
export function finite(what: string, values: Float64Array): Float64Array {
  if (allFinite(values)) return values;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw numericalError(
        `The model's ${what} must be finite, and entry ${i} is ${values[i]}: check its loss at these parameters.`,
      );
    }
  }
  return values;
}
