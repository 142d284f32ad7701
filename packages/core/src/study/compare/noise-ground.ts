import { noiseOf, noisyRowsOf } from "../noise.js";
import type { StudySettings } from "../settings.js";
import type { EvaluatedCandidate, EvaluatedLosses, PopulationCost, SizedRows } from "./evaluated.js";
import { type ComparisonGround, samplings } from "./ground.js";

/** What a model with noise on its inputs stands on: the same rows and folds, every row in its draws. */
function groundWithNoise(ground: ComparisonGround, settings: StudySettings): ComparisonGround {
  const { training, evaluation } = noisyRowsOf(ground, settings);
  if (noiseOf(settings) === null || training === ground.training) return ground;
  const { foldOf } = ground;
  return {
    ...ground,
    training,
    evaluation,
    foldOf: foldOf && Uint16Array.from(training.y, (_, at) => foldOf[Math.floor(at / training.copies)]),
    sampling: samplings(training, evaluation, settings),
    orders: new Map(),
    equations: new Map(),
  };
}

/** Grounds of a family, one for every noise. */
export class Grounds {
  private readonly known = new Map<string, ComparisonGround>();

  constructor(private readonly plain: ComparisonGround) {}

  of(settings: StudySettings): ComparisonGround {
    const key = JSON.stringify(noiseOf(settings));
    const ground = this.known.get(key) ?? groundWithNoise(this.plain, settings);
    this.known.set(key, ground);
    return ground;
  }
}

/** A model whose rows are those of the table again: of every row the mean over its draws, which all weigh the same. */
export function withoutDraws(one: EvaluatedCandidate, { training, evaluation }: ComparisonGround): EvaluatedCandidate {
  const judged = (evaluation ?? training).copies;
  if (training.copies === 1 && judged === 1) return one;
  const { losses, population } = one;
  return {
    ...one,
    losses: lossesOfRows(losses, judged),
    population: population && {
      ...population,
      relative: costOfRows(population.relative, training.copies),
      absolute: costOfRows(population.absolute, training.copies),
    },
  };
}

function lossesOfRows({ natural, relative, absolute }: EvaluatedLosses, copies: number): EvaluatedLosses {
  const sized = ({ changes, attacked }: SizedRows): SizedRows => ({
    changes: rowMeans(changes, copies),
    attacked: attacked && { now: rowMeans(attacked.now, copies), after: rowMeans(attacked.after, copies) },
  });
  return { natural: rowMeans(natural, copies), relative: sized(relative), absolute: sized(absolute) };
}

const costOfRows = (cost: PopulationCost, copies: number): PopulationCost => ({
  ...cost,
  rows: cost.rows && rowMeans(cost.rows, copies),
});

/** Means over the draws of every row, which stand next to each other. */
function rowMeans(values: Float64Array, copies: number): Float64Array {
  if (copies === 1) return values;
  const out = new Float64Array(values.length / copies);
  for (let at = 0; at < values.length; at++) out[Math.floor(at / copies)] += values[at] / copies;
  return out;
}
