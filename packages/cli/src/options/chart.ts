import { usageError } from "../errors.js";
import { checkChartPath } from "../output/chart-file.js";
import { oneOf } from "./choice.js";
import { readInteger } from "./numbers.js";
import { outputOptions } from "./output.js";
import { single, text } from "./rule.js";

const LEAST_WIDTH = 280;
const MOST_WIDTH = 4000;

function readWidth(given: string, option: string): number {
  const width = readInteger(given, option, 1);
  if (width >= LEAST_WIDTH && width <= MOST_WIDTH) return width;
  throw usageError(`${option} ${given} makes no readable picture: use ${LEAST_WIDTH} to ${MOST_WIDTH} pixels.`);
}

/** How a chart is drawn, and where it goes. */
export const chartOptions = {
  heading: outputOptions.heading,
  rules: {
    out: single(
      { flags: "--out <file>", help: "the picture: .svg or .png", shown: "SVG to stdout" },
      null,
      checkChartPath,
    ),
    norm: single({ flags: "--norm <p>", help: "the attack that is shown", shown: "the first" }, null, text),
    axes: single(
      { flags: "--axes <scale>", help: "linear or log axes of sizes", shown: "linear" },
      null,
      oneOf(["linear", "log"] as const),
    ),
    paper: single(
      { flags: "--paper <kind>", help: "light or dark", shown: "light" },
      "light" as const,
      oneOf(["light", "dark"] as const),
    ),
    width: single({ flags: "--width <pixels>", help: "of the whole picture", shown: "600" }, null, readWidth),
  },
};
