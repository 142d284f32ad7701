/** Functions of many numbers, entry by entry, two at a time in WebAssembly: half the time of a loop here, and less before it is hot. */
import { elements } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

type Numbers = Float64Array;

type OfOne = "tanh" | "sigmoid" | "softplus" | "relu";
type OfTwo =
  | "tanhSlope"
  | "tanhBend"
  | "tanhTurn"
  | "sigmoidTimes"
  | "sigmoidSlope"
  | "sigmoidBend"
  | "sigmoidTurn"
  | "reluSlope"
  | "add"
  | "subtract"
  | "multiply"
  | "divide";

/** packages/core/assembly/elements.ts; addresses in bytes, results in place of the first numbers. */
type ElementExports = Record<OfOne, (n: number, x: number) => void> &
  Record<OfTwo, (n: number, a: number, b: number) => void> & {
    readonly memory: WebAssembly.Memory;
    /** The first address that is not the kernels' own. */
    readonly FREE: WebAssembly.Global;
    /** 1 or 0. */
    finite(n: number, x: number): number;
  };

/** Numbers of an array that are in the kernels' memory at a time, an even number: 16 KB stay in a first-level cache. */
const PIECE = 2048;

/** The kernels, and the two places in their memory that numbers pass through. */
class ElementKernels {
  readonly exports: ElementExports;
  readonly first: number;
  readonly second: number;
  private readonly firstNumbers: Numbers;
  private readonly secondNumbers: Numbers;

  constructor() {
    // The module and this interface are two halves of one build.
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(decode(elements)))
      .exports as unknown as ElementExports;
    const { memory, FREE } = this.exports;
    this.first = FREE.value;
    this.second = this.first + PIECE * Float64Array.BYTES_PER_ELEMENT;
    this.firstNumbers = new Float64Array(memory.buffer, this.first, PIECE);
    this.secondNumbers = new Float64Array(memory.buffer, this.second, PIECE);
  }

  /**
   * Copies up to `PIECE` numbers of a, and of b where there is one, from `from` on. Returns how many, rounded up to an even number: what
   * is computed of one beyond the last is not looked at.
   */
  load(a: Numbers, b: Numbers | null, from: number): number {
    this.firstNumbers.set(part(a, from));
    if (b) this.secondNumbers.set(part(b, from));
    const count = Math.min(PIECE, a.length - from);
    if (count % 2 === 0) return count;
    this.firstNumbers[count] = 0;
    return count + 1;
  }

  /** Copies the results to `out` from `from` on. */
  store(out: Numbers, from: number): void {
    const count = Math.min(PIECE, out.length - from);
    out.set(count === PIECE ? this.firstNumbers : this.firstNumbers.subarray(0, count), from);
  }
}

const part = (values: Numbers, from: number): Numbers =>
  values.length <= PIECE ? values : values.subarray(from, from + PIECE);

let started: ElementKernels | undefined;
const kernels = (): ElementKernels => (started ??= new ElementKernels());

/** out ← f(x); `out` may be x. */
const ofOne =
  (name: OfOne) =>
  (x: Numbers, out: Numbers): void => {
    const memory = kernels();
    const kernel = memory.exports[name];
    for (let from = 0; from < x.length; from += PIECE) {
      kernel(memory.load(x, null, from), memory.first);
      memory.store(out, from);
    }
  };

/** out ← f(a, b), all of one length; `out` may be a or b. */
const ofTwo =
  (name: OfTwo) =>
  (a: Numbers, b: Numbers, out: Numbers): void => {
    const memory = kernels();
    const kernel = memory.exports[name];
    for (let from = 0; from < a.length; from += PIECE) {
      kernel(memory.load(a, b, from), memory.first, memory.second);
      memory.store(out, from);
    }
  };

/** tanh x, to four units in the last place. */
export const tanhOf = ofOne("tanh");
/** g·f'(x) of y = tanh x, from g and y. */
export const tanhSlope = ofTwo("tanhSlope");
/** g·f''(x) */
export const tanhBend = ofTwo("tanhBend");
/** g·f'''(x) */
export const tanhTurn = ofTwo("tanhTurn");
/** σ(x) = 1 / (1 + e^{−x}); exponentials below e⁻⁷⁰⁸ count as 0, here and below. */
export const sigmoidOf = ofOne("sigmoid");
/** g·σ(x), from g and x. */
export const sigmoidTimes = ofTwo("sigmoidTimes");
/** g·σ'(x) */
export const sigmoidSlope = ofTwo("sigmoidSlope");
/** g·σ''(x) */
export const sigmoidBend = ofTwo("sigmoidBend");
/** g times the third derivative of σ. */
export const sigmoidTurn = ofTwo("sigmoidTurn");
/** log(1 + e^x) */
export const softplusOf = ofOne("softplus");
/** x where x > 0, else 0. */
export const reluOf = ofOne("relu");
/** g where x > 0, else 0; from g and x. */
export const reluSlope = ofTwo("reluSlope");
/** a + b */
export const sumOf = ofTwo("add");
/** a − b */
export const differenceOf = ofTwo("subtract");
/** a·b */
export const productOf = ofTwo("multiply");
/** a / b */
export const quotientOf = ofTwo("divide");

/** Whether every number is finite. */
export function allFinite(x: Numbers): boolean {
  const memory = kernels();
  for (let from = 0; from < x.length; from += PIECE) {
    if (memory.exports.finite(memory.load(x, null, from), memory.first) === 0) return false;
  }
  return true;
}
