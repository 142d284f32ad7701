import { inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { quoted } from "./names.js";

/** A cell with a 64-bit integer. @throws input: float64 cannot hold it exactly, unless nobody uses the column */
export function pushInteger(builder: ColumnBuilder, value: bigint, where: () => string): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return builder.pushNumber(number, true);
  builder.pushUnreadable(() =>
    inputError(
      `${where()}: column ${quoted(builder.name)} holds ${value}, beyond the 2^53 up to which whole numbers are exact; store it as text, or leave the column out with --exclude.`,
    ),
  );
}
