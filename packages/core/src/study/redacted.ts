/** Results without what they say of single rows. */
import { usageError } from "../errors.js";

/** What `redacted` returns says so itself. */
export interface Redacted {
  readonly redacted: true;
}

/** Lists of a result whose entries are rows. */
const LISTS_OF_ROWS = new Set(["rows", "residuals"]);

/** What is listed by the names of columns or options, which may be any: "row" too. */
const BY_NAME = new Set(["budgets", "bounds", "options"]);

/**
 * The same result without the numbers of rows and what is said of single rows: lists of rows become empty, and an event of one
 * row loses its number. What is said of all rows together stays, with the names of columns, levels and classes.
 *
 * @throws AifError "usage" for a kernel regression, which has one parameter for each row
 */
export function redacted<Result extends object>(result: Result): Result & Redacted {
  if (isKernel(result)) {
    throw usageError(
      "A kernel regression has one parameter for each row, so that nothing would be left of it: leave out --redact, or use another model.",
    );
  }
  return { ...(withoutRows(result) as Result), redacted: true };
}

const isKernel = (result: object): boolean =>
  "model" in result && typeof result.model === "object" && result.model !== null && "kernel" in result.model
    ? result.model.kernel !== null
    : false;

function withoutRows(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRows);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      if (BY_NAME.has(key)) return [key, part];
      if (key === "row") return [key, null];
      if (LISTS_OF_ROWS.has(key) && Array.isArray(part) && part.some(isOfRow)) return [key, []];
      return [key, withoutRows(part)];
    }),
  );
}

const isOfRow = (value: unknown): boolean => typeof value === "object" && value !== null && "row" in value;
