import type { ChartSpec } from "@aif/core";
import { textWidth } from "./text-width.js";

/** Draws a chart specification. The renderers are loaded here only, since they take a third of a second. */
export async function toSvg(spec: ChartSpec): Promise<string> {
  const [{ compile }, vega, { expressionInterpreter }] = await Promise.all([
    import("vega-lite"),
    import("vega"),
    import("vega-interpreter"),
  ]);
  measureTextsWith(vega);
  // Vega marks the rows of the data that it is given.
  const { spec: compiled } = compile(structuredClone(spec) as unknown as Parameters<typeof compile>[0], {
    logger: strictLogger,
  });
  // Expressions are interpreted, never made into code; and nothing is ever loaded.
  const view = new vega.View(vega.parse(compiled, {}, { ast: true }), {
    renderer: "none",
    expr: expressionInterpreter,
    loader: refusing,
    logger: strictLogger,
  });
  // The names of clip paths count up from chart to chart.
  vega.resetSVGDefIds();
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

/** The renderers' own would write to the terminal, and go on with half a picture. */
const strictLogger = {
  level: () => strictLogger,
  error: (...what: readonly unknown[]): never => {
    throw new Error(`The chart cannot be drawn: ${what.map(String).join(" ")}`);
  },
  warn: () => strictLogger,
  info: () => strictLogger,
  debug: () => strictLogger,
};

const refuse = (): Promise<never> => Promise.reject(new Error("Charts load nothing."));
const refusing = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

/** Vega leaves room for texts by a guess that is half as much again too wide; its types do not tell of the place to say better. */
function measureTextsWith(vega: object): void {
  const { textMetrics } = vega as {
    textMetrics: { width: (item: { readonly fontSize?: number }, text: string | number | null) => number };
  };
  textMetrics.width = ({ fontSize = 11 }, text) => textWidth(String(text ?? ""), fontSize);
}
