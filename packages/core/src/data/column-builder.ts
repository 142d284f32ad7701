import { type AifError, inputError } from "../errors.js";
import { scanText } from "./decimal.js";
import { Growing } from "./growing.js";
import { isInfiniteText, isMissingText } from "./missing.js";
import { compareCodePoints, quoted } from "./names.js";
import type { Column } from "./table.js";
import type { TableMemory } from "./table-memory.js";

const booleanTexts: ReadonlySet<string> = new Set(["true", "false"]);

export interface ColumnOptions {
  /** Whether it is known to be text. */
  readonly asText: boolean;
  /** Whether cells that cannot be held are missing, since nobody will look. */
  readonly isUnused: boolean;
  /** What its texts may take, with those of the other columns. */
  readonly memory: TableMemory;
  /** Rows that were handed over without this column. */
  readonly rowsBefore: number;
  /** Different texts that get a code of their own; all further ones share −2. */
  readonly mostTexts: number;
}

/**
 * One column while it is read. It holds numbers until the first cell that is none; then the cells before become text.
 * Their text follows from the numbers as long as all were written as JavaScript writes them ("1.5", not "1.50").
 * Where they were not, the column is `lost`: it must be read again from the start, as text.
 */
export class ColumnBuilder {
  private numbers: Growing<Float64Array> | null;
  private codes: Growing<Int32Array> | null;
  private readonly dictionary = new Map<string, number>();
  private readonly found: string[] = [];
  private textKept = true;
  private infinite: string | null = null;
  private count: number;
  /** Whether numbers were handed over that nobody can make text of any more. */
  private handedNumbers = false;
  private readonly memory: TableMemory;
  private readonly mostTexts: number;
  readonly isUnused: boolean;
  /** Whether a cell is missing here that could not be held. */
  blanked = false;
  lost = false;

  /**
   * @param where says where the reader is, for messages: `data.csv, data row 3 (line 4)`.
   */
  constructor(
    readonly name: string,
    private readonly where: () => string,
    { asText, isUnused, memory, rowsBefore, mostTexts }: ColumnOptions,
  ) {
    this.isUnused = isUnused;
    this.count = rowsBefore;
    this.memory = memory;
    this.mostTexts = mostTexts;
    this.numbers = asText ? null : new Growing((length) => new Float64Array(length));
    this.codes = asText ? new Growing((length) => new Int32Array(length)) : null;
  }

  get rows(): number {
    return this.count;
  }

  get holdsNumbers(): boolean {
    return this.numbers !== null;
  }

  /** Makes room for rows that are known or guessed to come. */
  reserve(rows: number): void {
    this.numbers?.reserve(rows);
    this.codes?.reserve(rows);
  }

  /** A cell of a text file: a number, a label or missing, by its text. */
  pushCell(raw: string): void {
    const text = trimmed(raw);
    if (this.numbers !== null) {
      const number = scanText(text);
      if (number !== null) this.pushNumber(number.value, number.canonical);
      else if (isMissingText(text)) this.pushMissing();
      else if (isInfiniteText(text)) this.pushInfinite(text);
      else this.pushLabel(text);
    } else this.pushLabel(text);
  }

  /** @param canonical whether the number's text in the file is `String(value)`. */
  pushNumber(value: number, canonical: boolean): void {
    if (this.numbers === null) return this.pushLabel(Number.isNaN(value) ? "" : String(value));
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
      return this.pushInfinite(String(value));
    if (!canonical) this.textKept = false;
    this.numbers.push(value);
    this.count++;
  }

  /** A cell that is text whatever it looks like. Missing where it says so. */
  pushLabel(text: string): void {
    if (isMissingText(text)) return this.pushMissing();
    this.becomeText();
    this.codes?.push(this.codeOf(text));
    this.count++;
  }

  pushMissing(): void {
    this.numbers?.push(Number.NaN);
    this.codes?.push(-1);
    this.count++;
  }

  /** A cell that cannot be held. @throws `why`, where somebody may look at it */
  pushUnreadable(why: () => AifError): void {
    if (!this.isUnused) throw why();
    this.pushBlank();
  }

  private pushBlank(): void {
    this.blanked = true;
    this.pushMissing();
  }

  private pushInfinite(text: string): void {
    if (this.isUnused) return this.pushBlank();
    this.infinite ??= `${this.where()}: column ${quoted(this.name)} holds ${text}`;
    this.textKept = false;
    this.numbers?.push(Number.NaN);
    this.count++;
  }

  private codeOf(text: string): number {
    const known = this.dictionary.get(text);
    if (known !== undefined) return known;
    const code = this.dictionary.size;
    if (code >= this.mostTexts) return -2;
    // A terminal, a spreadsheet and C programs each see another text.
    if (text.includes("\0")) {
      throw inputError(
        `${this.where()}: column ${quoted(this.name)} holds a NUL byte, which no text has; the file is damaged or no table.`,
      );
    }
    this.memory.keepText(text, this.name, code + 1);
    const own = ownCopy(text);
    this.dictionary.set(own, code);
    this.found.push(own);
    return code;
  }

  private becomeText(): void {
    const numbers = this.numbers;
    if (numbers === null) return;
    this.numbers = null;
    if (!this.textKept || this.handedNumbers) {
      this.lost = true;
      return;
    }
    const codes = new Growing((length) => new Int32Array(length));
    numbers.forEach((value) => codes.push(Number.isNaN(value) ? -1 : this.codeOf(String(value))));
    this.codes = codes;
  }

  /** @throws input: numbers are infinite */
  refuseInfinite(): void {
    if (this.numbers === null || this.infinite === null) return;
    throw inputError(
      `${this.infinite}, which is not a finite number; leave the cell empty, remove the row, or leave the column out with --exclude.`,
    );
  }

  /** Hands over the cells so far, which the next push overwrites. */
  drain(): ColumnPiece {
    const { name, numbers, codes, found } = this;
    if (numbers === null) return { name, values: null, codes: codes?.drain() ?? new Int32Array(0), texts: found };
    const values = numbers.drain();
    this.handedNumbers ||= values.some((value) => value === value);
    return { name, values, codes: null, texts: found };
  }

  /** The column. @throws input: as `refuseInfinite` */
  finish(): Column {
    this.refuseInfinite();
    if (this.numbers !== null) return { kind: "numeric", name: this.name, values: this.numbers.finish() };
    const { boolean, levels, sorted } = sortedLevels(this.found);
    const codes = this.codes?.finish() ?? new Int32Array(0);
    for (let i = 0; i < codes.length; i++) if (codes[i] >= 0) codes[i] = sorted[codes[i]];
    return { kind: "categorical", name: this.name, boolean, levels, codes };
  }
}

/** Some rows of a column while a file is read: numbers (NaN: missing) or places among its texts (−1: missing, −2: one too many). */
export type ColumnPiece = { readonly name: string; readonly texts: readonly string[] } & (
  | { readonly values: Float64Array; readonly codes: null }
  | { readonly values: null; readonly codes: Int32Array }
);

/** The levels that texts make, and each text's place among them. Texts that are all true or false make a boolean column. */
export function sortedLevels(texts: readonly string[]): {
  readonly boolean: boolean;
  readonly levels: readonly string[];
  readonly sorted: Int32Array;
} {
  const boolean = texts.length > 0 && texts.every((text) => text.length <= 5 && booleanTexts.has(text.toLowerCase()));
  const levels = boolean ? ["false", "true"] : texts.toSorted(compareCodePoints);
  const rank = new Map(levels.map((level, i) => [level, i]));
  const sorted = Int32Array.from(texts, (text) => rank.get(boolean ? text.toLowerCase() : text) ?? -1);
  return { boolean, levels, sorted };
}

/** `trim` only where there is something to trim: most cells have nothing. */
function trimmed(text: string): string {
  const length = text.length;
  if (length === 0) return text;
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(length - 1);
  const plain = first > 32 && first < 128 && last > 32 && last < 128;
  return plain ? text : text.trim();
}

/** A copy that does not keep the whole chunk of the file alive of which the text is a slice. */
const ownCopy = (text: string): string => (text.length < 13 ? text : `${text}\0`.slice(0, -1));
