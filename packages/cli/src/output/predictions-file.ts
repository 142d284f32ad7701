import { type Predictions, readTable, type StudyInput } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";
import { type Cell, csvText } from "./csv.js";
import { toJson } from "./json.js";

/** One row for each adversary, size, row of the file and output. */
function predictionsCsv({ outputs, attacks }: Predictions, raw: boolean): string {
  const header = ["norm", "wasserstein", "divergence", "epsilon", "radius", "extrapolated", "row", "output"];
  const lines = attacks.flatMap(({ norm, wasserstein, divergence, epsilon, radius, extrapolated, rows }) => {
    const attack = [norm, wasserstein, divergence, epsilon, radius, String(extrapolated)];
    return rows.flatMap(({ row, now, change, interval }) =>
      outputs.map((output, o): Cell[] => [
        ...attack,
        row,
        output,
        now[o],
        change[o],
        ...(interval ? interval[o] : [null, null]),
      ]),
    );
  });
  return csvText([[...header, "now", "change", "lower", "upper"], ...lines], raw);
}

/**
 * What `--predict` reads, and `--predictions` collects during an analysis and writes after it.
 * @throws usage: one without the other
 */
export function predictionsFile(
  rows: string | null,
  path: string | null,
  raw: boolean,
): {
  read(signal: AbortSignal): Promise<Pick<StudyInput, "predictionTable" | "onPredictions">>;
  write(): Promise<void>;
} {
  if (rows !== null && path === null) throw usageError("--predict needs --predictions <file>, where they are written.");
  if (rows === null && path !== null) throw usageError("--predictions needs --predict <file>, the rows to predict.");
  let found: Predictions | null = null;
  return {
    async read(signal) {
      if (rows === null) return {};
      return {
        predictionTable: await readTable(rows, { signal }),
        onPredictions(predictions) {
          found = predictions;
        },
      };
    },
    async write() {
      if (found && path !== null) {
        await writeFileAtomically(path, /\.json$/i.test(path) ? toJson(found) : predictionsCsv(found, raw));
      }
    },
  };
}
