import type { StudyResult, ThreatSection } from "../study/result.js";
import { short, signed } from "../study/words.js";
import { evaluatedRows, subtitleOf, unitOf } from "./captions.js";
import {
  type ChartOptions,
  figure,
  heightTitle,
  levelAt,
  markOf,
  nearby,
  type SeriesStyle,
  seriesChannels,
  shadedBeyond,
  sizeAxis,
  spanOf,
  told,
} from "./figure.js";
import { type ChartSpec, PALETTE } from "./theme.js";

/** Linear axes end at this many times the trust radius, where the picture would else be of rough numbers only. */
const TRUSTED_SHARE = 2.5;

const HELD_OUT: SeriesStyle = { name: "predicted, held-out rows", colour: PALETTE.blue };
const TRAINING: SeriesStyle = { name: "predicted, training rows", colour: PALETTE.green, dash: [6, 3] };
const EXACT: SeriesStyle = { name: "exact, training rows", colour: PALETTE.vermillion, dash: [2, 3] };

/** The cost of robustness S(ε): predicted on held-out rows with its interval, and on the training rows beside the exact one. */
export function sensitivityChart(
  result: Pick<StudyResult, "data" | "model" | "settings">,
  threat: ThreatSection,
  options: ChartOptions,
): ChartSpec {
  const linear = options.axes !== "log";
  const points = threat.curve.filter(({ epsilon }) => epsilon > 0);
  const level = short(100 * result.settings.confidence);
  const origin = linear ? [0] : [];
  const line = (style: SeriesStyle, of: (point: (typeof points)[number]) => number | null | undefined) => [
    ...origin.map(() => ({ series: style.name, x: 0, y: 0, text: "no attack: no change" })),
    ...points.flatMap((point) => {
      const y = of(point);
      return y === null || y === undefined
        ? []
        : [
            {
              series: style.name,
              x: point.epsilon,
              y,
              text: `${style.name}, ε = ${short(point.epsilon)}: ${signed(y, 4)}`,
            },
          ];
    }),
  ];
  const band = points.flatMap(({ epsilon, heldOut }) =>
    heldOut?.interval
      ? [
          {
            x: epsilon,
            low: heldOut.interval[0],
            high: heldOut.interval[1],
            text: `ε = ${short(epsilon)}: ${level} % interval ${signed(heldOut.interval[0], 4)} to ${signed(heldOut.interval[1], 4)}`,
          },
        ]
      : [],
  );
  const drawn = [
    [HELD_OUT, line(HELD_OUT, ({ heldOut }) => heldOut?.predicted)],
    [TRAINING, line(TRAINING, ({ thisData }) => thisData.predicted)],
    [EXACT, line(EXACT, ({ thisData }) => thisData.exact)],
  ] as const;
  const present = drawn.filter(([, values]) => values.length > origin.length);
  const reach = reachOf(threat);
  const { position: x, domain } = sizeAxis(
    points.map(({ epsilon }) => epsilon),
    threat.scale,
    options,
    reach,
  );
  const inside = ({ x: at }: { readonly x: number }): boolean => at >= domain[0] && at <= domain[1];
  const heights = [
    ...present.flatMap(([, values]) => values.filter(inside).map(({ y }) => y)),
    ...(linear ? band.filter(inside).flatMap(({ low, high }) => [low, high]) : []),
  ];
  const title = heightTitle(`change of the loss without attack (${unitOf(result.model)})`, options);
  const y = changeAxis(heights, linear, title);
  const values = present.flatMap(([, list]) => nearby(list, domain[1]));
  return figure(
    {
      title: "What robust training costs: S(ε), the change of the natural loss",
      subtitle: `${subtitleOf(result, threat.threat, evaluatedRows(result))}${band.length > 0 ? `; band: ${level} % interval given the fit` : ""}`,
    },
    [
      ...shadedBeyond(threat.trustRadius, domain, `rough beyond ε = ${short(threat.trustRadius)}`),
      levelAt(0),
      ...(band.length > 0
        ? [
            {
              data: {
                values: nearby([...origin.map(() => ({ x: 0, low: 0, high: 0, text: "" })), ...band], domain[1]),
              },
              mark: {
                type: "area",
                aria: false,
                color: PALETTE.blue,
                opacity: 0.16,
                clip: true,
                interpolate: "monotone",
              },
              encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" } },
            },
          ]
        : []),
      ...markOf(options),
      {
        data: { values },
        mark: { type: "line", aria: false, clip: true, strokeWidth: 2, interpolate: "monotone" },
        encoding: {
          x,
          y,
          ...seriesChannels(
            present.map(([style]) => style),
            options,
          ),
        },
      },
      {
        data: { values: values.filter(({ x: at }) => at > 0) },
        mark: { type: "point", clip: true, filled: true, opacity: 1, size: 44 },
        encoding: { x, y, color: { field: "series", type: "nominal" }, ...told },
      },
    ],
    options,
  );
}

/** Where linear axes end. */
export const reachOf = ({ trustRadius, curve }: ThreatSection): number | null => {
  if (trustRadius === null) return null;
  const shown = curve.filter(({ epsilon }) => epsilon > 0).map(({ epsilon }) => epsilon);
  // At least three sizes are shown.
  return Math.max(TRUSTED_SHARE * trustRadius, shown[2] ?? 0);
};

/** On logarithmic axes, changes below this share of the largest are drawn in proportion. */
const PROPORTIONAL_SHARE = 3e-3;

/** Changes of either sign; on logarithmic axes they are linear around 0 and logarithmic beyond. */
function changeAxis(heights: readonly number[], linear: boolean, title: readonly string[]): ChartSpec {
  const domain = spanOf([0, ...heights]);
  const constant = PROPORTIONAL_SHARE * Math.max(...heights.map(Math.abs)) || 1;
  return {
    field: "y",
    type: "quantitative",
    scale: linear ? { domain, nice: true } : { type: "symlog", constant, domain, nice: false },
    axis: { title, format: ".2~g", ...(linear ? {} : { values: decadesAround(constant, domain) }) },
  };
}

/** 0 and powers of ten on both sides, as far as they can be told apart. */
function decadesAround(constant: number, [least, most]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(constant));
  const powers = Array.from({ length: 5 }, (_, k) => 10 ** (first + k));
  return [...powers.map((power) => -power).toReversed(), 0, ...powers].filter((tick) => tick >= least && tick <= most);
}
