import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { type Exponent, exponent } from "./norms.js";
import { dualDirections, rowNorms, scaleColumns } from "./row-norms.js";
import type { InputGradients, Response, Threat, ThreatSettings } from "./threat.js";

/** What limits the adversary beside the norm. */
export interface PointwiseOptions {
  /** m non-negative numbers, 0 = frozen; default all 1. In the model's units. */
  readonly budgets?: ArrayLike<number>;
  /** x + δ stays within [lower, upper], m numbers each (±Infinity = unbounded). In the model's units. */
  readonly bounds?: { readonly lower: ArrayLike<number>; readonly upper: ArrayLike<number> };
}

/** A pointwise adversary, still to be told how many features there are. */
export type ThreatDescription = (features: number) => Threat;

/**
 * Every row x_i may move to x_i + δ_i with ‖δ_i ⊘ b‖_p ≤ ρ (MATH 0, 13): the adversary of the paper, with optional
 * per-feature budgets b, frozen features (b_k = 0) and a box.
 * @throws usage: p < 1, wrong lengths, negative budgets, nothing left to attack, crossed bounds.
 */
export function lp(p: Exponent, options: PointwiseOptions = {}): ThreatDescription {
  exponent(p);
  return (features) => new PointwiseThreat(pointwiseSettings(p, features, options));
}

function pointwiseSettings(p: Exponent, features: number, options: PointwiseOptions): ThreatSettings {
  const budgets = vector("budgets", options.budgets ?? new Float64Array(features).fill(1), features);
  if (budgets.some((b) => !(b >= 0 && b < Infinity))) throw usageError("Budgets must be finite and not negative.");
  if (features > 0 && budgets.every((b) => b === 0)) {
    throw usageError(
      "Every feature is frozen, so there is nothing to attack: give at least one feature a budget above 0.",
    );
  }
  if (!options.bounds) return { p, budgets, bounds: null };
  const lower = vector("lower bounds", options.bounds.lower, features);
  const upper = vector("upper bounds", options.bounds.upper, features);
  const crossed = lower.findIndex((lo, k) => !(lo <= upper[k]));
  if (crossed >= 0)
    throw usageError(`Bounds of feature ${crossed} are crossed: ${lower[crossed]} > ${upper[crossed]}.`);
  return { p, budgets, bounds: { lower, upper } };
}

function vector(what: string, values: ArrayLike<number>, length: number): Float64Array {
  if (values.length !== length)
    throw usageError(`The ${what} need one number per feature (${length}), got ${values.length}.`);
  return Float64Array.from(values);
}

class PointwiseThreat implements Threat {
  /** Most threats have budgets of 1 only: then nothing is multiplied. */
  private readonly uniform: boolean;

  constructor(readonly settings: ThreatSettings) {
    this.uniform = settings.budgets.every((b) => b === 1);
  }

  rowScales({ x: moved, measured: x = moved }: Block, out = new Float64Array(x.rows)): Float64Array {
    rowNorms(this.uniform ? x : this.inBudgets(x), this.settings.p, out);
    return out;
  }

  /** φ = b ⊙ φ_p(b ⊙ g), g·φ = ‖b ⊙ g‖_q; inside a box, coordinates that would leave it at once are set to 0 (MATH 13). */
  respond(gradients: InputGradients, block: Block, into?: Response): Response {
    const { bounds } = this.settings;
    return bounds ? this.respondInBox(gradients, block, bounds, into) : this.respondFreely(gradients, into);
  }

  private respondFreely(
    { slope, base }: InputGradients,
    into = newResponse(slope.length, base.rows, base.columns),
  ): Response {
    const { sign, gain } = into;
    const dualNorms = base.rows === gain.length ? gain : new Float64Array(base.rows);
    this.direct(base, into.base, dualNorms);
    const step = base.rows === 1 ? 0 : 1;
    for (let i = 0; i < slope.length; i++) {
      const size = Math.abs(slope[i]);
      sign[i] = size > 0 && size < Infinity ? slope[i] / size : Math.sign(slope[i]); // no branch that rows decide
      gain[i] = size * dualNorms[i * step];
    }
    return into;
  }

  private respondInBox(
    { slope, base }: InputGradients,
    { x }: Block,
    { lower, upper }: NonNullable<ThreatSettings["bounds"]>,
    into = newResponse(x.rows, x.rows, x.columns),
  ): Response {
    const { data } = into.base;
    const m = x.columns;
    for (let i = 0, at = 0; i < x.rows; i++) {
      for (let k = 0, from = base.rows === 1 ? 0 : i * m; k < m; k++, at++, from++) {
        const along = slope[i] * base.data[from];
        const outwards = along > 0 ? x.data[at] >= upper[k] : x.data[at] <= lower[k];
        data[at] = outwards ? 0 : along;
      }
    }
    this.direct(into.base, into.base, into.gain);
    into.sign.fill(1);
    return into;
  }

  /** Writes b ⊙ φ_p(b ⊙ g_i) for every row of g to `out`, which may be g itself, and the ‖b ⊙ g_i‖_q. */
  private direct(g: Matrix, out: Matrix, dualNorms: Float64Array): void {
    const { budgets, p } = this.settings;
    if (this.uniform) {
      dualDirections(g, p, out, dualNorms);
      return;
    }
    scaleColumns(g, budgets, out.data);
    dualDirections(out, p, out, dualNorms);
    scaleColumns(out, budgets, out.data);
  }

  /** x ⊘ b, 0 where a feature is frozen. */
  private inBudgets(x: Matrix): Matrix {
    const { budgets } = this.settings;
    const m = x.columns;
    const out = Matrix.zeros(x.rows, m);
    for (let i = 0, at = 0; i < x.rows; i++)
      for (let k = 0; k < m; k++, at++) if (budgets[k] > 0) out.data[at] = x.data[at] / budgets[k];
    return out;
  }
}

/** Room for the answer to `rows` rows with so many directions. */
const newResponse = (rows: number, directions: number, columns: number): Response => ({
  sign: new Float64Array(rows),
  base: Matrix.zeros(directions, columns),
  gain: new Float64Array(rows),
});
