import { ClusterSums } from "../../influence/cluster-sums.js";
import { naturalHessianTimes } from "../../influence/contributions.js";
import { addClusterScores, scoreCovariance } from "../../influence/estimation-loss.js";
import { bandwidth, cornerTerms, gammaSpreads, hasRowCorners } from "../../influence/gradient-density.js";
import { type Densities, densityOf, type JacobianSums, jacobianAsk } from "../../influence/influence-jacobian.js";
import {
  biasFrom,
  biasGround,
  biasSums,
  hasLeverageBias,
  type LeverageBias,
  spreadSums,
  spreadsFrom,
} from "../../influence/leverage-bias.js";
import type { Sampling } from "../../influence/sampling.js";
import {
  leverageFor,
  partsOf,
  rowCounts,
  type SandwichMatrices,
  type SandwichOptions,
  sandwichMatrices,
  sensitivityInfluences,
  spreadOf,
  thirdAsk,
  thirdFrom,
} from "../../influence/sandwich.js";
import { balanceOf, balanceSums, gramFrom, scalarSums } from "../../influence/sandwich-grams.js";
import { covarianceBetween, inverseOfHessian } from "../../influence/sandwich-inverse.js";
import { eachScores, gramOfRows } from "../../influence/sandwich-rows.js";
import { type RowScalars, rowScalars, withLeverage } from "../../influence/sandwich-scalars.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetrise } from "../../linalg/symmetric.js";
import { sweepTogether } from "../../models/sweep-together.js";
import type { Pass } from "../../parallel/passes.js";
import type { Fit } from "../../solvers/fit.js";
import { correctionOf, hasGround, type Inference, inferenceOf } from "../inference.js";
import { hasAbsoluteSizes, type StudySettings } from "../settings.js";
import { add, onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import type { RowsView } from "./rows-view.js";
import { Variances } from "./variances.js";

/** Cov θ̂, one pass; null where there is none. */
export async function covarianceRows(
  pass: Pass<RowsView>,
  fit: Fit,
  sampling: Sampling,
  { inference }: StudySettings,
  clusters: number | null,
): Promise<Matrix | null> {
  if (inference === "none" || fit.inverse.method !== "cholesky") return null;
  const d = fit.parameters.length;
  const sum = Matrix.zeros(d, d);
  if (clusters === null) {
    await pass({
      sums: [sum.data],
      async visit(view) {
        add(sum.data, (await scoreCovariance(view.fit(fit), sampling)).data);
      },
    });
  } else {
    const own = new ClusterSums(clusters, d);
    const penalty = fit.ridge.map((P, j) => P * fit.parameters[j]);
    await pass({
      sums: [own.sums.data],
      visit: (view) => addClusterScores(view.fit(fit), view.clusterOf ?? NO_CLUSTERS, penalty, own),
    });
    own.addGram(sum);
    symmetrise(sum);
  }
  return covarianceBetween(inverseOfHessian(fit), sum);
}

const NO_CLUSTERS = new Int32Array(0);

/** Intervals for the population by the sandwich, in three passes (five on bases with corners); null where they have no ground. */
export async function inferenceRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  sampling: Sampling,
  settings: StudySettings,
  clusters: number | null,
): Promise<Inference | null> {
  const { attack } = attacked;
  if (settings.inference === "none" || !hasGround(attack)) return null;
  const options: SandwichOptions = { ...sampling, relativeRadius: !hasAbsoluteSizes(settings) };
  const densities = await densitiesOf(pass, attacked);
  const first = await jacobianSums(pass, attacked, densities, options);
  const matrices = sandwichMatrices(attack, first);
  const leverage = leverageFor(attack.influence.length, attack.fit.data.rows);
  const hasBias = clusters === null && hasLeverageBias(attack, options);
  const correction = correctionOf(leverage, hasBias);
  const collected = await spreadRows(pass, attacked, matrices, first, { ...options, leverage: correction }, clusters);
  const bias = hasBias ? await biasRows(pass, attacked, matrices, collected.spreads, densities, options) : null;
  const found = {
    ...spreadOf(attack, collected.plain, collected.corrected ?? collected.plain),
    sensitivityStandardError: Math.sqrt(collected.sensitivity),
    sensitivityRows: null,
  };
  return inferenceOf(attack, found, bias, leverage, { level: settings.confidence, seed: settings.seed });
}

/** Kernels as wide as those of all rows. */
export async function densitiesOf(
  pass: Pass<RowsView>,
  { attack, slopeSpread, rate }: StreamedAttack,
): Promise<Densities> {
  const density = densityOf(attack.fit.model.loss, bandwidth(slopeSpread, rate));
  if (!hasRowCorners(attack)) return { density, corners: null };
  const spreads = await gammaSpreads(attack, async (addTo) => {
    const sums = new Float64Array(attack.fit.model.map.inputs);
    await pass({
      sums: [sums],
      visit: ({ data: { x, weights } }) => addTo({ x, w: weights }, sums),
    });
    return sums;
  });
  return { density, corners: cornerTerms(attack, spreads, rate) };
}

interface FirstSums extends JacobianSums {
  /** Σwℓ'''(v'I)²v */
  readonly third: Float64Array;
  readonly balance: number;
}

async function jacobianSums(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  densities: Densities,
  options: SandwichOptions,
): Promise<FirstSums> {
  const d = attacked.attack.influence.length;
  const { loss } = attacked.attack.fit.model;
  const jacobian = Matrix.zeros(d, d);
  const bent = loss.quadratic ? Matrix.zeros(d, d) : Matrix.zeros(0, 0);
  const third = new Float64Array(d);
  const balances = new Float64Array(2);
  await pass({
    sums: [jacobian.data, bent.data, third, balances],
    async visit(view) {
      const [attack, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      const { model, data } = attack.fit;
      const { ask, from } = jacobianAsk(attack, shifts, densities);
      const asks = [ask, thirdAsk(attack, shifts)];
      const [first, cubic] = await sweepTogether(model.map, data, "inference", asks);
      const found = from(first);
      add(jacobian.data, found.jacobian.data);
      add(bent.data, found.bent.data);
      add(third, thirdFrom(cubic, d));
      const omega = rowCounts(attack.fit.data.weights, options);
      add(balances, balanceSums(rowScalars(attack, shifts, options.relativeRadius ?? true), omega));
    },
  });
  return { jacobian, bent, third, balance: balanceOf(balances) };
}

/** V̂, what the bias rests on, and Σω IFs², in one pass. */
async function spreadRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  matrices: SandwichMatrices,
  { third, balance }: FirstSums,
  options: SandwichOptions,
  clusters: number | null,
) {
  const { attack } = attacked;
  const d = attack.influence.length;
  const hasBias = clusters === null && hasLeverageBias(attack, options);
  const curved = !attack.fit.model.loss.quadratic;
  const gramOf = () => (clusters === null ? gramSums(attacked, d, balance) : clusterGramSums(clusters, d));
  const plain = gramOf();
  const corrected = options.leverage === "none" ? null : gramOf();
  const spreads = {
    grams: Array.from({ length: hasBias ? (curved ? 3 : 1) : 0 }, () => Matrix.zeros(d, d)),
    pull: Matrix.zeros(d, curved ? 3 : 0),
  };
  const sensitivity = new Variances(1, { weightsKind: "sampling", totalWeight: 1, ...options }, clusters);
  const towards = naturalHessianTimes(attack.fit, attack.influence);
  await pass({
    sums: [
      ...plain.sums,
      ...(corrected?.sums ?? []),
      ...spreads.grams.map(({ data }) => data),
      spreads.pull.data,
      ...sensitivity.sums,
    ],
    async visit(view) {
      const [own, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      const parts = partsOf(own, shifts, matrices, options);
      await plain.add(own, parts.rows, parts, view.clusterOf);
      if (corrected) {
        const { leverage = "none" } = options;
        const forms = await parts.forms.all();
        const { throughFeatures } = attacked;
        const rows = await withLeverage(own, shifts, parts.rows, forms, leverage, options, {}, throughFeatures);
        await corrected.add(own, rows, parts, view.clusterOf);
      }
      if (hasBias) {
        const found = await spreadSums(own, parts, options);
        found.grams.forEach((gram, k) => {
          add(spreads.grams[k].data, gram.data);
        });
        add(spreads.pull.data, found.pull.data);
      }
      const influences = await sensitivityInfluences(own, shifts, parts, { towards, third }, options);
      sensitivity.add(0, 0, influences, { w: own.fit.data.weights, clusterOf: view.clusterOf });
    },
  });
  return {
    plain: covarianceBetween(matrices.inverse, plain.gram(matrices)),
    corrected: corrected && covarianceBetween(matrices.inverse, corrected.gram(matrices)),
    spreads,
    sensitivity: sensitivity.of(0),
  };
}

interface GramSums {
  /** Of a pass. */
  readonly sums: Float64Array[];
  /** @param clusterOf r; null: rows are drawn by themselves */
  add(
    own: StreamedAttack["attack"],
    rows: RowScalars,
    parts: ReturnType<typeof partsOf>,
    clusterOf: Int32Array | null,
  ): Promise<void>;
  gram(matrices: SandwichMatrices): Matrix;
}

/** Σ ω UU' in whichever way the model allows: from a few weighted Gram matrices, or row by row. */
function gramSums({ attack }: StreamedAttack, d: number, balance: number): GramSums {
  if (!attack.pull.shared) {
    const gram = Matrix.zeros(d, d);
    return {
      sums: [gram.data],
      async add(own: typeof attack, rows: RowScalars, parts: ReturnType<typeof partsOf>) {
        add(gram.data, (await gramOfRows(own, rows, parts, parts.omega, undefined, {})).data);
      },
      gram: () => gram,
    };
  }
  const sums = {
    grams: Array.from({ length: 3 }, () => Matrix.zeros(d, d)),
    pull: Matrix.zeros(d, 6),
    moments: new Float64Array(6),
  };
  return {
    sums: [...sums.grams.map(({ data }) => data), sums.pull.data, sums.moments],
    async add(own: typeof attack, rows: RowScalars, { omega }: ReturnType<typeof partsOf>) {
      const found = await scalarSums(own.fit, rows, omega, balance, {});
      found.grams.forEach((gram, k) => {
        add(sums.grams[k].data, gram.data);
      });
      add(sums.pull.data, found.pull.data);
      add(sums.moments, found.moments);
    },
    gram: (matrices: SandwichMatrices) => gramFrom(sums, matrices, balance),
  };
}

/** Sums of w_i U_i within clusters first. */
function clusterGramSums(clusters: number, d: number): GramSums {
  const own = new ClusterSums(clusters, d);
  return {
    sums: [own.sums.data],
    async add(attack, rows, parts, clusterOf) {
      await eachScores(attack, rows, parts, attack.fit.data.weights, {}, (scores, firstRow) => {
        own.add(scores, (clusterOf ?? NO_CLUSTERS).subarray(firstRow, firstRow + scores.rows));
      });
    },
    gram() {
      const gram = Matrix.zeros(d, d);
      own.addGram(gram);
      return symmetrise(gram);
    },
  };
}

async function biasRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  matrices: SandwichMatrices,
  spreads: Parameters<typeof spreadsFrom>[0],
  { density }: Densities,
  options: SandwichOptions,
): Promise<LeverageBias> {
  const { attack } = attacked;
  const ground = biasGround(attack, matrices, spreadsFrom(spreads, matrices), density);
  const pull = Matrix.zeros(attack.influence.length, 5);
  const scalars = new Float64Array(3);
  await pass({
    sums: [pull.data, scalars],
    async visit(view) {
      const [own, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      const found = await biasSums(own, shifts, partsOf(own, shifts, matrices, options), ground, options);
      add(pull.data, found.pull.data);
      add(scalars, found.scalars);
    },
  });
  return biasFrom(attack, matrices, ground, { pull, scalars });
}
