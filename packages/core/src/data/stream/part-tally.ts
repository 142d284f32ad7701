import type { ColumnPiece } from "../column-builder.js";
import { joinedNumbers, noNumbers, tallyNumbers } from "../column-survey.js";
import { isNumber } from "../nearly-numeric.js";
import { allMissing, type ColumnTally, newTally, noRows, type RowsSurvey } from "./rank-survey.js";

/** Surveys the rows of one file while they are read, a piece at a time. */
export class PartTally {
  readonly survey: RowsSurvey = noRows();
  private readonly byName = new Map<string, ColumnTally>();

  constructor(private readonly file: string) {}

  add(columns: readonly ColumnPiece[], rows: number): void {
    const { survey } = this;
    for (const piece of columns) {
      let tally = this.byName.get(piece.name);
      if (tally === undefined) {
        tally = newTally(piece.name, survey.rows);
        this.byName.set(piece.name, tally);
        survey.columns.push(tally);
      }
      if (piece.values === null) this.addTexts(tally, piece.codes, piece.texts, survey.rows);
      else this.addNumbers(tally, piece.values);
    }
    survey.rows += rows;
  }

  private addNumbers(tally: ColumnTally, values: Float64Array): void {
    tallyNumbers(tally.numbers, values);
    if (tally.numbers.first !== null) tally.numberFile = this.file;
  }

  private addTexts(tally: ColumnTally, codes: Int32Array, texts: readonly string[], before: number): void {
    for (let code = tally.texts.length; code < texts.length; code++) {
      tally.texts.push(texts[code]);
      tally.counts.push(0);
      tally.firstRows.push(-1);
    }
    let missing = 0;
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === -1) missing++;
      else if (code === -2) tally.more = true;
      else if (tally.counts[code]++ === 0) {
        tally.firstRows[code] = before + i;
        if (tally.word === null && !isNumber(texts[code])) tally.word = { text: texts[code], row: before + i };
      }
    }
    if (missing < codes.length) tally.textFile = this.file;
    const cells = { ...allMissing(codes.length), missing };
    tally.numbers = joinedNumbers(tally.numbers.rows === 0 ? noNumbers() : tally.numbers, cells);
  }
}
