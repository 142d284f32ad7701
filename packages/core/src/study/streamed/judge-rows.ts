import { certifierOf } from "../../influence/certificate.js";
import {
  largestCurvatures,
  leastCurvature,
  type MarginsAt,
  robustCurvatures,
  rowReaches,
} from "../../influence/robust-margins.js";
import { heldAt, isCertified, type JudgedRows } from "../../influence/validity.js";
import { Matrix } from "../../linalg/matrix.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import { robustGradients } from "../../robust/robust-gradient.js";
import { dualNormOf } from "../../robust/robust-loss.js";
import type { Fit } from "../../solvers/fit.js";
import { add, metRows, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import type { RowsView } from "./rows-view.js";

/** H0 at points that are to be certified, by their θ, from the pass that found their gradients. */
type KnownHessians = WeakMap<Float64Array, Matrix>;

/** d×d matrices that a point's certificate holds at a time, and bytes that those of points certified side by side may take. */
const MATRICES = 8;
const MATRICES_BYTES = 1 << 28;

/** What a judge of θ̂ + εI asks, of rows that pass by. */
export function judgedRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  known: KnownHessians = new WeakMap(),
): JudgedRows {
  const { attack, extent } = attacked;
  const { fit, threat } = attack;
  const withoutRidge = { ...fit, ridge: new Float64Array(fit.ridge.length) };
  const hasMargins = isCertified(attacked.attack) && fit.model.loss.name === "logistic";
  const hasRoom = (points: number): boolean => points * MATRICES * 8 * fit.ridge.length ** 2 <= MATRICES_BYTES;
  return {
    async gradients(points, proven) {
      const d = fit.ridge.length;
      const sums = points.map(() => new Float64Array(d + 1));
      const hessians = (hasMargins && hasRoom(proven.length) ? proven : []).map(({ theta, radius }) => ({
        theta,
        reach: radius * dualNormOf(fit.model, threat, theta).norm,
        sum: Matrix.zeros(d, d),
      }));
      await pass({
        sums: [...sums, ...hessians.map(({ sum }) => sum.data)],
        async visit(view) {
          const [scores, shifts] = [view.scores(fit.model, fit.parameters), shiftsOf(view, attacked)];
          const met = metRows(view, attacked);
          const asked = points.map(({ theta, radius, moved }) => ({
            theta,
            radius,
            line: moved === undefined ? undefined : { scores, shifts, moved },
            held: heldAt(attack, { theta, radius, moved }, met, extent.largest),
          }));
          const found = await robustGradients({ ...withoutRidge, data: view.data }, threat, asked);
          found.forEach(({ gradient, pull }, k) => {
            add(sums[k], [...gradient, pull]);
          });
          for (const { theta, reach, sum } of hessians)
            addHessian(view, fit, curvaturesIn(view, fit, theta, reach), sum);
        },
      });
      for (const { theta, sum } of hessians) known.set(theta, sum);
      return points.map(({ theta }, k) => ({
        gradient: fit.ridge.map((penalty, j) => sums[k][j] + penalty * theta[j]),
        pull: sums[k][d],
      }));
    },
    scoresAt: async () => undefined,
    certify: isCertified(attacked.attack) ? certifierOf(fit, threat, marginsOf(pass, attacked, known)) : null,
    async each(tasks) {
      if (hasRoom(tasks.length)) {
        return sideBySide(
          pass,
          tasks.map((task) => (own: Pass<RowsView>) => task(judgedRows(own, attacked, known))),
        );
      }
      const out: Awaited<ReturnType<(typeof tasks)[number]>>[] = [];
      for (const task of tasks) out.push(await task(judgedRows(pass, attacked, known)));
      return out;
    },
  };
}

/** r: wt at θ̃ */
function curvaturesIn(view: RowsView, { model }: Fit, theta: Float64Array, reach: number): Float64Array {
  const f = view.scores(model, theta);
  return robustCurvatures(view.data.y, (i) => f[i], reach);
}

/** Adds Σ w·curvature·vv'. */
function addHessian({ data: { x, weights } }: RowsView, { model }: Fit, curvature: Float64Array, sum: Matrix): void {
  const omega = new Float64Array(weights.length);
  for (let i = 0; i < omega.length; i++) omega[i] = weights[i] * curvature[i];
  model.map.addGram(x, omega, sum);
}

/** Margins that are computed anew on every pass. */
const marginsOf =
  (pass: Pass<RowsView>, { attack: { fit } }: StreamedAttack, known: KnownHessians): MarginsAt =>
  ({ theta }, reach) => {
    const { map } = fit.model;
    const d = map.count;
    return {
      async hessian() {
        const found = known.get(theta);
        if (found) return new Matrix(found.data.slice(), d, d);
        const sum = Matrix.zeros(d, d);
        await pass({
          sums: [sum.data],
          visit: (view) => addHessian(view, fit, curvaturesIn(view, fit, theta, reach), sum),
        });
        return sum;
      },
      shrunk: async (half, extra) => async (radii) => {
        const hessians = radii.map(() => Matrix.zeros(d, d));
        const spreads = new Float64Array(radii.length);
        await pass({
          sums: [...hessians.map(({ data }) => data), spreads],
          visit(view) {
            const { x, weights } = view.data;
            const curvature = curvaturesIn(view, fit, theta, reach);
            const reaches = rowReaches(map.scores(half, x), extra);
            const omega = new Float64Array(weights.length);
            for (const [k, r] of radii.entries()) {
              for (let i = 0; i < omega.length; i++)
                omega[i] = weights[i] * leastCurvature(curvature[i], reaches[i], r);
              map.addGram(x, omega, hessians[k]);
              spreads[k] += largestCurvatures(curvature, reaches, weights, r);
            }
          },
        });
        return hessians.map((hessian, k) => ({ hessian, spread: spreads[k] }));
      },
    };
  };
