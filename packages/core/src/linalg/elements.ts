/** Functions of many numbers, entry by entry, two at a time in WebAssembly: half the time of a loop here, and less before it is hot. */
import { elements, gelu } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

type Numbers = Float64Array;

/** (n, x), and (n, a, b): addresses in bytes, results in place of the first numbers. */
type OfOne = (n: number, x: number) => void;
type OfTwo = (n: number, a: number, b: number) => void;

type NamesOfOne = "tanh" | "sigmoid" | "softplus" | "relu";
type NamesOfTwo =
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

interface OwnMemory {
  readonly memory: WebAssembly.Memory;
  /** The first address that is not the kernels' own. */
  readonly FREE: WebAssembly.Global;
}

/** packages/core/assembly/elements.ts */
interface ElementExports extends OwnMemory, Record<NamesOfOne, OfOne>, Record<NamesOfTwo, OfTwo> {
  /** 1 or 0. */
  finite(n: number, x: number): number;
}

/** packages/core/assembly/gelu.ts, which engines would not take at once with the others */
interface GeluExports extends OwnMemory, Record<"geluSlope" | "geluBend" | "geluTurn", OfTwo> {
  readonly gelu: OfOne;
}

/** Numbers of an array that are in the kernels' memory at a time, an even number: 16 KB stay in a first-level cache. */
const PIECE = 2048;

/** The kernels of a module, and the two places in its memory that numbers pass through. */
class ElementKernels<Exports extends OwnMemory> {
  readonly exports: Exports;
  readonly first: number;
  readonly second: number;
  private readonly firstNumbers: Numbers;
  private readonly secondNumbers: Numbers;

  constructor(code: string) {
    // The module and its interface are two halves of one build.
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(decode(code))).exports as unknown as Exports;
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

type Module<Exports extends OwnMemory> = () => ElementKernels<Exports>;

/** Compiled when it is first needed. */
function moduleOf<Exports extends OwnMemory>(code: string): Module<Exports> {
  let started: ElementKernels<Exports> | undefined;
  return () => (started ??= new ElementKernels(code));
}

const common = moduleOf<ElementExports>(elements);
const normal = moduleOf<GeluExports>(gelu);

/** out ← f(x); `out` may be x. */
const ofOne =
  <Name extends string>(module: Module<OwnMemory & Record<Name, OfOne>>, name: Name) =>
  (x: Numbers, out: Numbers): void => {
    const memory = module();
    const kernel = memory.exports[name];
    for (let from = 0; from < x.length; from += PIECE) {
      kernel(memory.load(x, null, from), memory.first);
      memory.store(out, from);
    }
  };

/** out ← f(a, b), all of one length; `out` may be a or b. */
const ofTwo =
  <Name extends string>(module: Module<OwnMemory & Record<Name, OfTwo>>, name: Name) =>
  (a: Numbers, b: Numbers, out: Numbers): void => {
    const memory = module();
    const kernel = memory.exports[name];
    for (let from = 0; from < a.length; from += PIECE) {
      kernel(memory.load(a, b, from), memory.first, memory.second);
      memory.store(out, from);
    }
  };

/** tanh x, to four units in the last place. */
export const tanhOf = ofOne(common, "tanh");
/** g·f'(x) of y = tanh x, from g and y. */
export const tanhSlope = ofTwo(common, "tanhSlope");
/** g·f''(x) */
export const tanhBend = ofTwo(common, "tanhBend");
/** g·f'''(x) */
export const tanhTurn = ofTwo(common, "tanhTurn");
/** σ(x) = 1 / (1 + e^{−x}); exponentials below e⁻⁷⁰⁸ count as 0, here and below. */
export const sigmoidOf = ofOne(common, "sigmoid");
/** g·σ(x), from g and x. */
export const sigmoidTimes = ofTwo(common, "sigmoidTimes");
/** g·σ'(x) */
export const sigmoidSlope = ofTwo(common, "sigmoidSlope");
/** g·σ''(x) */
export const sigmoidBend = ofTwo(common, "sigmoidBend");
/** g times the third derivative of σ. */
export const sigmoidTurn = ofTwo(common, "sigmoidTurn");
/** log(1 + e^x) */
export const softplusOf = ofOne(common, "softplus");
/** x where x > 0, else 0. */
export const reluOf = ofOne(common, "relu");
/** g where x > 0, else 0; from g and x. */
export const reluSlope = ofTwo(common, "reluSlope");
/** xΦ(x) of the standard normal distribution, to five units in the last place. */
export const geluOf = ofOne(normal, "gelu");
/** g·f'(x) of it, from g and x. */
export const geluSlope = ofTwo(normal, "geluSlope");
/** g·f''(x) */
export const geluBend = ofTwo(normal, "geluBend");
/** g·f'''(x) */
export const geluTurn = ofTwo(normal, "geluTurn");
/** a + b */
export const sumOf = ofTwo(common, "add");
/** a − b */
export const differenceOf = ofTwo(common, "subtract");
/** a·b */
export const productOf = ofTwo(common, "multiply");
/** a / b */
export const quotientOf = ofTwo(common, "divide");

/** Whether every number is finite. */
export function allFinite(x: Numbers): boolean {
  const memory = common();
  for (let from = 0; from < x.length; from += PIECE) {
    if (memory.exports.finite(memory.load(x, null, from), memory.first) === 0) return false;
  }
  return true;
}
