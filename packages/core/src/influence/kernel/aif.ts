import type { Block } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import {
  addTransposedProduct,
  columnRange,
  combined,
  product,
  scaled,
  scaledRows,
  sideBySide,
} from "../../linalg/products.js";
import { pointRange, rowRanges } from "../../models/kernel/kernel.js";
import { placeGradients } from "../../models/kernel/place-gradients.js";
import { type AttackSurface, tangentParts } from "../../models/kernel/sphere.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import type { KernelFit } from "../../solvers/kernel-fit.js";
import { norm } from "../../threats/norms.js";
import type { Threat } from "../../threats/threat.js";
import { type AnyThreat, threatOn } from "../../threats/threat-on.js";

/** The response of a kernel regression to one adversary (Corollary 6.1), per unit of ε. */
export interface KernelInfluence {
  readonly fit: KernelFit;
  readonly threat: Threat;
  readonly surface: AttackSurface;
  /** c */
  readonly scale: number;
  /** A(θ̂) */
  readonly penalty: number;
  /** Φ (n×k) */
  readonly penaltyGradient: Matrix;
  /** I (n×k) */
  readonly influence: Matrix;
  /** φ (n×m): where each row goes, ‖φ_i‖ = 1. */
  readonly directions: Matrix;
  /** n: each row's share of A, ‖g_i‖_q. */
  readonly gains: Float64Array;
  /** ‖HI + Φ‖/‖Φ‖, recomputed. */
  readonly relativeResidual: number;
}

/** Where the attacked rows of a kernel regression may lie. */
export interface KernelInfluenceOptions extends Work {
  /** Default "ball". */
  readonly surface?: AttackSurface;
}

/**
 * I = −c·(½H)⁻¹[KW·Eθ + E·Wr + λEθ] with E = dK along φ, E_ij = ∂₁K(x_i, x_j)·φ_i + ∂₁K(x_j, x_i)·φ_j (centres that stay: the
 * first term only, and E' in the second place; λEθ with the penalty λθ'Kθ alone, where it cancels E·Wr). E is never formed:
 * two products with blocks of F_ij = ∂₁K(x_i, x_j)·φ_i do.
 * @throws usage: a threat for another number of features, with a shared budget, or the sphere with other norms than 2, with
 *   budgets or bounds.
 */
export async function kernelInfluence(
  fit: KernelFit,
  threat: AnyThreat,
  { surface = "ball", ...work }: KernelInfluenceOptions = {},
): Promise<KernelInfluence> {
  const adversary = threatOn(threat, fit.points.x.columns);
  checkAdversary(adversary, surface);
  const scale = scaleOf(fit, adversary);
  const { theta, residuals, weights, penalty, centres, system } = fit;
  const g = await placeGradients({ ...fit, moved: fit.points, centres: fit.points }, fit, work);
  const { directions, gains } = attackDirections(g, fit, adversary, surface);
  const pulled = scaledRows(residuals, weights);
  const { forwards, backwards } = await alongDirections(fit, directions, sideBySide([theta, pulled]), work);
  const k = theta.columns;
  const moving = centres === "move";
  const p = moving
    ? combined(1, columnRange(forwards, 0, k), 1, columnRange(backwards, 0, k))
    : columnRange(forwards, 0, k);
  const q = moving
    ? combined(1, columnRange(forwards, k, 2 * k), 1, columnRange(backwards, k, 2 * k))
    : columnRange(backwards, k, 2 * k);
  // At the fit Wr = −λθ under the penalty λθ'Kθ, so that E·Wr and the penalty's own λEθ cancel.
  const rest = moving && penalty === "rkhs" ? null : q;
  const influence = scaled(-scale, system.solve(p, rest));
  const through = product(fit.gram, scaledRows(p, weights));
  const penaltyGradient = scaled(2 * scale, rest ? combined(1, through, 1, rest) : through);
  const image = system.times(influence);
  const miss = image.data.map((value, at) => 2 * value + penaltyGradient.data[at]);
  const size = norm(penaltyGradient.data, 2);
  return {
    fit,
    threat: adversary,
    surface,
    scale,
    penalty: scale * gains.reduce((sum, gain) => sum + gain, 0),
    penaltyGradient,
    influence,
    directions,
    gains,
    relativeResidual: size > 0 ? norm(miss, 2) / size : 0,
  };
}

function checkAdversary({ settings, shares }: Threat, surface: AttackSurface): void {
  if (shares) throw usageError("Kernel regressions couple their rows: a budget that rows share is not supported.");
  if (surface === "ball") return;
  const { p, budgets, bounds } = settings;
  if (p !== 2 || bounds || budgets.some((b) => b !== 1)) {
    throw usageError(
      "An attack on the sphere keeps each row's length: it needs p = 2, without budgets, frozen features and bounds.",
    );
  }
}

function scaleOf({ points, weights }: KernelFit, threat: Threat): number {
  const sizes = threat.rowScales(blockOf(points.x, weights));
  return dot(sizes, weights);
}

const blockOf = (x: Matrix, w: Float64Array): Block => ({ x, w, y: new Float64Array(x.rows), firstRow: 0 });

/** φ_i for g_i; on the sphere for the part of g_i across x_i. */
function attackDirections(
  g: Matrix,
  { points, weights }: KernelFit,
  threat: Threat,
  surface: AttackSurface,
): { directions: Matrix; gains: Float64Array } {
  if (surface === "sphere") tangentParts(g, points.x, points.squares);
  const { base, sign, gain } = threat.respond(
    { slope: new Float64Array(g.rows).fill(1), base: g },
    blockOf(points.x, weights),
  );
  return { directions: scaledRows(base, sign), gains: gain };
}

/** FV and F'V for F_ij = ∂₁K(x_i, x_j)·φ_i, V n×s. */
export async function alongDirections(
  { kernel, points }: Pick<KernelFit, "kernel" | "points">,
  directions: Matrix,
  V: Matrix,
  work: Work,
): Promise<{ forwards: Matrix; backwards: Matrix }> {
  const forwards = Matrix.zeros(V.rows, V.columns);
  const backwards = Matrix.zeros(V.rows, V.columns);
  const slices = timeSlices(work);
  for (const [from, to] of rowRanges(V.rows, V.rows)) {
    const F = kernel.slopes(pointRange(points, from, to), points, directions.rowRange(from, to));
    forwards.data.set(product(F, V).data, from * V.columns);
    addTransposedProduct(F, V.rowRange(from, to), backwards);
    if (slices.due()) await slices.pause({ phase: "influence", done: to, total: V.rows });
  }
  return { forwards, backwards };
}
