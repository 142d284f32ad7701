import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Twice as many pixels as the picture says, so that it is sharp in print and on dense screens. */
const ZOOM = 2;

/** An SVG as PNG. The font comes along: without one, a system that has none draws no letters and says nothing. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const picture = new Resvg(svg, {
    fitTo: { mode: "zoom", value: ZOOM },
    font: { fontFiles: await fontFiles(), loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" },
  });
  return picture.render().asPng();
}

async function fontFiles(): Promise<string[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")), "ttf");
  const files = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => join(folder, name));
  // A font that cannot be read would be left out without a word.
  await Promise.all(files.map((file) => readFile(file)));
  return files;
}
