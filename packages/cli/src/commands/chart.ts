import type { NamedChart } from "@aif/core";
import { assertWritable } from "@aif/core/node";
import type { Command } from "commander";
import { usageError } from "../errors.js";
import { readInputFile } from "../input-file.js";
import { chartOptions } from "../options/chart.js";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { writeChart } from "../output/chart-file.js";
import { chartsIn, LARGEST_RESULT, svgOf } from "../output/result-charts.js";
import { writeStdout } from "../output/stdout.js";
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
      const charts = chartsIn(await readInputFile(file, file, LARGEST_RESULT), file);
      if (name === undefined) {
        await writeStdout(listed(file, charts));
        return;
      }
      const chart = chosen(file, charts, name, norm);
      if (out !== null) await assertWritable(out);
      const svg = await svgOf(chart, { ...(axes && { axes }), ...(width && { width }) }, paper, file);
      if (out === null) await writeStdout(svg);
      else await writeChart(out, svg);
    });
  addGroups(command, [chartOptions]);
  command.addHelpText(
    "after",
    "\nExample:\n  aif analyze examples/house-prices.csv --target price_thousands --out result.json\n  aif chart result.json sensitivity --out sensitivity.png\n",
  );
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
  const width = Math.max(...charts.map(({ name }) => clean(name).length));
  const lines = charts.map(
    ({ name, shows, attack }) =>
      `  ${clean(name).padEnd(width)}  ${clean(shows)}${attack === null ? "" : ` (p = ${clean(attack)})`}`,
  );
  const first = clean(charts[0].name);
  return `Charts of ${clean(file)}\n${lines.join("\n")}\nDraw one: aif chart ${clean(file)} ${first} --out ${first}.svg\n`;
}
