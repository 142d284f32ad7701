import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Experiment, ExperimentRun, ExperimentSettings, Repetition } from "@aif/core";
import { assertWritable, makeOutputFolder, writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";
import { readInputFile } from "../input-file.js";
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
  const formulas = experiment.formulas?.(settings) ?? {};
  const measured = experiment.columns.map(({ name }) => name).filter((name) => !Object.hasOwn(formulas, name));
  const stored = [await readRun(files.part, measured), await readRun(files.run, measured)].filter(
    (run) => run !== null,
  );
  const same = stored.filter((run) => isSameQuestion(run, experiment, settings));
  if (stored.length > 0 && same.length === stored.length)
    return same.reduce((most, run) => (run.repetitions.length > most.repetitions.length ? run : most)).repetitions;
  const other = stored.find((run) => !same.includes(run));
  throw usageError(
    `${folder} holds ${other === undefined ? `files named ${experiment.name} that are no run` : `another run (${described(other)})`}; choose another --out, or add --force to overwrite it.`,
  );
}

/** Writes the three files of a whole run, each whole or not at all; the run last, as it says that the others are there. @param raw as `csvText` */
export async function writeRun(folder: string, run: ExperimentRun, raw: boolean): Promise<RunFiles> {
  const files = filesIn(folder, run.name);
  const chart = await toSvg(run.chart);
  makeOutputFolder(folder);
  await writeFileAtomically(files.numbers, runCsv(run, raw));
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

/** null: no run of these columns that this program wrote. */
async function readRun(file: string, columns: readonly string[]): Promise<Stored | null> {
  try {
    const bytes = await readInputFile(file, file, LARGEST);
    const parsed = JSON.parse(new TextDecoder().decode(bytes)) as (Partial<Stored> & { schema?: string }) | null;
    const whole =
      /^aif\.reproduction(-part)?\/1$/.test(parsed?.schema ?? "") &&
      [parsed?.aif, parsed?.reference, parsed?.setup, parsed?.settings?.norm].every(isText) &&
      [parsed?.settings?.repetitions, parsed?.settings?.seed].every(Number.isSafeInteger) &&
      Array.isArray(parsed?.repetitions) &&
      parsed.repetitions.every((repetition) => isRepetition(repetition, parsed.repetitions?.[0], columns));
    return whole ? (parsed as Stored) : null;
  } catch {
    return null;
  }
}

/** V8 reads no longer text than half a gigabyte. */
const LARGEST = 2 ** 29 - 25;

const isText = (value: unknown): boolean => typeof value === "string";

/** JSON has no infinite numbers: they are null. */
const isNumber = (value: unknown): boolean => value === null || typeof value === "number";

/**
 * @param first another one, which has as many numbers under the same names
 * @param columns those that every data set gives
 */
function isRepetition(value: unknown, first: Repetition | undefined, columns: readonly string[]): boolean {
  const given = value as Partial<Repetition> | null;
  const listsOf = (repetition: Partial<Repetition> | null | undefined): unknown[] =>
    columns.map((name) => (Object.hasOwn(repetition?.columns ?? {}, name) ? repetition?.columns?.[name] : null));
  const [{ length } = []] = listsOf(first) as [ArrayLike<unknown>?];
  const names = (repetition: Partial<Repetition> | null | undefined): string =>
    JSON.stringify(Object.keys(repetition?.values ?? {}));
  return (
    Object.keys(given?.columns ?? {}).length === columns.length &&
    listsOf(given).every((list) => Array.isArray(list) && list.length === length && list.every(isNumber)) &&
    names(given) === names(first) &&
    Object.values(given?.values ?? {}).every(isNumber)
  );
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
