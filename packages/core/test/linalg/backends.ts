import type { Blas } from "../../src/linalg/blas.js";
import { loadNativeBlas } from "../../src/linalg/native.node.js";
import { loadPortableBlas } from "../../src/linalg/portable.js";

/** A back end under test; `missing` says why there is none. */
export interface TestedBackend {
  readonly name: string;
  readonly blas: Blas | undefined;
}

async function native(threads: number): Promise<TestedBackend> {
  try {
    return { name: `native, ${threads} thread(s)`, blas: await loadNativeBlas({ threads }) };
  } catch (error) {
    return { name: `native (skipped: ${error instanceof Error ? error.message : String(error)})`, blas: undefined };
  }
}

/** Every back end of this machine. The thread count belongs to the process, so one native entry is all there can be. */
export const backends: readonly TestedBackend[] = [{ name: "portable", blas: loadPortableBlas() }, await native(2)];

/** The back end, or an error where a test that should have been skipped runs. */
export function required({ name, blas }: TestedBackend): Blas {
  if (blas === undefined) throw new Error(`No back end: ${name}`);
  return blas;
}
