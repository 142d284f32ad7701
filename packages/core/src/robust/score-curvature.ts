import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { QuadraticMap } from "../models/quadratic-map.js";
import type { ScoreModel } from "../models/score-model.js";
import type { Threat } from "../threats/threat.js";

/** diag(b)∇²_x f diag(b) = QΛQ' over the a attacked features, for a score quadratic in x: the same for all rows. */
export interface ScoreCurvature {
  /** a: indices of the attacked features. */
  readonly attacked: Int32Array;
  /** a: their budgets b. */
  readonly budgets: Float64Array;
  /** a ascending: Λ. */
  readonly eigenvalues: Float64Array;
  /** a×a, the eigenvectors as rows: Q'. */
  readonly eigenvectors: Matrix;
}

/** Null for scores that are not quadratic in x. */
export function scoreCurvature({ map }: ScoreModel, threat: Threat, theta: Float64Array): ScoreCurvature | null {
  if (!(map instanceof QuadraticMap)) return null;
  const m = map.inputs;
  const all = threat.settings.budgets;
  const attacked = Int32Array.from([...all.keys()].filter((k) => all[k] > 0));
  const budgets = Float64Array.from(attacked, (k) => all[k]);
  // With β = 0 the input gradients at the unit vectors are the rows of ∇²_x f.
  const products = theta.slice();
  products.fill(0, 0, m + (map.intercept ? 1 : 0));
  const units = Matrix.zeros(m, m);
  for (let k = 0; k < m; k++) units.data[k * m + k] = 1;
  const second = map.inputGradients(products, units);
  const a = attacked.length;
  const scaled = Matrix.zeros(a, a);
  for (let j = 0; j < a; j++) {
    for (let k = 0; k < a; k++) {
      scaled.data[j * a + k] = budgets[j] * budgets[k] * second.data[attacked[j] * m + attacked[k]];
    }
  }
  const { values, vectors } = symmetricEigen(scaled);
  return { attacked, budgets, eigenvalues: values, eigenvectors: vectors };
}
