/**
 * Adding over the processes that mpirun or srun started.
 *
 * Every round of sums begins with a message of fixed size: an error word, the round's length, a check of the round before, and as
 * many numbers as fit; longer sums follow in pieces. So a rank that has failed can take part in whatever round the others are in,
 * and all of them learn of it and of its sentence, where one that left would have the others wait for ever.
 */
import { hostname } from "node:os";
import { setImmediate, setTimeout } from "node:timers/promises";
import { usageError } from "../errors.js";
import { type Environment, launchOf, strangers } from "./launcher.js";
import { loadMpi, type Mpi } from "./mpi-library.node.js";
import { packText, unpackText } from "./packed-text.js";
import { ALONE, errorText, RankError, type Ranks, readErrorText } from "./ranks.js";

/** The ranks of a launcher: what must be done at their end. */
export interface LaunchedRanks extends Ranks {
  /** "Open MPI v4.1.4"; null: this process is by itself. */
  readonly version: string | null;
  readonly host: string;
  /** The normal end: waits for the others. @throws RankError: another one failed. */
  finish(): Promise<void>;
  /** Tells the others what stopped this one, as soon as they listen. True: it is this rank that says it, before it leaves. */
  fail(error: unknown): Promise<boolean>;
  /** Leaves the others, behind `finish` or `fail`; mpirun may end a rank, and lose what it said, when another one ends with an error. */
  leave(): void;
}

const WORDS = 3;
/** Numbers of the first message, 8 KB. */
const FIRST = 1024;
/** Numbers of the messages that follow, 128 KB: they stay in the cache from being copied out until their sums are copied in. */
const PIECE = 2 ** 14;
/** So many of them are on their way at once: while one climbs the tree of ranks, the next one follows. */
const WINDOW = 4;
/** In place of a length: the rank has nothing more to add. */
const END = -1;

/** The ranks that this process belongs to. @throws usage: a launcher or library that is not Open MPI's. */
export async function launchedRanks(environment: Environment = process.env): Promise<LaunchedRanks> {
  const launch = launchOf(environment);
  const host = hostname();
  if (launch === null) return byItself(host);
  const mpi = await loadMpi(launch, environment);
  const { rank, size } = mpi.initialise();
  const ranks = new MpiRanks(mpi, rank, size, host);
  if (launch.size !== null && launch.size !== size) {
    ranks.leave();
    throw usageError(strangers(launch, size));
  }
  return ranks;
}

/** A process that nobody started others with. */
export const byItself = (host: string = hostname()): LaunchedRanks => ({
  ...ALONE,
  version: null,
  host,
  finish: async () => {},
  fail: async () => true,
  leave: () => {},
});

class MpiRanks implements LaunchedRanks {
  readonly version: string;
  private readonly first = buffer(FIRST);
  /** Pieces that are not on their way, kept from round to round: fresh memory takes longer to touch than to copy to. */
  private readonly idle: Float64Array[] = [];
  /** What the last round gave, as a number that differs where a digit does. */
  private check = 0;
  private last: Promise<unknown> = Promise.resolve();
  /** What stopped any of the ranks. */
  private stopped: RankError | null = null;
  private over = false;
  private readonly onExit = (code: number): void => {
    if (!this.over) this.mpi.abort(code || 1);
  };

  constructor(
    private readonly mpi: Mpi,
    readonly rank: number,
    readonly size: number,
    readonly host: string,
  ) {
    this.version = mpi.version;
    // An end that the others cannot know of ends them too.
    process.on("exit", this.onExit);
    process.on("uncaughtExceptionMonitor", onUncaught);
  }

  readonly add = (...sums: Float64Array[]): Promise<void> => this.inTurn(() => this.round(sums));

  readonly gather = (text: string): Promise<string[]> =>
    this.inTurn(() => this.texts(text, (numbers) => this.round([numbers])));

  async finish(): Promise<void> {
    await this.inTurn(() => this.open(END, null));
  }

  async fail(error: unknown): Promise<boolean> {
    await this.last.catch(() => {});
    if (this.stopped === null) await this.open(0, error).catch(() => {});
    return this.stopped?.rank === this.rank;
  }

  leave(): void {
    if (this.over) return;
    this.over = true;
    process.off("exit", this.onExit);
    process.off("uncaughtExceptionMonitor", onUncaught);
    this.mpi.finalise();
  }

  /** Rounds never overlap. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work, work);
    this.last = next;
    return next;
  }

  private async round(sums: readonly Float64Array[]): Promise<void> {
    const length = sums.reduce((total, { length: own }) => total + own, 0);
    const head = Math.min(length, FIRST - WORDS);
    this.first.fill(0);
    move(sums, 0, this.first.subarray(WORDS, WORDS + head), "out");
    await this.open(length, null);
    move(sums, 0, this.first.subarray(WORDS, WORDS + head), "in");
    let check = checkOf(this.first.subarray(WORDS, WORDS + head));
    const flying: { from: number; piece: Float64Array; part: Float64Array; landed: () => Promise<void> }[] = [];
    for (let next = head; next < length || flying.length > 0; ) {
      if (next < length && flying.length < WINDOW) {
        const size = Math.min(PIECE, length - next);
        const piece = this.idle.pop() ?? buffer(PIECE);
        const part = piece.subarray(0, size);
        move(sums, next, part, "out");
        flying.push({ from: next, piece, part, landed: this.start(part, false) });
        next += size;
        continue;
      }
      const [{ from, piece, part, landed }] = flying.splice(0, 1);
      await landed();
      move(sums, from, part, "in");
      check ^= checkOf(part);
      this.idle.push(piece);
    }
    this.check = check;
  }

  /**
   * The first message of a round. Its numbers are those of `first`.
   * @throws RankError: a rank has failed
   */
  private async open(length: number, error: unknown): Promise<void> {
    if (this.stopped) throw this.stopped;
    const { first, size } = this;
    if (error !== null) first.fill(0);
    first[0] = error === null ? 0 : 1;
    first[1] = length;
    first[2] = this.check;
    await this.start(first, true)();
    if (first[0] > 0) {
      this.stopped = await this.learn(error);
      throw this.stopped;
    }
    // With other lengths or digits on some ranks, at least one of them finds the mean to be another than its own.
    if (first[1] !== length * size || first[2] !== this.check * size) {
      const what = first[1] === length * size ? "got different digits from one sum" : "lost each other's step";
      process.stderr.write(`aif: internal error: rank ${this.rank} and others ${what}; please report it.\n`);
      this.mpi.abort(1);
    }
  }

  /** Who failed first (the least rank), and why. */
  private async learn(error: unknown): Promise<RankError> {
    const texts = await this.texts(error === null ? "" : errorText(error), (numbers) => this.start(numbers, false)());
    const rank = texts.findIndex((text) => text !== "");
    const { code, message } = readErrorText(texts[rank]);
    return new RankError(rank, code, message);
  }

  /** Texts as sums: each rank leaves the others' places 0. */
  private async texts(own: string, add: (numbers: Float64Array) => Promise<void>): Promise<string[]> {
    const packed = packText(own);
    const lengths = buffer(this.size);
    lengths[this.rank] = packed.length;
    await add(lengths);
    const ends: number[] = [];
    for (const length of lengths) ends.push((ends.at(-1) ?? 0) + length);
    const all = buffer(ends[this.size - 1]);
    all.set(packed, ends[this.rank] - packed.length);
    if (all.length > 0) await add(all);
    return ends.map((end, r) => unpackText(all.subarray(end - lengths[r], end)));
  }

  /**
   * Sends numbers on their way; what comes back waits for their sum.
   * @param patient the others may be long in coming; else all are known to be there.
   */
  private start(numbers: Float64Array, patient: boolean): () => Promise<void> {
    const { mpi } = this;
    const flight = { numbers, request: new BigUint64Array(new ArrayBuffer(8)) };
    lent.add(flight);
    mpi.startAdding(numbers, flight.request);
    return async () => {
      await done(() => mpi.test(flight.request), patient ? SPIN_MS : SPIN_TOGETHER_MS);
      lent.delete(flight);
    };
  }
}

/** Node would print it behind the end of the process. */
const onUncaught = (error: Error): void => {
  process.stderr.write(`aif: internal error: ${error.stack ?? error.message}\n`);
};

/** Buffers and requests that MPI reads or writes: held here, so that nobody collects them. */
const lent = new Set<unknown>();

/** Off the heap from the start, where V8 does not move it. */
const buffer = (length: number): Float64Array => new Float64Array(new ArrayBuffer(8 * length));

/** Tests between two turns of the event loop. */
const TESTS = 16;
/** So long a rank asks without rest; then once a millisecond, which takes a hundredth of a processor. */
const SPIN_MS = 10;
const SPIN_TOGETHER_MS = 2000;

async function done(test: () => boolean, spinMs: number): Promise<void> {
  const started = performance.now();
  for (;;) {
    for (let k = 0; k < TESTS; k++) if (test()) return;
    if (performance.now() - started < spinMs) await setImmediate();
    else await setTimeout(1);
  }
}

/** Copies numbers `from` … of several arrays laid end to end to a buffer ("out"), or back ("in"). */
function move(arrays: readonly Float64Array[], from: number, part: Float64Array, way: "out" | "in"): void {
  let start = 0;
  for (const array of arrays) {
    const low = Math.max(from, start);
    const high = Math.min(from + part.length, start + array.length);
    if (low < high) {
      const here = array.subarray(low - start, high - start);
      const there = part.subarray(low - from, high - from);
      if (way === "out") there.set(here);
      else here.set(there);
    }
    start += array.length;
  }
}

/** A number in which every bit of every word counts, by its place. (Adding words instead leaves V8's integers, and takes ten times as long.) */
function checkOf(numbers: Float64Array): number {
  const words = new Int32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
  let [low, high] = [0, 0];
  for (let k = 0; k < words.length; k += 2) {
    low ^= Math.imul(words[k], k | 1);
    high ^= Math.imul(words[k + 1], k | 1);
  }
  return low ^ Math.imul(high, 5);
}
