import type { TrainingResult } from "../study/training-result.js";
import { number, short } from "../study/words.js";
import { subtitleOf, trainingRows, unitOf } from "./captions.js";
import { type ChartOptions, figure, heightTitle, told } from "./figure.js";
import { type ChartSpec, FAINT_INK, PALETTE } from "./theme.js";

/** The robust objective by iteration of adversarial training, with the value at the predicted parameters. */
export function trainingChart(result: TrainingResult, options: ChartOptions): ChartSpec | null {
  const values = result.training.history.map(({ iteration, objective, gradientNorm }) => ({
    x: iteration,
    y: objective,
    text: `iteration ${iteration}: robust objective ${number(objective, 6)}, gradient ${number(gradientNorm)}`,
  }));
  if (values.length === 0) return null;
  const x = { field: "x", type: "quantitative", axis: { title: "iteration", format: "~s" } };
  const y = {
    field: "y",
    type: "quantitative",
    scale: { zero: false, nice: true },
    axis: { title: heightTitle(`robust loss with ridge (${unitOf(result.model)})`, options), format: ".5~g" },
  };
  const predicted = result.predicted === null ? [] : [{ y: result.predicted.robustLoss }];
  return figure(
    {
      title: `Adversarial training at ε = ${short(result.epsilon)}, beside the prediction`,
      subtitle: subtitleOf(result, result.threat, trainingRows(result.data)),
    },
    [
      ...(predicted.length > 0
        ? [
            {
              data: { values: predicted },
              mark: { type: "rule", aria: false, color: PALETTE.blue, strokeDash: [6, 3], strokeWidth: 1.8 },
              encoding: { y },
            },
            {
              data: { values: predicted },
              mark: {
                type: "text",
                aria: false,
                text: `robust loss at the predicted parameters ${number(predicted[0].y, 5)}`,
                color: FAINT_INK,
                align: "right",
                baseline: "bottom",
                dy: -4,
                fontSize: 11,
                x: "width",
              },
              encoding: { y },
            },
          ]
        : []),
      {
        data: { values },
        mark: { type: "line", aria: false, strokeWidth: 2, color: PALETTE.vermillion },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, opacity: values.length > 60 ? 0 : 1, size: 30, color: PALETTE.vermillion },
        encoding: { x, y, ...told },
      },
    ],
    options,
  );
}
