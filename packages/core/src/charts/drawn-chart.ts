/**
 * Charts that come with a result from a file. A specification of Vega-Lite can name files and addresses, hold programs and ask
 * for rows without end; those that this library writes do nothing of it, and only what looks like them is drawn.
 */
import { inputError } from "../errors.js";
import { POWER_LABELS } from "./panels.js";
import { type ChartSpec, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

const MOST_NODES = 200_000;
const LARGEST_SIDE = 4000;
const LONGEST_TEXT = 2000;

/** Everything that such a chart may say, but for its data, expressions and sizes. */
const KEYS = new Set(
  `$schema title text subtitle fontSize offset padding spacing vconcat resolve scale config layer mark type clip
  strokeWidth encoding x y x2 y2 color stroke fill shape strokeDash field domain range legend orient symbolType symbolSize
  size filled opacity align baseline axis values tickCount nice zero independent transform filter oneOf dx dy fontWeight
  labelExpr width height data`.split(/\s+/),
);
const MARKS = new Set(["line", "point", "rule", "text", "area", "rect"]);
/** Below these, fields have names of their own. */
const ROWS = "values";

/**
 * The chart, if it is one that this library writes.
 * @throws AifError "input"
 */
export function drawnChart(chart: unknown, name: string): ChartSpec {
  const wrong = (what: string): Error =>
    inputError(
      `The chart ${JSON.stringify(name.slice(0, 60))} is not as this program draws it (${what}); make the result again.`,
    );
  if (!isObject(chart)) throw wrong("it is none");
  if (chart["$schema"] !== VEGA_LITE_SCHEMA || JSON.stringify(chart["config"]) !== JSON.stringify(THEME)) {
    throw wrong("another schema or theme");
  }
  let nodes = 0;
  const visit = (value: unknown, key: string, inRows: boolean): void => {
    if (++nodes > MOST_NODES) throw wrong("too large");
    if (typeof value === "string" && value.length > LONGEST_TEXT) throw wrong("a text without end");
    if (typeof value === "number" && SIDES.has(key) && !(Math.abs(value) <= LARGEST_SIDE)) throw wrong(key);
    if (Array.isArray(value)) for (const entry of value) visit(entry, `${key}[]`, inRows);
    else if (isObject(value)) {
      for (const [inner, part] of Object.entries(value)) {
        if (!inRows && !KEYS.has(inner)) throw wrong(`it says ${JSON.stringify(inner.slice(0, 40))}`);
        visit(part, inner, inRows || (key === "data" && inner === ROWS));
      }
    }
    if (!inRows) checkMeaning(value, key, wrong);
  };
  for (const [key, part] of Object.entries(chart)) {
    if (!KEYS.has(key)) throw wrong(`it says ${JSON.stringify(key.slice(0, 40))}`);
    if (key !== "config") visit(part, key, false);
  }
  return chart;
}

const SIDES = new Set([
  "width",
  "height",
  "padding",
  "spacing",
  "offset",
  "fontSize",
  "size",
  "symbolSize",
  "tickCount",
]);

/** Words that Vega-Lite takes for programs, places or functions. */
function checkMeaning(value: unknown, key: string, wrong: (what: string) => Error): void {
  if (key === "labelExpr" && value !== POWER_LABELS) throw wrong("a program");
  if (key === "field" && !(typeof value === "string" && /^\w+$/.test(value))) throw wrong("a field");
  if (key === "mark" && !(isObject(value) && MARKS.has(String(value["type"])))) throw wrong("a mark");
  if (key === "data" && !(isObject(value) && Array.isArray(value[ROWS]))) throw wrong("its data");
  if (key === "transform" && !(Array.isArray(value) && value.every(isChoice))) throw wrong("a transform");
  if (key === "domain" && !(Array.isArray(value) && value.every(isPlace))) throw wrong("a domain");
}

const isChoice = (value: unknown): boolean => isObject(value) && isObject(value["filter"]) && !("transform" in value);

const isPlace = (value: unknown): boolean =>
  typeof value === "string" || (typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 1e100);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
