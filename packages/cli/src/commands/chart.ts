import { readFile } from "node:fs/promises";
import { type ChartedResult, chartsOf, type NamedChart, onDarkPaper } from "@aif/core";
import { assertWritable } from "@aif/core/node";
import type { Command } from "commander";
import { inputError, usageError } from "../errors.js";
import { chartOptions } from "../options/chart.js";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { writeChart } from "../output/chart-file.js";
import { writeStdout } from "../output/stdout.js";
import { toSvg } from "../output/svg.js";
import { clean } from "../render/clean.js";

/** `aif chart <result.json> [name]`: pictures of a result, for papers and slides. */
export function addChart(program: Command): void {
  const command = program
    .command("chart")
    .summary("draw a result as SVG or PNG")
    .description("Draws one of the charts of a result that a command wrote as JSON. Without a name it lists them.")
    .argument(
      "<result>",
      "a file that analyze, verify, path, adversarial-train, compare or reproduce wrote with --format json",
    )
    .argument("[name]", "the chart, such as sensitivity")
    .action(async (file: string, name: string | undefined) => {
      const { out, norm, axes, paper, width } = readGroup(chartOptions, command);
      const charts = await chartsIn(file);
      if (name === undefined) {
        await writeStdout(listed(file, charts));
        return;
      }
      const chart = chosen(file, charts, name, norm);
      if (out !== null) await assertWritable(out);
      const spec = chart.draw({ ...(axes && { axes }), ...(width && { width }) });
      if (out === null) await writeStdout(await toSvg(paper === "dark" ? onDarkPaper(spec) : spec));
      else await writeChart(out, spec, paper);
    });
  addGroups(command, [chartOptions]);
  command.addHelpText(
    "after",
    "\nExample:\n  aif analyze examples/house-prices.csv --target price_thousands --out result.json\n  aif chart result.json sensitivity --out sensitivity.png\n",
  );
}

/** @throws input: the file is no result that has charts. */
async function chartsIn(file: string): Promise<readonly NamedChart[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw inputError(`${file} cannot be read: ${missing ? "there is no such file" : String(error)}.`);
  });
  const charts = drawable(text);
  if (charts !== null && charts.length > 0) return charts;
  throw inputError(
    `${file} is no result that has charts: it must be what aif analyze, verify, path, adversarial-train, compare or reproduce writes as JSON.`,
  );
}

function drawable(text: string): readonly NamedChart[] | null {
  try {
    return chartsOf(JSON.parse(text) as ChartedResult);
  } catch {
    return null;
  }
}

/** @throws usage: no such chart, or no such attack. */
function chosen(file: string, charts: readonly NamedChart[], name: string, norm: string | null): NamedChart {
  const named = charts.filter((chart) => chart.name === name);
  if (named.length === 0) {
    const names = [...new Set(charts.map((chart) => chart.name))].join(", ");
    throw usageError(`${file} has no chart "${name}": use ${names}.`);
  }
  const found = norm === null ? named[0] : named.find(({ attack }) => attack === norm);
  if (found) return found;
  const attacks = named.map(({ attack }) => attack ?? "–").join(", ");
  throw usageError(`${file} has no chart "${name}" for --norm ${norm}: use ${attacks}.`);
}

function listed(file: string, charts: readonly NamedChart[]): string {
  const width = Math.max(...charts.map(({ name }) => name.length));
  const lines = charts.map(
    ({ name, shows, attack }) => `  ${name.padEnd(width)}  ${shows}${attack === null ? "" : ` (p = ${attack})`}`,
  );
  return `Charts of ${clean(file)}\n${lines.join("\n")}\nDraw one: aif chart ${clean(file)} ${charts[0].name} --out ${charts[0].name}.svg\n`;
}
