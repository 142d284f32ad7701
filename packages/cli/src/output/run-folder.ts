import { access, mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Experiment, ExperimentRun, ExperimentSettings, Repetition } from "@aif/core";
import { assertWritable, writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";
import { version } from "../version.js";
import { toJson } from "./json.js";
import { runCsv } from "./run-csv.js";
import { toSvg } from "./svg.js";

/** The files of a run. */
export interface RunFiles {
  readonly numbers: string;
  readonly chart: string;
  readonly run: string;
  /** What is finished of a run that is not over; gone when it is. */
  readonly part: string;
}

export const filesIn = (folder: string, name: string): RunFiles => ({
  numbers: join(folder, `${name}.csv`),
  chart: join(folder, `${name}.svg`),
  run: join(folder, `${name}.json`),
  part: join(folder, `${name}.part.json`),
});

/** What is written of a run: by which version too, since another one may compute other digits. */
type StoredRun = ExperimentRun & { readonly aif: string };
/** What runs can go on from. */
type Stored = Pick<StoredRun, "reference" | "setup" | "settings" | "repetitions" | "aif">;

/**
 * The repetitions that a run of an experiment can go on from: those that the folder holds of the same question. Looks at the
 * files before long work starts.
 * @throws usage: the folder holds another run and `force` is not given. resource: a file that cannot be written.
 */
export async function finishedIn(
  folder: string,
  experiment: Experiment,
  settings: ExperimentSettings,
  force: boolean,
): Promise<readonly Repetition[]> {
  const files = filesIn(folder, experiment.name);
  for (const file of Object.values(files)) await assertWritableLater(file);
  const present = await Promise.all(Object.values(files).map(exists));
  if (force || !present.includes(true)) return [];
  const stored = [await readRun(files.part), await readRun(files.run)].filter((run) => run !== null);
  const same = stored.filter((run) => isSameQuestion(run, experiment, settings));
  if (stored.length > 0 && same.length === stored.length)
    return same.reduce((most, run) => (run.repetitions.length > most.repetitions.length ? run : most)).repetitions;
  const other = stored.find((run) => !same.includes(run));
  throw usageError(
    `${folder} holds ${other === undefined ? `files named ${experiment.name} that are no run` : `another run (${described(other)})`}; choose another --out, or add --force to overwrite it.`,
  );
}

/** Writes the three files of a whole run, each whole or not at all; the run last, as it says that the others are there. */
export async function writeRun(folder: string, run: ExperimentRun): Promise<RunFiles> {
  const files = filesIn(folder, run.name);
  const chart = await toSvg(run.chart);
  await mkdir(folder, { recursive: true });
  await writeFileAtomically(files.numbers, runCsv(run));
  await writeFileAtomically(files.chart, chart);
  await writeFileAtomically(files.run, toJson({ aif: version, ...run } satisfies StoredRun));
  return files;
}

/** More repetitions may be asked for than there are, not fewer. */
const isSameQuestion = (stored: Stored, experiment: Experiment, settings: ExperimentSettings): boolean =>
  stored.aif === version &&
  stored.setup === experiment.setup(settings) &&
  stored.settings.seed === settings.seed &&
  stored.repetitions.length <= settings.repetitions;

const described = ({ reference, settings: { repetitions, seed, norm }, aif }: Stored): string =>
  `${reference}, ${repetitions} ${repetitions === 1 ? "repetition" : "repetitions"}, seed ${seed}, p = ${norm}, aif ${aif}`;

/** null: no run that this program wrote. */
async function readRun(file: string): Promise<Stored | null> {
  try {
    const parsed = JSON.parse(await readFile(file, "utf8")) as (Partial<Stored> & { schema?: string }) | null;
    const whole =
      /^aif\.reproduction(-part)?\/1$/.test(parsed?.schema ?? "") &&
      Array.isArray(parsed?.repetitions) &&
      typeof parsed?.settings === "object";
    return whole ? (parsed as Stored) : null;
  } catch {
    return null;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether the file can be written once its folders, as far as they are missing, have been made. */
async function assertWritableLater(file: string): Promise<void> {
  let path = resolve(file);
  while (dirname(path) !== path && !(await exists(dirname(path)))) path = dirname(path);
  await assertWritable(path);
}
