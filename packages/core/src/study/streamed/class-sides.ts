/** Which rows a prediction classifies rightly. */
export interface Sides {
  readonly prediction: number;
  readonly rows: Uint8Array;
}

/** Bits that a number holds exactly. */
const BITS = 50;

/** Which of n rows are classified rightly by each of some predictions, of all ranks; of n = 0 nothing is kept. */
export function sidesOf(n: number, predictions: number) {
  const [y, w] = [new Float64Array(n), new Float64Array(n)];
  const codes = Array.from({ length: n > 0 ? Math.ceil(predictions / BITS) : 0 }, () => new Float64Array(n));
  return {
    sums: [y, w, ...codes],
    y,
    w,
    /** @param place where each row stands among the n */
    see(place: (i: number) => number, own: { y: Float64Array; w: Float64Array }, right: readonly Sides[]): void {
      if (n === 0) return;
      for (let i = 0; i < own.y.length; i++) {
        y[place(i)] = own.y[i];
        w[place(i)] = own.w[i];
      }
      for (const { prediction: k, rows } of right) {
        const code = codes[Math.floor(k / BITS)];
        for (let i = 0; i < rows.length; i++) code[place(i)] += rows[i] * 2 ** (k % BITS);
      }
    },
    /** n, for a prediction by its place. */
    right(): ((k: number) => Uint8Array) | null {
      if (n === 0) return null;
      return (k) => Uint8Array.from(codes[Math.floor(k / BITS)], (code) => Math.floor(code / 2 ** (k % BITS)) % 2);
    },
  };
}
