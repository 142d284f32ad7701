import { analyze, type Study, type StudySettings } from "@aif/core";
import type { Command } from "commander";
import { interruptible } from "../interrupt.js";
import { adversaryOptions } from "../options/adversary.js";
import { dataOptions } from "../options/data.js";
import { evaluationOptions } from "../options/evaluation.js";
import { checkEvaluationFile } from "../options/evaluation-file.js";
import { inferenceOptions } from "../options/inference.js";
import { modelOptions } from "../options/model.js";
import { outputOptions } from "../options/output.js";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { verdictOptions } from "../options/verdict.js";
import { type Destination, destinationOf, print, writeFiles } from "../output/destination.js";
import { progressBar } from "../progress.js";
import { refuse } from "../refusal.js";
import { type DataValues, inputFiles, readStudyInput } from "../study-input.js";
import { analyzeHelp } from "./analyze-help.js";

const groups = [
  dataOptions,
  modelOptions,
  adversaryOptions,
  evaluationOptions,
  inferenceOptions,
  verdictOptions,
  outputOptions,
  runtimeOptions,
];

/** `aif analyze <data>`: from a table to the cost of robustness. */
export function addAnalyze(program: Command): void {
  const command = program
    .command("analyze")
    .summary("what adversarial training would cost a model on a table")
    .description("Predicts, without adversarial training, what robustness would cost a model on a table.")
    .argument("<data>", 'CSV, TSV, JSON lines, Parquet, .npy or .npz; also gzipped, "part-*.csv", or - for stdin')
    .action(async (data: string) => {
      const dataValues = readGroup(dataOptions, command);
      const verdict = readGroup(verdictOptions, command);
      const settings = studySettings({
        data: dataValues,
        model: readGroup(modelOptions, command),
        adversary: readGroup(adversaryOptions, command),
        evaluation: readGroup(evaluationOptions, command),
        inference: readGroup(inferenceOptions, command),
        verdict,
      });
      const output = readGroup(outputOptions, command);
      setThreads(readGroup(runtimeOptions, command).threads);
      await checkEvaluationFile(settings.evaluation);
      const destination = await destinationOf(output, inputFiles(data, settings));
      const { result } = await run(data, dataValues, settings, destination, output.quiet);
      refuse(result, verdict.strict);
    });
  addGroups(command, groups);
  command.addHelpText("after", analyzeHelp);
}

async function run(
  data: string,
  values: DataValues,
  settings: StudySettings,
  destination: Destination,
  quiet: boolean,
): Promise<Study> {
  const reporter = await progressBar(quiet);
  const study = await interruptible(
    async (signal) =>
      analyze(await readStudyInput(data, values, settings, signal, reporter), {
        signal,
        onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
      }),
    (done) => writeFiles(done, destination),
  ).finally(() => reporter.stop());
  await print(study, destination);
  return study;
}
