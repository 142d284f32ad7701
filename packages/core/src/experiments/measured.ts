import type { MatrixDataset } from "../data/matrix-dataset.js";
import { type Influence, influence, scoreShifts } from "../influence/aif.js";
import { sandwich } from "../influence/sandwich.js";
import type { ModelDescription } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import { fit } from "../solvers/fit.js";
import type { Exponent } from "../threats/norms.js";
import { lp } from "../threats/pointwise.js";

/** What the attack costs a model on drawn rows, per ε². */
export interface Measured {
  readonly attack: Influence;
  /** Ŝ/ε² = ½Î'HÎ = −½Φ'Î */
  readonly sensitivity: number;
}

/** Fits and attacks. The radius is relative: c is the mean norm of the rows. */
export async function measure(
  model: ModelDescription,
  data: MatrixDataset,
  p: Exponent,
  { signal }: Work,
): Promise<Measured> {
  const attack = await influence(await fit(model, data, { signal }), lp(p), { signal });
  const { penaltyGradient, influence: I } = attack;
  return { attack, sensitivity: -0.5 * penaltyGradient.reduce((sum, value, j) => sum + value * I[j], 0) };
}

/** Ŝ/ε² without what noise in Î adds to it, ½tr(H Cov Î) (MATH 2): on average the population's, to a higher order in 1/n. */
export async function measureDebiased(
  model: ModelDescription,
  data: MatrixDataset,
  p: Exponent,
  work: Work,
): Promise<Measured & { readonly debiased: number }> {
  const measured = await measure(model, data, p, work);
  const { signal } = work;
  const shifts = await scoreShifts(measured.attack, { signal });
  const { debiased } = await sandwich(measured.attack, shifts, { signal });
  return { ...measured, debiased };
}

/** Numbers point by point as columns by name. */
export function asColumns<Name extends string>(
  points: readonly Readonly<Record<Name, number>>[],
): Readonly<Record<Name, readonly number[]>> {
  const columns: Partial<Record<Name, readonly number[]>> = {};
  for (const name in points[0]) columns[name] = points.map((point) => point[name]);
  return columns as Record<Name, readonly number[]>;
}
