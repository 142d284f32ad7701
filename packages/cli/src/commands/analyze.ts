import { analyze } from "@aif/core";
import type { Command } from "commander";
import { workTogether } from "../agreement.js";
import { carryOut } from "../carry-out.js";
import { adversaryOptions } from "../options/adversary.js";
import { dataOptions } from "../options/data.js";
import { evaluationOptions } from "../options/evaluation.js";
import { checkEvaluationFile } from "../options/evaluation-file.js";
import { inferenceOptions } from "../options/inference.js";
import { kernelOptions } from "../options/kernel.js";
import { modelOptions } from "../options/model.js";
import { networkOptions } from "../options/network.js";
import { outputOptions } from "../options/output.js";
import { predictionOptions } from "../options/prediction.js";
import { addGroups } from "../options/register.js";
import { representationOptions } from "../options/representation.js";
import { readGroup } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { verdictOptions } from "../options/verdict.js";
import { destinationOf, print, writeFiles } from "../output/destination.js";
import { predictionsFile } from "../output/predictions-file.js";
import { worstCaseFile } from "../output/worst-case-file.js";
import { readOutput } from "../ranks.js";
import { refuse } from "../refusal.js";
import { inputFiles, readStudyInput } from "../study-input.js";
import { analyzeHelp } from "./analyze-help.js";

const groups = [
  dataOptions,
  modelOptions,
  networkOptions,
  kernelOptions,
  representationOptions,
  adversaryOptions,
  evaluationOptions,
  inferenceOptions,
  predictionOptions,
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
    .argument("<data>", 'CSV, TSV, JSON lines, Parquet, .npy, .npz or IDX; also gzipped, "part-*.csv", or - for stdin')
    .action(async (data: string) => {
      const dataValues = readGroup(dataOptions, command);
      const verdict = readGroup(verdictOptions, command);
      const settings = studySettings({
        data: dataValues,
        model: readGroup(modelOptions, command),
        network: readGroup(networkOptions, command),
        kernel: readGroup(kernelOptions, command),
        representation: readGroup(representationOptions, command),
        adversary: readGroup(adversaryOptions, command),
        evaluation: readGroup(evaluationOptions, command),
        inference: readGroup(inferenceOptions, command),
        prediction: readGroup(predictionOptions, command),
        verdict,
      });
      const output = readOutput(outputOptions, command);
      setThreads(readGroup(runtimeOptions, command).threads);
      await checkEvaluationFile(settings.evaluation);
      const destination = await destinationOf(output, [
        ...inputFiles(data, settings),
        ...(output.predict === null ? [] : [output.predict]),
      ]);
      const worst = worstCaseFile(output.worstCase);
      const predictions = predictionsFile(output.predict, output.predictions);
      const ranks = await workTogether(settings, inputFiles(data, settings));
      const study = await carryOut(
        output.quiet,
        async (signal, reporter) =>
          analyze(
            {
              ...(await readStudyInput(data, dataValues, settings, signal, reporter)),
              ...(await predictions.read(signal)),
              ...worst.input,
            },
            { signal, ranks, onProgress: ({ phase, done, total }) => reporter.report(phase, done, total) },
          ),
        async (done) => {
          await worst.write();
          await predictions.write();
          await writeFiles(done, destination);
        },
      );
      await print(study, destination);
      refuse(study.result, verdict.strict);
    });
  addGroups(command, groups);
  command.addHelpText("after", analyzeHelp);
}
