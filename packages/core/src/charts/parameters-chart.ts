import type { StudyResult, ThreatSection } from "../study/result.js";
import { scalingOf } from "../study/scaling.js";
import { referencePoint } from "../study/verdict.js";
import { number, short, signed } from "../study/words.js";
import { barFigure, nameAxis, zeroRule } from "./bars.js";
import { subtitleOf, trainingRows } from "./captions.js";
import { axisTitle, type ChartOptions, DEFAULT_WIDTH, told } from "./figure.js";
import { distinct, keyOf } from "./names.js";
import { type ChartSpec, PALETTE } from "./theme.js";

const MOST = 20;
const LONGEST_NAME = 40;

/** The parameters that robust training moves most, at the size the verdict speaks of, with simultaneous intervals where there are any. */
export function parametersChart(result: StudyResult, threat: ThreatSection, options: ChartOptions): ChartSpec | null {
  const epsilon = options.epsilon ?? referencePoint(threat)?.epsilon ?? null;
  if (epsilon === null) return null;
  const range = threat.simultaneous ?? threat.interval;
  const movers = result.model.parameters
    .map((name, j) => ({
      name,
      y: epsilon * threat.influence[j],
      low: range ? epsilon * range.lower[j] : null,
      high: range ? epsilon * range.upper[j] : null,
      now: result.fit.parameters[j],
    }))
    .filter(({ y }) => y !== 0 || epsilon === 0)
    .toSorted((a, b) => Math.abs(b.y) - Math.abs(a.y));
  if (movers.length === 0) return null;
  const largest = movers.slice(0, MOST);
  const names = distinct(
    largest.map(({ name }) => name),
    LONGEST_NAME,
  );
  const shown = largest.map((mover, k) => ({
    ...mover,
    key: keyOf(k),
    text: `${names[k]}: ${number(mover.now, 4)} now, shift ${signed(mover.y, 4)}${mover.low === null ? "" : ` (${signed(mover.low)} to ${signed(mover.high)})`}`,
  }));
  const scaling = scalingOf(result.model.scaler);
  const units = scaling === null ? "" : `, ${scaling} units`;
  const intervals = range
    ? `; bars: ${short(100 * range.level)} % intervals${range.kind === "simultaneous" ? ", for all parameters at once" : ""}`
    : "";
  const x = {
    field: "y",
    type: "quantitative",
    axis: {
      title: axisTitle(
        `shift of the parameter at ε = ${short(epsilon)}${units}`,
        (options.width ?? DEFAULT_WIDTH) - 60,
      ),
      format: ".2~g",
      tickCount: 6,
    },
  };
  const y = nameAxis(names);
  return barFigure(
    {
      title: `Parameters that robust training moves most${movers.length > MOST ? `, ${MOST} of ${movers.length}` : ""}`,
      subtitle: `${subtitleOf(result, threat.threat, trainingRows(result.data))}${intervals}`,
    },
    [
      zeroRule,
      ...(range
        ? [
            {
              mark: { type: "rule", aria: false, strokeWidth: 3, color: PALETTE.sky, opacity: 0.75 },
              encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y },
            },
          ]
        : []),
      {
        mark: { type: "point", filled: true, opacity: 1, size: 60, color: PALETTE.blue },
        encoding: { x, y, ...told },
      },
    ],
    shown,
    options,
  );
}
