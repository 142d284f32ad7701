/**
 * Large products on several threads of the portable back end. All of them see one memory: this thread copies operands into it, cuts
 * the result into panels, gives each helper its panels and works on the first ones itself. Every entry of a result is summed by one
 * thread in one order, so that its digits do not depend on how many there are.
 */
import { numericalError } from "../../errors.js";
import { type KernelExports, sharedModule } from "./modules.js";
import { Store } from "./store.js";

/** What a helper is given once, at its start. */
export interface HelperSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** The slots of all helpers. */
  readonly control: SharedArrayBuffer;
  /** Where its slot begins, in bytes. */
  readonly slot: number;
  /** Where its scratch memory begins. */
  readonly scratch: number;
}

/** The arguments of one call of `multiply`. */
export type Panel = Parameters<KernelExports["multiply"]>;

/** What the thread that asks for a product does while others are still at it. */
export interface Meanwhile {
  /** In multiply-adds of the product: its own share of it is smaller by so much. */
  readonly work: number;
  do(): void;
}

/** A slot: a word that says whose turn it is, a word with the number of calls, and from byte 64 on their arguments. */
const SLOT_BYTES = 512;
const ARGUMENTS_AT = 64;
const ARGUMENTS = 13;
const STARTING = 0;
const IDLE = 1;
const WORKING = 2;
const FAILED = 3;

/** Multiply-adds from which a product is shared: a third of a millisecond on one thread. */
const LEAST_WORK = 4e6;
/** Multiply-adds of such products before helpers are started: programs that are done sooner need none. */
const WORK_BEFORE_HELPERS = 2e8;
/** Pages of 64 KB, as tools/build-kernels.mjs says. */
const MOST_PAGES = 4096;
/** Of an even share, what the asking thread has at least. */
const LEAST_SHARE = 0.1;
/** How often a thread looks before it sleeps: some 50 µs, about what waking takes. */
const LOOKS = 5000;

/** What a helper runs: JavaScript that needs nothing but its setup. */
export const HELPER_SOURCE = `(({ module, memory, control, slot, scratch }) => {
  const { multiply, useScratch } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  useScratch(scratch);
  const words = new Int32Array(control, slot, 2);
  const numbers = new Float64Array(control, slot + ${ARGUMENTS_AT}, ${(SLOT_BYTES - ARGUMENTS_AT) / 8});
  let end = ${IDLE};
  for (;;) {
    Atomics.store(words, 0, end);
    Atomics.notify(words, 0);
    for (let looks = 0; looks < ${LOOKS} && Atomics.load(words, 0) !== ${WORKING}; looks++);
    while (Atomics.load(words, 0) !== ${WORKING}) Atomics.wait(words, 0, end);
    try {
      for (let call = 0; call < words[1]; call++) {
        multiply(...numbers.subarray(${ARGUMENTS} * call, ${ARGUMENTS} * (call + 1)));
      }
      end = ${IDLE};
    } catch {
      end = ${FAILED};
    }
  }
})`;

interface Slot {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

const BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Panels begin at multiples of a tile. */
const TILE = 4;

/** Threads that share the panels of large products, this one among them. */
export class Team extends Store {
  readonly kernels: Pick<KernelExports, "scale">;
  private readonly own: KernelExports["multiply"];
  private readonly slots: Slot[];
  private readonly setups: HelperSetup[];
  private workBefore = WORK_BEFORE_HELPERS;
  private started = false;

  /** @param startHelper starts a thread that runs `HELPER_SOURCE` and does not keep the process alive */
  constructor(
    readonly threads: number,
    private readonly startHelper: (setup: HelperSetup) => void,
  ) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
    const module = sharedModule();
    const own = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    const scratch = Math.ceil(Number(own.FREE.value) / 64) * 64;
    super(memory, threads * scratch);
    const control = new SharedArrayBuffer((threads - 1) * SLOT_BYTES);
    const helpers = Array.from({ length: threads - 1 }, (_, k) => k);
    this.slots = helpers.map((k) => ({
      words: new Int32Array(control, k * SLOT_BYTES, 2),
      numbers: new Float64Array(control, k * SLOT_BYTES + ARGUMENTS_AT, (SLOT_BYTES - ARGUMENTS_AT) / BYTES),
    }));
    this.setups = helpers.map((k) => ({ module, memory, control, slot: k * SLOT_BYTES, scratch: (k + 1) * scratch }));
    this.kernels = { scale: own.scale };
    this.own = own.multiply;
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
        for (const setup of this.setups) this.startHelper(setup);
      } catch {
        // Threads are forbidden or used up: those that are there do.
      }
    }
    return this.ready().length > 0;
  }

  private ready(): Slot[] {
    return this.slots.filter(({ words }) => Atomics.load(words, 0) !== STARTING);
  }

  multiply(product: Panel, meanwhile?: Meanwhile): void {
    const helpers = this.ready();
    const count = helpers.length + 1;
    const rest = (helpers.length * (meanwhile?.work ?? 0)) / workOf(product);
    const shares = cut(product, count, Math.max(LEAST_SHARE, 1 - rest) / count);
    const busy = helpers.slice(0, shares.length - 1);
    busy.forEach(({ words, numbers }, h) => {
      const panels = shares[h + 1];
      panels.forEach((panel, call) => {
        numbers.set(panel.map(Number), call * ARGUMENTS);
      });
      words[1] = panels.length;
      Atomics.store(words, 0, WORKING);
      Atomics.notify(words, 0);
    });
    for (const panel of shares[0]) this.own(...panel);
    meanwhile?.do();
    for (const { words } of busy) {
      for (let looks = 0; looks < LOOKS && Atomics.load(words, 0) === WORKING; looks++);
      while (Atomics.load(words, 0) === WORKING) Atomics.wait(words, 0, WORKING);
    }
    if (busy.some(({ words }) => Atomics.load(words, 0) === FAILED)) {
      throw numericalError("A thread of the portable linear algebra has failed: run with AIF_THREADS=1.");
    }
  }
}

const workOf = ([lower, m, n, k]: Panel): number => (m * n * k) / (lower ? 2 : 1);

/**
 * A product cut into shares, each a few calls; at most `count`, the first one never empty.
 * @param first the first one's part of the work; the others' are alike
 */
export function cut(product: Panel, count: number, first = 1 / count): Panel[][] {
  const [lower, m, n] = product;
  const byRows = lower || m >= n;
  const length = byRows ? m : n;
  const ends: number[] = [];
  for (let t = 1; t <= count; t++) {
    const done = t === 1 ? first : first + ((1 - first) * (t - 1)) / (count - 1);
    const end = length * (lower ? Math.sqrt(done) : done);
    const whole = t === count ? length : Math.min(length, Math.round(end / TILE) * TILE);
    if (whole > (ends.at(-1) ?? 0)) ends.push(whole);
  }
  return ends.map((to, t) => {
    const from = ends[t - 1] ?? 0;
    if (!byRows) return [columnsOf(product, 0, m, from, to)];
    if (!lower) return [columnsOf(product, from, to, 0, n)];
    const corner = columnsOf(product, from, to, from, to);
    return from === 0 ? [corner] : [[false, ...rest(columnsOf(product, from, to, 0, from))], corner];
  });
}

const rest = ([, ...others]: Panel) => others;

/** The same product for some rows and columns of its result. */
function columnsOf(
  [lower, , , k, alpha, a, rowA, columnA, b, rowB, columnB, c, rowC]: Panel,
  fromRow: number,
  toRow: number,
  fromColumn: number,
  toColumn: number,
): Panel {
  return [
    lower,
    toRow - fromRow,
    toColumn - fromColumn,
    k,
    alpha,
    a + fromRow * rowA,
    rowA,
    columnA,
    b + fromColumn * columnB,
    rowB,
    columnB,
    c + fromRow * rowC + fromColumn * BYTES,
    rowC,
  ];
}
