import { AifError } from "../../errors.js";
import type { ColumnPiece } from "../column-builder.js";
import { readFile } from "../read.js";
import { defaultRowsPerBlock } from "../rows-dataset.js";
import { watched } from "../source.js";
import { type PieceTaker, TableBuilder } from "../table-builder.js";
import type { CellKind } from "./cache-block.js";
import type { CacheWriter } from "./cache-file.node.js";
import type { CachedPart } from "./cached-table.js";
import { PartTally } from "./part-tally.js";
import type { Part } from "./parts.node.js";
import { joinedSurveys, MOST_TEXTS, noRows, type RowsSurvey } from "./rank-survey.js";
import { RankTexts, TextCodes } from "./rank-texts.js";

export interface CacheOptions {
  readonly delimiter?: string | undefined;
  readonly header?: boolean | "auto" | undefined;
  /** Whether numbers are stored in float32, but for these columns (by name, or "#3" by place). */
  readonly mixed: { readonly exact: readonly string[] } | null;
}

/** How files are read, beside what of it shows in every cache. */
export interface CacheReading extends CacheOptions {
  /** Columns in which cells that cannot be held are missing. */
  readonly unused: readonly string[];
}

/** What a first pass leaves beside the blocks. */
export interface FirstPass {
  readonly survey: RowsSurvey;
  readonly parts: readonly CachedPart[];
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly rounding: ReadonlyMap<string, number>;
  /** Columns in which cells are missing that could not be held: of no use to whoever does not leave them out. */
  readonly blanked: readonly string[];
}

/** Thrown by a piece that shows that columns are text after all: the file is read anew. */
class TurnedToText extends Error {
  constructor(readonly columns: readonly string[]) {
    super(`Text: ${columns.join(", ")}`);
  }
}

/**
 * Reads files once, a piece at a time: surveys their rows and writes them, as they are, to the cache.
 * @param onRows is told of every piece of a file that was read: rows of all files so far, and bytes
 * @throws as `readTable`, also where files do not go together or change while they are read
 */
export async function cacheParts(
  parts: readonly Part[],
  writer: CacheWriter,
  options: CacheReading,
  onRows: (rows: number, bytes: number) => void,
): Promise<FirstPass> {
  let survey = noRows();
  const cached: CachedPart[] = [];
  const texts = new Map<string, RankTexts>();
  const rounding = new Map<string, number>();
  const blanked = new Set<string>();
  for (const [file, part] of parts.entries()) {
    let asText: ReadonlySet<string> = new Set();
    for (;;) {
      const start = writer.count;
      try {
        const pass = new PartPass(part, file, writer, options, texts, rounding);
        const found = await pass.read(asText, (bytes) => onRows(survey.rows + pass.rows, bytes));
        await part.check();
        survey = joinedSurveys(survey, found);
        for (const name of pass.blanked) blanked.add(name);
        cached.push({ name: part.source.name, columns: pass.columns });
        break;
      } catch (error) {
        if (!(error instanceof TurnedToText)) {
          await part.check(); // a file that is gone or changed is the better explanation
          throw error;
        }
        writer.goBackTo(start);
        asText = new Set([...asText, ...error.columns]);
      }
    }
  }
  return {
    survey,
    parts: cached,
    texts: new Map(Array.from(texts, ([name, found]) => [name, found.texts])),
    rounding,
    blanked: [...blanked],
  };
}

/** One reading of one file. */
class PartPass implements PieceTaker {
  readonly mostTexts = MOST_TEXTS;
  columns: readonly string[] = [];
  blanked: readonly string[] = [];
  rows = 0;
  private readonly tally: PartTally;
  private readonly codes = new Map<string, TextCodes>();

  constructor(
    private readonly part: Part,
    private readonly file: number,
    private readonly writer: CacheWriter,
    private readonly options: CacheReading,
    private readonly texts: Map<string, RankTexts>,
    private readonly rounding: Map<string, number>,
  ) {
    this.tally = new PartTally(part.source.name);
  }

  async read(asText: ReadonlySet<string>, see: (bytes: number) => void): Promise<RowsSurvey> {
    const { source } = this.part;
    const { delimiter, header, unused } = this.options;
    const table = new TableBuilder(undefined, asText, this, undefined, new Set(unused));
    table.file(source.name);
    await readFile(source, watched(source, see), table, { delimiter, header });
    const notes = table.finishPieces();
    this.blanked = table.blanked;
    return {
      ...this.tally.survey,
      files: this.rows === 0 ? [] : [{ name: source.name, rows: this.rows }],
      declared: table.declared ? { file: source.name, names: table.names } : null,
      notes: [...notes],
    };
  }

  take(columns: readonly ColumnPiece[], rows: number, lost: readonly string[]): void {
    if (lost.length > 0) throw new TurnedToText(lost);
    this.tally.add(columns, rows);
    this.columns = columns.map(({ name }) => name);
    const step = defaultRowsPerBlock(columns.length);
    const kinds = columns.map((column, j) => this.kindOf(column, j));
    for (let from = 0; from < rows; from += step) {
      const length = Math.min(step, rows - from);
      this.writer.add(length, kinds, { file: this.file, before: this.rows + from }, (cells) => {
        columns.forEach((column, j) => this.fill(column, from, cells[j]));
      });
    }
    this.rows += rows;
  }

  private kindOf({ name, values }: ColumnPiece, j: number): CellKind {
    if (values === null) return 1;
    const { mixed } = this.options;
    return mixed === null || mixed.exact.includes(name) || mixed.exact.includes(`#${j + 1}`) ? 0 : 2;
  }

  private fill(column: ColumnPiece, from: number, out: Float64Array | Float32Array | Int32Array): void {
    if (column.values === null) {
      if (out instanceof Int32Array) this.codesOf(column.name).write(column, from, out);
      return;
    }
    const values = column.values.subarray(from, from + out.length);
    out.set(values);
    if (out instanceof Float32Array) this.measure(column.name, values, out);
  }

  private measure(name: string, values: Float64Array, stored: Float32Array): void {
    let worst = this.rounding.get(name) ?? 0;
    for (let i = 0; i < values.length; i++) {
      const error = Math.abs(values[i] - stored[i]);
      if (error > worst) worst = error;
    }
    if (worst === Number.POSITIVE_INFINITY) {
      throw new AifError(
        "input",
        `${this.part.source.name}: column "${name}" holds numbers beyond 3.4e38, which --precision mixed cannot store; use --precision double.`,
      );
    }
    this.rounding.set(name, worst);
  }

  private codesOf(name: string): TextCodes {
    const known = this.codes.get(name);
    if (known) return known;
    const rank = this.texts.get(name) ?? new RankTexts();
    this.texts.set(name, rank);
    const codes = new TextCodes(rank);
    this.codes.set(name, codes);
    return codes;
  }
}
