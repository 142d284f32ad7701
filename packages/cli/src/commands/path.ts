import { DEFAULT_SETTINGS, ensureBlas, type PathResult, pathStudy, readTable, type StudySettings } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import type { Command } from "commander";
import { interruptible } from "../interrupt.js";
import { modelOptions } from "../options/model.js";
import { pathAdversaryOptions, pathDataOptions, pathOutputOptions } from "../options/path.js";
import { addGroups } from "../options/register.js";
import { readGroup, type ValuesOf } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { destinationOf } from "../output/destination.js";
import { toJson } from "../output/json.js";
import { pathCsv } from "../output/path-csv.js";
import { writeStdout } from "../output/stdout.js";
import { progressBar, type Reporter } from "../progress.js";
import { wantsColour } from "../render/page.js";
import { renderPath } from "../render/path.js";

const groups = [pathDataOptions, modelOptions, pathAdversaryOptions, pathOutputOptions, runtimeOptions];

type DataValues = ValuesOf<typeof pathDataOptions>;
type AdversaryValues = ValuesOf<typeof pathAdversaryOptions>;
type Format = NonNullable<ValuesOf<typeof pathOutputOptions>["format"]>;

/** `aif path <data>`: the exact robust optimum for every size of the attack. */
export function addPath(program: Command): void {
  const command = program
    .command("path")
    .summary("the exact robustly trained model for every size of the attack")
    .description(
      "Follows the exact robustly trained model from no attack to the size where it gives up: natural against robust loss, and what changes on the way. All numbers are of the training rows.",
    )
    .argument("<data>", "the table to train on, in any form that analyze reads; - for stdin")
    .action(async (data: string) => {
      const dataValues = readGroup(pathDataOptions, command);
      const adversary = readGroup(pathAdversaryOptions, command);
      const settings = settingsOf(dataValues, readGroup(modelOptions, command), adversary);
      const { format, out, quiet } = readGroup(pathOutputOptions, command);
      setThreads(readGroup(runtimeOptions, command).threads);
      await destinationOf({ format: null, out, coefficients: null, quiet }, [data]);
      const chosen = format ?? formatOf(out);
      const reporter = await progressBar(quiet);
      const result = await interruptible(
        (signal) => work(data, dataValues, settings, adversary.epsilonMax, signal, reporter),
        async (done) => {
          if (out !== null) await writeFileAtomically(out, renderers[chosen](done, false));
        },
      ).finally(() => reporter.stop());
      if (out === null) await writeStdout(renderers[chosen](result, wantsColour(process.stdout)));
    });
  addGroups(command, groups);
  command.addHelpText(
    "after",
    "\nExample:\n  aif path examples/house-prices.csv --target price_thousands --norm inf\n",
  );
}

const renderers: Readonly<Record<Format, (result: PathResult, colour: boolean) => string>> = {
  text: (result, colour) => renderPath(result, { colour }),
  json: (result) => toJson(result),
  csv: (result) => pathCsv(result),
};

const formatOf = (out: string | null): Format => {
  const ending = /\.(json|csv)$/i.exec(out ?? "")?.[1].toLowerCase();
  return ending === "json" || ending === "csv" ? ending : "text";
};

/** What the path leaves open is as nobody had asked for it. */
function settingsOf(
  data: DataValues,
  model: ValuesOf<typeof modelOptions>,
  { norm, freeze, budget }: AdversaryValues,
): StudySettings {
  const { evaluation, splitBy, seed, confidence, inference, draws, attackRate, failIf } = DEFAULT_SETTINGS;
  return studySettings({
    data: { ...data, cluster: null, by: null },
    model,
    adversary: { norm, freeze, budget, epsilon: null, radius: null, bounds: [] },
    evaluation: { evaluation, splitBy, seed },
    inference: { confidence, inference, draws },
    verdict: { attackRate, failIf, strict: false },
  });
}

async function work(
  data: string,
  { header, delimiter }: DataValues,
  settings: StudySettings,
  epsilonMax: number | null,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<PathResult> {
  await ensureBlas();
  const started = performance.now();
  const table = await readTable(data, {
    signal,
    ...(header === null ? {} : { header }),
    ...(delimiter === null ? {} : { delimiter }),
    onProgress: ({ bytes, totalBytes }) => reporter.report("reading", bytes, totalBytes ?? bytes),
  });
  const readSeconds = (performance.now() - started) / 1000;
  return pathStudy(
    { table, settings, epsilonMax, readSeconds },
    { signal, onProgress: ({ phase, done, total }) => reporter.report(phase, done, total) },
  );
}
