import { usageError } from "../errors.js";

/** A reader of one word out of a few. */
export const oneOf =
  <Word extends string>(words: readonly Word[]) =>
  (text: string, option: string): Word => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw usageError(`${option} takes ${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}, not "${text}".`);
  };
