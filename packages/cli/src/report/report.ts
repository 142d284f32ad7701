import { chartsOf, FLAGS } from "@aif/core";
import { clean } from "../render/clean.js";
import { version } from "../version.js";
import { comparisonParts } from "./comparison-parts.js";
import { type Html, html } from "./html.js";
import { page } from "./page.js";
import type { FiguresOf, ReportedResult, ReportParts } from "./parts.js";
import { pathParts } from "./path-parts.js";
import { figureHtml } from "./pictures.js";
import { reproductionParts } from "./reproduction-parts.js";
import { studyParts } from "./study-parts.js";
import { trainingParts } from "./training-parts.js";
import { unbroken } from "./unbroken.js";
import { verificationParts } from "./verification-parts.js";

/** How the result came about. */
export interface ReportOrigin {
  /** The command line, as it can be typed again. */
  readonly command: string;
  readonly backend: string;
  /** The result as the terminal shows it. */
  readonly text: string;
}

/** A result as one self-contained page: words first, then pictures, tables, notes, and how to get it again. */
export async function report(result: ReportedResult, origin: ReportOrigin): Promise<string> {
  const charts = chartsOf(result);
  const figures: FiguresOf = async (attack) => {
    const drawn: Html[] = [];
    for (const [k, chart] of charts.entries()) {
      if (chart.attack === attack) drawn.push(await figureHtml(chart, `chart-${k}`));
    }
    return html`${drawn}`;
  };
  const parts = await partsOf(result, figures);
  const closing = [
    { id: "notes", title: "Notes and warnings", body: flagsHtml(parts.flags) },
    { id: "again", title: "How to get this again", body: againHtml(result, origin) },
  ].filter(({ id }) => id !== "notes" || parts.flags.length > 0);
  const sections = [...parts.sections, ...closing];
  return page(
    parts.title,
    unbroken(html`<header>
<h1>${parts.title}</h1>
${parts.ground.map((sentence) => html`<p class="faint">${sentence}.</p>`)}
</header>
<main>
${parts.lead}
<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
${sections.map(({ id, title, body }) => html`<section id="${id}" aria-label="${title}"><h2>${title}</h2>${body}</section>`)}
</main>`),
    result,
  );
}

function partsOf(result: ReportedResult, figures: FiguresOf): Promise<ReportParts> {
  switch (result.schema) {
    case "aif.study/1":
      return studyParts(result, figures);
    case "aif.verification/1":
      return verificationParts(result, figures);
    case "aif.path/1":
      return pathParts(result, figures);
    case "aif.training-result/1":
      return trainingParts(result, figures);
    case "aif.comparison/1":
      return comparisonParts(result, figures);
    default:
      return reproductionParts(result, figures);
  }
}

function flagsHtml(flags: ReportParts["flags"]): Html {
  const codes = [...new Set(flags.map(({ code }) => code))];
  return html`${codes.map((code) => {
    const alike = flags.filter((flag) => flag.code === code);
    const rule = FLAGS[code];
    return html`<div class="flag ${alike[0].level}"><p><span class="badge">${alike[0].level}</span><code>${code}</code></p>
${alike.map(({ message }) => html`<p>${clean(message)}</p>`)}
<p class="faint">${rule.why} ${rule.todo}</p></div>`;
  })}`;
}

function againHtml(result: ReportedResult, { command, backend, text }: ReportOrigin): Html {
  const seed = "settings" in result && "seed" in result.settings ? ` Seed ${result.settings.seed}.` : "";
  return html`<div><pre tabindex="0"><code>${command}</code></pre><button type="button" class="act" data-act="copy-text">copy the command</button>
<button type="button" class="act" data-act="save-json">save the result as JSON</button></div>
<p class="faint">aif ${version}, Node ${process.versions.node}, linear algebra: ${backend}.${seed} ${contents(result)} It loads nothing from anywhere.</p>
<details><summary>The result as the terminal shows it</summary><pre tabindex="0">${cleanLines(text)}</pre></details>`;
}

/** What the page tells of the data to whoever gets it. */
const contents = (result: ReportedResult): string =>
  "redacted" in result
    ? "This page holds the numbers of the result with the names of columns, levels and parameters. The table itself, the numbers of its rows and what is said of single rows are not in it."
    : "This page holds the numbers of the result with the names of columns, levels and parameters, and the numbers of rows with what is said of them (--redact leaves those out); the table itself is not in it.";

/** Every line safe by itself. */
const cleanLines = (text: string): string => text.split("\n").map(clean).join("\n");
