import { type Progress, type VerificationResult, verify } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import type { Command } from "commander";
import { carryOut } from "../carry-out.js";
import { explainAbsent } from "../options/absent.js";
import { adversaryOptions } from "../options/adversary.js";
import { dataOptions } from "../options/data.js";
import { trainingEvaluationOptions } from "../options/evaluation.js";
import { checkEvaluationFile } from "../options/evaluation-file.js";
import { inferenceOptions } from "../options/inference.js";
import { kernelOptions } from "../options/kernel.js";
import { modelOptions } from "../options/model.js";
import { networkOptions } from "../options/network.js";
import { outputOptions } from "../options/output.js";
import { verificationOptions } from "../options/prediction.js";
import { addGroups } from "../options/register.js";
import { representationOptions } from "../options/representation.js";
import { readGroup } from "../options/rule.js";
import { setThreads, solvingOptions } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { destinationOf } from "../output/destination.js";
import { toJson } from "../output/json.js";
import { asAsked, checkRedaction } from "../output/redaction.js";
import { writeReport } from "../output/report-file.js";
import { writeStdout } from "../output/stdout.js";
import { worstCaseFile } from "../output/worst-case-file.js";
import { onTable } from "../recorded/on-table.js";
import { printed } from "../recorded/typed-command.js";
import { wantsColour } from "../render/page.js";
import { renderVerification } from "../render/verify.js";
import { inputFiles, readStudyInput } from "../study-input.js";
import { verifyHelp } from "./verify-help.js";

/** The prediction is what is verified: no files of coefficients, no conditions. */
const { format, out, worstCase, report, rawCsv, redact, quiet } = outputOptions.rules;
const verifyOutput = {
  heading: outputOptions.heading,
  rules: { format, out, worstCase, report, rawCsv, redact, quiet },
};

const groups = [
  dataOptions,
  settingsFileOptions,
  modelOptions,
  networkOptions,
  kernelOptions,
  representationOptions,
  adversaryOptions,
  trainingEvaluationOptions,
  inferenceOptions,
  verificationOptions,
  verifyOutput,
  solvingOptions,
];

/** `aif verify <data>`: the prediction beside the exact robust optimum. */
export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("how good the prediction is: exact robust training beside it")
    .description("Solves the robust training problem at each size, and prints the exact answer beside the prediction.")
    .argument("[data]", "as for aif analyze")
    .action(
      onTable(async (data, typed) => {
        const dataValues = readGroup(dataOptions, command);
        const { threads, memory } = readGroup(solvingOptions, command);
        const settings = studySettings({
          memory,
          data: dataValues,
          model: readGroup(modelOptions, command),
          network: readGroup(networkOptions, command),
          kernel: readGroup(kernelOptions, command),
          representation: readGroup(representationOptions, command),
          adversary: readGroup(adversaryOptions, command),
          evaluation: readGroup(trainingEvaluationOptions, command),
          inference: readGroup(inferenceOptions, command),
          prediction: readGroup(verificationOptions, command),
        });
        const output = { ...readGroup(verifyOutput, command), coefficients: null };
        checkRedaction(output, settings);
        setThreads(threads);
        await checkEvaluationFile(settings.evaluation);
        const { format: form, out: file, report: page } = await destinationOf(output, inputFiles(data, settings));
        const worst = worstCaseFile(output.worstCase, output.rawCsv);
        const rendered = (result: VerificationResult, colour: boolean): string =>
          form === "json" ? toJson(printed(result, typed)) : renderVerification(result, { colour });
        const result = await carryOut(
          output.quiet,
          async (signal, reporter) => {
            const input = { ...(await readStudyInput(data, dataValues, settings, signal, reporter)), ...worst.input };
            const onProgress = ({ phase, done, total }: Progress): void => reporter.report(phase, done, total);
            return asAsked(await verify(input, { signal, onProgress }), output.redact);
          },
          async (done) => {
            await worst.write();
            if (page !== null)
              await writeReport(page, printed(done, typed), renderVerification(done, { colour: false }));
            if (file !== null) await writeFileAtomically(file, rendered(done, false));
          },
        );
        if (file === null) await writeStdout(rendered(result, wantsColour(process.stdout)));
      }),
    );
  addGroups(command, groups);
  explainAbsent(command, [
    {
      flags: "--coefficients <file>",
      instead: "aif verify writes no coefficients: aif analyze --coefficients does, exact ones among them.",
    },
  ]);
  command.addHelpText("after", verifyHelp);
}
