import { table } from "./markdown.js";
import { atLeast, milliseconds, short, spread, verdict } from "./report-words.js";
import { PATH_END, TRAINING_STEPS } from "./robust-stages.js";
import type { RobustTime } from "./robust-time.js";

/** Of the optimum in seconds by norm, of the path in fits, and of training in influences. */
const GOALS = { optimum: { "2": 0.05, Infinity: 0.25 }, path: 20, training: 1000 } as const;

const optimumGoal = (p: number): number => (p === 2 ? GOALS.optimum["2"] : GOALS.optimum.Infinity);
const nameOf = ({ case: { task, p } }: RobustTime): string => `${task.name}, p = ${p === 2 ? "2" : "∞"}`;
const percent = (share: number): string =>
  `${share === 0 || share >= 1e-6 ? short(100 * share) : (100 * share).toExponential(0)} %`;

/** The prediction against the ways to the robustly trained parameters themselves. */
export function robustSection(found: readonly RobustTime[]): string[] {
  const ways = found.flatMap((one) => {
    const {
      influence,
      optimum,
      gradient,
      lbfgs,
      ratios,
      errors,
      steps,
      case: { epsilon },
    } = one;
    const row = (
      by: string,
      time: RobustTime["influence"],
      ratio: RobustTime["influence"] | null,
      error: number | null,
      goal: string,
    ) => [
      nameOf(one),
      String(epsilon),
      by,
      milliseconds(time),
      ratio === null ? "1" : spread(ratio),
      error === null ? "exact" : percent(error),
      goal,
    ];
    return [
      row("AIF", influence, null, errors.influence, ""),
      row(
        "exact optimum",
        optimum,
        ratios.optimum,
        null,
        verdict(optimum.median, optimumGoal(one.case.p), (seconds) => `${1000 * seconds} ms`),
      ),
      row(
        `adversarial training, gradient, ${steps.gradient} steps`,
        gradient,
        ratios.gradient,
        errors.gradient,
        atLeast(ratios.gradient.median, GOALS.training),
      ),
      row(`adversarial training, L-BFGS, ${steps.lbfgs} steps`, lbfgs, ratios.lbfgs, errors.lbfgs, ""),
    ];
  });
  const paths = found.map((one) => [
    nameOf(one),
    String(one.pathPoints),
    spread(one.pathFits),
    verdict(one.pathFits.median, GOALS.path),
  ]);
  return [
    "## The prediction against robust training itself",
    `After the natural fit, on the native back end: \`influence\`, which serves every ε; \`robustOptimum\`, the fastest correct method for one ε, to a relative subgradient of 1e-10; and \`adversarialTraining\` with up to ${TRAINING_STEPS.outer} outer steps of ${TRAINING_STEPS.inner} inner ones by projected gradient. The error is ‖θ − θ_ε‖ relative to ‖θ_ε − θ̂‖, in the norm of the Hessian; ratios hold at that error.`,
    table(["job", "ε", "by", "time, ms", "times the AIF", "error", "goal"], ways),
    `The exact path from ε = 0 to ${PATH_END}:`,
    table(["job", "points", "fits", "goal"], paths),
  ];
}
