import type { Context } from "hono";
import { usageError } from "../errors.js";
import { LIMITS } from "./limits.js";

/** The JSON of a request. @throws usage: it is none, or deeper than any request of the page */
export async function jsonBody(context: Context): Promise<unknown> {
  const text = await context.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usageError("The request is not JSON.");
  }
  if (isDeeper(value, LIMITS.jsonDepth)) throw usageError("The request is nested too deep.");
  return value;
}

/** Level by level: a value that is deep does not take the stack with it. */
function isDeeper(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= most; depth++) {
    level = level.flatMap((part) => (typeof part === "object" && part !== null ? Object.values(part) : []));
    if (level.length === 0) return false;
  }
  return true;
}
