import { losses as lossesModule } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** packages/core/assembly/losses.ts; addresses in bytes. */
interface LossKernels {
  readonly memory: WebAssembly.Memory;
  /** The first address that is not the kernels' own. */
  readonly FREE: WebAssembly.Global;
  logistic(n: number, f: number, y: number, values: number, slopes: number, curvatures: number): void;
  logisticBends(n: number, f: number, y: number, slopes: number, curvatures: number): void;
}

/** Rows that are taken at a time, an even number: all their numbers fit into the module's first page of memory. */
export const LOGISTIC_ROWS = 1024;

/** Slopes and curvatures of log(1 + e^{−yf}) in f. */
interface LogisticBends {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** The same with values. */
export interface LogisticRows extends LogisticBends {
  readonly values: Float64Array;
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
    const [atScores, atTargets, atValues, atSlopes, atCurvatures] = this.places;
    this.kernels.logistic(this.load(f, y), atScores, atTargets, atValues, atSlopes, atCurvatures);
    return { values: this.numbers[2].subarray(0, f.length), ...this.found(f.length) };
  }

  bends(f: Float64Array, y: Float64Array): LogisticBends {
    const [atScores, atTargets, , atSlopes, atCurvatures] = this.places;
    this.kernels.logisticBends(this.load(f, y), atScores, atTargets, atSlopes, atCurvatures);
    return this.found(f.length);
  }

  /** Returns how many rows are to be taken, an even number. */
  private load(f: Float64Array, y: Float64Array): number {
    const [scores, targets] = this.numbers;
    scores.set(f);
    targets.set(y);
    return f.length + (f.length % 2);
  }

  private found(rows: number): LogisticBends {
    const [, , , slopes, curvatures] = this.numbers;
    return { slopes: slopes.subarray(0, rows), curvatures: curvatures.subarray(0, rows) };
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

/** The derivatives alone, in less than half the time. */
export function logisticBends(f: Float64Array, y: Float64Array): LogisticBends {
  kernels ??= new LogisticKernels();
  return kernels.bends(f, y);
}
