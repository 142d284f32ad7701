import { AifError, type ErrorCode, RankError } from "@aif/core";
import { CommanderError } from "commander";
import { Interruption } from "./interruption.js";
import { Refusal, refused } from "./refusal.js";
import { clean } from "./render/clean.js";

/** How a program ends: its exit code, and the sentence on stderr (null: nothing to say). */
export interface Ending {
  readonly code: number;
  readonly sentence: string | null;
}

/** The exit code of a program that Ctrl-C ended. */
export const interrupted = 130;

const exitCodes: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  input: 1,
  numerical: 1,
  resource: 1,
  cancelled: interrupted,
};

/** Errors of the engine that mean: no memory. */
const outOfMemory = /allocation failed|invalid (?:typed )?array (?:buffer )?length|out of memory/i;

interface Rule {
  readonly applies: (error: unknown) => boolean;
  readonly ending: (error: Error) => Ending;
}

/** Told apart in this order; the last rule always applies. */
const rules: readonly Rule[] = [
  {
    applies: (error) => error instanceof AifError && error.code === "cancelled",
    ending: () => ({ code: exitCodes.cancelled, sentence: "Interrupted; nothing was written." }),
  },
  {
    applies: (error) => error instanceof RankError,
    ending: (error) => ({ code: error instanceof RankError && error.code ? exitCodes[error.code] : 1, sentence: null }),
  },
  {
    applies: (error) => error instanceof AifError,
    ending: (error) => ({
      code: error instanceof AifError ? exitCodes[error.code] : 1,
      sentence: error.message,
    }),
  },
  {
    applies: (error) => error instanceof Interruption,
    ending: (error) => ({ code: exitCodes.cancelled, sentence: error.message }),
  },
  {
    applies: (error) => error instanceof Refusal,
    ending: (error) => ({ code: refused, sentence: error.message }),
  },
  // Help and version have been printed already; help without being asked for means that the command is missing.
  {
    applies: (error) => error instanceof CommanderError && error.exitCode === 0,
    ending: () => ({ code: 0, sentence: null }),
  },
  {
    applies: (error) => error instanceof CommanderError && error.code === "commander.help",
    ending: () => ({ code: exitCodes.usage, sentence: null }),
  },
  {
    applies: (error) => error instanceof CommanderError,
    ending: (error) => ({ code: exitCodes.usage, sentence: usageSentence(error.message) }),
  },
  {
    applies: (error) => error instanceof RangeError && outOfMemory.test(error.message),
    ending: () => ({
      code: exitCodes.resource,
      sentence: "The table does not fit into memory; use fewer rows or columns, or a machine with more of it.",
    }),
  },
  {
    applies: () => true,
    ending: (error) => ({
      code: 1,
      sentence: `internal error: ${error.message || error.name}; please report it (AIF_DEBUG=1 shows where it happened).`,
    }),
  },
];

/** What an error means to the user. */
export function endingOf(error: unknown): Ending {
  const known = error instanceof Error ? error : new Error(String(error));
  const rule = rules.find(({ applies }) => applies(error)) ?? rules[rules.length - 1];
  const { code, sentence } = rule.ending(known);
  return { code, sentence: sentence && clean(sentence) };
}

/** Shells put in the files' names where a pattern has no quotes. */
const severalFiles = /^Too many arguments for '(analyze|compare|verify)'/;

/** Commander writes "error: unknown option '--x'" and a guess in brackets on a second line; here it is one sentence. */
function usageSentence(message: string): string {
  const [first, guess] = message.replace(/^error: /, "").split(/\n\((?=Did you mean)/);
  const sentence = first.charAt(0).toUpperCase() + first.slice(1).replace(/\.$/, "");
  if (severalFiles.test(sentence))
    return `${sentence}: name several files by one pattern in quotes, such as 'part-*.csv', or by a list, @parts.txt; --help says how.`;
  return guess === undefined
    ? `${sentence}; --help says how.`
    : `${sentence}; did${guess.slice(3).replace(/\)\s*$/, "")}`;
}
