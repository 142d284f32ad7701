import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { solveBoxSimplex } from "../solvers/box-simplex-qp.js";
import type { Fit } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Threat } from "../threats/threat.js";
import type { RowPull } from "./aif.js";
import type { GradientKinks } from "./kinks.js";
import { oneRow, rowPull, tiedRowColumns } from "./tied-rows.js";

/** More corners than this are not resolved one by one. */
const MAXIMUM_KINKS = 2000;

/** The multipliers that pick the element of ∂A(θ̂) of least H⁻¹-norm (MATH 1.2). */
export interface Multipliers {
  /** κ_i ∈ [−1, 1] for rows with a zero residual (0-based). */
  readonly residuals: readonly { readonly row: number; readonly value: number }[];
  /** τ_k ∈ [−1, 1] for coordinates with γ_k = 0 at p = ∞. */
  readonly coordinates: readonly { readonly feature: number; readonly value: number }[];
  /** π, a probability vector over the coordinates tied for the largest at p = 1. */
  readonly ties: readonly { readonly feature: number; readonly value: number }[];
  /** λ, a probability vector over the rows tied for the largest gain at the Wasserstein order u = 1; absent without such ties. */
  readonly rows?: readonly { readonly row: number; readonly value: number }[];
}

interface Corner {
  readonly fit: Fit;
  readonly threat: Threat;
  readonly scale: number;
  /** Φ with sgn(0) = 0 and, at p = 1, the first of the tied coordinates (d). */
  readonly smooth: Float64Array;
  readonly kinks: GradientKinks & { readonly zeroResiduals: readonly number[]; readonly tiedRows: readonly number[] };
  readonly pull: RowPull;
}

/** One free multiplier: Φ gains value × column, value within [lower, upper] (or part of the simplex). */
interface Variable {
  readonly group: "residual" | "coordinate" | "tie" | "row" | "entering";
  readonly index: number;
  readonly column: Float64Array;
  /** What the multiplier adds to the row's pull on its features, or to φ_k. */
  readonly perUnit: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * The exact one-sided derivative at a corner of A: I = −H⁻¹·(the element of ∂A(θ̂) of least H⁻¹-norm), a small quadratic
 * program in the multipliers (MATH 1.2, (K)).
 */
export async function resolveKinks(corner: Corner): Promise<Resolved> {
  const { fit, kinks, pull } = corner;
  const base = corner.smooth.slice();
  const ofPenalty =
    kinks.zeroResiduals.length + kinks.zeroCoordinates.length + kinks.ties.length + kinks.tiedRows.length;
  const count = ofPenalty + (fit.sparse?.boundary.length ?? 0);
  if (count === 0) return { penaltyGradient: base, multipliers: null, pull, staying: [] };
  // With nothing else pulling, the element of least norm is 0.
  if (base.every((value) => value === 0) && kinks.ties.length + kinks.tiedRows.length === 0) {
    const residuals = kinks.zeroResiduals.map((row) => ({ row, value: 0 }));
    const coordinates = kinks.zeroCoordinates.map((feature) => ({ feature, value: 0 }));
    const staying = fit.sparse?.boundary ?? [];
    return { penaltyGradient: base, multipliers: { residuals, coordinates, ties: [] }, pull, staying };
  }
  if (count > MAXIMUM_KINKS) {
    throw numericalError(
      `${count} residuals, coordinates or ties are exactly zero, more than the ${MAXIMUM_KINKS} that can be resolved: the model fits these rows exactly, so use fewer parameters or a ridge such as --l2 0.01.`,
    );
  }
  const variables = [
    ...coordinateVariables(corner, base),
    ...residualVariables(corner),
    ...rowVariables(corner, base),
    ...enteringVariables(corner),
  ];
  const solved = variables.map(({ column }) => fit.inverse.solve(column));
  const K = variables.length;
  const G = Matrix.zeros(K, K);
  for (let a = 0; a < K; a++) {
    for (let b = 0; b < K; b++) G.data[a * K + b] = dot(variables[a].column, solved[b]);
  }
  const values = solveBoxSimplex({
    G,
    g: Float64Array.from(solved, (column) => dot(base, column)),
    lower: Float64Array.from(variables, (v) => v.lower),
    upper: Float64Array.from(variables, (v) => v.upper),
    simplex: [...variables.keys()].filter((k) => isShare(variables[k])),
  });
  if (values === null)
    throw numericalError(
      "The one-sided derivative at a kink could not be found: its quadratic program did not converge.",
    );
  // A zero whose multiplier is free stays, and takes no part any more; one at its bound moves.
  const staying = variables.flatMap(({ group, index, lower }, k) =>
    group === "entering" && values[k] > lower ? [index] : [],
  );
  const held = new Set(staying);
  variables.forEach(({ column, group, index }, k) => {
    if (group === "entering" && held.has(index)) return;
    for (let j = 0; j < base.length; j++) base[j] += values[k] * column[j];
  });
  const multipliers = multipliersOf(variables, values);
  return { penaltyGradient: base, multipliers, pull: effectivePull(corner, variables, values, held), staying };
}

interface Resolved {
  readonly penaltyGradient: Float64Array;
  readonly multipliers: Multipliers | null;
  readonly pull: RowPull;
  /** Zeros on the boundary of an l1 penalty, |∂_jL| = λ, that stay. */
  readonly staying: readonly number[];
}

/**
 * θ_j = 0 with |∂_jL| = λ may only move against ∂_jL. Its cone {v_j∂_jL ≤ 0} adds any m ≥ 0 times sgn(∂_jL)e_j to what Φ may be;
 * at p = ∞ the corner of A at β_k = 0 adds [−1, 1] times cb_kΣw|ℓ'|e_k, so that m may go down to −cb_kΣw|ℓ'|.
 */
function enteringVariables({ fit, threat, scale, pull }: Corner): Variable[] {
  const { map } = fit.model;
  const { p, budgets } = threat.settings;
  const first = map.intercept ? 1 : 0;
  const total = p === Infinity && pull.shared ? scale * pull.onJacobian.reduce((sum, value) => sum + value, 0) : 0;
  return (fit.sparse?.boundary ?? []).map((j) => {
    const column = new Float64Array(map.count);
    column[j] = Math.sign(fit.gradient[j]);
    const push = total * budgets[j - first];
    const perUnit = total === 0 ? 0 : column[j] / total;
    return { group: "entering", index: j, column, perUnit, lower: -push, upper: Number.POSITIVE_INFINITY };
  });
}

/** Whether the multiplier belongs to the one probability vector that there may be. */
const isShare = ({ group }: Variable): boolean => group === "tie" || group === "row";

/** Rows tied for the largest gain at u = 1. Takes the first one's pull out of `base`: the simplex puts it back. */
function rowVariables(corner: Corner, base: Float64Array): Variable[] {
  const { tiedRows } = corner.kinks;
  const columns = tiedRowColumns(corner, tiedRows);
  if (columns.length > 0) for (let j = 0; j < base.length; j++) base[j] -= columns[0][j];
  return columns.map((column, a) => ({ group: "row", index: tiedRows[a], column, perUnit: 1, lower: 0, upper: 1 }));
}

/** r_i = 0: Φ gains w_i ℓ''_i c N_i κ_i v_i, N_i what the adversary gains per unit of |ℓ'|. Written with κ ∈ [−1, 1]. */
function residualVariables({ fit, threat, scale, kinks }: Corner): Variable[] {
  const { model, data, parameters, scores } = fit;
  return kinks.zeroResiduals.map((row) => {
    const block = oneRow(fit, row);
    const gains = [-1, 1].map((slope) => {
      const base = model.map.inputGradients(parameters, block.x);
      return threat.respond({ slope: Float64Array.of(slope), base }, block).gain[0];
    });
    const size = Math.max(...gains);
    const perUnit = data.weights[row] * model.loss.second(scores[row], data.y[row]) * size;
    const column = Matrix.zeros(model.map.count, 1);
    model.map.addPullback(block.x, Matrix.fromRows([[scale * perUnit]]), column);
    // In a box the adversary may gain less on one side of the corner.
    const [lower, upper] = size > 0 ? [-gains[0] / size, gains[1] / size] : [0, 0];
    return { group: "residual", index: row, column: column.data, perUnit, lower, upper };
  });
}

/** γ_k = 0 at p = ∞, or ties at p = 1. Takes the tied coordinates' part out of `base`: the simplex puts it back. */
function coordinateVariables({ fit, threat, scale, kinks, pull }: Corner, base: Float64Array): Variable[] {
  const { map } = fit.model;
  const { budgets } = threat.settings;
  const total = scale * pull.onJacobian.reduce((sum, value) => sum + value, 0);
  const noRows = Matrix.zeros(0, map.inputs);
  const along = (direction: Matrix): Float64Array => map.jacobianTimes(noRows, direction).data;
  const variable = (group: "coordinate" | "tie", k: number, sign: number, lower: number): Variable => {
    const perUnit = sign * budgets[k];
    const unit = Matrix.zeros(1, map.inputs);
    unit.data[k] = total * perUnit;
    const column = along(unit);
    return { group, index: k, column, perUnit, lower, upper: 1 };
  };
  const gamma = map.inputGradients(fit.parameters, noRows).data;
  if (kinks.ties.length > 0 && pull.shared) {
    const chosen = along(pull.shared);
    for (let j = 0; j < base.length; j++) base[j] -= total * chosen[j];
  }
  return [
    ...kinks.zeroCoordinates.map((k) => variable("coordinate", k, 1, -1)),
    ...kinks.ties.map((k) => variable("tie", k, Math.sign(gamma[k]), 0)),
  ];
}

function multipliersOf(variables: readonly Variable[], values: Float64Array): Multipliers {
  const group = (name: Variable["group"]) =>
    variables.flatMap((v, k) => (v.group === name ? [{ index: v.index, value: values[k] }] : []));
  return {
    residuals: group("residual").map(({ index, value }) => ({ row: index, value })),
    coordinates: group("coordinate").map(({ index, value }) => ({ feature: index, value })),
    ties: group("tie").map(({ index, value }) => ({ feature: index, value })),
    ...(variables.some((v) => v.group === "row")
      ? { rows: group("row").map(({ index, value }) => ({ row: index, value })) }
      : {}),
  };
}

/** The rows' pulls with the multipliers in them, so that contributions still add up to Φ exactly. */
function effectivePull(
  corner: Corner,
  variables: readonly Variable[],
  values: Float64Array,
  staying: ReadonlySet<number>,
): RowPull {
  const { pull } = corner;
  const first = corner.fit.model.map.intercept ? 1 : 0;
  const onFeatures = pull.onFeatures.slice();
  const onJacobian = pull.onJacobian.slice();
  const shared = pull.shared && new Matrix(pull.shared.data.slice(), 1, pull.shared.columns);
  variables.forEach((v, k) => {
    if (v.group === "entering") {
      if (shared && !staying.has(v.index)) shared.data[v.index - first] = v.perUnit * values[k];
    } else if (v.group === "residual") onFeatures[v.index] = v.perUnit * values[k];
    else if (v.group === "row") {
      const whole = rowPull(corner, v.index);
      onFeatures[v.index] = values[k] * whole.onFeatures;
      onJacobian[v.index] = values[k] * whole.onJacobian;
    } else if (shared) shared.data[v.index] = v.perUnit * values[k];
  });
  return { ...pull, onFeatures, onJacobian, shared };
}
