/**
 * JSON of files that nobody vouches for. JSON.parse keeps the last of two equal keys without a word and makes objects whose
 * prototype a key may name; here equal keys are refused, objects are Maps, and depth and number of values are bounded.
 */
import { quoted } from "../../data/names.js";
import { type AifError, inputError } from "../../errors.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

const mostDeep = 32;
const mostValues = 2_000_000;

/** @throws AifError "input" that names the place (character) where the text is no JSON, or the key that stands twice */
export function parseJson(text: string, file: string): Json {
  return new Reader(text, file).whole();
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const longestText = 1 << 16; // characters
const backslash = 0x5c;
const quote = 0x22;

class Reader {
  private at = 0;
  private values = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  whole(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw this.unexpected("the end");
    return value;
  }

  private value(depth: number): Json {
    if (depth > mostDeep) throw this.bad(`is nested deeper than ${mostDeep} levels`);
    if (++this.values > mostValues) throw this.bad(`holds more than ${mostValues} values`);
    this.space();
    const first = this.text[this.at];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    for (const word of ["NaN", "Infinity", "-Infinity"]) {
      if (this.text.startsWith(word, this.at)) throw this.bad(`holds ${word}, which is no number of JSON`);
    }
    const number = this.number();
    if (number === null) throw this.unexpected("a value");
    return number;
  }

  private object(depth: number): JsonObject {
    const out = new Map<string, Json>();
    this.items("}", () => {
      const key = this.string();
      if (out.has(key)) throw this.bad(`holds the key ${quoted(key)} twice`);
      this.space();
      this.expect(":");
      out.set(key, this.value(depth + 1));
    });
    return out;
  }

  private array(depth: number): readonly Json[] {
    const out: Json[] = [];
    this.items("]", () => out.push(this.value(depth + 1)));
    return out;
  }

  private items(close: string, item: () => void): void {
    this.at++;
    this.space();
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (;;) {
      this.space();
      item();
      this.space();
      if (this.text[this.at] === close) {
        this.at++;
        return;
      }
      this.expect(",");
    }
  }

  private string(): string {
    const start = this.at;
    if (this.text.charCodeAt(start) !== quote) throw this.unexpected("a name in double quotes");
    let end = start + 1;
    // A backslash takes the next character with it; JSON.parse judges what is inside.
    while (end < this.text.length && this.text.charCodeAt(end) !== quote) {
      end += this.text.charCodeAt(end) === backslash ? 2 : 1;
    }
    if (end >= this.text.length) throw this.bad("begins text that does not end");
    if (end - start > longestText) throw this.bad(`holds text of more than ${longestText} characters`);
    try {
      const value: string = JSON.parse(this.text.slice(start, end + 1));
      this.at = end + 1;
      return value;
    } catch {
      throw this.bad("holds text with a character that JSON does not allow");
    }
  }

  private number(): number | null {
    numberPattern.lastIndex = this.at;
    const found = numberPattern.exec(this.text);
    if (found === null) return null;
    this.at = numberPattern.lastIndex;
    return Number(found[0]);
  }

  private space(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at++;
  }

  private expect(character: string): void {
    if (this.text[this.at] !== character) throw this.unexpected(`"${character}"`);
    this.at++;
  }

  private unexpected(wanted: string): AifError {
    const found = this.at < this.text.length ? quoted(this.text[this.at]) : "its end";
    return this.bad(`has ${found} where ${wanted} belongs`);
  }

  private bad(what: string): AifError {
    return inputError(`${this.file} is no JSON that can be read: at character ${this.at} it ${what}; write it again.`);
  }
}
