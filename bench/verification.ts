/**
 * npx tsx bench/verification.ts [--write]: `aif verify` on real tables. --write puts its tables into docs/verification.md.
 * The tables lie beside the checkout; where they are missing, nothing is written.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { VerificationResult, VerifiedThreat } from "@aif/core";
import { ADULT } from "./adult.js";
import { machineLines } from "./machine.js";
import { table } from "./markdown.js";

interface Source {
  readonly title: string;
  readonly folder: string;
  readonly file: string;
  readonly options: readonly string[];
  /** A header that the file lacks. */
  readonly header?: string;
}

const SOURCES: readonly Source[] = [
  {
    title: "California housing, linear model",
    folder: "california_housing",
    file: "housing.csv",
    options: ["--target", "median_house_value", "--missing", "drop"],
  },
  {
    title: "Wine quality (white), linear model",
    folder: "wine_quality",
    file: "winequality-white.csv",
    options: ["--target", "quality"],
  },
  {
    title:
      "Breast cancer (Wisconsin, diagnostic), logistic model with a small ridge, since the classes can be separated",
    folder: "breast_cancer",
    file: "wdbc.data",
    options: ["--target", "column2", "--positive", "M", "--exclude", "column1", "--l2", "0.01"],
  },
  {
    title: "Adult, logistic model",
    folder: "adult",
    file: "adult-train.csv",
    header: ADULT,
    options: [
      "--target",
      "income",
      "--positive",
      ">50K",
      "--exclude",
      "education,fnlwgt",
      "--missing",
      "drop",
      "--l2",
      "0.001",
    ],
  },
];

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const data = fileURLToPath(new URL("../../shared/data", import.meta.url));
const launcher = fileURLToPath(new URL("../packages/cli/bin/aif.js", import.meta.url));

if (!existsSync(data)) {
  process.stderr.write("The real tables are not beside this checkout: nothing to verify.\n");
} else {
  const text = document(SOURCES.map((source) => section(source, verify(source))));
  process.stdout.write(text);
  if (values.write) writeFileSync(new URL("../docs/verification.md", import.meta.url), text);
}

/** The file to read, with a header. */
function fileOf({ folder, file, header }: Source): string {
  const path = join(data, folder, file);
  if (header === undefined) return path;
  const named = join(tmpdir(), `aif-verification-${file}`);
  writeFileSync(named, `${header}\n${readFileSync(path, "utf8")}`);
  return named;
}

function verify(source: Source): VerificationResult {
  process.stderr.write(`${source.title} …\n`);
  const words = ["verify", fileOf(source), ...source.options, "--norm", "1,2,inf", "--format", "json", "--quiet"];
  const output = execFileSync(process.execPath, [launcher, ...words], { encoding: "utf8", maxBuffer: 1 << 30 });
  return JSON.parse(output) as VerificationResult;
}

function section(source: Source, result: VerificationResult): string {
  const { data: rows, model, threats, timings } = result;
  const command = ["aif verify", source.file, ...source.options.map(quoted), "--norm 1,2,inf"].join(" ");
  return [
    `## ${source.title}`,
    `\`${command}\`: ${rows.rows.toLocaleString("en-US")} rows, ${model.parameters.length} parameters, loss ${model.lossLabel}; natural training loss ${number(result.fit.trainingLoss)}. Fit ${number(timings.fit)} s, all optima ${number(timings.exact)} s.`,
    table(
      [
        "p",
        "ε",
        "error /shift",
        "proven",
        "predicted change",
        "exact change",
        "pred. / exact",
        "kinks",
        "AIF, s",
        "exact, s",
        "ratio",
      ],
      threats.flatMap(rowsOf),
    ),
    threats.map(({ threat, verification }) => `* p = ${threat.norm}: ${verification.text}`).join("\n"),
  ].join("\n\n");
}

function quoted(word: string): string {
  return /[ >]/.test(word) ? `"${word}"` : word;
}

function rowsOf({ threat, curve, trustRadius }: VerifiedThreat): string[][] {
  return curve.map((point) => {
    const { epsilon, relativeParameterError, parameterError, errorBound, thisData, lossRatio, kinkFraction, seconds } =
      point;
    const bound =
      errorBound === null || parameterError === null || relativeParameterError === null || parameterError === 0
        ? null
        : (errorBound * relativeParameterError) / parameterError;
    return [
      threat.norm ?? "",
      `${number(epsilon)}${trustRadius !== null && epsilon <= trustRadius ? "" : " ~"}`,
      percent(relativeParameterError),
      percent(bound),
      number(thisData.predicted),
      number(thisData.exact),
      number(lossRatio),
      percent(kinkFraction),
      number(seconds.prediction),
      number(seconds.exact),
      number(seconds.prediction > 0 ? seconds.exact / seconds.prediction : null),
    ];
  });
}

function number(value: number | null): string {
  if (value === null) return "–";
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(3)));
}

function percent(share: number | null): string {
  return share === null ? "–" : `${Number((100 * share).toPrecision(2))} %`;
}

function document(sections: readonly string[]): string {
  return `${[
    "# Predictions against exact robust optima",
    "Written by `npx tsx bench/verification.ts --write`: `aif verify` on four public tables, each under p = 1, 2 and ∞, with the default sizes. All numbers are of the training rows.",
    "- **error /shift**: ‖θ_ε − (θ̂+εI)‖ / ‖εI‖, and **proven** the certified bound on it, both in the certificate's norm (without one: the Hessian's).\n- **predicted, exact change** of the training loss without attack, and their ratio. **kinks**: rows whose residual, coefficient or largest coefficient changes on the way.\n- **AIF, exact**: seconds of the influence (one for all sizes) and of that optimum, begun at θ̂, to a relative subgradient of 1e-10; **ratio** of the two.\n- **~**: beyond the trust radius.",
    machineLines("npx tsx bench/verification.ts --write", []).join("\n"),
    ...sections,
  ].join("\n\n")}\n`;
}
