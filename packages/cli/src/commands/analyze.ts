import { analyze, type Study, type Work } from "@aif/core";
import type { Command } from "commander";
import { factsOf, workTogether } from "../agreement.js";
import { carryOut } from "../carry-out.js";
import { studyWords } from "../option-words.js";
import { adversaryOptions } from "../options/adversary.js";
import { analysisCheckpointOptions } from "../options/checkpoint.js";
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
import { streamingOptions } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { verdictOptions } from "../options/verdict.js";
import { AnalysisCheckpoint } from "../output/analysis-checkpoint.js";
import { destinationOf, print, writeFiles } from "../output/destination.js";
import { predictionsFile } from "../output/predictions-file.js";
import { asAsked, checkRedaction } from "../output/redaction.js";
import { worstCaseFile } from "../output/worst-case-file.js";
import { ranks as joinedRanks, readOutput } from "../ranks.js";
import { onTable } from "../recorded/on-table.js";
import { refuse } from "../refusal.js";
import { type Asked, cachedTable, refuseLargeInput, streams } from "../streaming.js";
import { inputFiles, readProjection, readStudyInput } from "../study-input.js";
import { hasDraws, streamThreads, threadsFor } from "../threads/count.js";
import { setThreadsOf, share } from "../threads/share.js";
import { analyzeCached } from "../threads/stream.js";
import { analyzeHelp } from "./analyze-help.js";

const groups = [
  dataOptions,
  settingsFileOptions,
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
  streamingOptions,
  analysisCheckpointOptions,
];

/** `aif analyze <data>`: from a table to the cost of robustness. */
export function addAnalyze(program: Command): void {
  const command = program
    .command("analyze")
    .summary("what adversarial training would cost a model on a table")
    .description("Predicts, without adversarial training, what robustness would cost a model on a table.")
    .argument(
      "[data]",
      'CSV, TSV, JSON lines, Parquet, .npy, .npz or IDX; also gzipped, "part-*.csv", @list, https://…, or - for stdin',
    )
    .action(
      onTable(async (data, typed) => {
        const dataValues = readGroup(dataOptions, command);
        const verdict = readGroup(verdictOptions, command);
        const values = readGroup(streamingOptions, command);
        const settings = studySettings({
          memory: values.memory,
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
        const wanted = readGroup(outputOptions, command);
        const output = readOutput(outputOptions, command);
        checkRedaction(output, settings);
        const kept = readGroup(analysisCheckpointOptions, command);
        setThreadsOf(hasDraws(settings), values.threads, joinedRanks());
        await checkEvaluationFile(settings.evaluation);
        const destination = await destinationOf(output, [
          ...inputFiles(data, settings),
          ...(output.predict === null ? [] : [output.predict]),
          ...(kept.checkpoint === null ? [] : [kept.checkpoint]),
        ]);
        const worst = worstCaseFile(output.worstCase, output.rawCsv);
        const predictions = predictionsFile(output.predict, output.predictions, output.rawCsv);
        const question = { ...studyWords(settings), "--precision": values.precision };
        const ranks = await workTogether(question, inputFiles(data, settings));
        const whole = { "--worst-case": wanted.worstCase, "--predict": wanted.predict };
        const asked: Asked = { data, settings, values, ranks, whole, checkpoint: kept.checkpoint };
        const streamed = await streams(asked);
        const facts = kept.checkpoint === null ? {} : await factsOf(question, inputFiles(data, settings));
        const checkpoint = await AnalysisCheckpoint.open(kept, facts, ranks);
        const shown = (study: Study): Study => ({ ...study, result: asAsked(study.result, output.redact) });
        const study = await carryOut(
          output.quiet,
          async (signal, reporter): Promise<Study> => {
            const work: Work = {
              signal,
              ranks,
              onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
            };
            if (streamed) {
              const began = performance.now();
              const matrix = await readProjection(settings, signal);
              const cached = await cachedTable(asked, dataValues, output.quiet, signal, reporter);
              const count = (): number => streamThreads(cached.bytes, values.threads, values.memory);
              const keeping = { ...work, ranks, checkpoint: checkpoint ?? undefined };
              return shown(
                await analyzeCached(
                  cached,
                  { settings, ...matrix, began, count, memory: values.memory },
                  keeping,
                ).finally(cached.close),
              );
            }
            const read = await readStudyInput(data, dataValues, settings, signal, reporter);
            refuseLargeInput(asked, read.table);
            // What is written of single rows is a matter of this thread alone.
            const own = { ...(await predictions.read(signal)), ...worst.input };
            const task = { kind: "analyze", input: read } as const;
            const count = (): number => threadsFor(task, values.threads, values.memory);
            return share(task, { ranks, count, signal }, async (input, sharing) =>
              shown(await analyze({ ...input, ...own }, { ...work, ranks: sharing })),
            );
          },
          async (done) => {
            await worst.write();
            await predictions.write();
            await writeFiles(done, typed, destination);
          },
        );
        await print(study, typed, destination);
        await checkpoint?.remove();
        refuse(study.result, verdict.strict);
      }),
    );
  addGroups(command, groups);
  command.addHelpText("after", analyzeHelp);
}
