/** Small errors after Stryker's rules, all of them in one program at once, of which a global says which one is active. */
import { Instrumenter } from "@stryker-mutator/instrumenter";

/** One small error; lines and columns count from 0. */
export interface SmallError {
  readonly file: string;
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
  /** Stryker's name of the rule. */
  readonly rule: string;
  readonly replacement: string;
}

export interface Switched {
  /** File to its source with a switch at each error. */
  readonly sources: ReadonlyMap<string, string>;
  /** What makes an error active to the error. */
  readonly ids: ReadonlyMap<string, SmallError>;
}

/** What the switches read and count in: Stryker's namespace. */
export interface Switchboard {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

/** Messages to people are no part of the method. */
const EXCLUDED = ["StringLiteral"];

const OPTIONS = { plugins: null, excludedMutations: EXCLUDED, ignorers: [], noHeader: false };

type Transform = NonNullable<ConstructorParameters<typeof Instrumenter>[3]>;

const nothing = (): void => undefined;
const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
};

/** One error is another's equal if place, rule and replacement are. */
export const nameOf = ({ file, start, end, rule, replacement }: SmallError): string =>
  `${file}:${start.line}:${start.column}-${end.line}:${end.column} ${rule} ${replacement}`;

/** Every error that can be made in some files. @param sources file to its text. */
export async function smallErrors(sources: ReadonlyMap<string, string>): Promise<SmallError[]> {
  return [...(await instrumented(sources, () => true)).ids.values()];
}

/** The sources with a switch at each of some errors, and at no other place, so that they stay fast. */
export function withSwitches(sources: ReadonlyMap<string, string>, errors: readonly SmallError[]): Promise<Switched> {
  const wanted = new Set(errors.map(nameOf));
  const concerned = new Set(errors.map(({ file }) => file));
  return instrumented(new Map([...sources].filter(([file]) => concerned.has(file))), (error) =>
    wanted.has(nameOf(error)),
  );
}

async function instrumented(
  sources: ReadonlyMap<string, string>,
  wanted: (error: SmallError) => boolean,
): Promise<Switched> {
  const plain: Transform = new Instrumenter(silent)["_transform"];
  const chosen: Transform = (ast, collector, context) => {
    const collect = collector.collect.bind(collector);
    collector.collect = (fileName, original, mutable, offset) => {
      const mutant = collect(fileName, original, mutable, offset);
      const unwanted = !mutant.ignoreReason && !wanted(smallError(mutant.toApiMutant()));
      return unwanted ? Object.assign(mutant, { ignoreReason: "not drawn" }) : mutant;
    };
    plain(ast, collector, context);
  };
  const files = [...sources].map(([name, content]) => ({ name, content, mutate: true as const }));
  const result = await new Instrumenter(silent, undefined, undefined, chosen).instrument(files, OPTIONS);
  return {
    sources: new Map(result.files.map(({ name, content }) => [name, content])),
    ids: new Map(result.mutants.filter(({ status }) => !status).map((mutant) => [mutant.id, smallError(mutant)])),
  };
}

interface Located {
  readonly fileName: string;
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: SmallError["start"]; readonly end: SmallError["end"] };
}

const smallError = ({ fileName, mutatorName, replacement, location: { start, end } }: Located): SmallError => ({
  file: fileName,
  start: { line: start.line, column: start.column },
  end: { line: end.line, column: end.column },
  rule: mutatorName,
  replacement,
});
