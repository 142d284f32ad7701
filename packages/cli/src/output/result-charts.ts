import {
  AifError,
  type ChartedResult,
  type ChartOptions,
  type ChartSpec,
  chartsOf,
  type NamedChart,
  onDarkPaper,
} from "@aif/core";
import { inputError } from "../errors.js";
import { toSvg } from "./svg.js";

/** V8 reads no longer text than half a gigabyte; results have a few megabytes. */
export const LARGEST_RESULT = 2 ** 28;
/** Marks of one chart: more take minutes, and nobody can tell them apart. */
const MOST_ROWS = 100_000;

/**
 * The charts of a result that a command wrote as JSON.
 * @param file what messages call it
 * @throws input: it is no result that has charts
 */
export function chartsIn(bytes: Uint8Array, file: string): readonly NamedChart[] {
  const charts = drawable(bytes);
  if (charts !== null && charts.length > 0) return charts;
  throw inputError(
    `${file} is no result that has charts: it must be what aif analyze, verify, path, adversarial-train, compare or reproduce writes as JSON.`,
  );
}

function drawable(bytes: Uint8Array): readonly NamedChart[] | null {
  try {
    const charts = chartsOf(JSON.parse(new TextDecoder().decode(bytes)) as ChartedResult);
    return charts.every(isNamed) ? charts : null;
  } catch {
    return null;
  }
}

const isNamed = ({ name, shows, attack }: NamedChart): boolean =>
  typeof name === "string" && typeof shows === "string" && (attack === null || typeof attack === "string");

/** A chart as SVG. @throws input: the file does not hold what the chart needs */
export async function svgOf(
  chart: NamedChart,
  options: ChartOptions,
  paper: "light" | "dark",
  file: string,
): Promise<string> {
  try {
    const spec = chart.draw(options);
    if (rowsOf(spec) > MOST_ROWS)
      throw inputError(`${file} is too large to be drawn: it holds more than ${MOST_ROWS} marks.`);
    return await toSvg(paper === "dark" ? onDarkPaper(spec) : spec);
  } catch (cause) {
    if (cause instanceof AifError) throw cause;
    throw new AifError("input", `${file} is damaged: its chart ${chart.name} cannot be drawn; make the result again.`, {
      cause,
    });
  }
}

/** How many rows of data a specification holds, at any depth. */
function rowsOf(spec: ChartSpec): number {
  return Object.entries(spec).reduce((sum, [key, value]) => {
    if (typeof value !== "object" || value === null) return sum;
    if (key === "values" && Array.isArray(value)) return sum + value.length;
    return sum + rowsOf(value as ChartSpec);
  }, 0);
}
