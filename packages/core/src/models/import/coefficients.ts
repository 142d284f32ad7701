import { inputError } from "../../errors.js";
import { fromJson } from "./coefficients-json.js";
import { fromTable } from "./coefficients-table.js";
import { parseJson } from "./json.js";
import type { ImportedNetwork, OutputName } from "./network.js";

export interface CoefficientOptions {
  /** What messages call the file. */
  readonly name?: string;
  /** What the scores go through; default: what the file tells (classes: sigmoid or softmax), else "identity". */
  readonly output?: OutputName;
  /** Which column of an aif.coefficients/1 file; default: the parameters without an attack. */
  readonly column?: { readonly norm: string; readonly epsilon: number };
}

const largestFile = 256 << 20;

/**
 * A linear model from its coefficients, score = b + Σ β_j x_j (one row of β a class). Told apart by content:
 *
 * - JSON `{"intercept": b, "coefficients": {name: β, …}}`
 * - JSON of scikit-learn's attributes: `coef_`, `intercept_`, `feature_names_in_`, `classes_`
 * - our own `aif.coefficients/1`
 * - CSV or another table: rows of name and value, or a header of names and one row of values. The intercept is called
 *   "intercept", "(Intercept)", "intercept_" or "const".
 *
 * @throws AifError "input" in one sentence: names that repeat, numbers that are missing or not finite, shapes that do not fit
 */
export async function readCoefficients(bytes: Uint8Array, options: CoefficientOptions = {}): Promise<ImportedNetwork> {
  const name = options.name ?? "the coefficients file";
  if (bytes.length > largestFile) throw inputError(`${name} has ${bytes.length} bytes; coefficients fit into 256 MB.`);
  const text = new TextDecoder().decode(bytes.subarray(0, 1 << 10));
  if (!/^\s*[{[]/.test(text)) return fromTable(bytes, name, options);
  return fromJson(parseJson(decoded(bytes, name), name), name, options);
}

function decoded(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw inputError(`${name} is not UTF-8 text; save it as UTF-8.`);
  }
}
