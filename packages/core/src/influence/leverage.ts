import type { Matrix } from "../linalg/matrix.js";
import { RowForms } from "../models/row-forms.js";
import { type Ask, sweepFor } from "../models/sweep-together.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import type { InverseOfHessian } from "./sandwich-inverse.js";

/** v_i'Mv_i of every row for each of some d×d matrices, which a pass for other sums writes: n each. */
export interface FormsAsk {
  readonly ask: Ask;
  readonly values: readonly Float64Array[];
  /** When the pass is over. */
  done(): void;
}

/** @param frame in which they are given */
export function formsAsk(
  { fit: { model, data } }: Influence,
  matrices: readonly Matrix[],
  frame: InverseOfHessian["frame"] = null,
): FormsAsk {
  const forms = new RowForms(model.map, matrices, frame);
  const values = matrices.map(() => new Float64Array(data.rows));
  const visit: Ask["visit"] = ({ block: { x, firstRow } }) => {
    for (const [k, found] of forms.of(x).entries()) values[k].set(found, firstRow);
  };
  return { ask: { pull: 0, grams: 0, visit }, values, done: () => forms.giveBack() };
}

/** v_i'Mv_i of every row (n) for each of some d×d matrices, given in a frame. */
export async function rowForms(
  attack: Influence,
  matrices: readonly Matrix[],
  frame: InverseOfHessian["frame"] = null,
  work?: Work,
): Promise<readonly Float64Array[]> {
  const { model, data } = attack.fit;
  const { ask, values, done } = formsAsk(attack, matrices, frame);
  await sweepFor(model.map, data, "leverages", ask, work);
  done();
  return values;
}

/** v_i'H⁻¹v_i of every row (n), computed when they are first asked for, or left here by a pass that had use for them. */
export class LeverageForms {
  private known: Promise<Float64Array> | null = null;

  constructor(
    private readonly attack: Influence,
    private readonly inverse: Pick<InverseOfHessian, "form" | "frame">,
    private readonly work: Work,
  ) {}

  all(): Promise<Float64Array> {
    this.known ??= rowForms(this.attack, [this.inverse.form], this.inverse.frame, this.work).then(([own]) => own);
    return this.known;
  }

  keep(values: Float64Array): void {
    this.known ??= Promise.resolve(values);
  }
}

/**
 * h_i = μ_i ℓ''_i v_i'H⁻¹v_i (n), the weighted leverages: what a row's own score gives back of a shift of its own target. μ_i is
 * the weight of one unit: w_i, or 1/N where weights count units. Σ h_i = d without ridge. Below 1, so that rows that fit
 * themselves keep a finite influence.
 * @param forms v_i'H⁻¹v_i
 */
export function leverages(
  { fit: { model, data, scores } }: Influence,
  forms: Float64Array,
  unit: number | null,
): Float64Array {
  return forms.map((form, i) => leverageOf(model.loss.second(scores[i], data.y[i]), unit ?? data.weights[i], form));
}

/** μ ℓ'' v'H⁻¹v of one row, below 1. */
export const leverageOf = (second: number, unit: number, form: number): number =>
  Math.min(LARGEST, unit * second * form);

const LARGEST = 1 - 1e-6;
