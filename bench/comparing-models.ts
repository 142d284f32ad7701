/**
 * npx tsx bench/comparing-models.ts [--write]: `aif compare` on real tables. --write puts its sections into docs/comparing-models.md
 * and its charts into docs/pictures. The tables lie beside the checkout; where they are missing, nothing is written.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ComparedModel, ComparisonResult } from "@aif/core";
import { ADULT } from "./adult.js";
import { machineLines } from "./machine.js";
import { table } from "./markdown.js";
import { withSections } from "./sections.js";

interface Source {
  readonly title: string;
  /** What the family is for, in one sentence. */
  readonly asks: string;
  readonly folder: string;
  readonly file: string;
  readonly picture: string;
  readonly options: readonly string[];
  /** A header that the file lacks. */
  readonly header?: string;
}

const SOURCES: readonly Source[] = [
  {
    title: "California housing: how many columns, and products of them",
    asks: "Linear and quadratic models of the columns that forward selection takes",
    folder: "california_housing",
    file: "housing.csv",
    picture: "compare-california.svg",
    options: [
      "--target",
      "median_house_value",
      "--missing",
      "drop",
      "--model",
      "linear",
      "--model",
      "quadratic",
      "--features",
      "forward 2..9",
    ],
  },
  {
    title: "Wine quality (white): how much ridge",
    asks: "Linear and quadratic models of all columns with rising ridges",
    folder: "wine_quality",
    file: "winequality-white.csv",
    picture: "compare-wine.svg",
    options: ["--target", "quality", "--model", "linear", "--model", "quadratic", "--l2", "0,0.01,0.1,0.5"],
  },
  {
    title: "Wine quality (white): how wide and how deep a network",
    asks: "Networks from three seeds each beside the linear model, judged on a fifth of the rows",
    folder: "wine_quality",
    file: "winequality-white.csv",
    picture: "compare-networks.svg",
    options: [
      "--target",
      "quality",
      "--model",
      "linear",
      "--model",
      "mlp:2",
      "--model",
      "mlp:8",
      "--model",
      "mlp:4,4",
      "--seeds",
      "3",
      "--l2",
      "0.01",
    ],
  },
  {
    title: "Adult: which columns of a classifier",
    asks: "Logistic models of the columns that forward selection takes; all text columns are out of the adversary's reach",
    folder: "adult",
    file: "adult-train.csv",
    picture: "compare-adult.svg",
    header: ADULT,
    options: [
      "--target",
      "income",
      "--positive",
      ">50K",
      "--exclude",
      "education,fnlwgt,native_country",
      "--missing",
      "drop",
      "--model",
      "logistic",
      "--l2",
      "0.001",
      "--features",
      "forward 2..8",
    ],
  },
];

const marks = { both: "no", natural: "no*", cost: "no*", none: "no~" } as const;

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const data = fileURLToPath(new URL("../../shared/data", import.meta.url));
const launcher = fileURLToPath(new URL("../packages/cli/bin/aif.js", import.meta.url));
const pictures = fileURLToPath(new URL("../docs/pictures", import.meta.url));
const page = new URL("../docs/comparing-models.md", import.meta.url);

if (!existsSync(data)) {
  process.stderr.write("The real tables are not beside this checkout: nothing to compare.\n");
} else {
  const scratch = mkdtempSync(join(tmpdir(), "aif-comparing-"));
  const sections = SOURCES.map((source) => section(source, compared(source, scratch)));
  const note = machineLines("npx tsx bench/comparing-models.ts --write", []).join("\n");
  const text = [`## Real tables\n\n${note}`, ...sections].join("\n\n");
  process.stdout.write(`${text}\n`);
  if (values.write) writeFileSync(page, withSections(readFileSync(page, "utf8"), `\n${text}`, null));
}

/** The file to read, with a header. */
function fileOf({ folder, file, header }: Source, scratch: string): string {
  const path = join(data, folder, file);
  if (header === undefined) return path;
  const named = join(scratch, file);
  writeFileSync(named, `${header}\n${readFileSync(path, "utf8")}`);
  return named;
}

function compared(source: Source, scratch: string): ComparisonResult {
  process.stderr.write(`${source.title} …\n`);
  const chart = join(values.write ? pictures : scratch, source.picture);
  const words = [
    "compare",
    fileOf(source, scratch),
    ...source.options,
    "--chart",
    chart,
    "--format",
    "json",
    "--quiet",
  ];
  const output = execFileSync(process.execPath, [launcher, ...words], { encoding: "utf8", maxBuffer: 1 << 30 });
  return JSON.parse(output) as ComparisonResult;
}

function section(source: Source, result: ComparisonResult): string {
  const { data: rows, models, natural, relative, absolute, sizes, loss, timings } = result;
  const command = ["aif compare", source.file, ...source.options.map(quoted)].join(" ");
  const criteria = models.some(({ information }) => information !== null);
  const seeded = models.some(({ seeds }) => seeds !== null);
  return [
    `## ${source.title}`,
    `${source.asks}. \`${command}\`: ${rows.rows.toLocaleString("en-US")} training rows, evaluation \`${rows.evaluation}\`, ${models.length} models in ${number(timings.total)} s. Losses are ${loss.label} in ${loss.unit}; ε = ${number(sizes.epsilon)}, ρ = ${number(sizes.radius)}${sizes.given === "none" ? ", the largest size that every known trust radius allows" : ""}.`,
    table(
      [
        "#",
        "model",
        "parameters",
        "natural loss",
        "above the lowest",
        "may be best",
        "cost at ε",
        "frontier",
        "cost at ρ",
        "frontier",
        "ε²S, same ε",
        "ε²S, same ρ",
        ...(criteria ? ["AIC", "BIC"] : []),
        ...(seeded ? ["loss over seeds", "cost over seeds"] : []),
      ],
      models.map((model, place) => [
        String(place + 1),
        model.name,
        String(model.parameters),
        number(model.naturalLoss.value, 4),
        place === 0
          ? ""
          : `${signed(natural.estimates[place] - natural.estimates[0])} ± ${number(natural.reach?.[place][0] ?? 0, 2)}`,
        natural.best.includes(place) ? "yes" : "no",
        cost(model, "relative"),
        frontier(relative, place),
        cost(model, "absolute"),
        frontier(absolute, place),
        population(model, "relative"),
        population(model, "absolute"),
        ...(criteria ? [criterion(models, model, "aic"), criterion(models, model, "bic")] : []),
        ...(seeded ? [spread(model, "naturalLoss"), spread(model, "relativeCost")] : []),
      ]),
    ),
    `![Natural loss against cost of robustness: ${source.title}](pictures/${source.picture})`,
    result.words.map((text) => `- ${text}`).join("\n"),
  ].join("\n\n");
}

function cost(model: ComparedModel, convention: "relative" | "absolute"): string {
  const { cost: found, extrapolated } = model[convention];
  const reach = found.interval ? found.interval[1] - found.value : 0;
  return `${signed(found.value)} ± ${number(reach, 2)}${extrapolated === true ? " !" : ""}`;
}

function frontier({ dominated }: ComparisonResult["relative"], place: number): string {
  const found = dominated.find(({ model }) => model === place);
  if (!found) return "yes";
  return found.clear === null ? "no" : marks[found.clear];
}

function population(model: ComparedModel, convention: "relative" | "absolute"): string {
  const found = model[convention].population;
  return found ? `${number(found.predicted)} [${number(found.interval[0], 2)}, ${number(found.interval[1], 2)}]` : "–";
}

function criterion(models: readonly ComparedModel[], model: ComparedModel, name: "aic" | "bic"): string {
  if (model.information === null) return "–";
  const least = Math.min(...models.flatMap(({ information }) => (information ? [information[name]] : [])));
  return `+${(model.information[name] - least).toFixed(1)}`;
}

function spread({ seeds }: ComparedModel, name: "naturalLoss" | "relativeCost"): string {
  if (seeds === null) return "–";
  const { median, least, most } = seeds[name];
  return `${number(median)} (${number(least)} to ${number(most)})`;
}

function number(value: number, digits = 3): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
}

function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}

function quoted(word: string): string {
  return /[ >]/.test(word) ? `"${word}"` : word;
}
