/** Texts on a page of fixed width. Widths count code points. */

export const pageWidth = 80;

export const widthOf = (text: string): number => Array.from(text).length;

/** The text, or its beginning and end with … between them where it is wider. */
export function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  const tail = width - 1 - head;
  return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - tail).join("")}`;
}

export const padStart = (text: string, width: number): string => " ".repeat(Math.max(0, width - widthOf(text))) + text;

export const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)));

/** A page of sections with a blank line between them; those without lines are left out. */
export const inSections = (sections: readonly (readonly string[])[]): string =>
  `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n").trimEnd())
    .join("\n\n")}\n`;

/** A blank at which no line ends: "ε = 0.01" stays together. */
export const glue = "\u00a0";

/** Breaks a text into lines at blanks; a word wider than a line is cut. Lines after the first are indented by `hang`. */
export function wrap(
  text: string,
  options: { readonly indent?: number; readonly hang?: number; readonly width?: number } = {},
): string[] {
  const { indent = 0, hang = indent, width = pageWidth } = options;
  const lines: string[] = [];
  let line = " ".repeat(indent);
  let filled = indent;
  let empty = true;
  const turn = (): void => {
    lines.push(line);
    line = " ".repeat(hang);
    filled = hang;
    empty = true;
  };
  for (const word of text.split(" ").filter((part) => part !== "")) {
    let rest = Array.from(word);
    if (!empty && filled + 1 + rest.length > width) turn();
    if (!empty) {
      line += " ";
      filled++;
    }
    while (filled + rest.length > width) {
      line += rest.slice(0, width - filled).join("");
      rest = rest.slice(width - filled);
      turn();
    }
    line += rest.join("");
    filled += rest.length;
    empty = false;
  }
  if (!empty || lines.length === 0) lines.push(line.trimEnd());
  return lines.map((full) => full.replaceAll(glue, " "));
}

/** A label, then wrapped text that hangs beside it. */
export const labelled = (label: string, text: string, labelWidth: number): string[] => {
  const [first, ...others] = wrap(text, { indent: labelWidth });
  return [padEnd(`  ${label}`, labelWidth) + first.slice(labelWidth), ...others];
};

export interface TableColumn {
  /** Lines above the column, aligned at the bottom. */
  readonly header: readonly string[];
  readonly cells: readonly string[];
  readonly align: "left" | "right";
}

/** Columns side by side with `gap` blanks between them, header lines first. */
export function table(columns: readonly TableColumn[], gap: number): { header: string[]; body: string[] } {
  const depth = Math.max(...columns.map(({ header }) => header.length));
  const widths = columns.map(({ header, cells }) => Math.max(...[...header, ...cells].map(widthOf)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, j) => (columns[j].align === "left" ? padEnd(text, widths[j]) : padStart(text, widths[j])))
      .join(" ".repeat(gap))
      .trimEnd();
  return {
    header: Array.from({ length: depth }, (_, k) =>
      line(columns.map(({ header }) => header[k - (depth - header.length)] ?? "")),
    ),
    body: (columns[0]?.cells ?? []).map((_, i) => line(columns.map(({ cells }) => cells[i]))),
  };
}
