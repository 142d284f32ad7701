import { CHART_COLOURS } from "@aif/core";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Which paper the page is on. */
export const paper = (): "light" | "dark" => (dark.matches ? "dark" : "light");

/** The colours of the charts are those of the page, also after the system has changed its mind. */
export function applyColours(): void {
  const style = document.documentElement.style;
  const set = (): void => {
    for (const colour of CHART_COLOURS) style.setProperty(`--${colour.name}`, colour[paper()]);
  };
  set();
  dark.addEventListener("change", set);
}

export const onPaperChange = (listener: () => void): (() => void) => {
  dark.addEventListener("change", listener);
  return () => dark.removeEventListener("change", listener);
};
