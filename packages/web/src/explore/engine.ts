/** The library itself, in a worker of the browser: fit, influence and exact robust optima of some points. */
import {
  ensureBlas,
  type Fit,
  fit,
  influence,
  kinkRadii,
  kinkRadius,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  robustOptimum,
  scoreShifts,
} from "@aif/core";
import { type Answer, MOST_RADIUS, type Question, type Reply } from "./idea.js";

const STEPS = 16;

let latest = 0;

async function answer({ id, kind, points, p, radius, ridge }: Question): Promise<Answer | null> {
  await ensureBlas();
  const classes = kind === "classification";
  const x = Matrix.fromRows(points.map((point) => (classes ? [point.x, point.y] : [point.x])));
  const data = matrixDataset(
    x,
    points.map((point) => (classes ? point.label : point.y)),
  );
  const before = performance.now();
  const fitted = await fit(classes ? logistic() : linear(), data, { l2: ridge });
  const threat = lp(p);
  const attack = await influence(fitted, threat);
  const predictedAt = (size: number): Float64Array =>
    attack.influence.map((value, j) => fitted.parameters[j] + (size / attack.scale) * value);
  const predicted = predictedAt(radius);
  const prediction = performance.now() - before;
  const started = performance.now();
  const exact = await robustOptimum(fitted, threat, radius);
  const exactMs = performance.now() - started;

  const natural = lossOf(fitted, points, classes);
  const start = natural(fitted.parameters);
  const sizes = Array.from({ length: STEPS + 1 }, (_, k) => (MOST_RADIUS * k) / STEPS);
  const curve: Answer["curve"][number][] = [];
  let theta: Float64Array = fitted.parameters;
  for (const size of sizes) {
    if (id < latest) return null;
    const found = await robustOptimum(fitted, threat, size, { start: theta }).catch(() => null);
    theta = found?.parameters ?? theta;
    curve.push({
      radius: size,
      predicted: natural(predictedAt(size)) - start,
      exact: found && natural(found.parameters) - start,
    });
    await new Promise((resolve) => setTimeout(resolve));
  }
  const kink = kinkRadius(await kinkRadii(attack, await scoreShifts(attack)));
  return {
    id,
    fitted: [...fitted.parameters],
    predicted: [...predicted],
    exact: [...exact.parameters],
    directions: pushes(attack, points.length),
    curve,
    predictedChange: natural(predicted) - start,
    exactChange: natural(exact.parameters) - start,
    kinkRadius: kink === null ? null : kink * attack.scale,
    milliseconds: { prediction, exact: exactMs },
  };
}

/** The mean loss on the points as a function of the parameters. */
function lossOf({ model }: Fit, points: Question["points"], classes: boolean): (theta: ArrayLike<number>) => number {
  return (theta) =>
    points.reduce((sum, { x, y, label }) => {
      const f = theta[0] + theta[1] * x + (classes ? theta[2] * y : 0);
      return sum + model.loss.value(f, classes ? label : y) / points.length;
    }, 0);
}

/** φ_i = sgn(ℓ'_i) φ(β): one direction for all points, its sign by the side they lie on. */
function pushes({ pull }: Awaited<ReturnType<typeof influence>>, count: number): [number, number][] {
  const { shared, slopes } = pull;
  return Array.from({ length: count }, (_, i) => {
    if (shared === null) return [0, 0];
    const sign = Math.sign(slopes[i]);
    return [sign * shared.data[0], shared.columns > 1 ? sign * shared.data[1] : 0];
  });
}

globalThis.addEventListener("message", ({ data }: MessageEvent<Question>) => {
  latest = Math.max(latest, data.id);
  const reply = (said: Reply): void => globalThis.postMessage(said, {});
  answer(data).then(
    (found) => found && reply(found),
    (error: unknown) => reply({ id: data.id, error: error instanceof Error ? error.message : String(error) }),
  );
});
