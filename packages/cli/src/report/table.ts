import { type Html, html } from "./html.js";

/** A cell: what is shown, and the number that it stands for (null: a text). */
export interface Cell {
  readonly shown: string;
  readonly value: number | null;
}

export const textCell = (shown: string): Cell => ({ shown, value: null });
export const numberCell = (value: number | null, shown: (value: number | null) => string): Cell => ({
  shown: shown(value),
  value: value !== null && Number.isFinite(value) ? value : null,
});

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly { readonly cells: readonly Cell[]; readonly rough?: boolean }[];
}

/** A table that sorts by its columns and can be copied as CSV, with all digits. */
export const tableHtml = ({ caption, head, rows }: Table): Html => html`<div data-table>
<p class="faint">${caption} <button type="button" class="act" data-act="copy-table">copy as CSV</button></p>
<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<thead><tr>${head.map((name) => html`<th scope="col"><button type="button" data-act="sort">${name}</button></th>`)}</tr></thead>
<tbody>
${rows.map(({ cells, rough }) => html`<tr${rough ? html` class="rough"` : ""}>${cells.map(cellHtml)}</tr>\n`)}</tbody>
</table></div>
</div>`;

const cellHtml = ({ shown, value }: Cell, column: number): Html => {
  const number = value === null ? "" : html` data-value="${value}"`;
  return column === 0 ? html`<th scope="row"${number}>${shown}</th>` : html`<td${number}>${shown}</td>`;
};
