import type { Timings } from "@aif/core";
import { glue, wrap } from "./layout.js";
import { short } from "./numbers.js";
import type { Paint } from "./page.js";

const seconds = (value: number): string => (value < 0.01 ? `<0.01${glue}s` : `${short(value, 2)}${glue}s`);

/** Where the time went. */
export function timingLines(
  { total, read, fit, influence, evaluation, inference, exact, passes }: Timings,
  { faint }: Paint,
): string[] {
  const parts = Object.entries({ reading: read, fit, influence, evaluation, inference, "exact optima": exact }).filter(
    ([, value]) => value > 0,
  );
  const over = passes === null ? "" : ` and ${passes}${glue}passes over the rows`;
  return wrap(
    `Done in ${seconds(total)}${over}: ${parts.map(([name, value]) => `${name} ${seconds(value)}`).join(", ")}.`,
  ).map(faint);
}
