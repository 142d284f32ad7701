/** Open MPI's functions through koffi. Its ABI: handles are the addresses of symbols named ompi_*. */
import { AifError, usageError } from "../errors.js";
import { type Environment, type Launch, missingLibrary, mpiCandidates } from "./launcher.js";

/** The few functions that adding over ranks takes. Buffers must be the caller's for as long as a request is open. */
export interface Mpi {
  /** Its version, as it says it. */
  readonly version: string;
  /** The name that the system's loader was given. */
  readonly library: string;
  /** Joins the processes that were started together. @throws usage: a library without threads. */
  initialise(): { readonly rank: number; readonly size: number };
  /**
   * Starts adding a buffer over all ranks, in place: then Open MPI adds up a binomial tree to rank 0 and sends the sum down it, so
   * that all ranks get the same digits, in every run.
   */
  startAdding(buffer: Float64Array, request: BigUint64Array): void;
  /** Whether it is done; moves it on. */
  test(request: BigUint64Array): boolean;
  finalise(): void;
  /** Ends all ranks, and does not return. */
  abort(code: number): void;
}

const POINTER = "void *";
/** MPI_THREAD_FUNNELED: the process has threads (of Node, of the BLAS), and one of them calls MPI. */
const FUNNELED = 1;
/** MPI_IN_PLACE */
const IN_PLACE = 1n;
const VERSION_BYTES = 8192;

type Koffi = typeof import("koffi")["default"];
type Library = ReturnType<Koffi["load"]>;

/** @throws usage: no library of Open MPI, or one of another MPI. */
export async function loadMpi(launch: Launch, environment: Environment = process.env): Promise<Mpi> {
  const { mpi, failures } = await tryMpi(environment);
  if (mpi === null) throw usageError(missingLibrary(launch, failures));
  return mpi;
}

/** "Open MPI v4.1.4", and where it is; null: there is none that can be used. */
export async function mpiVersion(environment: Environment = process.env): Promise<string | null> {
  const { mpi } = await tryMpi(environment).catch(() => ({ mpi: null }));
  return mpi && `${mpi.version} (${mpi.library})`;
}

async function tryMpi(environment: Environment): Promise<{ mpi: Mpi | null; failures: readonly string[] }> {
  const koffi = await import("koffi").then(
    (module) => module.default,
    (cause: unknown) => {
      throw new AifError(
        "usage",
        "The package koffi, through which aif calls MPI, is not installed for this platform: install it (npm install koffi), or start one process.",
        { cause },
      );
    },
  );
  const failures: string[] = [];
  for (const name of mpiCandidates(environment, process.platform)) {
    try {
      // Open MPI's plug-ins look for its symbols among the global ones.
      return { mpi: bind(koffi.load(name, { global: true }), name), failures };
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`);
    }
  }
  return { mpi: null, failures };
}

function bind(library: Library, name: string): Mpi {
  const version = versionOf(library, name);
  const world = library.symbol("ompi_mpi_comm_world");
  const double = library.symbol("ompi_mpi_double");
  const sum = library.symbol("ompi_mpi_op_sum");
  const pointers = (count: number): string[] => Array<string>(count).fill(POINTER);
  const init = library.func("MPI_Init_thread", "int", [POINTER, POINTER, "int", POINTER]);
  const commRank = library.func("MPI_Comm_rank", "int", pointers(2));
  const commSize = library.func("MPI_Comm_size", "int", pointers(2));
  const allreduce = library.func("MPI_Iallreduce", "int", [POINTER, POINTER, "int", ...pointers(4)]);
  const test = library.func("MPI_Test", "int", pointers(3));
  const finalise = library.func("MPI_Finalize", "int", []);
  const abort = library.func("MPI_Abort", "int", [POINTER, "int"]);
  const cell = offHeap(2);
  const read = (call: (out: Int32Array) => number): number => {
    call(cell);
    return cell[0];
  };
  return {
    version,
    library: name,
    initialise() {
      const provided = read((out) => init(null, null, FUNNELED, out));
      if (provided < FUNNELED) {
        throw usageError(
          `${version} was built without threads (MPI_THREAD_FUNNELED), which Node needs: use another build of it.`,
        );
      }
      return { rank: read((out) => commRank(world, out)), size: read((out) => commSize(world, out)) };
    },
    startAdding: (buffer, request) => allreduce(IN_PLACE, buffer, buffer.length, double, sum, world, request),
    test: (request) => read((out) => test(request, out, null)) !== 0,
    finalise: () => finalise(),
    abort: (code) => abort(world, code),
  };
}

/** "Open MPI v4.1.4". @throws what another MPI is, in a few words */
function versionOf(library: Library, name: string): string {
  const text = new Uint8Array(new ArrayBuffer(VERSION_BYTES));
  library.func("MPI_Get_library_version", "int", [POINTER, POINTER])(text, offHeap(2));
  const version = new TextDecoder().decode(text.subarray(0, text.indexOf(0))).split(/[,\n]/, 1)[0];
  if (!version.startsWith("Open MPI")) throw new Error(`${name} is ${version}`);
  return version;
}

/** Integers that stay where they are: V8 may move arrays of a few bytes unless they are given their buffer. */
const offHeap = (count: number): Int32Array => new Int32Array(new ArrayBuffer(4 * count));
