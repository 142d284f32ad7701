import { certifierOf } from "../../influence/certificate.js";
import {
  largestCurvatures,
  leastCurvature,
  type MarginsAt,
  robustCurvatures,
  rowReaches,
} from "../../influence/robust-margins.js";
import { isCertified, type JudgedRows } from "../../influence/validity.js";
import { Matrix } from "../../linalg/matrix.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import { robustGradients } from "../../robust/robust-gradient.js";
import { add, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import type { RowsView } from "./rows-view.js";

/** What a judge of θ̂ + εI asks, of rows that pass by. */
export function judgedRows(pass: Pass<RowsView>, attacked: StreamedAttack): JudgedRows {
  const { fit, threat } = attacked.attack;
  const withoutRidge = { ...fit, ridge: new Float64Array(fit.ridge.length) };
  return {
    async gradients(points) {
      const d = fit.ridge.length;
      const sums = points.map(() => new Float64Array(d + 1));
      await pass({
        sums,
        async visit(view) {
          const [scores, shifts] = [view.scores(fit.model, fit.parameters), shiftsOf(view, attacked)];
          const asked = points.map(({ theta, radius, moved }) => ({
            theta,
            radius,
            score: moved === undefined ? undefined : (row: number) => scores[row] + moved * shifts[row],
          }));
          const found = await robustGradients({ ...withoutRidge, data: view.data }, threat, asked);
          found.forEach(({ gradient, pull }, k) => {
            add(sums[k], [...gradient, pull]);
          });
        },
      });
      return points.map(({ theta }, k) => ({
        gradient: fit.ridge.map((penalty, j) => sums[k][j] + penalty * theta[j]),
        pull: sums[k][d],
      }));
    },
    scoresAt: async () => undefined,
    certify: isCertified(attacked.attack) ? certifierOf(fit, threat, marginsOf(pass, attacked)) : null,
    each: (tasks) =>
      sideBySide(
        pass,
        tasks.map((task) => (own: Pass<RowsView>) => task(judgedRows(own, attacked))),
      ),
  };
}

/** Margins that are computed anew on every pass. */
const marginsOf =
  (pass: Pass<RowsView>, { attack: { fit } }: StreamedAttack): MarginsAt =>
  ({ theta }, reach) => {
    const { map } = fit.model;
    const d = map.count;
    const curvatureOf = (view: RowsView): Float64Array => {
      const f = view.scores(fit.model, theta);
      return robustCurvatures(view.data.y, (i) => f[i], reach);
    };
    return {
      async hessian() {
        const hessian = Matrix.zeros(d, d);
        await pass({
          sums: [hessian.data],
          visit(view) {
            const { x, weights } = view.data;
            map.addGram(
              x,
              curvatureOf(view).map((curvature, i) => weights[i] * curvature),
              hessian,
            );
          },
        });
        return hessian;
      },
      shrunk: async (half, extra) => async (r) => {
        const hessian = Matrix.zeros(d, d);
        const spread = new Float64Array(1);
        await pass({
          sums: [hessian.data, spread],
          visit(view) {
            const { x, weights } = view.data;
            const curvature = curvatureOf(view);
            const reaches = view.once(half, () => rowReaches(map.scores(half, x), extra));
            map.addGram(
              x,
              curvature.map((value, i) => weights[i] * leastCurvature(value, reaches[i], r)),
              hessian,
            );
            spread[0] += largestCurvatures(curvature, reaches, weights, r);
          },
        });
        return { hessian, spread: spread[0] };
      },
    };
  };
