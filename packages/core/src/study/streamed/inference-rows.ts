import { naturalHessianTimes } from "../../influence/contributions.js";
import { scoreCovariance } from "../../influence/estimation-loss.js";
import { bandwidth, cornerTerms, gammaSpreads, hasRowCorners } from "../../influence/gradient-density.js";
import { type Densities, densityOf, influenceJacobian } from "../../influence/influence-jacobian.js";
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
  thirdOrder,
} from "../../influence/sandwich.js";
import { balanceOf, balanceSums, gramFrom, scalarSums } from "../../influence/sandwich-grams.js";
import { between, inverseMatrix } from "../../influence/sandwich-inverse.js";
import { gramOfRows } from "../../influence/sandwich-rows.js";
import { type RowScalars, rowScalars, withLeverage } from "../../influence/sandwich-scalars.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Pass } from "../../parallel/passes.js";
import type { Fit } from "../../solvers/fit.js";
import { correctionOf, hasGround, type Inference, inferenceOf } from "../inference.js";
import { hasAbsoluteSizes, type StudySettings } from "../settings.js";
import { add, onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import type { RowsView } from "./rows-view.js";

/** Cov θ̂, one pass; null where there is none. */
export async function covarianceRows(
  pass: Pass<RowsView>,
  fit: Fit,
  sampling: Sampling,
  { inference }: StudySettings,
): Promise<Matrix | null> {
  if (inference === "none" || fit.inverse.method !== "cholesky") return null;
  const d = fit.parameters.length;
  const sum = Matrix.zeros(d, d);
  await pass({
    sums: [sum.data],
    async visit(view) {
      add(sum.data, (await scoreCovariance(view.fit(fit), sampling)).data);
    },
  });
  return between(inverseMatrix(fit), sum);
}

/** Intervals for the population by the sandwich, in three passes (five on bases with corners); null where they have no ground. */
export async function inferenceRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  sampling: Sampling,
  settings: StudySettings,
): Promise<Inference | null> {
  const { attack } = attacked;
  if (settings.inference === "none" || !hasGround(attack)) return null;
  const options: SandwichOptions = { ...sampling, relativeRadius: !hasAbsoluteSizes(settings) };
  const densities = await densitiesOf(pass, attacked);
  const first = await jacobianSums(pass, attacked, densities, options);
  const matrices = sandwichMatrices(attack, first.jacobian);
  const leverage = leverageFor(attack.influence.length, attack.fit.data.rows);
  const hasBias = hasLeverageBias(attack, options);
  const correction = correctionOf(leverage, hasBias);
  const collected = await spreadRows(pass, attacked, matrices, first, { ...options, leverage: correction });
  const bias = hasBias ? await biasRows(pass, attacked, matrices, collected.spreads, densities, options) : null;
  const found = {
    ...spreadOf(attack, collected.plain, collected.corrected ?? collected.plain),
    sensitivityStandardError: Math.sqrt(collected.sensitivity),
    sensitivityRows: null,
  };
  return inferenceOf(attack, found, bias, leverage, { level: settings.confidence, seed: settings.seed });
}

/** Kernels as wide as those of all rows. */
async function densitiesOf(pass: Pass<RowsView>, { attack, slopeSpread, rate }: StreamedAttack): Promise<Densities> {
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

interface FirstSums {
  readonly jacobian: Matrix;
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
  const jacobian = Matrix.zeros(d, d);
  const third = new Float64Array(d);
  const balances = new Float64Array(2);
  await pass({
    sums: [jacobian.data, third, balances],
    async visit(view) {
      const [attack, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      add(jacobian.data, (await influenceJacobian(attack, shifts, options, densities)).data);
      add(third, await thirdOrder(attack, shifts, {}));
      const omega = rowCounts(attack.fit.data.weights, options);
      add(balances, balanceSums(rowScalars(attack, shifts, options.relativeRadius ?? true), omega));
    },
  });
  return { jacobian, third, balance: balanceOf(balances) };
}

/** V̂, what the bias rests on, and Σω IFs², in one pass. */
async function spreadRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  matrices: SandwichMatrices,
  { third, balance }: FirstSums,
  options: SandwichOptions,
) {
  const { attack } = attacked;
  const d = attack.influence.length;
  const hasBias = hasLeverageBias(attack, options);
  const curved = !attack.fit.model.loss.quadratic;
  const plain = gramSums(attacked, d, balance);
  const corrected = options.leverage === "none" ? null : gramSums(attacked, d, balance);
  const spreads = {
    grams: Array.from({ length: hasBias ? (curved ? 3 : 1) : 0 }, () => Matrix.zeros(d, d)),
    pull: Matrix.zeros(d, curved ? 3 : 0),
  };
  const sensitivity = new Float64Array(1);
  const towards = naturalHessianTimes(attack.fit, attack.influence);
  await pass({
    sums: [
      ...plain.sums,
      ...(corrected?.sums ?? []),
      ...spreads.grams.map(({ data }) => data),
      spreads.pull.data,
      sensitivity,
    ],
    async visit(view) {
      const [own, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      const parts = partsOf(own, shifts, matrices, options);
      await plain.add(own, parts.rows, parts);
      if (corrected) {
        const { leverage = "none" } = options;
        const forms = await parts.leverageForms();
        const { throughFeatures } = attacked;
        const rows = await withLeverage(own, shifts, parts.rows, forms, leverage, options, {}, throughFeatures);
        await corrected.add(own, rows, parts);
      }
      if (hasBias) {
        const found = await spreadSums(own, shifts, parts, options);
        found.grams.forEach((gram, k) => {
          add(spreads.grams[k].data, gram.data);
        });
        add(spreads.pull.data, found.pull.data);
      }
      const influences = await sensitivityInfluences(own, shifts, parts, { towards, third }, options);
      for (let i = 0; i < influences.length; i++) sensitivity[0] += parts.omega[i] * influences[i] ** 2;
    },
  });
  return {
    plain: between(matrices.inverse, plain.gram(matrices)),
    corrected: corrected && between(matrices.inverse, corrected.gram(matrices)),
    spreads,
    sensitivity: sensitivity[0],
  };
}

/** Σ ω UU' in whichever way the model allows: from a few weighted Gram matrices, or row by row. */
function gramSums({ attack }: StreamedAttack, d: number, balance: number) {
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
  const pull = Matrix.zeros(attack.influence.length, 4);
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
