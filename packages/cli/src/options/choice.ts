import { usageError } from "../errors.js";

/** A reader of words that names some of them, for the completion of shells. */
export type Suggesting<Value> = ((text: string, option: string) => Value) & { readonly words: readonly string[] };

/** The reader, with words that it takes among others. */
export const suggesting = <Value>(
  words: readonly string[],
  read: (text: string, option: string) => Value,
): Suggesting<Value> => Object.assign((text: string, option: string) => read(text, option), { words });

/** A reader of one word out of a few. */
export const oneOf = <Word extends string>(words: readonly Word[]): Suggesting<Word> =>
  suggesting(words, (text, option) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw usageError(`${option} takes ${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}, not "${text}".`);
  });
