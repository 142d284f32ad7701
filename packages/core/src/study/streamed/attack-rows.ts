import { BlockRows } from "../../data/block-rows.js";
import { numericalError } from "../../errors.js";
import {
  type Collected,
  collect,
  type Influence,
  influenceFrom,
  type RowPull,
  type SlopeExtent,
} from "../../influence/aif.js";
import { rateOf } from "../../influence/gradient-density.js";
import { foldSizes, scalesOutside } from "../../influence/leave-out-influence.js";
import type { Sampling } from "../../influence/sampling.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import type { Fit } from "../../solvers/fit.js";
import type { ThreatDescription } from "../../threats/pointwise.js";
import type { Threat } from "../../threats/threat.js";
import type { FittedRows } from "./fit-rows.js";
import type { RowsView } from "./rows-view.js";
import type { Summary } from "./summary.js";

/** A threat at the fit: its influence without anything of single rows, and what the numbers of rows are made from. */
export interface StreamedAttack {
  readonly attack: Influence;
  readonly extent: SlopeExtent;
  /** Rows on their own kink. */
  readonly stuck: readonly StuckRow[];
  /** Σ w ℓ''γ·φ v (d) */
  readonly throughFeatures: Float64Array;
  /** sd(ℓ'), and n_eff^{−1/5}: what densities are as wide as. */
  readonly slopeSpread: number;
  readonly rate: number;
  /** K: Σ w‖x ⊘ b‖ within each fold. */
  readonly sizesInside: Float64Array;
}

/** A row with a residual of 0. */
export interface StuckRow {
  /** Counted over all ranks. */
  readonly row: number;
  readonly sourceRow: number;
  readonly onFeatures: number;
}

/** More rows on their kinks than this are not resolved one by one. */
const MOST_STUCK = 2000;

/** One pass for all threats: c, A and Φ. @throws as `influence` */
export async function attackRows(
  pass: Pass<RowsView>,
  { fit, slopes: { extent, mean: meanSlope } }: FittedRows,
  describe: readonly ThreatDescription[],
  summary: Summary,
  { ranks, sampling }: { readonly ranks: Ranks; readonly sampling: Sampling },
): Promise<StreamedAttack[]> {
  const threats = describe.map((threat) => threat(fit.model.map.inputs));
  const d = fit.parameters.length;
  const folds = summary.inside.length;
  const sums = threats.map(() => ({
    along: new Float64Array(d),
    throughFeatures: new Float64Array(d),
    // c, A/c, coupled kinks, Σ wℓ'sgn
    scalars: new Float64Array(4),
    inside: new Float64Array(folds),
  }));
  const spread = new Float64Array(1);
  const kinked = new Float64Array(1);
  const onKink: KinkedRow[] = [];
  await pass({
    sums: [spread, kinked, ...sums.flatMap((of) => [of.along, of.throughFeatures, of.scalars, of.inside])],
    async visit(view) {
      const own = view.fit(fit);
      const { y, weights } = view.data;
      for (let i = 0; i < y.length; i++) {
        spread[0] += weights[i] * (fit.model.loss.first(own.scores[i], y[i]) - meanSlope) ** 2;
      }
      for (const [t, threat] of threats.entries()) {
        const found = await collect(own, threat, extent);
        add(sums[t].along, found.along);
        add(sums[t].throughFeatures, found.throughFeatures);
        const pulled = found.pull.onJacobian.reduce((sum, value) => sum + value, 0);
        add(sums[t].scalars, [found.scale, found.gain, found.coupled, pulled]);
        add(
          sums[t].inside,
          foldSizes(found.rowScales, weights, view.foldOf.subarray(0, folds > 0 ? y.length : 0), folds),
        );
        if (t > 0) continue;
        const { zeroResiduals } = found.kinks;
        kinked[0] += zeroResiduals.length;
        if (onKink.length <= MOST_STUCK) for (const i of zeroResiduals) onKink.push(kinkedRow(view, own, i));
      }
    },
  });
  const shared = kinked[0] > 0 ? await gathered(onKink, kinked[0], ranks) : [];
  const rate = rateOf(summary.squares, sampling);
  const out: StreamedAttack[] = [];
  for (const [t, threat] of threats.entries()) {
    const { along, throughFeatures, scalars, inside } = sums[t];
    const found = { along, scalars, zeros: kinked[0], rows: shared };
    const { attack, stuck } = await resolved(fit, threat, extent, found);
    out.push({
      attack,
      extent,
      stuck,
      throughFeatures,
      slopeSpread: Math.sqrt(spread[0]),
      rate,
      sizesInside: inside,
    });
  }
  return out;
}

/** c_{−k} (K) */
export const foldScales = ({ sizesInside }: StreamedAttack, outside: Float64Array): Float64Array =>
  scalesOutside(sizesInside, outside);

interface KinkedRow {
  readonly row: number;
  readonly sourceRow: number;
  readonly x: readonly number[];
  readonly y: number;
  readonly w: number;
  readonly score: number;
}

const kinkedRow = ({ data, block }: RowsView, { scores }: Fit, i: number): KinkedRow => ({
  row: block.firstRow + i,
  sourceRow: block.sourceRows[i],
  x: [...data.x.row(i)],
  y: data.y[i],
  w: data.weights[i],
  score: scores[i],
});

/** The rows on their kinks, of all ranks; none where they are too many. */
async function gathered(own: readonly KinkedRow[], count: number, ranks: Ranks): Promise<KinkedRow[]> {
  const lists = await ranks.gather(count > MOST_STUCK ? "[]" : JSON.stringify(own));
  return lists.flatMap((text) => JSON.parse(text) as KinkedRow[]);
}

interface Found {
  readonly along: Float64Array;
  readonly scalars: Float64Array;
  readonly zeros: number;
  readonly rows: readonly KinkedRow[];
}

/** I from the sums, kinks resolved. Rows on their kinks come as a data set of their own, with one more that stands for the rest. */
async function resolved(
  fit: Fit,
  threat: Threat,
  extent: SlopeExtent,
  { along, scalars, zeros, rows }: Found,
): Promise<{ attack: Influence; stuck: StuckRow[] }> {
  const [scale, gain, coupled, pulled] = scalars;
  const none = await collect({ ...fit, data: noRows(fit), scores: new Float64Array(0) }, threat, extent);
  const zeroGradient = none.kinks.zeroGradient || zeros === fit.data.rows; // all rows are met exactly
  if (zeros > MOST_STUCK && !(zeroGradient || along.every((value) => value === 0))) {
    throw numericalError(
      `${zeros} rows are met exactly, more than the ${MOST_STUCK} whose kinks can be resolved: use fewer parameters or a ridge such as --l2 0.01.`,
    );
  }
  const pull: RowPull = {
    ...none.pull,
    onFeatures: new Float64Array(rows.length + 1),
    onJacobian: Float64Array.from({ length: rows.length + 1 }, (_, i) => (i === rows.length ? pulled : 0)),
    slopes: new Float64Array(rows.length + 1),
    shared: none.pull.shared && sharedDirection(threat, none.pull),
  };
  const collected: Collected = {
    ...none,
    kinks: { ...none.kinks, zeroGradient, zeroResiduals: rows.map((_, i) => i) },
    coupled,
    scale,
    gain,
    along,
    pull,
  };
  const small =
    rows.length === 0
      ? fit
      : {
          ...fit,
          data: new BlockRows(
            Matrix.fromRows(rows.map(({ x }) => x)),
            { y: Float64Array.from(rows, ({ y }) => y), w: Float64Array.from(rows, ({ w }) => w) },
            fit.data.features,
          ),
          scores: Float64Array.from(rows, ({ score }) => score),
        };
  const attack = await influenceFrom(small, threat, collected, fit.data.rows);
  const stuck = rows.map(({ row, sourceRow }, i) => ({ row, sourceRow, onFeatures: attack.pull.onFeatures[i] }));
  const withoutRows = { ...attack.pull, onFeatures: NONE, onJacobian: NONE, slopes: NONE };
  // Too many to list, with nothing that pulls: 0 is the element of least norm.
  const unlisted = !zeroGradient && zeros > rows.length ? { oneSided: true, multipliers: NO_MULTIPLIERS } : {};
  return {
    attack: { ...attack, fit, rowScales: NONE, pull: withoutRows, ...unlisted },
    stuck: attack.multipliers === null ? [] : stuck,
  };
}

const NONE = new Float64Array(0);
const NO_MULTIPLIERS = { residuals: [], coordinates: [], ties: [] };

const noRows = (fit: Fit): BlockRows =>
  new BlockRows(Matrix.zeros(0, fit.model.map.inputs), { y: NONE, w: NONE }, fit.data.features);

/** φ that all rows share. */
function sharedDirection(threat: Threat, { gamma }: RowPull): Matrix | null {
  if (!gamma) return null;
  const block = { x: Matrix.zeros(0, gamma.columns), y: NONE, w: NONE, firstRow: 0 };
  return threat.respond({ slope: Float64Array.of(1), base: gamma }, block).base;
}

/** The rows of a block that are met exactly, counted within it, with κ_i and what they pull. */
export function metRows(view: RowsView, { attack, stuck }: StreamedAttack) {
  const { firstRow } = view.block;
  return stuck.flatMap(({ row, onFeatures }, k) => {
    const i = row - firstRow;
    if (i < 0 || i >= view.data.rows) return [];
    return [{ row: i, value: attack.multipliers?.residuals[k]?.value ?? 0, onFeatures }];
  });
}

/** The attack on the rows that pass by, which sums over rows can be taken of. */
export function onView(view: RowsView, attacked: StreamedAttack): Promise<Influence> {
  return view.once(attacked, async () => {
    const { attack, extent } = attacked;
    const own = view.fit(attack.fit);
    const { pull, rowScales } = await collect(own, attack.threat, extent);
    const met = metRows(view, attacked);
    for (const { row, onFeatures } of met) pull.onFeatures[row] = onFeatures;
    return {
      ...attack,
      fit: own,
      rowScales,
      multipliers: attack.multipliers && {
        ...attack.multipliers,
        residuals: met.map(({ row, value }) => ({ row, value })),
      },
      pull: { ...pull, shared: attack.pull.shared, gamma: attack.pull.gamma },
    };
  });
}

/** r: v_i'I */
export const shiftsOf = (view: RowsView, { attack }: StreamedAttack): Float64Array =>
  view.scores(attack.fit.model, attack.influence);

export function add(to: Float64Array, values: ArrayLike<number>): void {
  for (let j = 0; j < to.length; j++) to[j] += values[j];
}
