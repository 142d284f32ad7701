import {
  AifError,
  checkedSettings,
  EXPERIMENTS,
  type Experiment,
  type ExperimentRun,
  type ExperimentSettings,
  ensureBlas,
  exchange,
  experimentsNamed,
  type Ranks,
  type Repetition,
  runExperiment,
} from "@aif/core";
import { assertWritable } from "@aif/core/node";
import { Argument, type Command } from "commander";
import { workTogether } from "../agreement.js";
import { carryOut } from "../carry-out.js";
import { usageError } from "../errors.js";
import { Interruption } from "../interruption.js";
import { type OptionWords, wordsOf } from "../option-words.js";
import { addGroups } from "../options/register.js";
import { digitOptions, experimentOptions, reproductionOutput } from "../options/reproduce.js";
import { knownWords, readGroup } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { PartialRun } from "../output/partial-run.js";
import { writeReport } from "../output/report-file.js";
import { filesIn, finishedIn, type RunFiles, writeRun } from "../output/run-folder.js";
import { writeStdout } from "../output/stdout.js";
import { readOutput } from "../ranks.js";
import { wantsColour } from "../render/page.js";
import { renderExperiments, renderRun } from "../render/reproduce.js";
import { figure2bOnMnist } from "../repetitions/digits.js";
import { openPool } from "../repetitions/pool.js";

/** `aif reproduce [result]`: the results of the paper, run again. */
export function addReproduce(program: Command): void {
  const argument = new Argument("[result]", "its name, such as figure1, or all");
  knownWords.set(argument, [...EXPERIMENTS.map(({ name }) => name), "all"]);
  const command = program
    .command("reproduce")
    .summary("the paper's results, run again beside their corrections")
    .description(
      "Runs a result of the paper at the paper's size: its numbers, what they say of the printed statement, a chart. Without a name it lists the results.",
    )
    .addArgument(argument)
    .action(async (name: string | undefined) => {
      const chosen = given(readGroup(experimentOptions, command));
      const { out, report, force, rawCsv, quiet } = readOutput(reproductionOutput, command);
      const { mnist } = readGroup(digitOptions, command);
      if (name === undefined) {
        if (Object.keys(chosen).length > 0 || out !== null || report !== null || mnist !== null || force) {
          throw usageError(
            "These options are about one result or all: name it, such as aif reproduce figure1; alone, aif reproduce lists the results.",
          );
        }
        await writeStdout(renderExperiments(EXPERIMENTS));
        return;
      }
      if (force && out === null) throw usageError("--force is about the folder of --out, which is not given.");
      if (mnist !== null && name !== "figure2b" && name !== "all")
        throw usageError(`--mnist is about figure2b: ${name} has no pictures.`);
      if (report !== null && name === "all") {
        throw usageError(
          "--report is a page of one result: name it, such as aif reproduce figure1 --report figure1.html.",
        );
      }
      if (report !== null) await assertWritable(report);
      const tasks = await Promise.all(
        experimentsNamed(name).map(async (experiment) => {
          const onFiles = experiment.name === "figure2b" ? await figure2bOnMnist(mnist) : null;
          const asked = name === "all" ? noMoreThanUsual(experiment, chosen) : chosen;
          return { ...(await prepare(onFiles ?? experiment, asked, out, force)), onFiles: onFiles !== null };
        }),
      );
      const { threads } = readGroup(runtimeOptions, command);
      setThreads(threads);
      const ranks = await workTogether(Object.assign({}, ...tasks.map(questionOf)), []);
      // Only the process that writes files knows what is there already.
      const [there] = await exchange(
        ranks,
        tasks.map(({ finished }) => finished),
      );
      for (const [k, task] of tasks.entries()) {
        await reproduce({ ...task, finished: there[k] }, { out, report, rawCsv, quiet, threads, ranks });
      }
    });
  addGroups(command, [experimentOptions, digitOptions, reproductionOutput, runtimeOptions]);
  command.addHelpText(
    "after",
    "\nExamples:\n  aif reproduce figure1 --out figure1\n  aif reproduce all --repetitions 4 --out quick\n",
  );
}

/** An experiment with all its settings, and what is already there of it. */
interface Task {
  readonly experiment: Experiment;
  readonly settings: ExperimentSettings;
  readonly finished: readonly Repetition[];
  /** Its data are files that were read here: other threads do not have them. */
  readonly onFiles: boolean;
}

/** What must be the same wherever it is run. */
const questionOf = ({ experiment, settings }: Task): OptionWords => ({
  ...wordsOf({ ...settings }, (field) => `--${field} of ${experiment.name}`),
  [`the setup of ${experiment.name}`]: experiment.setup(settings),
});

/** How it is run, and what is to be written. */
interface Wanted {
  readonly out: string | null;
  readonly report: string | null;
  readonly rawCsv: boolean;
  readonly quiet: boolean;
  readonly threads: number | null;
  readonly ranks: Ranks;
}

/** Of all results together, a number of repetitions makes the long ones shorter, and none longer. */
const noMoreThanUsual = (
  { defaults }: Experiment,
  { repetitions, ...others }: Partial<ExperimentSettings>,
): Partial<ExperimentSettings> =>
  repetitions === undefined ? others : { ...others, repetitions: Math.min(repetitions, defaults.repetitions) };

async function prepare(
  experiment: Experiment,
  chosen: Partial<ExperimentSettings>,
  out: string | null,
  force: boolean,
): Promise<Omit<Task, "onFiles">> {
  const settings = checkedSettings(experiment, { ...experiment.defaults, ...chosen });
  return { experiment, settings, finished: out === null ? [] : await finishedIn(out, experiment, settings, force) };
}

async function reproduce(
  { experiment, settings, finished, onFiles }: Task,
  { out, report, rawCsv, quiet, threads, ranks }: Wanted,
): Promise<void> {
  let files: RunFiles | null = null;
  const part = out === null ? null : new PartialRun(filesIn(out, experiment.name).part, experiment, settings);
  const own = Math.ceil((settings.repetitions - finished.length) / ranks.size);
  const pool = openPool(onFiles ? 1 : threads, own);
  const run = await carryOut<ExperimentRun>(
    quiet,
    async (signal, reporter) => {
      await ensureBlas();
      return runExperiment(experiment, settings, {
        finished,
        signal,
        ranks,
        lanes: pool.lanes,
        onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
        onFinished: part?.keep,
      });
    },
    async (done) => {
      if (out !== null) files = await writeRun(out, done, rawCsv);
      if (report !== null) await writeReport(report, done, renderRun(done, files, { colour: false }));
      await part?.remove();
    },
  )
    .catch((error: unknown) => kept(error, part))
    .finally(pool.close);
  await writeStdout(renderRun(run, files, { colour: wantsColour(process.stdout) }));
}

/** Leaves what is finished behind where the work was interrupted. @throws Interruption, or the error */
async function kept(error: unknown, part: PartialRun | null): Promise<never> {
  if (!(part && error instanceof AifError && error.code === "cancelled")) throw error;
  await part.close();
  if (part.count === 0) throw error;
  throw new Interruption(
    `Interrupted; ${part.path} holds ${part.count} repetitions: the same command goes on from there.`,
  );
}

/** The settings that were given; the others are the experiment's own. */
const given = (values: Readonly<Record<keyof ExperimentSettings, number | null>>): Partial<ExperimentSettings> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
