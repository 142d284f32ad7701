import type { ChartSpec } from "@aif/core";
import { textWidth } from "./text-width.js";

/** Draws a chart specification. The renderers are loaded here only, since they take a third of a second. */
export async function toSvg(spec: ChartSpec): Promise<string> {
  const [{ compile }, vega] = await Promise.all([import("vega-lite"), import("vega")]);
  measureTextsWith(vega);
  // Vega marks the rows of the data that it is given.
  const { spec: compiled } = compile(structuredClone(spec) as unknown as Parameters<typeof compile>[0]);
  const view = new vega.View(vega.parse(compiled), { renderer: "none" });
  // The names of clip paths count up from chart to chart.
  vega.resetSVGDefIds();
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

/** Vega leaves room for texts by a guess that is half as much again too wide; its types do not tell of the place to say better. */
function measureTextsWith(vega: object): void {
  const { textMetrics } = vega as {
    textMetrics: { width: (item: { readonly fontSize?: number }, text: string | number | null) => number };
  };
  textMetrics.width = ({ fontSize = 11 }, text) => textWidth(String(text ?? ""), fontSize);
}
