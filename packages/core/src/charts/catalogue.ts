/** Which charts there are of which results. */
import type { ComparisonResult } from "../study/compare/comparison-result.js";
import type { PathResult } from "../study/path-result.js";
import type { StudyResult } from "../study/result.js";
import type { TrainingResult } from "../study/training-result.js";
import type { VerificationResult } from "../study/verify-result.js";
import { comparisonChart } from "./comparison-chart.js";
import { drawnChart } from "./drawn-chart.js";
import type { ChartOptions } from "./figure.js";
import { lassoChart } from "./lasso-chart.js";
import { pathLossesChart, predictedLossesChart } from "./losses-chart.js";
import { parametersChart } from "./parameters-chart.js";
import { pathParametersChart } from "./path-parameters-chart.js";
import { rowsChart } from "./rows-chart.js";
import { sensitivityChart } from "./sensitivity-chart.js";
import type { ChartSpec } from "./theme.js";
import { trainingChart } from "./training-chart.js";
import { costRatioChart, parameterErrorChart } from "./verification-charts.js";

/** A result that has charts: whatever a command prints as JSON. */
export type ChartedResult =
  | StudyResult
  | VerificationResult
  | PathResult
  | TrainingResult
  | ComparisonResult
  | DrawnResult;

/** A result that brings its only chart along: a reproduced result of the paper. */
export interface DrawnResult {
  readonly schema: "aif.reproduction/1";
  readonly name: string;
  readonly title: string;
  readonly chart: ChartSpec;
}

/** One chart of a result, to be made as it is wanted. */
export interface NamedChart {
  /** What `aif chart` calls it. */
  readonly name: string;
  /** What it shows, in a few words. */
  readonly shows: string;
  /** The norm (or kind of attack) it is of; null: of the whole result. */
  readonly attack: string | null;
  /** What it does when another size of the attack is looked at: it moves its mark, is of that size, or has nothing to do with it. */
  readonly follows: "mark" | "size" | "nothing";
  readonly draw: (options?: ChartOptions) => ChartSpec;
}

interface Kind<Result, Section> {
  readonly name: string;
  readonly shows: string;
  readonly follows?: NamedChart["follows"];
  /** null: this result has nothing to show here. */
  readonly draw: (result: Result, section: Section, options: ChartOptions) => ChartSpec | null;
}

type Threat = StudyResult["threats"][number];

const OF_THREATS: readonly Kind<StudyResult, Threat>[] = [
  { name: "sensitivity", shows: "the cost of robustness against ε", follows: "mark", draw: sensitivityChart },
  { name: "losses", shows: "loss without and under attack against ε", follows: "mark", draw: predictedLossesChart },
  { name: "parameters", shows: "the parameters that move most", follows: "size", draw: parametersChart },
  { name: "rows", shows: "the rows that pull hardest", draw: rowsChart },
];

const OF_VERIFICATIONS: readonly Kind<VerificationResult, VerificationResult["threats"][number]>[] = [
  { name: "ratio", shows: "predicted over exact cost against ε", draw: costRatioChart },
  { name: "errors", shows: "the error of the parameters beside its bound", draw: parameterErrorChart },
];

const OF_PATHS: readonly Kind<PathResult, PathResult["paths"][number]>[] = [
  { name: "losses", shows: "natural and robust loss along the path", follows: "mark", draw: pathLossesChart },
  { name: "parameters", shows: "the parameters along the path", draw: pathParametersChart },
];

/** The charts of a result, in the order in which a reader wants them. */
export function chartsOf(result: ChartedResult): NamedChart[] {
  switch (result.schema) {
    case "aif.study/1":
      return [
        ...result.threats.flatMap((threat) => named(OF_THREATS, result, threat, attackKey(threat.threat))),
        ...pathOf(result),
      ];
    case "aif.verification/1": {
      const study = { ...result, schema: "aif.study/1" } as const;
      return result.threats.flatMap((threat) => [
        ...named(OF_VERIFICATIONS, result, threat, attackKey(threat.threat)),
        ...named(OF_THREATS, study, threat, attackKey(threat.threat)),
      ]);
    }
    case "aif.path/1":
      return result.paths.flatMap((path) => named(OF_PATHS, result, path, path.norm));
    case "aif.training-result/1": {
      const kind = { name: "training", shows: "the robust objective by iteration", draw: trainingChart };
      return named(
        [{ ...kind, draw: (training, _, options) => trainingChart(training, options) }],
        result,
        null,
        result.threat.norm ?? "",
      );
    }
    case "aif.comparison/1": {
      const draw = (options: ChartOptions = {}): ChartSpec => comparisonChart(result, options);
      return [
        {
          name: "comparison",
          shows: "natural loss against cost of robustness",
          attack: attackKey(result.settings),
          follows: "nothing",
          draw,
        },
      ];
    }
    case "aif.reproduction/1":
      return [
        {
          name: result.name,
          shows: result.title,
          attack: null,
          follows: "nothing",
          draw: () => drawnChart(result.chart, result.name),
        },
      ];
    default:
      return [];
  }
}

/** Several l1 penalties side by side. */
function pathOf(result: StudyResult): NamedChart[] {
  const { lassoPath } = result;
  if (!lassoPath) return [];
  const draw = (): ChartSpec => lassoChart(result, lassoPath);
  return [
    { name: "lasso", shows: "loss, features and cost against the l1 penalty", attack: null, follows: "nothing", draw },
  ];
}

/** What tells the adversaries of one result apart: the norm, or the ball of those that move no row. */
export const attackKey = ({
  norm,
  divergence,
}: {
  readonly norm: string | null;
  readonly divergence: string | null;
}): string => norm ?? divergence ?? "";

function named<Result, Section>(
  kinds: readonly Kind<Result, Section>[],
  result: Result,
  section: Section,
  attack: string,
): NamedChart[] {
  return kinds.flatMap(({ name, shows, follows = "nothing", draw }) =>
    draw(result, section, {}) === null
      ? []
      : [{ name, shows, attack, follows, draw: (options = {}) => draw(result, section, options) as ChartSpec }],
  );
}
