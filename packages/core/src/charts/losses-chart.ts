import type { PathResult, PathSection } from "../study/path-result.js";
import type { StudyResult, ThreatSection } from "../study/result.js";
import { number, short } from "../study/words.js";
import { evaluatedRows, subtitleOf, trainingRows, unitOf } from "./captions.js";
import {
  type ChartOptions,
  figure,
  heightTitle,
  markedAt,
  markOf,
  nearby,
  type SeriesStyle,
  seriesChannels,
  shadedBeyond,
  sizeAxis,
  spanOf,
  told,
} from "./figure.js";
import { reachOf } from "./sensitivity-chart.js";
import { type ChartSpec, PALETTE } from "./theme.js";

const NATURAL: SeriesStyle = { name: "without attack, after robust training", colour: PALETTE.blue };
const ATTACKED_NOW: SeriesStyle = {
  name: "under attack, as the model is now",
  colour: PALETTE.vermillion,
  dash: [5, 3],
};
const ATTACKED: SeriesStyle = { name: "under attack, after robust training", colour: PALETTE.vermillion };

interface Losses {
  readonly x: number;
  readonly natural: number;
  readonly attackedNow: number | null;
  readonly attacked: number;
}

/** Natural and robust loss against the size of the attack, as predicted: what training against it gives, and what it takes. */
export function predictedLossesChart(result: StudyResult, threat: ThreatSection, options: ChartOptions): ChartSpec {
  const now = result.fit.heldOutLoss ?? result.fit.trainingLoss;
  const points = threat.curve.map(({ epsilon, cost, robustLoss, robustLossNatural }) => ({
    x: epsilon,
    natural: now + cost,
    attackedNow: robustLossNatural,
    attacked: robustLoss,
  }));
  const start = { x: 0, natural: now, attackedNow: now, attacked: now };
  const { position, domain } = sizeAxis(
    points.map(({ x }) => x),
    threat.scale,
    options,
    reachOf(threat),
  );
  return lossesChart(
    options.axes === "log" ? points : [start, ...points],
    position,
    domain,
    {
      title: "The trade: loss without and under attack, predicted",
      subtitle: subtitleOf(result, threat.threat, evaluatedRows(result)),
    },
    unitOf(result.model),
    shadedBeyond(threat.trustRadius, domain, `rough beyond ε = ${short(threat.trustRadius)}`),
    options,
  );
}

/** The same along the exact robust path, on the training rows. */
export function pathLossesChart(result: PathResult, path: PathSection, options: ChartOptions): ChartSpec {
  const points = path.points.map(({ epsilon, naturalLoss, robustLoss }) => ({
    x: epsilon,
    natural: naturalLoss,
    attackedNow: null,
    attacked: robustLoss,
  }));
  const { position, domain } = sizeAxis(
    points.map(({ x }) => x),
    path.scale,
    options,
  );
  return lossesChart(
    points,
    position,
    domain,
    {
      title: "The trade along the exact robust path",
      subtitle: subtitleOf(result, path, trainingRows(result.data)),
    },
    unitOf(result.model),
    markedAt(path.collapseRadius, domain, `collapse at ε = ${short(path.collapseRadius)}`),
    options,
  );
}

function lossesChart(
  points: readonly Losses[],
  x: ChartSpec,
  [first, last]: readonly [number, number],
  caption: { readonly title: string; readonly subtitle: string },
  unit: string,
  behind: readonly ChartSpec[],
  options: ChartOptions,
): ChartSpec {
  const drawn = (
    [
      [NATURAL, ({ natural }: Losses) => natural],
      [ATTACKED_NOW, ({ attackedNow }: Losses) => attackedNow],
      [ATTACKED, ({ attacked }: Losses) => attacked],
    ] as const
  ).map(([style, of]) => ({
    style,
    values: points.flatMap((point) => {
      const y = of(point);
      if (y === null) return [];
      return [{ series: style.name, x: point.x, y, text: `${style.name}, ε = ${short(point.x)}: ${number(y, 4)}` }];
    }),
  }));
  const present = drawn.filter(({ values }) => values.length > 0);
  const values = present.flatMap(({ values: list }) => nearby(list, last));
  const y = {
    field: "y",
    type: "quantitative",
    scale: { domain: spanOf(values.filter(({ x: at }) => at >= first && at <= last).map(({ y }) => y)), nice: true },
    axis: { title: heightTitle(`loss (${unit})`, options), format: ".4~g" },
  };
  return figure(
    caption,
    [
      ...behind,
      ...markOf(options),
      {
        data: { values },
        mark: { type: "line", aria: false, clip: true, strokeWidth: 2, interpolate: "monotone" },
        encoding: {
          x,
          y,
          ...seriesChannels(
            present.map(({ style }) => style),
            options,
          ),
        },
      },
      {
        data: { values },
        mark: { type: "point", clip: true, filled: true, opacity: values.length > 90 ? 0 : 1, size: 40 },
        encoding: { x, y, color: { field: "series", type: "nominal" }, ...told },
      },
    ],
    options,
  );
}
