/** Which implementation of `Blas` this program uses. */
import { AifError } from "../errors.js";
import type { Blas } from "./blas.js";
import type { NativeAttempt } from "./native.node.js";
import { nativeThreads } from "./native-candidates.js";
import { loadPortableBlas } from "./portable.js";

export interface EnsureBlasOptions {
  /** Number of threads of the back end. Default: `AIF_THREADS`, else the machine's parallelism, at most 8. */
  readonly threads?: number;
}

/** What `aif doctor` prints about the linear algebra in use. */
export interface BackendDescription {
  readonly name: Blas["name"];
  readonly description: string;
  readonly threads: number;
  readonly candidatesTried: readonly NativeAttempt[];
  /** How to get a faster one; null where the native one is in use. */
  readonly advice: string | null;
}

let chosen: Blas | undefined;
let portable: Blas | undefined;
let choosing: Promise<Blas> | undefined;
let attempts: NativeAttempt[] = [];

const portableBlas = (): Blas => (portable ??= loadPortableBlas());

/** The portable one with the threads that were asked for. */
async function portableInNode({ threads }: EnsureBlasOptions): Promise<Blas> {
  // Not literals, so that bundlers for browsers leave the Node files alone.
  const [file, machine] = ["./helpers.node.js", "./core-share.node.js"];
  const { teamOf }: typeof import("./helpers.node.js") = await import(/* @vite-ignore */ file);
  const { coreShare }: typeof import("./core-share.node.js") = await import(/* @vite-ignore */ machine);
  const count = nativeThreads(process.env, coreShare(), threads);
  portable = loadPortableBlas({ team: teamOf(count) });
  return portable;
}

/** `process.env` in Node, nothing in a browser. */
function environment(): Readonly<Record<string, string | undefined>> | undefined {
  return globalThis.process?.versions?.node === undefined ? undefined : globalThis.process.env;
}

/** The active back end; the portable one while none has been chosen by `ensureBlas` or `useBlas`. */
export function blas(): Blas {
  return chosen ?? portableBlas();
}

/** Makes a back end the active one. */
export function useBlas(backend: Blas): void {
  chosen = backend;
  choosing = Promise.resolve(backend);
}

async function choose(options: EnsureBlasOptions): Promise<Blas> {
  attempts = [];
  const variables = environment();
  if (variables === undefined) return portableBlas();
  if (variables["AIF_BLAS"]?.toLowerCase() === "off") {
    attempts.push({ library: "off", outcome: "AIF_BLAS=off: native libraries were not tried" });
    return portableInNode(options);
  }
  try {
    // Not a literal, so that bundlers for browsers leave the Node file alone.
    const file = "./native.node.js";
    const { loadNativeBlas }: typeof import("./native.node.js") = await import(/* @vite-ignore */ file);
    return await loadNativeBlas({ ...options, onAttempt: (attempt) => attempts.push(attempt) });
  } catch (error) {
    // Who names a library wants that one and no other; and a request that makes no sense fails before anything was
    // tried.
    if (variables["AIF_BLAS"] || (error instanceof AifError && attempts.length === 0)) throw error;
    if (attempts.length === 0) attempts.push({ library: "koffi", outcome: String(error) });
    return portableInNode(options);
  }
}

/**
 * Chooses the back end once: in Node the system's BLAS where there is a usable one, else the portable one. Later calls
 * return the same one, whatever their options.
 * @throws usage: the library that `AIF_BLAS` names cannot be used, or `AIF_THREADS` is no number
 */
export async function ensureBlas(options: EnsureBlasOptions = {}): Promise<Blas> {
  if (choosing === undefined) {
    const pending = choose(options);
    choosing = pending;
    try {
      const backend = await pending;
      // `useBlas` may have decided otherwise in the meantime.
      if (choosing === pending) chosen = backend;
    } catch (error) {
      if (choosing === pending) choosing = undefined;
      throw error;
    }
  }
  return choosing;
}

const ADVICE: Readonly<Record<string, string>> = {
  linux:
    "With a system BLAS an analysis of a large table takes a third to two thirds of the time. Debian and Ubuntu: apt-get install libopenblas0. Fedora: dnf install openblas-threads. Arch: pacman -S openblas. Alpine: apk add openblas. Then run again; AIF_BLAS=/path/to/library names one elsewhere.",
  darwin:
    "macOS brings the Accelerate framework, so that nothing needs to be installed: make sure that the package koffi is (npm install koffi) and that AIF_BLAS is not set to off.",
  win32:
    "With a system BLAS an analysis of a large table takes a third to two thirds of the time. Download OpenBLAS for Windows (github.com/OpenMathLib/OpenBLAS/releases) and put libopenblas.dll on the PATH, or name it with AIF_BLAS=C:\\path\\to\\libopenblas.dll.",
};

/** The active back end in words and numbers: which library, how many threads, what was tried and what to install. */
export function describeBackend(): BackendDescription {
  const { name, description, threads } = blas();
  const platform = environment() === undefined ? undefined : globalThis.process.platform;
  const advice =
    platform === undefined
      ? "In a browser the portable linear algebra is the only one; run aif in Node to use the system's BLAS."
      : (ADVICE[platform] ?? ADVICE["linux"]);
  return {
    name,
    description,
    threads,
    candidatesTried: [...attempts],
    advice: name === "native" ? null : advice,
  };
}
