/** One deliberate error in one source file. */
export interface Mutant {
  /** From the root of the repository. */
  readonly file: string;
  /** Where it stands in the file (a character), and what. */
  readonly at: number;
  readonly text: string;
  readonly replacement: string;
}

/** The source with the error in it. @throws Error: the text does not stand there. */
export function withMutant(source: string, { file, at, text, replacement }: Mutant): string {
  if (!source.startsWith(text, at)) throw new Error(`${file} does not hold ${JSON.stringify(text)} at ${at}.`);
  return source.slice(0, at) + replacement + source.slice(at + text.length);
}

/** The mutant of a text that stands once in its file. @throws Error: it stands nowhere, or more than once. */
export function mutantOf({ file, text, replacement }: Omit<Mutant, "at">, source: string): Mutant {
  const at = source.indexOf(text);
  if (at < 0) throw new Error(`${file} no longer holds ${JSON.stringify(text)}.`);
  if (source.includes(text, at + 1)) throw new Error(`${file} holds ${JSON.stringify(text)} more than once.`);
  return { file, at, text, replacement };
}
