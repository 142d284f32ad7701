/**
 * Normal deviates for the benchmarks: sfc32 (128 bits of state, so streams of different seeds do not overlap in practice)
 * through the polar method. Plain code, so that what is measured does not depend on a package's version.
 */
export function normals(seed: number): () => number {
  const uniform = uniforms(seed);
  let spare = 0;
  let hasSpare = false;
  return () => {
    if (hasSpare) {
      hasSpare = false;
      return spare;
    }
    for (;;) {
      const a = 2 * uniform() - 1;
      const b = 2 * uniform() - 1;
      const s = a * a + b * b;
      if (s >= 1 || s === 0) continue;
      const stretch = Math.sqrt((-2 * Math.log(s)) / s);
      spare = b * stretch;
      hasSpare = true;
      return a * stretch;
    }
  };
}

/** Uniform numbers in (0, 1). */
export function uniforms(seed: number): () => number {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88 ^ Math.imul(seed, 0x85ebca6b);
  let c = 0xb7e15162 ^ Math.imul(seed, 0xc2b2ae35);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return ((sum >>> 0) + 0.5) / 4294967296;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}
