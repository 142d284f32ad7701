/**
 * npx tsx bench/coverage.ts [--repetitions 2000] [--write] [--cell NAME …] [--processes 2]: how often do nominal 95 %
 * intervals hold the truth? --write puts the tables into docs/coverage.md; --cell keeps cells whose section or name
 * contains the text. What is done is kept in the temporary folder, so that an interrupted run goes on.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CELLS } from "./coverage-cells.js";
import { report } from "./coverage-report.js";
import { runCells } from "./coverage-run.js";
import { machineLines } from "./machine.js";

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "2000" },
    write: { type: "boolean", default: false },
    cell: { type: "string", multiple: true, default: [] },
    processes: { type: "string", default: "2" },
  },
});
const repetitions = Number(values.repetitions);
const processes = Number(values.processes);
if (!(repetitions >= 100)) throw new Error("--repetitions needs at least 100.");
if (!(processes >= 1)) throw new Error("--processes needs at least 1.");
if (values.write && values.cell.length > 0) throw new Error("--write takes no --cell: the document shows everything.");
const wanted = CELLS.filter(
  ({ name, section }) =>
    values.cell.length === 0 ||
    values.cell.some((text) => `${section}: ${name}`.toLowerCase().includes(text.toLowerCase())),
);
if (wanted.length === 0) throw new Error(`No cell is called ${values.cell.join(" or ")}.`);

const results = await runCells(wanted, repetitions, processes);
const command = `npx tsx bench/coverage.ts --repetitions ${repetitions} --write`;
const text = report(results, repetitions, machineLines(command, []));
process.stdout.write(text);
if (values.write) writeFileSync(new URL("../docs/coverage.md", import.meta.url), text);
