import { expect, test } from "vitest";
import { launchOf, missingLibrary, mpiCandidates, strangers } from "../../src/parallel/launcher.js";

test.each([
  ["nobody", {}, null],
  ["mpirun -n 1", { OMPI_COMM_WORLD_SIZE: "1" }, null],
  ["mpirun -n 4", { OMPI_COMM_WORLD_SIZE: "4", PMIX_RANK: "0" }, 4],
  ["srun --mpi=pmix", { SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "8", PMIX_RANK: "1" }, 8],
  ["the script of a batch job", { SLURM_PROCID: "0", SLURM_NTASKS: "8" }, null],
  ["one task of srun", { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "1" }, null],
  ["MPICH's mpirun -n 1", { PMI_RANK: "0", PMI_SIZE: "1" }, null],
  ["a launcher that is to be ignored", { OMPI_COMM_WORLD_SIZE: "4", AIF_MPI: "off" }, null],
])("started by %s", (_, environment, size) => {
  expect(launchOf(environment)?.size ?? null).toBe(size);
});

test("a PMIx launcher does not say how many there are", () => {
  expect(launchOf({ PMIX_RANK: "0" })).toEqual({ size: null, launcher: "a PMIx launcher" });
});

test.each([
  ["MPICH", { PMI_RANK: "0", PMI_SIZE: "2" }, /not Open MPI's.*MPICH.*apt-get install openmpi-bin/],
  ["Intel MPI", { PMI_RANK: "0", PMI_SIZE: "2", I_MPI_MPIRUN: "mpirun" }, /not Open MPI's.*Intel MPI/],
  ["srun without PMIx", { SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "8" }, /srun started 8 tasks.*srun --mpi=pmix/],
])("%s is refused with what to do", (_, environment, sentence) => {
  expect(() => launchOf(environment)).toThrow(sentence);
});

test("which library is loaded, and what is said where it cannot be", () => {
  expect(mpiCandidates({ AIF_MPI: "/opt/libmpi.so.40" }, "linux")).toEqual(["/opt/libmpi.so.40"]);
  expect(mpiCandidates({}, "linux")).toEqual(["libmpi.so.40"]);
  expect(mpiCandidates({}, "darwin")[0]).toBe("libmpi.40.dylib");
  const launch = { size: 4, launcher: "mpirun" };
  expect(missingLibrary(launch, ["libmpi.so.40: no such file"])).toMatch(/no such file.*openmpi-bin.*AIF_MPI/);
  expect(strangers(launch, 1)).toMatch(/mpirun started 4 processes.*joins 1/);
});
