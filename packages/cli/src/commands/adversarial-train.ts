import { AifError, type TrainingResult, type TrainingStep, trainingStudy } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import type { Command } from "commander";
import { carryOut } from "../carry-out.js";
import { Interruption } from "../interruption.js";
import { explainAbsent, rowwiseOnly } from "../options/absent.js";
import { modelOptions } from "../options/model.js";
import { outputOptions } from "../options/output.js";
import { pathDataOptions } from "../options/path.js";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { checkpointOptions, trainingAdversaryOptions, trainingOptions } from "../options/training.js";
import { Checkpoint } from "../output/checkpoint.js";
import { destinationOf } from "../output/destination.js";
import { toJson } from "../output/json.js";
import { writeReport } from "../output/report-file.js";
import { writeStdout } from "../output/stdout.js";
import type { Reporter } from "../progress.js";
import { onTable } from "../recorded/on-table.js";
import { printed } from "../recorded/typed-command.js";
import { number, short } from "../render/numbers.js";
import { wantsColour } from "../render/page.js";
import { renderTraining } from "../render/training.js";
import { readStudyInput } from "../study-input.js";
import { adversarialTrainHelp } from "./adversarial-train-help.js";

const { format, out, report, quiet } = outputOptions.rules;
const trainingOutput = { heading: outputOptions.heading, rules: { format, out, report, quiet } };

const groups = [
  pathDataOptions,
  settingsFileOptions,
  modelOptions,
  trainingAdversaryOptions,
  trainingOptions,
  checkpointOptions,
  trainingOutput,
  runtimeOptions,
];

/** `aif adversarial-train <data>`: robust training done by search, beside what the influence predicts of it. */
export function addAdversarialTrain(program: Command): void {
  const command = program
    .command("adversarial-train")
    .summary("adversarial training itself, by projected gradient")
    .description(
      "Trains the model against attacks of one size, for any model, norm and bounds, and prints it beside the natural model and the prediction.",
    )
    .argument("[data]", "as for aif analyze")
    .action(
      onTable(async (data, typed) => {
        const dataValues = readGroup(pathDataOptions, command);
        const { seed, ...training } = readGroup(trainingOptions, command);
        const adversary = readGroup(trainingAdversaryOptions, command);
        const model = readGroup(modelOptions, command);
        const settings = { ...studySettings({ data: dataValues, model, adversary }), seed };
        const choice = readGroup(checkpointOptions, command);
        const output = { ...readGroup(trainingOutput, command), coefficients: null };
        setThreads(readGroup(runtimeOptions, command).threads);
        const inputs = [data, ...(choice.checkpoint === null ? [] : [choice.checkpoint])];
        const { format: form, out: file, report: page } = await destinationOf(output, inputs);
        const checkpoint = await Checkpoint.open(choice);
        const text = (result: TrainingResult, colour: boolean): string =>
          renderTraining(result, { colour, checkpoint: checkpoint?.path ?? null });
        const rendered = (result: TrainingResult, colour: boolean): string =>
          form === "json" ? toJson(printed(result, typed)) : text(result, colour);
        const result = await carryOut(
          output.quiet,
          async (signal, reporter) =>
            trainingStudy(
              { ...(await readStudyInput(data, dataValues, settings, signal, reporter)), training },
              {
                signal,
                onProgress: ({ phase, done, total }) => reporter.report(phase, done, total),
                onStep: live(reporter, training.outerSteps),
                ...(checkpoint && { checkpoint: { every: 1, save: checkpoint.save } }),
                ...(checkpoint?.resumed && {
                  resume: checkpoint.resumed,
                  resumeName: `The checkpoint ${checkpoint.path}`,
                }),
              },
            ),
          async (done) => {
            await checkpoint?.close();
            if (page !== null) await writeReport(page, printed(done, typed), text(done, false));
            if (file !== null) await writeFileAtomically(file, rendered(done, false));
          },
        ).catch((error: unknown) => kept(error, checkpoint));
        if (file === null) await writeStdout(rendered(result, wantsColour(process.stdout)));
      }),
    );
  addGroups(command, groups);
  explainAbsent(command, rowwiseOnly("aif adversarial-train"));
  command.addHelpText("after", adversarialTrainHelp);
}

/** What the bar says of every iteration. */
function live(reporter: Reporter, steps: number): (step: TrainingStep) => void {
  const started = performance.now();
  let latestGap: number | null = null;
  return (step) => {
    const { iteration, objective, gradientNorm, gap } = step;
    latestGap = gap ?? latestGap;
    const parts = [
      `iteration ${iteration} of ${steps}:`,
      `objective ${number(objective, 6)},`,
      `gradient ${number(gradientNorm, 2)},`,
      ...(latestGap === null ? [] : [`gap ${number(latestGap, 2)},`]),
      `${short((performance.now() - started) / 1000, 2)} s`,
    ];
    reporter.report(parts.join(" "), iteration, Math.max(1, steps), step);
  };
}

/** Leaves the last whole state behind where the work was interrupted. @throws Interruption, or the error */
async function kept(error: unknown, checkpoint: Checkpoint | null): Promise<never> {
  if (!(checkpoint && error instanceof AifError && error.code === "cancelled")) throw error;
  await checkpoint.close();
  if (checkpoint.iteration === null) throw error;
  throw new Interruption(
    `Interrupted; ${checkpoint.path} holds iteration ${checkpoint.iteration}: the same command with --resume goes on from there.`,
  );
}
