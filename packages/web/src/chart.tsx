/** A chart that is alive: drawn by Vega, which is loaded when the first one is wanted. */
import { type ChartSpec, MARKED_SIZE, type NamedChart, onDarkPaper } from "@aif/core";
import { useEffect, useRef, useState } from "preact/hooks";
import type { View } from "vega";
import { onPaperChange, paper } from "./theme.js";

async function drawInto(element: HTMLElement, spec: ChartSpec): Promise<View> {
  const [vega, { compile }, { expressionInterpreter }] = await Promise.all([
    import("vega"),
    import("vega-lite"),
    import("vega-interpreter"),
  ]);
  const compiled = compile(structuredClone(spec) as unknown as Parameters<typeof compile>[0]).spec;
  // Expressions are interpreted, since the page's policy allows no code made from texts; and nothing is ever loaded.
  const view = new vega.View(vega.parse(compiled, {}, { ast: true }), {
    renderer: "svg",
    expr: expressionInterpreter,
    loader: refusing,
    tooltip: () => {},
    hover: false,
  });
  await view.initialize(element).runAsync();
  return view;
}

const refuse = (): Promise<never> => Promise.reject(new Error("Charts load nothing."));
const refusing = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

/** @param epsilon the size that is looked at. */
export function Chart({ chart, epsilon }: { readonly chart: NamedChart; readonly epsilon: number }) {
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<View | null>(null);
  const [width, setWidth] = useState(0);
  const [sheet, setSheet] = useState(paper);
  // Charts of one size are drawn anew for another; those over all sizes only move their mark.
  const size = chart.follows === "size" ? epsilon : null;

  useEffect(() => onPaperChange(() => setSheet(paper())), []);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(Math.min(700, entry.contentRect.width) / 20) * 20),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = frame.current;
    if (element === null || width < 200) return undefined;
    let stale = false;
    const light = chart.draw({ width, epsilon });
    const target = document.createElement("div");
    void drawInto(target, sheet === "dark" ? onDarkPaper(light) : light)
      .then((drawn) => {
        if (stale) {
          drawn.finalize();
          return;
        }
        view.current?.finalize();
        view.current = drawn;
        element.replaceChildren(target);
      })
      .catch((error: unknown) => {
        if (!stale) element.textContent = `This chart could not be drawn: ${String(error)}`;
      });
    return () => {
      stale = true;
    };
  }, [chart, width, sheet, size]);

  useEffect(() => {
    const drawn = view.current;
    if (chart.follows === "mark" && drawn !== null) void drawn.signal(MARKED_SIZE, epsilon).runAsync();
  }, [epsilon, chart.follows]);

  const name = `aif-${chart.name}${chart.attack === null ? "" : `-${chart.attack}`}.svg`;
  return (
    <figure class="chart">
      <div ref={frame} role="group" aria-label={chart.shows} class="drawing" />
      <figcaption>
        <button type="button" class="act" onClick={() => view.current && void saveSvg(view.current, name)}>
          save as SVG
        </button>
      </figcaption>
    </figure>
  );
}

async function saveSvg(view: View, name: string): Promise<void> {
  save(name, await view.toSVG(), "image/svg+xml");
}

export function save(name: string, text: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
