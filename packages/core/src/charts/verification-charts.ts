import type { VerificationResult, VerifiedThreat } from "../study/verify-result.js";
import { number, short } from "../study/words.js";
import { subtitleOf, trainingRows } from "./captions.js";
import {
  type ChartOptions,
  figure,
  heightTitle,
  levelAt,
  type SeriesStyle,
  seriesChannels,
  shadedBeyond,
  sizeAxis,
  told,
} from "./figure.js";
import { type ChartSpec, PALETTE, SHADE } from "./theme.js";

/** The predicted cost over the exact one, by the size of the attack: 1 is a perfect prediction. */
export function costRatioChart(
  result: VerificationResult,
  threat: VerifiedThreat,
  options: ChartOptions,
): ChartSpec | null {
  const values = threat.curve.flatMap(({ epsilon, lossRatio, thisData }) =>
    epsilon > 0 && lossRatio !== null
      ? [
          {
            x: epsilon,
            y: lossRatio,
            text: `ε = ${short(epsilon)}: predicted ${number(thisData.predicted, 4)}, exact ${number(thisData.exact, 4)}, ratio ${number(lossRatio, 4)}`,
          },
        ]
      : [],
  );
  if (values.length === 0) return null;
  const { tolerance } = threat.verification;
  const { position: x, domain } = sizeAxis(
    values.map(({ x: at }) => at),
    threat.scale,
    { ...options, axes: options.axes ?? "log" },
  );
  const y = {
    field: "y",
    type: "quantitative",
    scale: { zero: false, nice: true },
    axis: { title: heightTitle("predicted / exact cost", options), format: ".3~g" },
  };
  return figure(
    {
      title: "How good the prediction is: predicted over exact cost",
      subtitle: `${subtitleOf(result, threat.threat, trainingRows(result.data))}; shaded: within ${short(100 * tolerance)} % of the exact cost`,
    },
    [
      {
        data: { values: [{ low: 1 - tolerance, high: 1 + tolerance }] },
        mark: { type: "rect", aria: false, color: SHADE, opacity: 1 },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      levelAt(1),
      ...shadedBeyond(null, domain, ""),
      {
        data: { values },
        mark: { type: "line", aria: false, strokeWidth: 2, color: PALETTE.blue },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, opacity: 1, size: 50, color: PALETTE.blue },
        encoding: { x, y, ...told },
      },
    ],
    options,
  );
}

const TRUE_ERROR: SeriesStyle = { name: "true error", colour: PALETTE.vermillion };
const BOUND: SeriesStyle = { name: "proven bound", colour: PALETTE.blue, dash: [6, 3] };

/** The error of the predicted parameters and the bound that was proven for it, relative to the shift, on logarithmic axes. */
export function parameterErrorChart(
  result: VerificationResult,
  threat: VerifiedThreat,
  options: ChartOptions,
): ChartSpec | null {
  const points = threat.curve.filter(
    ({ epsilon, relativeParameterError }) => epsilon > 0 && (relativeParameterError ?? 0) > 0,
  );
  if (points.length === 0) return null;
  const values = points.flatMap((point) => {
    const relative = point.relativeParameterError ?? 0;
    const shift = (point.parameterError ?? 0) / relative;
    const named = (series: string, y: number) => ({
      series,
      x: point.epsilon,
      y,
      text: `${series}, ε = ${short(point.epsilon)}: ${number(y, 4)} of the shift`,
    });
    return [
      named(TRUE_ERROR.name, relative),
      ...(point.errorBound !== null && shift > 0 ? [named(BOUND.name, point.errorBound / shift)] : []),
    ];
  });
  const styles = [TRUE_ERROR, BOUND].filter(({ name }) => values.some(({ series }) => series === name));
  const { position: x, domain } = sizeAxis(
    values.map(({ x: at }) => at),
    threat.scale,
    { ...options, axes: "log" },
  );
  const y = {
    field: "y",
    type: "quantitative",
    scale: { type: "log", nice: true },
    axis: { title: heightTitle("error relative to the shift", options), format: ".2~g", tickCount: 6 },
  };
  return figure(
    {
      title: "Error of the predicted parameters, beside its bound",
      subtitle: `${subtitleOf(result, threat.threat, trainingRows(result.data))}; norm: ${threat.errorNorm ?? "hessian"}`,
    },
    [
      ...shadedBeyond(threat.trustRadius, domain, "beyond the trust radius"),
      {
        data: { values },
        mark: { type: "line", aria: false, strokeWidth: 2 },
        encoding: { x, y, ...seriesChannels(styles, options) },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, opacity: 1, size: 44 },
        encoding: { x, y, color: { field: "series", type: "nominal" }, ...told },
      },
    ],
    options,
  );
}
