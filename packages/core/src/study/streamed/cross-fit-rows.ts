import { type FoldInfluence, outsideOf, ownFoldRows, ownModelRows, refitsFolds } from "../../influence/cross-fit.js";
import { foldsAtCorners, metWithoutFold, orLeastNorm, replaceFold } from "../../influence/fold-corners.js";
import {
  fitFoldSums,
  foldGradients,
  type LeaveOutRows,
  leaveOutFits,
  leaveOutHessians,
  namingFold,
  withRidge,
} from "../../influence/leave-out-fits.js";
import { foldProduct, foldPulls, leaveOutInfluence, scaledColumns } from "../../influence/leave-out-influence.js";
import type { Sampling } from "../../influence/sampling.js";
import { Matrix } from "../../linalg/matrix.js";
import type { FoldSums } from "../../models/fold-sums.js";
import { isLearned, relearned } from "../../models/projection/projected-score.js";
import type { ScoreModel } from "../../models/score-model.js";
import { asColumns } from "../../models/sweep.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import type { Fit } from "../../solvers/fit.js";
import { add, attackRows, foldScales, type StreamedAttack } from "./attack-rows.js";
import { type FitGround, type FittedRows, fitRows } from "./fit-rows.js";
import { blocksOf, type RowsView, withoutFold } from "./rows-view.js";
import { type Summary, summarise } from "./summary.js";

/** θ̂_{−k}, and I_{−k} and c_{−k} for every threat. */
export interface FoldFits {
  /** d×K */
  readonly theta: Matrix;
  /** d×K, one a threat. */
  readonly influences: readonly Matrix[];
  /** K, one a threat. */
  readonly scales: readonly Float64Array[];
  /** K, where each fold learned a model of its own; null: all have that of the whole fit. */
  readonly models: readonly ScoreModel[] | null;
  readonly singularFolds: number;
}

/** What cross-fitting needs to know beside the rows. */
export interface CrossGround {
  readonly ground: FitGround;
  readonly fit: Fit;
  readonly attacks: readonly StreamedAttack[];
  readonly summary: Summary;
  readonly sampling: Sampling;
}

/** The folds' sums at θ̂, one pass. */
export async function foldSumsOf(pass: Pass<RowsView>, fit: Fit, folds: number): Promise<FoldSums> {
  const d = fit.parameters.length;
  const sums = { grams: Array.from({ length: folds }, () => Matrix.zeros(d, d)), pulls: Matrix.zeros(d, folds) };
  await pass({
    sums: [...sums.grams.map(({ data }) => data), sums.pulls.data],
    async visit(view) {
      const { grams, pulls } = await fitFoldSums(view.fit(fit), view.foldOf, folds);
      grams.forEach((gram, k) => {
        add(sums.grams[k].data, gram.data);
      });
      add(sums.pulls.data, pulls.data);
    },
  });
  return sums;
}

/**
 * Every fold's fit and influence, as `crossFit` makes them, with passes that all folds and threats share.
 * @param known of `foldSumsOf`, where the folds need no fits of their own; used up
 * @throws numerical: a fold without which the fit has no minimum.
 */
export async function crossFitRows(
  pass: Pass<RowsView>,
  cross: CrossGround,
  known: FoldSums | null,
): Promise<FoldFits> {
  const { fit, attacks, summary } = cross;
  const folds = summary.inside.length;
  const plain = attacks.map(({ attack }) => attack);
  const outside = outsideOf(summary.inside);
  if (refitsFolds(fit, plain, folds)) return refitRows(pass, cross, outside);
  const sums = known ?? (await foldSumsOf(pass, fit, folds));
  const leaveOut = leaveOutHessians(fit, sums, outside);
  const { theta, inverse } = await leaveOutFits(fit, leaveOut, rowsOf(pass, cross, outside));
  const pulls = plain.map(() => Matrix.zeros(theta.rows, folds));
  const threats = plain.map(({ threat }) => threat);
  const { extent } = attacks[0];
  const met = metWithoutFold(fit, extent, folds);
  await pass({
    sums: [...pulls.map(({ data }) => data), met.counts],
    async visit(view) {
      const found = await foldPulls(view.fit(fit), threats, { foldOf: view.foldOf, outside }, theta, undefined, {
        met,
      });
      found.forEach((pull, a) => {
        add(pulls[a].data, pull.data);
      });
    },
  });
  const scales = attacks.map((attacked) => foldScales(attacked, outside));
  const influences = await sideBySide(
    pass,
    pulls.map((pull, a) => (own: Pass<RowsView>) => {
      const Phi = scaledColumns(pull, scales[a]);
      return leaveOutInfluence(fit, inverse, Phi, async (vectors) => {
        const product = Matrix.zeros(vectors.rows, vectors.columns);
        await own({
          sums: [product.data],
          async visit(view) {
            const found = await foldProduct(view.fit(fit), { foldOf: view.foldOf, outside }, theta, vectors);
            add(product.data, found.data);
          },
        });
        return product;
      });
    }),
  );
  const cornered = foldsAtCorners(fit, threats, { theta, hessians: leaveOut.hessians, extent, met });
  const resolved = await sideBySide(
    pass,
    cornered.map((k) => (rows: Pass<RowsView>) => {
      const alone = () => attackWithout(rows, cross, k, outside[k], theta.column(k));
      return orLeastNorm(inverse[k].method === "pseudo-inverse", alone);
    }),
  );
  cornered.forEach((k, at) => {
    const own = resolved[at]?.attacked.map(({ attack }) => attack.influence);
    if (own) replaceFold(influences, k, own);
  });
  return {
    theta,
    influences,
    scales,
    models: null,
    singularFolds: inverse.filter(({ method }) => method === "pseudo-inverse").length,
  };
}

/** What the folds' fits ask of rows that pass by. */
function rowsOf(pass: Pass<RowsView>, cross: CrossGround, outside: Float64Array): LeaveOutRows {
  const { fit } = cross;
  return {
    async gradients(theta) {
      const sums = Matrix.zeros(theta.rows, theta.columns);
      await pass({
        sums: [sums.data],
        async visit(view) {
          add(sums.data, (await foldGradients(view.fit(fit), { foldOf: view.foldOf, outside }, theta)).data);
        },
      });
      return withRidge(fit.ridge, theta, sums);
    },
    refit: (list) =>
      sideBySide(
        pass,
        list.map(
          ({ k, start }) =>
            (own: Pass<RowsView>) =>
              namingFold(k, outside.length, () =>
                fitWithout(own, cross, k, outside[k], start).then(({ fitted }) => fitted.fit),
              ),
        ),
      ),
  };
}

/** A whole fit a fold, all side by side, with the influence of every threat there. */
async function refitRows(pass: Pass<RowsView>, cross: CrossGround, outside: Float64Array): Promise<FoldFits> {
  const { attacks, ground } = cross;
  const fits = await sideBySide(
    pass,
    [...outside.keys()].map((k) => (own: Pass<RowsView>) => attackWithout(own, cross, k, outside[k])),
  );
  return {
    theta: asColumns(fits.map(({ fit }) => fit.parameters)),
    influences: attacks.map((_, a) => asColumns(fits.map(({ attacked }) => attacked[a].attack.influence))),
    scales: attacks.map((_, a) => Float64Array.from(fits, ({ attacked }) => attacked[a].attack.scale)),
    models: isLearned(ground.model) ? fits.map(({ fit }) => fit.model) : null,
    singularFolds: fits.filter(({ fit }) => fit.inverse.method === "pseudo-inverse").length,
  };
}

/** The fit on the rows outside fold k, with the influence of every threat there. */
function attackWithout(
  pass: Pass<RowsView>,
  cross: CrossGround,
  k: number,
  outside: number,
  start?: Float64Array,
): Promise<{ fit: Fit; attacked: StreamedAttack[] }> {
  const { attacks, sampling, ground } = cross;
  return namingFold(k, cross.summary.inside.length, async () => {
    const { fitted, summary, rest } = await fitWithout(pass, cross, k, outside, start);
    const threats = attacks.map(
      ({ attack }) =>
        () =>
          attack.threat,
    );
    const attacked = await attackRows(rest, fitted, threats, summary, { ranks: ground.ranks, sampling });
    return { fit: fitted.fit, attacked };
  });
}

async function fitWithout(
  pass: Pass<RowsView>,
  { ground }: CrossGround,
  k: number,
  outside: number,
  start?: Float64Array,
): Promise<{ fitted: FittedRows; summary: Summary; rest: Pass<RowsView> }> {
  const rest = withoutFold(pass, k, outside);
  const model = await relearned(ground.model, blocksOf(rest, ground));
  const summary = await summarise(rest, model, 0);
  const fitted = await fitRows(rest, { ...ground, model }, summary, start && { theta: start, known: null });
  return { fitted, summary, rest };
}

/** f_i (first) and s_i for every threat of the rows of a view, each under the fit of its own fold. */
export const foldScores = (view: RowsView, fit: Fit, folds: FoldFits): ReturnType<typeof ownFoldRows> =>
  view.once(folds, () => {
    const { theta, influences, models } = folds;
    if (models === null) return ownFoldRows(fit, view.foldOf, theta, influences, view.data);
    return ownModelRows(
      view.foldOf,
      influences.map((_, t) => foldInfluences(fit, folds, t)),
      view.data,
    );
  });

/** K: what each fold is judged by. @param t which threat */
export const foldInfluences = (fit: Fit, { theta, influences, scales, models }: FoldFits, t: number): FoldInfluence[] =>
  Array.from({ length: theta.columns }, (_, k) => ({
    model: models?.[k] ?? fit.model,
    parameters: theta.column(k),
    influence: influences[t].column(k),
    scale: scales[t][k],
  }));
