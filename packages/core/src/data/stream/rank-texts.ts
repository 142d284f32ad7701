import type { ColumnPiece } from "../column-builder.js";
import { MOST_TEXTS } from "./rank-survey.js";

/** The texts of one column over all files of a rank. */
export class RankTexts {
  readonly texts: string[] = [];
  private readonly place = new Map<string, number>();

  /** The code of a text; −2: one too many. */
  codeOf(text: string): number {
    const known = this.place.get(text);
    if (known !== undefined) return known;
    if (this.texts.length >= MOST_TEXTS) return -2;
    this.place.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

/** Codes of one file's column as those of the rank. */
export class TextCodes {
  private readonly codes: number[] = [];

  constructor(private readonly rank: RankTexts) {}

  /** Writes the cells of a piece from `from` on to `out`. */
  write({ codes, texts }: ColumnPiece & { readonly values: null }, from: number, out: Int32Array): void {
    for (let k = this.codes.length; k < texts.length; k++) this.codes.push(this.rank.codeOf(texts[k]));
    for (let i = 0; i < out.length; i++) {
      const code = codes[from + i];
      out[i] = code < 0 ? code : this.codes[code];
    }
  }
}
