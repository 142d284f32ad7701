import { usageError } from "../errors.js";

/** How many processes a launcher of Open MPI (or one that speaks its PMIx) has started together. */
export interface Launch {
  /** null: it does not say. */
  readonly size: number | null;
  /** What started them, for people. */
  readonly launcher: string;
}

/** Of a process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const INSTALL =
  "use Open MPI's mpirun (Debian, Ubuntu: apt-get install openmpi-bin; Red Hat: dnf install openmpi; macOS: brew install open-mpi)";

/**
 * What the environment says of a launcher; null: this process was started by itself. `AIF_MPI=off` says that processes which
 * were started together have nothing to do with each other.
 * @throws usage: launchers of other MPIs.
 */
export function launchOf(environment: Environment): Launch | null {
  if (isOff(environment)) return null;
  const openMpi = count(environment["OMPI_COMM_WORLD_SIZE"]);
  if (openMpi !== null) return openMpi > 1 ? { size: openMpi, launcher: "mpirun" } : null;
  const pmix = environment["PMIX_RANK"] !== undefined;
  // Of a job step: the script of a batch job, which has SLURM_PROCID too, is a process by itself.
  const slurm = count(environment["SLURM_STEP_NUM_TASKS"]);
  if (slurm !== null && environment["SLURM_PROCID"] !== undefined) {
    if (slurm === 1) return null;
    if (pmix) return { size: slurm, launcher: "srun" };
    throw usageError(
      `srun started ${slurm} tasks that cannot find each other: start them with srun --mpi=pmix (srun --mpi=list says what there is), or set AIF_MPI=off where each should work by itself.`,
    );
  }
  if (pmix) return { size: null, launcher: "a PMIx launcher" };
  const other = count(environment["PMI_SIZE"]);
  if (other === null || other === 1) return null;
  const whose = environment["I_MPI_MPIRUN"] === undefined ? "MPICH or one of its kin" : "Intel MPI";
  throw usageError(
    `This mpirun is not Open MPI's (PMI_RANK is set, as by ${whose}), and aif knows Open MPI only: ${INSTALL}, or srun --mpi=pmix.`,
  );
}

const isOff = (environment: Environment): boolean => environment["AIF_MPI"]?.toLowerCase() === "off";

const count = (text: string | undefined): number | null =>
  text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : null;

/** The shared libraries to try: the one that `AIF_MPI` names, else the platform's usual ones. */
export function mpiCandidates(environment: Environment, platform: string): readonly string[] {
  const named = environment["AIF_MPI"];
  if (named !== undefined && named !== "") return [named];
  return platform === "darwin"
    ? ["libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib", "/usr/local/lib/libmpi.40.dylib"]
    : ["libmpi.so.40"];
}

/** @param failures what was tried, and what came of it */
export const missingLibrary = ({ launcher }: Launch, failures: readonly string[]): string =>
  `${launcher} started several processes, but Open MPI's library cannot be used (${failures.join("; ")}): ${INSTALL}, on every machine, or name the library with AIF_MPI=/path/to/libmpi.so.40.`;

/** Processes that were started together and do not know each other would each do the whole work. */
export const strangers = ({ launcher, size }: Launch, found: number): string =>
  `${launcher} started ${size} processes, but Open MPI's library joins ${found}: mpirun and libmpi.so.40 are of different installations; use those of one, or name the library with AIF_MPI=/path/to/libmpi.so.40.`;
