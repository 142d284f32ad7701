import { CHART_COLOURS, type ChartSpec, type NamedChart } from "@aif/core";
import { toSvg } from "../output/svg.js";
import { type Html, html, trusted } from "./html.js";

/** For the column of a page, and for a phone. */
const WIDTHS = { wide: 700, narrow: 340 } as const;

/** A chart as a figure, twice: as wide as the text, and for a phone. Its colours are the page's. */
export async function figureHtml(chart: NamedChart, id: string): Promise<Html> {
  const [wide, narrow] = (["wide", "narrow"] as const).map((kind) => chart.draw({ width: WIDTHS[kind] }));
  const placed = async (spec: ChartSpec, kind: string): Promise<Html> =>
    trusted(inPage(await toSvg(spec), `${id}-${kind}`, kind, chart.shows));
  // Some are drawn at one width only: they are moved about on a phone.
  const drawn =
    wide === narrow
      ? html`<div class="scroll" tabindex="0" role="region" aria-label="${chart.shows}">${await placed(wide, "fixed")}</div>`
      : html`${await placed(wide, "wide")}${await placed(narrow, "narrow")}`;
  return html`<figure data-name="${chart.name}${chart.attack === null ? "" : `-${chart.attack}`}" aria-label="${chart.shows}">
${drawn}
<figcaption><button type="button" class="act" data-act="save-svg">save as SVG</button></figcaption>
</figure>`;
}

const VARIABLES = CHART_COLOURS.map(({ name, light }) => [new RegExp(light, "gi"), `var(--${name})`] as const);

/** Colours become the style sheet's; names of clip paths would collide with those of other pictures. */
function inPage(svg: string, id: string, kind: string, shows: string): string {
  const coloured = VARIABLES.reduce((text, [colour, variable]) => text.replace(colour, variable), svg);
  return (
    coloured
      .replace('class="marks"', `class="${kind}" role="group" aria-label="${shows}"`)
      // Marks that say nothing of their own: the tables hold their numbers.
      .replace(/role="graphics-symbol" aria-roledescription="[a-z]+ mark container"/g, 'aria-hidden="true"')
      .replace(/\bid="([^"]+)"/g, `id="${id}-$1"`)
      .replace(/url\(#([^)]+)\)/g, `url(#${id}-$1)`)
  );
}
