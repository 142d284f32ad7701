import { setTimeout } from "node:timers/promises";
import { byItself, type LaunchedRanks, launchedRanks } from "@aif/core/node";
import type { Command } from "commander";
import { type OptionGroup, type OptionRule, readGroup, type ValuesOf } from "./options/rule.js";

let joined: LaunchedRanks = byItself();

/** What fails everywhere is said by rank 0, whose end ends the others before they say it too. */
const PATIENCE_MS = 1000;

/** The processes that mpirun or srun started with this one, from the start of the program on. @throws usage: not Open MPI's */
export async function joinRanks(): Promise<void> {
  try {
    joined = await launchedRanks();
  } catch (error) {
    const { OMPI_COMM_WORLD_RANK, PMIX_RANK, SLURM_PROCID, PMI_RANK } = process.env;
    if ((OMPI_COMM_WORLD_RANK ?? PMIX_RANK ?? SLURM_PROCID ?? PMI_RANK) !== "0") await setTimeout(PATIENCE_MS);
    throw error;
  }
}

export const ranks = (): LaunchedRanks => joined;

/** Whether this process prints and writes files: one of all does. */
export const isPrinter = (): boolean => joined.rank === 0;

/** "rank 2 (host): " before an error that rank 0, which is the first to say what all have met, has not. */
export const speaker = (): string => (isPrinter() ? "" : `rank ${joined.rank} (${joined.host}): `);

/** Options of output: those who do not print have none, whatever was typed. */
export function readOutput<Rules extends Readonly<Record<string, OptionRule<unknown>>>>(
  group: OptionGroup<Rules>,
  command: Command,
): ValuesOf<OptionGroup<Rules>> {
  const values = readGroup(group, command);
  if (isPrinter()) return values;
  const nothing = Object.entries(group.rules).map(([name, { fallback }]) => [name, fallback]);
  return Object.fromEntries(nothing);
}
