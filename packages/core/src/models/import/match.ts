import { listed, nearest, quoted } from "../../data/names.js";
import { inputError, usageError } from "../../errors.js";
import type { ImportedNetwork } from "./network.js";

/**
 * Which column of a table feeds each input of the network.
 *
 * @param features the table's features, in its order
 * @param columns the user's own choice, one name an input in the network's order; default: the network's names, and
 *   where it has none the table's order
 * @param texts columns of the table that hold text and are none of its features as they stand
 * @returns one index into `features` for each input
 * @throws AifError "input" for a name that the table does not have and where the numbers do not fit, "usage" for a
 *   choice that repeats a column or has another length
 */
export function matchColumns(
  network: ImportedNetwork,
  features: readonly string[],
  columns: readonly string[] | null = null,
  texts: readonly string[] = [],
): number[] {
  const { source, inputSize, inputNames } = network;
  if (columns !== null && columns.length !== inputSize) {
    throw usageError(`--columns names ${columns.length} columns, but ${source} takes ${inputSize}; name one an input.`);
  }
  const repeated = columns?.find((name, k) => columns.indexOf(name) !== k);
  if (repeated !== undefined) throw usageError(`--columns names ${quoted(repeated)} twice; name every column once.`);
  const wanted = columns ?? inputNames;
  if (wanted === null) {
    if (features.length === inputSize) return features.map((_, k) => k);
    throw inputError(
      `${source} takes ${inputSize} features and does not name them, the table has ${features.length} (${listed(features)})${texts.length === 0 ? "" : ` and text in ${listed(texts)}`}; ${texts.length === 0 ? "" : "correct cells that should be numbers, or "}choose them in the model's order with --columns.`,
    );
  }
  const places = new Map(features.map((name, k) => [name, k]));
  return wanted.map((name) => {
    const place = places.get(name);
    if (place !== undefined) return place;
    if (texts.includes(name)) {
      throw inputError(
        `${source} takes the column ${quoted(name)} as numbers, but in the table it holds text; correct its cells, or name the model's inputs with --columns.`,
      );
    }
    const near = nearest(name, features);
    throw inputError(
      `${source} takes the column ${quoted(name)}, which the table does not have${near === undefined ? "" : ` (it has ${quoted(near)})`}; rename the column, or name the model's inputs with --columns.`,
    );
  });
}
