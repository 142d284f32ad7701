import { shorter } from "../../../data/block-stretches.js";
import type { Block } from "../../../data/dataset.js";
import type { ClassSums } from "../../../influence/class-metrics.js";
import { rowCounts } from "../../../influence/sandwich.js";
import { Matrix } from "../../../linalg/matrix.js";
import type { Pass } from "../../../parallel/passes.js";
import { timeSlices, type Work } from "../../../parallel/work.js";
import { attackBlockRows, type ModelAttacker, modelAttacker } from "../../../robust/model-attack.js";
import { drawRows } from "../../../stats/draw-rows.js";
import { drawnCount } from "../../attack-sample.js";
import { mixedOf, plainChanges, reachFactor } from "../../curve.js";
import { type LocalCurveGround, localPoint } from "../../local-curve.js";
import { hasIntervals, movedTo, STUDY_SEARCH } from "../../local-evaluation.js";
import type { CurvePoint } from "../../result.js";
import { GroupSums } from "../group-sums.js";
import type { RowsView } from "../rows-view.js";
import { CurveSpread, type SpreadSize } from "./curve-spread.js";
import { CurveTally, type PassingCurve } from "./curve-tally.js";
import { overParts, type PassingPart } from "./evaluated-parts.js";
import { judgedBlock, type PassingBlock, rowsOf } from "./passing-blocks.js";

/** Sums over the evaluated rows. */
export interface CurveSums {
  /** Σ w l at θ̃ */
  readonly natural: number;
  readonly now: Metrics;
  readonly sizes: readonly SizeSums[];
  /** Of how many rows losses under attack are known; null: of all. */
  readonly drawn: number | null;
  readonly groups: GroupSums | null;
  /** Null without intervals. */
  readonly spread: readonly SpreadSize[] | null;
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

/**
 * One pass over the evaluated rows for all sizes of one threat: natural losses and losses under attack at θ̃, θ̃ + εI and, with a share
 * of attacks π, θ̃ + πεI. An attack looks at nothing but its row, so that it goes block by block.
 */
export async function curveSums(
  views: Pass<RowsView>,
  curve: PassingCurve,
  epsilons: readonly number[],
  work: Work,
): Promise<CurveSums> {
  const { parts, rows, threat, settings } = curve;
  const { attackRate, seed } = settings;
  const m = parts[0].data.features.length;
  const shares = attackRate === null ? [0, 1] : [0, 1, attackRate];
  const sums = new CurveTally(curve, epsilons, shares.length);
  const count = drawnCount(rows, threat, settings, parts[0].parameters.length);
  const drawn = count === null ? null : new Map(Array.from(drawRows(rows, count, seed), (row, at) => [row, at]));
  const groups = curve.groups && new GroupSums(curve.groups, curve.ranks, epsilons.length, curve.clusters);
  const spread = hasIntervals(settings) ? new CurveSpread(curve, epsilons.length, drawn) : null;
  const plans = new Map(
    parts.map((part) => {
      const thetas = epsilons.map((epsilon) => shares.map((share) => movedTo(part, share * epsilon)));
      const attackers = epsilons.map((epsilon, e) =>
        thetas[e].map((theta) =>
          modelAttacker(part.model, theta, threat, m, epsilon * part.scale, { ...STUDY_SEARCH, seed }),
        ),
      );
      return [part, { thetas, attackers }];
    }),
  );
  const visit = async (passing: PassingBlock, part: PassingPart): Promise<void> => {
    const slices = timeSlices(work);
    const { thetas, attackers } = plans.get(part) ?? { thetas: [], attackers: [] };
    const block = judgedBlock(passing);
    const { y, w } = block;
    const { model } = part;
    const natural = (theta: Float64Array): Float64Array => model.losses(theta, block);
    const before = natural(part.parameters);
    sums.natural[0] += weighted(w, before);
    const now = sums.now.add(y, w, model.outputs(part.parameters, block.x));
    const some = attackedRows(passing, drawn);
    spread?.begin(passing, some.passing, now);
    const { groupOf, clusterOf = null } = passing;
    const grouped = groupOf && { groupOf, w, omega: rowCounts(w, curve.sampling), clusterOf };
    if (grouped) groups?.begin(grouped, before);
    for (let e = 0; e < epsilons.length; e++) {
      const losses = thetas[e].map((theta, s) => (s === 0 ? before : natural(theta)));
      for (let s = 1; s < shares.length; s++) sums.costs[e][s - 1] += changed(w, losses[s], before);
      const after = sums.after[e].add(y, w, model.outputs(thetas[e][1], block.x));
      spread?.natural(e, { before, after: losses[1] }, after);
      if (some.block.y.length === 0) continue;
      const under: { losses: Float64Array; classified: ReturnType<ClassSums["add"]> }[] = [];
      for (const [s, theta] of thetas[e].entries()) {
        const found = attackedBlock(model, theta, attackers[e][s], some.block);
        const classified = sums.attacked[e][s].add(some.block, found.losses, some.of(losses[s]), found.outputs);
        under.push({ losses: found.losses, classified });
        if (slices.due()) await slices.pause({ phase: "losses under attack", done: block.firstRow, total: rows });
      }
      spread?.attacked(e, under[0], under[1]);
      const benefits = under[0].losses.map((loss, i) => loss - under[1].losses[i]);
      // Groups are judged on all their rows, so that none are drawn.
      const costs = losses[1].map((loss, i) => loss - before[i]);
      if (grouped) groups?.add(e, grouped, costs, benefits);
    }
  };
  await overParts(views, parts, [...sums.all, ...(groups?.sums ?? []), ...(spread?.sums ?? [])], visit);
  const found = finished(sums, count);
  return { ...found, groups, spread: spread && spread.finish(sums) };
}

/** Losses (r) and outputs (r×K) of a block under attack, a few rows at a time. */
function attackedBlock(model: PassingPart["model"], theta: Float64Array, attacker: ModelAttacker, block: Block) {
  const losses = new Float64Array(block.y.length);
  let outputs = Matrix.zeros(0, 0);
  for (const piece of shorter(block, attackBlockRows(block.x.columns))) {
    const found = attacker(piece);
    const f = model.outputs(theta, found.moved);
    const at = piece.firstRow - block.firstRow;
    if (at === 0) outputs = Matrix.zeros(block.y.length, f.columns);
    losses.set(found.losses, at);
    outputs.data.set(f.data, at * f.columns);
  }
  return { losses, outputs };
}

function finished(
  { natural: [natural], now, costs, after, attacked }: CurveTally,
  drawn: number | null,
): Omit<CurveSums, "groups" | "spread"> {
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
function attackedRows(passing: PassingBlock, drawn: ReadonlyMap<number, number> | null) {
  if (drawn === null) return { passing, block: judgedBlock(passing), of: (values: Float64Array) => values };
  const kept = Int32Array.from([...passing.places.keys()].filter((i) => drawn.has(passing.places[i])));
  const chosen = rowsOf(passing, kept);
  return {
    passing: chosen,
    block: judgedBlock(chosen),
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
  { rows, settings }: Pick<PassingCurve, "rows" | "settings">,
  ground: Omit<LocalCurveGround, "natural" | "z">,
  epsilons: readonly number[],
  predicted: readonly number[],
): CurvePoint[] {
  const at: LocalCurveGround = { ...ground, natural: sums.natural, z: reachFactor(settings) };
  return epsilons.map((epsilon, e) => {
    const { cost, mixedCost, after, attacked } = sums.sizes[e];
    const [now, then, mixed] = attacked;
    const benefit = now.loss - then.loss;
    const own = mixed && { cost: mixedCost, benefit: now.loss - mixed.loss };
    const spread = sums.spread?.[e];
    const left = sums.drawn === null ? 0 : Math.sqrt(1 - sums.drawn / rows);
    return {
      ...localPoint(at, {
        epsilon,
        predicted: predicted[e],
        cost,
        costError: spread?.cost ?? 0,
        benefit,
        benefitError: spread?.benefit ?? 0,
        mixed: own && settings.attackRate !== null ? mixedOf(settings.attackRate, own, { cost, benefit }) : null,
        groups: sums.groups && sums.groups.points(e, at.z),
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
          natural: spread?.natural ?? plainChanges({ before: { values: sums.now }, after: { values: after } }),
          robust: spread?.robust ?? plainChanges({ before: { values: now.metrics }, after: { values: then.metrics } }),
        },
      },
    };
  });
}
