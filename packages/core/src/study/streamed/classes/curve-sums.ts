import type { Block } from "../../../data/dataset.js";
import { ClassSums } from "../../../influence/class-metrics.js";
import type { Model, Predictor } from "../../../models/model.js";
import { timeSlices, type Work } from "../../../parallel/work.js";
import { attackBlockRows, modelAttacker } from "../../../robust/model-attack.js";
import { drawRows } from "../../../stats/draw-rows.js";
import type { Threat } from "../../../threats/threat.js";
import { drawnCount } from "../../attack-sample.js";
import { mixedOf, plainChanges } from "../../curve.js";
import { type LocalCurveGround, localPoint } from "../../local-curve.js";
import { movedTo, STUDY_SEARCH } from "../../local-evaluation.js";
import type { CurvePoint } from "../../result.js";
import type { StudySettings } from "../../settings.js";
import type { PassingPart } from "./evaluated-parts.js";
import { judgedBlock, type PassingBlock, rowsOf } from "./passing-blocks.js";

/** What a curve by passes needs to know beside its sizes. */
export interface PassingCurve {
  readonly model: Model & Predictor;
  readonly classes: number;
  readonly threat: Threat;
  readonly parts: readonly PassingPart[];
  /** How many rows are evaluated, over all ranks. */
  readonly rows: number;
  readonly settings: StudySettings;
}

/** Sums over the evaluated rows. */
export interface CurveSums {
  /** Σ w l at θ̃ */
  readonly natural: number;
  readonly now: Metrics;
  readonly sizes: readonly SizeSums[];
  /** Of how many rows losses under attack are known; null: of all. */
  readonly drawn: number | null;
}

type Metrics = ReturnType<ClassSums["values"]>;

interface SizeSums {
  /** Σ w [l(θ̃ + εI) − l(θ̃)], and the same at the mixed model. */
  readonly cost: number;
  readonly mixedCost: number;
  readonly after: Metrics;
  /** At θ̃, θ̃ + εI and the mixed model. */
  readonly attacked: readonly { readonly loss: number; readonly standardError: number; readonly metrics: Metrics }[];
}

/** Numbers of one block: what changes in natural losses, and what attacks add to them. */
class Sums {
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

  add({ y, w }: Block, losses: Float64Array, natural: Float64Array, outputs: ReturnType<Predictor["outputs"]>): void {
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
    this.metrics.add(y, w, outputs);
  }
}

/**
 * One pass over the evaluated rows for all sizes of one threat: natural losses and losses under attack at θ̃, θ̃ + εI and, with a share
 * of attacks π, θ̃ + πεI. An attack looks at nothing but its row, so that it goes block by block.
 */
export async function curveSums(curve: PassingCurve, epsilons: readonly number[], work: Work): Promise<CurveSums> {
  const { model, parts, rows, threat, settings } = curve;
  const { attackRate, seed } = settings;
  const d = parts[0].parameters.length;
  const m = parts[0].data.features.length;
  const shares = attackRate === null ? [0, 1] : [0, 1, attackRate];
  const sums = new Sums(curve, epsilons, shares.length);
  const count = drawnCount(rows, threat, settings, d);
  const drawn = count === null ? null : new Set(drawRows(rows, count, seed));
  const slices = timeSlices(work);
  let done = 0;
  for (const part of parts) {
    const thetas = epsilons.map((epsilon) => shares.map((share) => movedTo(part, share * epsilon)));
    const attackers = epsilons.map((epsilon, e) =>
      thetas[e].map((theta) => modelAttacker(model, theta, threat, m, epsilon * part.scale, { ...STUDY_SEARCH, seed })),
    );
    for (const passing of part.data.blocks(attackBlockRows(m))) {
      const block = judgedBlock(passing);
      const { y, w } = block;
      const natural = (theta: Float64Array): Float64Array => model.losses(theta, block);
      const before = natural(part.parameters);
      sums.natural[0] += weighted(w, before);
      sums.now.add(y, w, model.outputs(part.parameters, block.x));
      const some = attackedRows(passing, drawn);
      for (let e = 0; e < epsilons.length; e++) {
        const losses = thetas[e].map((theta, s) => (s === 0 ? before : natural(theta)));
        for (let s = 1; s < shares.length; s++) sums.costs[e][s - 1] += changed(w, losses[s], before);
        sums.after[e].add(y, w, model.outputs(thetas[e][1], block.x));
        if (some.block.y.length === 0) continue;
        thetas[e].forEach((theta, s) => {
          const found = attackers[e][s](some.block);
          sums.attacked[e][s].add(some.block, found.losses, some.of(losses[s]), model.outputs(theta, found.moved));
        });
        if (slices.due()) await slices.pause({ phase: "losses under attack", done, total: rows });
      }
      done += y.length;
    }
  }
  await parts[0].data.ranks.add(...sums.all);
  return finished(sums, count);
}

function finished({ natural: [natural], now, costs, after, attacked }: Sums, drawn: number | null): CurveSums {
  return {
    natural,
    now: now.values(),
    drawn,
    sizes: costs.map(([cost, mixedCost], e) => {
      const naturals = [natural, natural + cost, natural + mixedCost];
      return {
        cost,
        mixedCost,
        after: after[e].values(),
        attacked: attacked[e].map(({ scalars: [total, added, square, along, spread, own], metrics }, s) => {
          if (drawn === null) return { loss: own + added, standardError: 0, metrics: metrics.values() };
          const mean = added / total;
          const variance = Math.max(0, spread - 2 * mean * along + mean ** 2 * square);
          return {
            loss: naturals[s] + mean,
            standardError: Math.sqrt(variance) / total,
            metrics: metrics.values(total),
          };
        }),
      };
    }),
  };
}

/** The rows of a block that are attacked. */
function attackedRows(passing: PassingBlock, drawn: ReadonlySet<number> | null) {
  if (drawn === null) return { block: judgedBlock(passing), of: (values: Float64Array) => values };
  const kept = Int32Array.from([...passing.places.keys()].filter((i) => drawn.has(passing.places[i])));
  return {
    block: judgedBlock(rowsOf(passing, kept)),
    of: (values: Float64Array) => Float64Array.from(kept, (i) => values[i]),
  };
}

const weighted = (w: Float64Array, values: Float64Array): number =>
  values.reduce((sum, value, i) => sum + w[i] * value, 0);

const changed = (w: Float64Array, after: Float64Array, before: Float64Array): number =>
  after.reduce((sum, value, i) => sum + w[i] * (value - before[i]), 0);

/** The curve as the result says it. @param predicted changes of the loss on the training rows */
export function curveFrom(
  sums: CurveSums,
  { rows, settings: { attackRate } }: Pick<PassingCurve, "rows" | "settings">,
  ground: Omit<LocalCurveGround, "natural" | "z">,
  epsilons: readonly number[],
  predicted: readonly number[],
): CurvePoint[] {
  const at: LocalCurveGround = { ...ground, natural: sums.natural, z: null };
  return epsilons.map((epsilon, e) => {
    const { cost, mixedCost, after, attacked } = sums.sizes[e];
    const [now, then, mixed] = attacked;
    const benefit = now.loss - then.loss;
    const own = mixed && { cost: mixedCost, benefit: now.loss - mixed.loss };
    const left = sums.drawn === null ? 0 : Math.sqrt(1 - sums.drawn / rows);
    return {
      ...localPoint(at, {
        epsilon,
        predicted: predicted[e],
        cost,
        costError: 0,
        benefit,
        benefitError: 0,
        mixed: own && attackRate !== null ? mixedOf(attackRate, own, { cost, benefit }) : null,
        groups: null,
        robustLoss: then.loss,
        robustLossNatural: now.loss,
        attackedSample: sums.drawn === null ? null : { rows: sums.drawn, standardError: left * then.standardError },
        flippedUnits: null,
      }),
      metrics: {
        natural: after,
        robust: then.metrics,
        naturalNow: sums.now,
        robustNow: now.metrics,
        changes: {
          natural: plainChanges({ before: { values: sums.now }, after: { values: after } }),
          robust: plainChanges({ before: { values: now.metrics }, after: { values: then.metrics } }),
        },
      },
    };
  });
}
