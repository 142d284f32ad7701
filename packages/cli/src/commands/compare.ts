import { type ComparisonResult, chartsOf, compare, comparisonEvaluation } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import type { Command } from "commander";
import { workTogether } from "../agreement.js";
import { carryOut } from "../carry-out.js";
import { usageError } from "../errors.js";
import { studyWords, wordsOf } from "../option-words.js";
import { explainAbsent } from "../options/absent.js";
import {
  comparedAdversary,
  comparedChecks,
  comparedData,
  comparedEvaluation,
  comparedNetworks,
  comparedNoise,
  comparisonOutput,
  familyOptions,
} from "../options/compare.js";
import { checkEvaluationFile } from "../options/evaluation-file.js";
import { inferenceOptions } from "../options/inference.js";
import { kernelOptions } from "../options/kernel.js";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { runtimeOptions } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { writeChart } from "../output/chart-file.js";
import { destinationOf } from "../output/destination.js";
import { toJson } from "../output/json.js";
import { writeReport } from "../output/report-file.js";
import { writeStdout } from "../output/stdout.js";
import { toSvg } from "../output/svg.js";
import { ranks as joinedRanks, readOutput } from "../ranks.js";
import { onTable } from "../recorded/on-table.js";
import { printed } from "../recorded/typed-command.js";
import { renderComparison } from "../render/comparison.js";
import { wantsColour } from "../render/page.js";
import { inputFiles, readStudyInput } from "../study-input.js";
import { threadsFor } from "../threads/count.js";
import { setThreadsOf, share } from "../threads/share.js";
import { compareHelp } from "./compare-help.js";

const groups = [
  comparedData,
  settingsFileOptions,
  familyOptions,
  comparedNoise,
  comparedNetworks,
  kernelOptions,
  comparedAdversary,
  comparedEvaluation,
  inferenceOptions,
  comparedChecks,
  comparisonOutput,
  runtimeOptions,
];

/** `aif compare <data>`: which of several models, by natural loss and by cost of robustness. */
export function addCompare(program: Command): void {
  const command = program
    .command("compare")
    .summary("which model: natural loss against cost of robustness")
    .description(
      "Analyses a family of models on the same rows, folds and attack, and ranks them: natural loss, predicted cost of robustness, and which differences are noise.",
    )
    .argument("[data]", "as for aif analyze")
    .action(
      onTable(async (data, typed) => {
        const dataValues = readGroup(comparedData, command);
        const { models, features, l2, l1, projects, smoothing, seeds, ...common } = readGroup(familyOptions, command);
        const { epsilon, radius, ...adversary } = readGroup(comparedAdversary, command);
        if (adversary.norm !== null && adversary.norm.length !== 1) {
          throw usageError("--norm takes one norm in a comparison: the ranking depends on it, so run once for each.");
        }
        const evaluation = readGroup(comparedEvaluation, command);
        const settings = studySettings({
          data: dataValues,
          model: { ...common, model: null, l2: null, l1: null, l1Ratio: null, C: null, alpha: null },
          adversary: {
            ...adversary,
            epsilon: epsilon === null ? null : [epsilon],
            radius: radius === null ? null : [radius],
          },
          evaluation: { ...evaluation, evaluation: evaluation.evaluation ?? comparisonEvaluation(models) },
          kernel: readGroup(kernelOptions, command),
          representation: { project: null, smoothing: smoothing[0] ?? null, ...readGroup(comparedNoise, command) },
          inference: readGroup(inferenceOptions, command),
          prediction: readGroup(comparedChecks, command),
          checked: false,
        });
        const { memory, ...networks } = readGroup(comparedNetworks, command);
        const family = { models, features, l2, l1, projects, smoothing, seeds };
        const local = { ...settings.local, ...networks, memoryBytes: memory };
        const { format, out, quiet, chart, report } = readOutput(comparisonOutput, command);
        const { threads } = readGroup(runtimeOptions, command);
        setThreadsOf(true, threads, joinedRanks());
        await checkEvaluationFile(settings.evaluation);
        const files = { format, out, coefficients: null, report, chart, quiet };
        const { format: form } = await destinationOf(files, inputFiles(data, settings));
        const rendered = (result: ComparisonResult, colour: boolean): string =>
          form === "json" ? toJson(printed(result, typed)) : renderComparison(result, { colour, chart });
        const ranks = await workTogether(
          { ...studyWords({ ...settings, local }), ...wordsOf(family) },
          inputFiles(data, settings),
        );
        const result = await carryOut(
          quiet,
          async (signal, reporter) => {
            const read = await readStudyInput(data, dataValues, settings, signal, reporter);
            const task = { kind: "compare", input: { ...read, settings: { ...settings, local }, family } } as const;
            const count = (): number => threadsFor(task, threads, memory);
            return share(task, { ranks, count, signal }, (input, sharing) =>
              compare(input, {
                signal,
                ranks: sharing,
                onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
              }),
            );
          },
          async (done) => {
            if (chart !== null) await writeChart(chart, await toSvg(chartsOf(done)[0].draw()));
            if (report !== null)
              await writeReport(report, printed(done, typed), renderComparison(done, { colour: false, chart: null }));
            if (out !== null) await writeFileAtomically(out, rendered(done, false));
          },
        );
        if (out === null) await writeStdout(rendered(result, wantsColour(process.stdout)));
      }),
    );
  addGroups(command, groups);
  explainAbsent(command, [
    {
      flags: "--C <number>",
      instead: "--C means another ridge for every loss: give --l2 in a comparison (C is 1/(l2·rows) of a log loss).",
    },
    {
      flags: "--alpha <number>",
      instead: "--alpha means another ridge for every loss: give --l2 in a comparison.",
    },
    { flags: "--restarts <N>", instead: "aif compare trains networks from several seeds with --seeds." },
    {
      flags: "--import <file>",
      instead: "An imported model cannot be trained again on the folds: aif analyze --import analyses it by itself.",
    },
    {
      flags: "--by <column>",
      instead: "aif compare looks at all rows together: aif analyze --by tells groups apart, for one model.",
    },
    {
      flags: "--coefficients <file>",
      instead: "aif compare writes no coefficients: aif analyze --coefficients does, for the model that you choose.",
    },
  ]);
  command.addHelpText("after", compareHelp);
}
