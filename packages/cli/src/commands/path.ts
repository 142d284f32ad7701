import { type PathResult, type Progress, pathStudy } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import type { Command } from "commander";
import { carryOut } from "../carry-out.js";
import { explainAbsent, rowwiseOnly } from "../options/absent.js";
import { modelOptions } from "../options/model.js";
import { pathAdversaryOptions, pathDataOptions, pathOutputOptions } from "../options/path.js";
import { addGroups } from "../options/register.js";
import { readGroup, type ValuesOf } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { studySettings } from "../options/settings.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { destinationOf } from "../output/destination.js";
import { toJson } from "../output/json.js";
import { pathCsv, withCleanNames } from "../output/path-csv.js";
import { asAsked } from "../output/redaction.js";
import { writeReport } from "../output/report-file.js";
import { writeStdout } from "../output/stdout.js";
import { onTable } from "../recorded/on-table.js";
import { printed, type TypedCommand } from "../recorded/typed-command.js";
import { wantsColour } from "../render/page.js";
import { renderPath } from "../render/path.js";
import { readStudyInput } from "../study-input.js";

const groups = [
  pathDataOptions,
  settingsFileOptions,
  modelOptions,
  pathAdversaryOptions,
  pathOutputOptions,
  runtimeOptions,
];

type Format = NonNullable<ValuesOf<typeof pathOutputOptions>["format"]>;

/** `aif path <data>`: the exact robust optimum for every size of the attack. */
export function addPath(program: Command): void {
  const command = program
    .command("path")
    .summary("the exact robustly trained model for every size of the attack")
    .description(
      "Follows the exact robustly trained model from no attack to the size where it gives up: natural against robust loss, and what changes on the way. All numbers are of the training rows.",
    )
    .argument("[data]", "the table to train on, in any form that analyze reads; - for stdin")
    .action(
      onTable(async (data, typed) => {
        const dataValues = readGroup(pathDataOptions, command);
        const adversary = readGroup(pathAdversaryOptions, command);
        const settings = studySettings({ data: dataValues, model: readGroup(modelOptions, command), adversary });
        const { format, out, report, rawCsv, redact, quiet } = readGroup(pathOutputOptions, command);
        setThreads(readGroup(runtimeOptions, command).threads);
        await destinationOf({ format: null, out, coefficients: null, report }, [data]);
        const chosen = format ?? formatOf(out);
        const rendered = (result: PathResult, colour: boolean): string =>
          renderers[chosen](result, { colour, rawCsv, typed, shown: out === null });
        const result = await carryOut(
          quiet,
          async (signal, reporter) => {
            const input = {
              ...(await readStudyInput(data, dataValues, settings, signal, reporter)),
              epsilonMax: adversary.epsilonMax,
            };
            const onProgress = ({ phase, done, total }: Progress): void => reporter.report(phase, done, total);
            return asAsked(await pathStudy(input, { signal, onProgress }), redact);
          },
          async (done) => {
            if (report !== null) await writeReport(report, printed(done, typed), renderPath(done, { colour: false }));
            if (out !== null) await writeFileAtomically(out, rendered(done, false));
          },
        );
        if (out === null) await writeStdout(rendered(result, wantsColour(process.stdout)));
      }),
    );
  addGroups(command, groups);
  explainAbsent(command, [
    {
      flags: "--smoothing <σ>",
      instead: "aif path follows rows without noise: use aif analyze or aif verify with --smoothing.",
    },
    {
      flags: "--project <how>",
      instead:
        "aif path follows coefficients of features: use aif verify for the exact optima of a model with --project.",
    },
    {
      flags: "--epsilon <list>",
      instead: "aif path follows every size of the attack: give the last one with --epsilon-max.",
    },
    {
      flags: "--radius <list>",
      instead: "aif path follows every size of the attack: give the last one with --epsilon-max.",
    },
    ...rowwiseOnly("aif path"),
    {
      flags: "--bounds <list>",
      instead: "An adversary with bounds has no exact robust path: leave out --bounds, or use aif verify.",
    },
    {
      flags: "--evaluation <how>",
      instead: "aif path is about the training rows: leave out --evaluation, or use aif analyze for held-out numbers.",
    },
  ]);
  command.addHelpText(
    "after",
    "\nExample:\n  aif path examples/house-prices.csv --target price_thousands --norm inf\n",
  );
}

interface Wanted {
  readonly colour: boolean;
  readonly rawCsv: boolean;
  readonly typed: TypedCommand;
  /** On stdout, which may be a terminal. */
  readonly shown: boolean;
}

const renderers: Readonly<Record<Format, (result: PathResult, wanted: Wanted) => string>> = {
  text: renderPath,
  json: (result, { typed }) => toJson(printed(result, typed)),
  csv: (result, { rawCsv, shown }) => pathCsv(shown && !rawCsv ? withCleanNames(result) : result, rawCsv),
};

const formatOf = (out: string | null): Format => {
  const ending = /\.(json|csv)$/i.exec(out ?? "")?.[1].toLowerCase();
  return ending === "json" || ending === "csv" ? ending : "text";
};
