import { normals as module } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** Of xoroshiro128+: (s01, s00, s11, s10), two words of 64 bits, each with its upper half first. */
export type GeneratorState = readonly [number, number, number, number];

/** packages/core/assembly/normals.ts; addresses in bytes. */
interface NormalKernels {
  readonly memory: WebAssembly.Memory;
  /** The first address that is not the kernels' own. */
  readonly FREE: WebAssembly.Global;
  disc(count: number, state: number, pairs: number, squares: number): void;
}

/** Pairs that are taken at a time: all their numbers fit into the module's first page of memory. */
const PAIRS = 1024;

/** The kernels, and where their numbers lie. */
class Disc {
  private readonly kernels: NormalKernels;
  private readonly places: readonly [state: number, pairs: number, squares: number];
  private readonly state: Int32Array;
  private readonly pairs: Float64Array;
  private readonly squares: Float64Array;

  constructor() {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(decode(module)));
    // The module and this interface are two halves of one build.
    this.kernels = instance.exports as unknown as NormalKernels;
    const { memory, FREE } = this.kernels;
    const first = 8 * Math.ceil(FREE.value / 8);
    this.places = [first, first + 16, first + 16 + 16 * PAIRS];
    this.state = new Int32Array(memory.buffer, this.places[0], 4);
    this.pairs = new Float64Array(memory.buffer, this.places[1], 2 * PAIRS);
    this.squares = new Float64Array(memory.buffer, this.places[2], PAIRS);
  }

  fill([s01, s00, s11, s10]: GeneratorState, out: Float64Array): GeneratorState {
    const { kernels, places, state, pairs, squares } = this;
    state.set([s00, s01, s10, s11]);
    for (let from = 0; from < out.length; from += 2 * PAIRS) {
      const count = Math.min(PAIRS, (out.length - from) / 2);
      kernels.disc(count, ...places);
      for (let k = 0, at = from; k < count; k++, at += 2) {
        const square = squares[k];
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        out[at] = pairs[2 * k] * factor;
        out[at + 1] = pairs[2 * k + 1] * factor;
      }
    }
    return [state[1], state[0], state[3], state[2]];
  }
}

let disc: Disc | undefined;

/**
 * Fills an array of even length with standard normal numbers, pair by pair by Marsaglia's polar method: (x, y)·√(−2 log r²/r²) for (x, y)
 * uniform in the unit disc. Returns the generator's state after the last number.
 */
export function fillNormalPairs(state: GeneratorState, out: Float64Array): GeneratorState {
  disc ??= new Disc();
  return disc.fill(state, out);
}
