import { Matrix } from "../linalg/matrix.js";
import { dot, invertHessian } from "./inverse-hessian.js";

/** A model restricted to some of its parameters, at its minimum there. */
export interface SelectionPoint {
  /** H (d×d, lower triangle), ridge included, of all parameters. */
  readonly hessian: Matrix;
  /** ∇L (d), 0 on the parameters in use. */
  readonly gradient: Float64Array;
}

export interface SelectionProblem {
  /** How many groups there are to choose from. */
  readonly groups: number;
  /** Ascending indices of the parameters in use once these groups are chosen. */
  parameters(chosen: ReadonlySet<number>): Int32Array;
  /** The fit with these parameters alone, those of the chosen groups. */
  at(parameters: Int32Array, chosen: ReadonlySet<number>): Promise<SelectionPoint>;
}

/** Gains closer than this, relative to the larger, are equal: the earlier group is taken, whatever rounding says. */
const SAME_GAIN = 1e-10;

/**
 * Forward selection: in every step the group is added whose parameters J lower the training objective most, by
 * ½ g_J'(H_JJ − H_JS H_SS⁻¹ H_SJ)⁻¹ g_J given those in use S. That is exact for squared losses and the score test's statistic
 * for others, whose fit is made anew after every step.
 * @returns the groups in the order of their entry, `steps` of them.
 */
export async function forwardSelection(problem: SelectionProblem, steps: number): Promise<number[]> {
  const order: number[] = [];
  const chosen = new Set<number>();
  while (order.length < Math.min(steps, problem.groups)) {
    const inUse = problem.parameters(chosen);
    const { hessian, gradient } = await problem.at(inUse, chosen);
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (let group = 0; group < problem.groups; group++) {
      if (chosen.has(group)) continue;
      const gain = gainOf(hessian, gradient, inUse, problem.parameters(new Set([...chosen, group])));
      if (gain > most + SAME_GAIN * Math.abs(most) || best < 0) [best, most] = [group, gain];
    }
    chosen.add(best);
    order.push(best);
  }
  return order;
}

/** By how much the quadratic model of the objective falls when the parameters of `after` join those of `before`. */
function gainOf(hessian: Matrix, gradient: Float64Array, before: Int32Array, after: Int32Array): number {
  const known = new Set(before);
  const fresh = after.filter((j) => !known.has(j));
  const order = [...before, ...fresh];
  const block = symmetricPart(hessian, order);
  const right = Float64Array.from(order, (j, a) => (a < before.length ? 0 : gradient[j]));
  const inverse = invertHessian(block);
  // What the Hessian cannot reach has no minimum to gain.
  return 0.5 * dot(right, inverse.solve(right));
}

/** Rows and columns of a symmetric matrix in another order, lower triangle. */
function symmetricPart({ data, columns }: Matrix, order: readonly number[]): Matrix {
  const k = order.length;
  const out = Matrix.zeros(k, k);
  for (let a = 0; a < k; a++) {
    for (let b = 0; b <= a; b++) {
      const [i, j] = order[a] >= order[b] ? [order[a], order[b]] : [order[b], order[a]];
      out.data[a * k + b] = data[i * columns + j];
    }
  }
  return out;
}
