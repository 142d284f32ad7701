import type { StudyInput, WorstCases } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import { numberCell, textCell } from "./coefficients.js";
import { toJson } from "./json.js";

/**
 * One row for each adversary, size and training row: its loss without and under attack, what it gains the adversary, its weights
 * where those change, and the move of every attacked feature in original units.
 */
export function worstCasesCsv({ features, attacks }: WorstCases): string {
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
    const attack = [norm ?? "", wasserstein ?? "", divergence ?? "", numberCell(epsilon), numberCell(radius)];
    return list.map(({ row, loss, attackedLoss, gain, weight, perturbation }) => [
      ...attack,
      String(row),
      ...[loss, attackedLoss, gain].map(numberCell),
      ...(weight ? [weight.before, weight.after].map(numberCell) : []),
      ...(perturbation ?? []).map(numberCell),
    ]);
  });
  return [header.map(textCell), ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** What `--worst-case` collects during an analysis, and writes after it: nothing where no file was asked for. */
export function worstCaseFile(path: string | null): {
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
      if (found) await writeFileAtomically(path, /\.json$/i.test(path) ? toJson(found) : worstCasesCsv(found));
    },
  };
}
