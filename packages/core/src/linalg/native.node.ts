/**
 * The system's BLAS and LAPACK through koffi: typed arrays are passed in place, without a copy.
 */
import { AifError, usageError } from "../errors.js";
import type { Blas } from "./blas.js";
import { checkedBlas } from "./checked.js";
import { coreShare } from "./core-share.node.js";
import {
  type Environment,
  type NativeCandidate,
  nativeCandidates,
  nativeIsOff,
  nativeThreads,
} from "./native-candidates.js";
import { bindKernels, type Koffi, type Library } from "./native-kernels.node.js";
import { PartHelpers } from "./parts/part-helpers.node.js";
import { selfTest } from "./self-test.js";
import { threadsByWork } from "./work-threads.node.js";

type NativeFunction = ReturnType<Library["func"]>;

/** One library that was tried, and what came of it. */
export interface NativeAttempt {
  readonly library: string;
  readonly outcome: string;
}

export interface NativeBlasOptions {
  /** Number of BLAS threads of this process. Default: `AIF_THREADS`, else its share of the processors, at most 8. */
  readonly threads?: number;
  /** The only library to try. Default: `AIF_BLAS`, else the platform's usual ones. */
  readonly library?: string;
  /** Default: `process.env`. */
  readonly env?: Environment;
  /** Told of every library that is tried. */
  readonly onAttempt?: (attempt: NativeAttempt) => void;
}

const INT = "int";

/** The first of some functions that the library has. */
function firstFunction(
  library: Library,
  signatures: readonly (readonly [name: string, result: string, parameters: string[]])[],
): NativeFunction | undefined {
  for (const [name, result, parameters] of signatures) {
    try {
      return library.func(name, result, parameters);
    } catch {
      // A symbol that is missing is the expected case: every vendor has its own name.
    }
  }
  return undefined;
}

/** The library's switch for its number of threads, if it has one. */
const threadSwitch = (library: Library): ((count: number) => void) | undefined =>
  firstFunction(library, [
    ["openblas_set_num_threads", "void", [INT]],
    ["MKL_Set_Num_Threads", "void", [INT]],
    ["flexiblas_set_num_threads", "void", [INT]],
    ["bli_thread_set_num_threads", "void", ["int64_t"]],
  ]);

/** What the library says its thread count is. A library that cannot be asked is counted as one thread. */
function threadCount(library: Library): number {
  const read = firstFunction(library, [
    ["openblas_get_num_threads", INT, []],
    ["MKL_Get_Max_Threads", INT, []],
    ["flexiblas_get_num_threads", INT, []],
    ["bli_thread_get_num_threads", "int64_t", []],
  ]);
  return read === undefined ? 1 : Number(read());
}

/** Whether several threads may call the library at once: known of OpenBLAS built on the system's own threads. */
function takesCallsFromThreads(library: Library): boolean {
  const ownThreads = 1;
  return firstFunction(library, [["openblas_get_parallel", INT, []]])?.() === ownThreads;
}

function describe(library: Library, { blas, lapack }: NativeCandidate): string {
  const configuration = firstFunction(library, [
    ["openblas_get_config", "str", []],
    ["bli_info_get_version_str", "str", []],
  ])?.();
  const files = blas === lapack ? blas : `${blas} with ${lapack}`;
  return typeof configuration === "string" ? `${configuration.trim()} (${files})` : files;
}

/** Loads, binds and tests one candidate; throws whatever is wrong with it. */
function openCandidate(koffi: Koffi, candidate: NativeCandidate, threads: number): Blas {
  const blas = koffi.load(candidate.blas);
  const lapack = candidate.lapack === candidate.blas ? blas : koffi.load(candidate.lapack);
  const alone = bindKernels(blas, lapack);
  // The last digits of a product depend on the number of threads, so it is fixed before the first use.
  const setThreads = threadSwitch(blas);
  setThreads?.(threads);
  const actual = threadCount(blas);
  const several = actual > 1 && setThreads && takesCallsFromThreads(blas);
  const helpers = several && new PartHelpers(actual - 1, candidate.blas, koffi);
  const kernels = helpers ? { ...alone, shareParts: helpers.share.bind(helpers) } : alone;
  selfTest(kernels);
  const gated = setThreads && actual > 1 ? threadsByWork(kernels, actual, setThreads) : kernels;
  return checkedBlas(gated, { name: "native", description: describe(blas, candidate), threads: actual });
}

async function importKoffi(): Promise<Koffi> {
  try {
    const module = await import("koffi");
    return module.default;
  } catch (error) {
    throw new AifError(
      "usage",
      "The package koffi, which native linear algebra needs, is not installed for this platform: install it (npm install koffi) or set AIF_BLAS=off.",
      { cause: error },
    );
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];

/**
 * Binds the system's BLAS/LAPACK. Every candidate must pass a self-test; the first that does is returned. Throws a
 * `usage` error when it is switched off, or when none (or not the one that was named) can be used. The thread count
 * belongs to the process and is fixed here.
 */
export async function loadNativeBlas(options: NativeBlasOptions = {}): Promise<Blas> {
  const environment = options.env ?? process.env;
  const threads = nativeThreads(environment, coreShare(environment), options.threads);
  if (options.library === undefined && nativeIsOff(environment)) {
    throw usageError("Native linear algebra is switched off by AIF_BLAS=off.");
  }
  const koffi = await importKoffi().catch((error: AifError) => {
    options.onAttempt?.({ library: "koffi", outcome: error.message });
    throw error;
  });
  const failures: string[] = [];
  for (const candidate of nativeCandidates(process.platform, environment, options.library)) {
    const library = candidate.blas;
    try {
      const blas = openCandidate(koffi, candidate, threads);
      options.onAttempt?.({ library, outcome: "in use" });
      return blas;
    } catch (error) {
      const outcome = firstLine(error);
      failures.push(`${library}: ${outcome}`);
      options.onAttempt?.({ library, outcome });
    }
  }
  throw usageError(`No usable BLAS/LAPACK library was found (${failures.join("; ")}).`);
}
