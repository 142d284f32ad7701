import {
  EXPERIMENTS,
  type Experiment,
  type ExperimentRun,
  type ExperimentSettings,
  ensureBlas,
  experimentsNamed,
  type Repetition,
  runExperiment,
} from "@aif/core";
import type { Command } from "commander";
import { carryOut } from "../carry-out.js";
import { addGroups } from "../options/register.js";
import { experimentOptions, reproductionOutput } from "../options/reproduce.js";
import { readGroup } from "../options/rule.js";
import { finishedIn, type RunFiles, writeRun } from "../output/run-folder.js";
import { writeStdout } from "../output/stdout.js";
import { wantsColour } from "../render/page.js";
import { renderExperiments, renderRun } from "../render/reproduce.js";

/** `aif reproduce [result]`: the results of the paper, run again. */
export function addReproduce(program: Command): void {
  const command = program
    .command("reproduce")
    .summary("the paper's results, run again beside their corrections")
    .description(
      "Runs a result of the paper at the paper's size: its numbers, what they say of the printed statement, a chart. Without a name it lists the results.",
    )
    .argument("[result]", "its name, such as figure1, or all")
    .action(async (name: string | undefined) => {
      const chosen = given(readGroup(experimentOptions, command));
      const { out, force, quiet } = readGroup(reproductionOutput, command);
      if (name === undefined) {
        await writeStdout(renderExperiments(EXPERIMENTS));
        return;
      }
      const tasks = await Promise.all(
        experimentsNamed(name).map((experiment) => prepare(experiment, chosen, out, force)),
      );
      for (const task of tasks) await reproduce(task, out, quiet);
    });
  addGroups(command, [experimentOptions, reproductionOutput]);
  command.addHelpText("after", "\nExample:\n  aif reproduce figure1 --out figure1\n");
}

/** An experiment with all its settings, and what is already there of it. */
interface Task {
  readonly experiment: Experiment;
  readonly settings: ExperimentSettings;
  readonly finished: readonly Repetition[];
}

async function prepare(
  experiment: Experiment,
  chosen: Partial<ExperimentSettings>,
  out: string | null,
  force: boolean,
): Promise<Task> {
  const settings = { ...experiment.defaults, ...chosen };
  return { experiment, settings, finished: out === null ? [] : await finishedIn(out, experiment, settings, force) };
}

async function reproduce({ experiment, settings, finished }: Task, out: string | null, quiet: boolean): Promise<void> {
  let files: RunFiles | null = null;
  const run = await carryOut<ExperimentRun>(
    quiet,
    async (signal, reporter) => {
      await ensureBlas();
      return runExperiment(experiment, settings, {
        finished,
        signal,
        onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
      });
    },
    async (done) => {
      if (out !== null) files = await writeRun(out, done);
    },
  );
  await writeStdout(renderRun(run, files, { colour: wantsColour(process.stdout) }));
}

/** The settings that were given; the others are the experiment's own. */
const given = (values: Readonly<Record<keyof ExperimentSettings, number | null>>): Partial<ExperimentSettings> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
