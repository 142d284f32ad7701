/** Which shared libraries may serve as BLAS and LAPACK, by platform and environment. */
import { usageError } from "../errors.js";

/**
 * A BLAS and the library its LAPACK symbols come from, often the same. Names are given to the system's loader as they
 * are.
 */
export interface NativeCandidate {
  readonly blas: string;
  readonly lapack: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

// Accelerate has no file on disk (it lives in the dyld cache): it can be loaded, but not looked up.
const ACCELERATE = "/System/Library/Frameworks/Accelerate.framework/Accelerate";

const both = (library: string): NativeCandidate => ({ blas: library, lapack: library });

const CANDIDATES: Readonly<Record<string, readonly NativeCandidate[]>> = {
  darwin: [
    both(ACCELERATE),
    both("/opt/homebrew/opt/openblas/lib/libopenblas.dylib"),
    both("/usr/local/opt/openblas/lib/libopenblas.dylib"),
  ],
  win32: [both("libopenblas.dll"), both("openblas.dll"), both("mkl_rt.2.dll")],
  linux: [
    both("libopenblas.so.0"),
    both("libopenblas.so"),
    both("libmkl_rt.so.2"),
    both("libflexiblas.so.3"),
    { blas: "libblis.so.4", lapack: "liblapack.so.3" },
    { blas: "libblas.so.3", lapack: "liblapack.so.3" },
  ],
};

/** True where `AIF_BLAS=off` forbids a native library. */
export function nativeIsOff(environment: Environment): boolean {
  return environment["AIF_BLAS"]?.toLowerCase() === "off";
}

/**
 * The libraries to try, best first. One that was named, by the argument or else by `AIF_BLAS`, is the only one: an
 * explicit choice never falls through to something else. `AIF_LAPACK` names another library for the LAPACK symbols of
 * the named one.
 */
export function nativeCandidates(
  platform: string,
  environment: Environment,
  library?: string,
): readonly NativeCandidate[] {
  const named = library ?? (environment["AIF_BLAS"] || undefined);
  const lapack = environment["AIF_LAPACK"] || undefined;
  if (named !== undefined) return [{ blas: named, lapack: lapack ?? named }];
  const known = CANDIDATES[platform] ?? CANDIDATES["linux"];
  return lapack === undefined ? known : known.map(({ blas }) => ({ blas, lapack }));
}

/** At most this many threads unless asked for more: matrices of a few hundred columns do not use more. */
const DEFAULT_THREAD_LIMIT = 8;

/**
 * The number of BLAS threads: the argument, else `AIF_THREADS`, else the machine's parallelism, at most 8.
 * @throws usage: a number that is no whole number of at least 1, or `AIF_THREADS` none from 1 to 9999
 */
export function nativeThreads(environment: Environment, parallelism: number, threads?: number): number {
  if (threads !== undefined) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw usageError(`The number of threads must be a whole number of at least 1, got ${threads}.`);
    }
    return threads;
  }
  const text = environment["AIF_THREADS"];
  if (text === undefined || text === "") return Math.min(parallelism, DEFAULT_THREAD_LIMIT);
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw usageError(`AIF_THREADS must be a whole number from 1 to 9999, got "${text}".`);
  }
  return Number(text);
}
