import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { fillNormalPairs, type GeneratorState } from "../linalg/normal-pairs.js";

/** A stream of random numbers, the same for the same seed and stream number on every machine. */
export interface RandomStream {
  /** In (0, 1). */
  uniform(): number;
  /** Standard normal, by Marsaglia's polar method. */
  normal(): number;
  /** Fills an array with what as many calls of `normal` return. */
  fillNormals(out: Float64Array): void;
}

/** From so many numbers on they are made together. */
const MANY = 64;

/** One stream for each (seed, stream), as for the draws of a bootstrap. */
export function randomStream(seed: number, stream = 0): RandomStream {
  // Small seeds start too regularly, so they are mixed first.
  let generator = xoroshiro128plus(mixed(mixed(seed | 0) ^ mixed(stream + 0x9e3779b9)));
  const uniform = (): number => {
    for (;;) {
      const value = uniformFloat64(generator);
      if (value > 0) return value;
    }
  };
  const pair = new Float64Array(2);
  let spare = false;
  const drawPair = (): void => {
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      pair[0] = x * factor;
      pair[1] = y * factor;
      return;
    }
  };
  const normal = (): number => {
    spare = !spare;
    if (!spare) return pair[1];
    drawPair();
    return pair[0];
  };
  const fillNormals = (out: Float64Array): void => {
    let at = 0;
    if (spare && out.length > 0) out[at++] = normal();
    const pairs = 2 * Math.floor((out.length - at) / 2);
    if (pairs >= MANY) {
      const [s01, s00, s11, s10] = generator.getState();
      const state: GeneratorState = [s01, s00, s11, s10];
      generator = xoroshiro128plusFromState(fillNormalPairs(state, out.subarray(at, at + pairs)));
      at += pairs;
    }
    for (; at < out.length; at++) out[at] = normal();
  };
  return { uniform, normal, fillNormals };
}

/** A 32-bit integer hash in which every input bit moves every output bit (Murmur's finaliser). */
export function mixed(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
