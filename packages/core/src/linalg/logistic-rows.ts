import { losses as lossesModule } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** packages/core/assembly/losses.ts; addresses in bytes. */
interface LossKernels {
  readonly memory: WebAssembly.Memory;
  /** The first address that is not the kernels' own. */
  readonly FREE: WebAssembly.Global;
  logistic(n: number, f: number, y: number, values: number, slopes: number, curvatures: number): void;
}

/** Rows that are taken at a time, an even number: all their numbers fit into the module's first page of memory. */
export const LOGISTIC_ROWS = 1024;

/** Values, slopes and curvatures of log(1 + e^{−yf}) in f. */
export interface LogisticRows {
  readonly values: Float64Array;
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** The kernels, and where f, y and what they find lie in their memory. */
class LogisticKernels {
  private readonly kernels: LossKernels;
  private readonly places: readonly number[];
  private readonly numbers: readonly Float64Array[];

  constructor() {
    const module = new WebAssembly.Module(decode(lossesModule));
    // The module and this interface are two halves of one build.
    this.kernels = new WebAssembly.Instance(module).exports as unknown as LossKernels;
    const { memory, FREE } = this.kernels;
    const bytes = LOGISTIC_ROWS * Float64Array.BYTES_PER_ELEMENT;
    this.places = [0, 1, 2, 3, 4].map((k) => FREE.value + k * bytes);
    this.numbers = this.places.map((place) => new Float64Array(memory.buffer, place, LOGISTIC_ROWS));
  }

  jets(f: Float64Array, y: Float64Array): LogisticRows {
    const [scores, targets, ...found] = this.numbers;
    const [atScores, atTargets, atValues, atSlopes, atCurvatures] = this.places;
    scores.set(f);
    targets.set(y);
    const even = f.length + (f.length % 2);
    this.kernels.logistic(even, atScores, atTargets, atValues, atSlopes, atCurvatures);
    const [values, slopes, curvatures] = found.map((numbers) => numbers.subarray(0, f.length));
    return { values, slopes, curvatures };
  }
}

let kernels: LogisticKernels | undefined;

/**
 * log(1 + e^{−yf}) of at most `LOGISTIC_ROWS` rows, y = ±1, with its first and second derivatives in f, to two units in the last
 * place; exponentials below e⁻⁷⁰⁸ count as 0. They stay until the next call.
 */
export function logisticJets(f: Float64Array, y: Float64Array): LogisticRows {
  kernels ??= new LogisticKernels();
  return kernels.jets(f, y);
}
