import type { Block } from "../../../data/dataset.js";
import type { StreamedDataset } from "../../../data/streamed-dataset.js";
import { ClassSums } from "../../../influence/class-metrics.js";
import type { Sampling } from "../../../influence/sampling.js";
import type { Matrix } from "../../../linalg/matrix.js";
import type { Ranks } from "../../../parallel/ranks.js";
import type { Threat } from "../../../threats/threat.js";
import type { StudySettings } from "../../settings.js";
import type { PassingPart } from "./evaluated-parts.js";

/** What a curve by passes needs to know beside its sizes. */
export interface PassingCurve {
  readonly classes: number;
  readonly threat: Threat;
  readonly parts: readonly PassingPart[];
  /** How many rows are evaluated, over all ranks, and how they came to be. */
  readonly rows: number;
  readonly sampling: Sampling;
  /** Those that results are repeated for; null: none. */
  readonly groups: NonNullable<StreamedDataset["groups"]> | null;
  /** G of the evaluated rows; null: they are drawn by themselves. */
  readonly clusters: number | null;
  readonly ranks: Ranks;
  readonly settings: StudySettings;
}

/** Sums over the evaluated rows at all sizes: what changes in natural losses, and what attacks add to them. */
export class CurveTally {
  readonly natural = new Float64Array(1);
  readonly now: ClassSums;
  readonly costs: Float64Array[];
  readonly after: ClassSums[];
  readonly attacked: Attacked[][];

  constructor({ classes }: PassingCurve, epsilons: readonly number[], moves: number) {
    this.now = new ClassSums(classes);
    this.costs = epsilons.map(() => new Float64Array(2));
    this.after = epsilons.map(() => new ClassSums(classes));
    this.attacked = epsilons.map(() => Array.from({ length: moves }, () => new Attacked(classes)));
  }

  get all(): Float64Array[] {
    const { natural, now, costs, after, attacked } = this;
    const under = attacked.flat().flatMap(({ scalars, metrics }) => [scalars, metrics.sums]);
    return [natural, now.sums, ...costs, ...after.map(({ sums }) => sums), ...under];
  }
}

class Attacked {
  /** Σ w, Σ w·added, Σ w², Σ w²·added, Σ w²·added², Σ w·natural of the rows that are attacked. */
  readonly scalars = new Float64Array(6);
  readonly metrics: ClassSums;

  constructor(classes: number) {
    this.metrics = new ClassSums(classes);
  }

  add({ y, w }: Block, losses: Float64Array, natural: Float64Array, outputs: Matrix): ReturnType<ClassSums["add"]> {
    const { scalars } = this;
    for (let i = 0; i < w.length; i++) {
      const [weight, added] = [w[i], losses[i] - natural[i]];
      scalars[0] += weight;
      scalars[1] += weight * added;
      scalars[2] += weight ** 2;
      scalars[3] += weight ** 2 * added;
      scalars[4] += weight ** 2 * added ** 2;
      scalars[5] += weight * natural[i];
    }
    return this.metrics.add(y, w, outputs);
  }
}
