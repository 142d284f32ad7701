import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DataFiles {
  readonly x: string;
  readonly y: string;
  remove(): void;
}

/** Data as bare float64 files in a temporary folder, for processes that must work on the same numbers. */
export function dataFiles(name: string, { x, y }: { x: Float64Array; y: Float64Array }): DataFiles {
  const folder = mkdtempSync(join(tmpdir(), "aif-bench-"));
  const files = { x: join(folder, "x.f64"), y: join(folder, "y.f64") };
  try {
    writeFileSync(files.x, x);
    writeFileSync(files.y, y);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw new Error(`The data of "${name}" could not be written to the temporary folder.`, { cause: error });
  }
  return { ...files, remove: () => rmSync(folder, { recursive: true }) };
}
