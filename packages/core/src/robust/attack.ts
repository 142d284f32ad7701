import type { Dataset } from "../data/dataset.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import { QuadraticMap } from "../models/quadratic-map.js";
import type { ScoreModel } from "../models/score-model.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { attackCertifier } from "./attack-certificate.js";
import { checkSearch, checkShapes, readParameters } from "./attack-checks.js";
import { gradientAttacker } from "./attack-gradient.js";
import { linearAttacker } from "./attack-linear.js";
import { quadraticAttacker } from "./attack-quadratic.js";
import type { Attacker, AttackMethod, AttackSearch } from "./attack-result.js";
import { scoreCurvature } from "./score-curvature.js";

/** How the worst case of each row is sought, and who is told of the moved rows. */
export interface AttackOptions extends AttackSearch, Work {
  /** "auto": the exact worst case where there is one; "projected-gradient": search even there. Default "auto". */
  readonly method?: "auto" | "projected-gradient";
  /** Called with x+δ (r×m) of the rows from `firstRow` on, block by block; the matrix is valid until the call returns. */
  readonly onMoved?: ((moved: Matrix, firstRow: number) => void) | undefined;
}

/** The worst losses of all rows within a radius, max_δ l(θ, x_i + δ, y_i), and how sure they are. */
export interface AttackResult {
  readonly method: AttackMethod;
  /** n: the worst loss found for every row, max_δ l(θ, x_i + δ, y_i). */
  readonly losses: Float64Array;
  /** n: the score there. */
  readonly scores: Float64Array;
  /** n: 1 where the loss is the worst there is (to rounding; from a search to 1e-7 relatively), 0 where it is a lower bound. */
  readonly certified: Uint8Array;
  /** Σ w_i losses_i, without the ridge. */
  readonly robustLoss: number;
}

/**
 * The worst case of every row within ‖δ⊘b‖_p ≤ ρ and the threat's box at θ (MATH 13): in closed form for scores linear in x, by
 * the trust-region subproblem for scores quadratic in x with p = 2 and no box, else by projected gradient ascent, which gives
 * lower bounds.
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`. @throws usage: a radius, θ or search option that makes no sense.
 */
export async function attack(
  { model }: { readonly model: ScoreModel },
  theta: ArrayLike<number>,
  threat: AnyThreat,
  data: Dataset,
  radius: number,
  options: AttackOptions = {},
): Promise<AttackResult> {
  await ensureBlas();
  const { count, inputs } = model.map;
  const attacker = prepareAttack(model, threatOn(threat, inputs), readParameters(theta, count), radius, options);
  const losses = new Float64Array(data.rows);
  const scores = new Float64Array(data.rows);
  const certified = new Uint8Array(data.rows);
  let robustLoss = 0;
  const slices = timeSlices(options);
  for (const block of data.blocks()) {
    const { w, firstRow } = block;
    const found = attacker.attack(block);
    losses.set(found.losses, firstRow);
    scores.set(found.scores, firstRow);
    certified.set(found.certified, firstRow);
    for (let i = 0; i < w.length; i++) robustLoss += w[i] * found.losses[i];
    options.onMoved?.(found.moved(), firstRow);
    if (slices.due()) await slices.pause({ phase: "attacking", done: firstRow + w.length, total: data.rows });
  }
  return { method: attacker.method, losses, scores, certified, robustLoss };
}

/**
 * The adversary that `attack` sends, for callers that go through the blocks themselves.
 * @param options `certify: false` saves a search the proofs of its rows. @throws usage: as `attack`.
 */
export function prepareAttack(
  model: ScoreModel,
  threat: Threat,
  theta: Float64Array,
  radius: number,
  { method = "auto", certify = true, ...search }: AttackSearch & Pick<AttackOptions, "method"> & { certify?: boolean },
): Attacker {
  requirePointwise(threat, "Worst cases row by row are");
  checkAttack(model, threat, theta, radius, search);
  if (method === "auto") {
    const exact = exactAttacker(model, threat, theta, radius);
    if (exact) return exact;
  }
  const certifier = certify ? attackCertifier(model, threat, theta, radius) : null;
  return gradientAttacker(model, threat, theta, radius, search, certifier);
}

/** Whether the worst case of every row can be computed exactly. */
export const hasExactAttack = ({ map }: ScoreModel, threat: Threat): boolean =>
  map.sharedGradient || (map instanceof QuadraticMap && threat.settings.p === 2 && threat.settings.bounds === null);

function exactAttacker(model: ScoreModel, threat: Threat, theta: Float64Array, radius: number): Attacker | null {
  if (!hasExactAttack(model, threat)) return null;
  if (model.map.sharedGradient) return linearAttacker(model, threat, theta, radius);
  const curvature = scoreCurvature(model, threat, theta);
  return curvature && quadraticAttacker(model, curvature, theta, radius);
}

function checkAttack(
  { map }: ScoreModel,
  threat: Threat,
  theta: Float64Array,
  radius: number,
  search: AttackSearch,
): void {
  checkSearch(radius, search);
  checkShapes(map.count, map.inputs, theta, threat);
}
