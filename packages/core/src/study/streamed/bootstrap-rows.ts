import type { BootstrapDraws } from "../../influence/bootstrap.js";
import { drawsOf } from "../../influence/bootstrap.js";
import { batchDraws, canBatch } from "../../influence/bootstrap-batch.js";
import type { Drawn } from "../../influence/bootstrap-refit.js";
import { bootstrapSummary } from "../../influence/bootstrap-summary.js";
import {
  addFirstSums,
  bendWeights,
  curvedProduct,
  type DrawnRows,
  drawnGradients,
  drawnScales,
  signedSlopes,
} from "../../influence/bootstrap-sums.js";
import { type WriteDraws, writeDraws } from "../../influence/bootstrap-weights.js";
import { SNAP } from "../../influence/kinks.js";
import type { Sampling } from "../../influence/sampling.js";
import { WeightedGrams } from "../../influence/weighted-grams.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Pass } from "../../parallel/passes.js";
import { hasGround, type Inference } from "../inference.js";
import { hasAbsoluteSizes, type StudySettings } from "../settings.js";
import { add, onView, type StreamedAttack } from "./attack-rows.js";
import { columnSums, drawsAtOnce, inWaves, runs, TOGETHER, weighDraws } from "./drawn-waves.js";
import type { FitGround } from "./fit-rows.js";
import { drawnFrom, redrawRows } from "./redraw-rows.js";
import type { RowsView } from "./rows-view.js";

/** d×d matrices that a draw holds at a time. */
const MATRICES = 3;

export interface BootstrapGround {
  readonly ground: FitGround;
  readonly sampling: Sampling;
  readonly settings: StudySettings;
  /** Of `drawingRoom`. */
  readonly roomBytes: number;
}

/** Intervals from the draws of a bootstrap, an entry for each threat; null where they have no ground. */
export async function bootstrapRows(
  pass: Pass<RowsView>,
  attacks: readonly StreamedAttack[],
  known: BootstrapGround,
): Promise<(Inference | null)[]> {
  const sound = attacks.filter(({ attack }) => hasGround(attack));
  const drawn = sound.length === 0 ? [] : await drawnRows(pass, sound, known);
  const { confidence: level } = known.settings;
  return attacks.map((attacked) => {
    const found = drawn[sound.indexOf(attacked)];
    if (found === undefined) return null;
    return {
      level,
      ...bootstrapSummary(attacked.attack, found, level),
      failedDraws: found.failed,
      sensitivityRows: null,
      sensitivityDraws: found.sensitivity,
    };
  });
}

/** The same draws as those of `bootstrap` in memory: as many side by side as there is room for. */
async function drawnRows(
  pass: Pass<RowsView>,
  attacks: readonly StreamedAttack[],
  { ground, sampling, settings, roomBytes }: BootstrapGround,
): Promise<BootstrapDraws[]> {
  const { draws: count, seed } = settings;
  const options = { ...sampling, seed };
  const plain = attacks.map(({ attack }) => attack);
  const relativeRadius = !hasAbsoluteSizes(settings);
  const d = ground.model.map.count;
  const room = drawsAtOnce(roomBytes, MATRICES, d);
  const found: (Drawn | null)[] = Array.from({ length: count }, () => null);
  const totals = new Float64Array(count);
  const together = canBatch(plain);
  if (!together) {
    const weighed = await weighDraws(pass, ground.ranks, options, count);
    totals.set(weighed.map(({ total }) => total));
  } else {
    await inWaves(pass, runs(count, Math.min(TOGETHER, room)), Math.ceil(room / TOGETHER), async (own, [from, to]) => {
      const rows = passingDraws(own, attacks, writeDraws(options, from, to), totals.subarray(from, to));
      const batch = await batchDraws(plain, rows, relativeRadius, ground.rows);
      batch.forEach((drawn, k) => {
        found[from + k] = drawn;
      });
    });
  }
  const alone = [...found.keys()].filter((k) => found[k] === null && totals[k] > 0);
  await inWaves(pass, alone, room, async (own, k) => {
    const asked = { ground, attacks: plain, sampling, relativeRadius };
    found[k] = await redrawRows(own, writeDraws(options, k, k + 1), totals[k], asked);
  });
  return drawsOf(plain, found);
}

/**
 * K draws of rows that pass by: their weights are drawn anew whenever a block passes.
 * @param totals K: what the weights sum to, known after the first pass; 0 before it
 */
function passingDraws(
  pass: Pass<RowsView>,
  attacks: readonly StreamedAttack[],
  write: WriteDraws,
  totals: Float64Array,
): DrawnRows {
  const [{ attack, extent }] = attacks;
  const { fit } = attack;
  const draws = totals.length;
  const d = fit.parameters.length;
  const raw = (view: RowsView): Matrix => {
    const rows = drawnFrom(view);
    const out = Matrix.zeros(rows.weights.length, draws);
    write(rows, out.data);
    return out;
  };
  const weighed = (view: RowsView): Matrix => divided(raw(view), totals);
  return {
    draws,
    async atFit() {
      const grams = new WeightedGrams(d, draws);
      const gradients = Matrix.zeros(d, draws);
      const scales = attacks.map(() => new Float64Array(draws));
      await pass({
        sums: [totals, gradients.data, grams.sums, ...scales],
        async visit(view) {
          const weights = raw(view);
          add(totals, columnSums(weights));
          add(gradients.data, (await addFirstSums(view.fit(fit), weights, grams, {})).data);
          for (const [a, attacked] of attacks.entries()) {
            add(scales[a], drawnScales((await onView(view, attacked)).rowScales, weights));
          }
        },
      });
      divided(gradients, totals);
      return {
        gradients,
        gram(k) {
          const gram = grams.gram(k);
          if (totals[k] > 0) for (let at = 0; at < gram.data.length; at++) gram.data[at] /= totals[k];
          return gram;
        },
        scales: scales.map((scale) => divided(new Matrix(scale, 1, draws), totals).data),
      };
    },
    async gradients(theta) {
      const sum = Matrix.zeros(d, draws);
      await pass({
        sums: [sum.data],
        async visit(view) {
          add(sum.data, (await drawnGradients(view.fit(fit), weighed(view), theta, {})).data);
        },
      });
      return sum;
    },
    async slopes(theta) {
      const sums = { signed: Matrix.zeros(d, draws), sizes: new Float64Array(draws), atKink: new Float64Array(draws) };
      await pass({
        sums: [sums.signed.data, sums.sizes, sums.atKink],
        async visit(view) {
          const found = await signedSlopes(view.fit(fit), weighed(view), theta, SNAP * extent.largest, {});
          add(sums.signed.data, found.signed.data);
          add(sums.sizes, found.sizes);
          add(sums.atKink, found.atKink);
        },
      });
      return sums;
    },
    async product(theta, vectors) {
      const sum = Matrix.zeros(d, draws);
      await pass({
        sums: [sum.data],
        async visit(view) {
          const own = view.fit(fit);
          const curvatures = weighed(view);
          await bendWeights(own, curvatures, theta, {});
          add(sum.data, (await curvedProduct(own, curvatures, vectors, {})).data);
        },
      });
      return sum;
    },
  };
}

/** Columns over their totals, in place; those without one stay 0. */
function divided(of: Matrix, totals: Float64Array): Matrix {
  const { data, columns } = of;
  for (let at = 0; at < data.length; ) {
    for (let k = 0; k < columns; k++, at++) if (totals[k] > 0) data[at] /= totals[k];
  }
  return of;
}
