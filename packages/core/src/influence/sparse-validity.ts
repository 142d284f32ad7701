import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { jointGradients } from "../robust/joint-gradient.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { type RobustGradient, type RobustPoint, robustGradients } from "../robust/robust-gradient.js";
import { fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { softThreshold } from "../solvers/lasso/coordinate-descent.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { heldNearLine, heldOnLine } from "./held-corner.js";
import type { Judge } from "./validity.js";

/**
 * Judges θ̂ + εI of a lasso by how far R_ε + λΣ|θ_j| is from stationary there. Coefficients that have crossed 0 are looked at at 0,
 * whose distance counts. There the least subgradient counts: ∂_jR + λ sgn θ_j where θ_j ≠ 0, ∂_jR moved towards 0 by λ (p = ∞: and
 * by ρb_jΣw|ℓ'|) at zeros. Its size is ‖·‖_{H⁻¹} on the parameters that respond, and |·|/√H_jj at the others, which it would let in.
 */
export function sparseJudge(attack: Influence): Judge {
  const { fit, influence: I, scale, threat } = attack;
  const { parameters, sparse, model, inverse } = fit;
  const l1 = sparse?.l1 ?? 0;
  const support = new Set(sparse?.support);
  const first = model.map.intercept ? 1 : 0;
  const { p, budgets } = threat.settings;
  const met = attack.multipliers?.residuals ?? [];
  const line = heldOnLine(attack, met);
  const near = heldNearLine(attack, met, maximumMagnitude(attack.pull.slopes));
  let curvatures: Float64Array | null = null;
  const length = (x: Float64Array): number => Math.sqrt(Math.max(0, dot(x, fitHessianTimes(fit, x))));

  const excess = async ({ theta, radius }: RobustPoint, { gradient, pull }: RobustGradient, work?: Work) => {
    const least = gradient.map((g, j) => {
      if (j < first) return g;
      if (theta[j] !== 0) return g + l1 * Math.sign(theta[j]);
      return softThreshold(g, l1 + (p === Infinity ? radius * budgets[j - first] * pull : 0));
    });
    let outside = 0;
    for (let j = 0; j < least.length; j++) {
      if (support.has(j) || least[j] === 0) continue;
      curvatures ??= await columnCurvatures(attack, work);
      outside += least[j] ** 2 / curvatures[j];
    }
    return Math.sqrt(inverse.dualLength(least) ** 2 + outside);
  };

  return {
    certified: false,
    async at(epsilons, _rigour, work) {
      const points = epsilons.flatMap((epsilon) => {
        const radius = epsilon * scale;
        const moved = parameters.map((value, j) => value + epsilon * I[j]);
        const snapped = moved.map((value, j) => (j >= first && value * parameters[j] < 0 ? 0 : value));
        const onLine = snapped.every((value, j) => value === moved[j]);
        return [
          { theta: snapped, radius, held: onLine ? line : near },
          { theta: parameters, radius, held: line },
        ];
      });
      if (points.length === 0) return [];
      const found = await (isJoint(threat) ? jointGradients : robustGradients)(fit, threat, points, work);
      const out = [];
      for (const [e, epsilon] of epsilons.entries()) {
        const point = points[2 * e];
        const residual = await excess(point, found[2 * e], work);
        const unmoved = await excess(points[2 * e + 1], found[2 * e + 1], work);
        const away = point.theta.map((value, j) => parameters[j] + epsilon * I[j] - value);
        const relative = (residual + length(away)) / (epsilon * length(I));
        out.push({
          epsilon,
          stationarity: unmoved > 0 ? residual / unmoved : 0,
          errorBound: null,
          errorLength: null,
          relativeError: Number.isFinite(relative) ? relative : null,
        });
      }
      return out;
    },
  };
}

/** H_jj without the ridge, for all d parameters. */
async function columnCurvatures({ fit: { model, data, scores } }: Influence, work?: Work): Promise<Float64Array> {
  const { map, loss } = model;
  const out = new Float64Array(map.count);
  await sweep(
    map,
    data,
    { phase: "trust radius" },
    ({ block: { x, y, w, firstRow } }) => {
      const v = map.features(x);
      for (let i = 0, at = 0; i < v.rows; i++) {
        const weight = w[i] * loss.second(scores[firstRow + i], y[i]);
        for (let j = 0; j < v.columns; j++, at++) out[j] += weight * v.data[at] * v.data[at];
      }
    },
    work,
  );
  return out;
}
