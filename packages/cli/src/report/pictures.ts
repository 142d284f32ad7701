import { CHART_COLOURS, type NamedChart } from "@aif/core";
import { toSvg } from "../output/svg.js";
import { type Html, html, trusted } from "./html.js";

/** For the column of a page, and for a phone. */
const WIDTHS = { wide: 700, narrow: 340 } as const;

/** A chart as a figure, twice: as wide as the text, and for a phone. Its colours are the page's. */
export async function figureHtml(chart: NamedChart, id: string): Promise<Html> {
  const [wide, narrow] = await Promise.all(
    (["wide", "narrow"] as const).map(async (kind) =>
      trusted(inPage(await toSvg(chart.draw({ width: WIDTHS[kind] })), `${id}-${kind}`, kind, chart.shows)),
    ),
  );
  return html`<figure data-name="${chart.name}${chart.attack === null ? "" : `-${chart.attack}`}" aria-label="${chart.shows}">
${wide}${narrow}
<figcaption><button type="button" class="act" data-act="save-svg">save as SVG</button></figcaption>
</figure>`;
}

const VARIABLES = CHART_COLOURS.map(({ name, light }) => [new RegExp(light, "gi"), `var(--${name})`] as const);

/** Colours become the style sheet's; names of clip paths would collide with those of other pictures. */
function inPage(svg: string, id: string, kind: string, shows: string): string {
  const coloured = VARIABLES.reduce((text, [colour, variable]) => text.replace(colour, variable), svg);
  return coloured
    .replace('class="marks"', `class="${kind}" role="group" aria-label="${shows}"`)
    .replace(/\bid="([^"]+)"/g, `id="${id}-$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${id}-$1)`);
}
