import type { StudyInput, WorstCases } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import { type Cell, csvText } from "./csv.js";
import { toJson } from "./json.js";

/**
 * One row for each adversary, size and training row: its loss without and under attack, what it gains the adversary, its weights
 * where those change, and the move of every attacked feature in original units.
 */
function worstCasesCsv({ features, attacks }: WorstCases, raw: boolean): string {
  const reweighted = attacks.some(({ divergence }) => divergence !== null);
  const header = [
    "norm",
    "wasserstein",
    "divergence",
    "epsilon",
    "radius",
    "row",
    "loss",
    "attackedLoss",
    "gain",
    ...(reweighted ? ["weight", "attackedWeight"] : []),
    ...features.map((name) => `delta(${name})`),
  ];
  const rows = attacks.flatMap(({ norm, wasserstein, divergence, epsilon, radius, rows: list }) => {
    const attack = [norm, wasserstein, divergence, epsilon, radius];
    return list.map(({ row, loss, attackedLoss, gain, weight, perturbation }): Cell[] => [
      ...attack,
      row,
      loss,
      attackedLoss,
      gain,
      ...(weight ? [weight.before, weight.after] : []),
      ...(perturbation ?? []),
    ]);
  });
  return csvText([header, ...rows], raw);
}

/** What `--worst-case` collects during an analysis, and writes after it: nothing where no file was asked for. */
export function worstCaseFile(
  path: string | null,
  raw: boolean,
): {
  readonly input: Pick<StudyInput, "onWorstCases">;
  write(): Promise<void>;
} {
  let found: WorstCases | null = null;
  if (path === null) return { input: {}, async write() {} };
  return {
    input: {
      onWorstCases(cases) {
        found = cases;
      },
    },
    async write() {
      if (found) await writeFileAtomically(path, /\.json$/i.test(path) ? toJson(found) : worstCasesCsv(found, raw));
    },
  };
}
