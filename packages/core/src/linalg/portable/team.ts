/**
 * Threads of the portable back end that share large products. All of them see one memory: this thread copies operands into it piece by
 * piece, and all of them take tiles of the result (packages/core/assembly/shared.ts).
 */
import { numericalError } from "../../errors.js";
import { type SharedExports, sharedModule } from "./modules.js";
import { Store } from "./store.js";

/** What a helper is given once, at its start. */
export interface HelperSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Where its scratch memory begins. */
  readonly scratch: number;
  /** Whose turn it is, for each helper. */
  readonly turns: Int32Array;
  /** Where threads write their numbers in the system, 0 where they have none. */
  readonly threadNumbers: Int32Array;
  /** Which place in both is this one's. */
  readonly at: number;
}

/** How a system starts and places threads. */
export interface Helpers {
  /** Starts a thread that runs `HELPER_SOURCE` and does not keep the process alive. */
  start(setup: HelperSetup): void;
  /** Has the threads with these numbers run on other processors than the caller. */
  keepAway?(threadNumbers: Int32Array): void;
}

// A helper's turn: it starts; it sleeps; it is called; it takes tiles; it has failed.
const STARTING = 0;
const IDLE = 1;
const CALLED = 2;
const WORKING = 3;
const FAILED = 4;

/** Multiply-adds from which a product is shared: a third of a millisecond on one thread. */
const LEAST_WORK = 4e6;
/** Multiply-adds of such products before helpers are started: programs that are done sooner need none. */
const WORK_BEFORE_HELPERS = 2e8;
/** Pages of 64 KB, as tools/build-kernels.mjs says. */
const MOST_PAGES = 4096;
/**
 * How often a thread looks before it sleeps: some 0.2 ms, so that it is awake when one product follows another. The processor of a
 * virtual machine that sleeps may be put on a slower place when it wakes.
 */
const LOOKS = 20_000;

/** What a helper runs: JavaScript that needs nothing but its setup. */
export const HELPER_SOURCE = `(({ module, memory, scratch, turns, at }) => {
  const { assist, giveUp, useScratch } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  useScratch(scratch);
  let end = ${IDLE};
  for (;;) {
    Atomics.store(turns, at, end);
    Atomics.notify(turns, at);
    for (let looks = 0; looks < ${LOOKS} && Atomics.load(turns, at) !== ${CALLED}; looks++);
    for (let turn; (turn = Atomics.compareExchange(turns, at, ${CALLED}, ${WORKING})) !== ${CALLED}; ) {
      Atomics.wait(turns, at, turn);
    }
    try {
      assist();
      end = ${IDLE};
    } catch {
      giveUp();
      end = ${FAILED};
    }
  }
})`;

/** Threads that share large products, this one among them. */
export class Team extends Store {
  readonly kernels: SharedExports;
  private readonly setups: HelperSetup[];
  private readonly turns: Int32Array;
  private readonly threadNumbers: Int32Array;
  private workBefore = WORK_BEFORE_HELPERS;
  private started = false;

  constructor(
    readonly threads: number,
    private readonly system: Helpers,
  ) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
    const module = sharedModule();
    const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as SharedExports;
    const scratch = (thread: number): number => Number(kernels.FREE.value) + thread * Number(kernels.SCRATCH.value);
    super(memory, scratch(threads));
    kernels.useScratch(scratch(0));
    const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * (threads - 1)));
    const [turns, threadNumbers] = [words(), words()];
    this.setups = Array.from(turns, (_, at) => ({
      module,
      memory,
      scratch: scratch(at + 1),
      turns,
      threadNumbers,
      at,
    }));
    this.kernels = kernels;
    this.turns = turns;
    this.threadNumbers = threadNumbers;
  }

  /** Whether a product is worth the team, and the team is there. */
  takes(lower: boolean, m: number, n: number, k: number): boolean {
    const work = (m * n * k) / (lower ? 2 : 1);
    if (work < LEAST_WORK) return false;
    if (!this.started) {
      this.workBefore -= work;
      if (this.workBefore > 0) return false;
      this.started = true;
      try {
        for (const setup of this.setups) this.system.start(setup);
      } catch {
        // Threads are forbidden or used up: those that are there do.
      }
    }
    return this.turns.some((_, at) => Atomics.load(this.turns, at) !== STARTING);
  }

  /** Does `work` while the helpers take tiles of the product that has begun, and returns when nobody is at it any longer. */
  together(work: () => void): void {
    const { turns } = this;
    this.system.keepAway?.(this.threadNumbers);
    const called = [...turns.keys()].filter((at) => this.call(at));
    try {
      work();
    } catch (error) {
      this.kernels.giveUp();
      throw error;
    } finally {
      for (const at of called) this.await(at);
    }
    if (called.some((at) => Atomics.load(turns, at) === FAILED)) {
      throw numericalError("A thread of the portable linear algebra has failed: run with AIF_THREADS=1.");
    }
  }

  private call(at: number): boolean {
    const { turns } = this;
    if (Atomics.load(turns, at) === STARTING) return false;
    Atomics.store(turns, at, CALLED);
    Atomics.notify(turns, at);
    return true;
  }

  /** Until a helper is not at work; one that has not come yet need not come. */
  private await(at: number): void {
    const { turns } = this;
    if (Atomics.compareExchange(turns, at, CALLED, IDLE) === CALLED) return;
    for (let looks = 0; looks < LOOKS && Atomics.load(turns, at) === WORKING; looks++);
    while (Atomics.load(turns, at) === WORKING) Atomics.wait(turns, at, WORKING);
  }
}
