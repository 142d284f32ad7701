/** Which rows a prediction classifies rightly. */
export interface Sides {
  readonly prediction: number;
  readonly rows: Uint8Array;
}

/** Rows of a block. */
interface SeenRows {
  readonly y: Float64Array;
  readonly w: Float64Array;
  readonly clusterOf?: Int32Array | null;
}

/** Bits that a number holds exactly. */
const BITS = 50;

/** Which of n rows are classified rightly by each of some predictions, of all ranks; of n = 0 nothing is kept. */
export function sidesOf(n: number, predictions: number, clustered = false) {
  const [y, w] = [new Float64Array(n), new Float64Array(n)];
  const clusters = new Float64Array(clustered ? n : 0);
  const codes = Array.from({ length: n > 0 ? Math.ceil(predictions / BITS) : 0 }, () => new Float64Array(n));
  return {
    sums: [y, w, clusters, ...codes],
    y,
    w,
    /** @param place where each row stands among the n */
    see(place: (i: number) => number, own: SeenRows, right: readonly Sides[]): void {
      if (n === 0) return;
      for (let i = 0; i < own.y.length; i++) {
        y[place(i)] = own.y[i];
        w[place(i)] = own.w[i];
        if (clustered) clusters[place(i)] = own.clusterOf?.[i] ?? 0;
      }
      for (const { prediction: k, rows } of right) {
        const code = codes[Math.floor(k / BITS)];
        for (let i = 0; i < rows.length; i++) code[place(i)] += rows[i] * 2 ** (k % BITS);
      }
    },
    /** n: the cluster of each row; undefined: rows are drawn by themselves. */
    clusters: (): Int32Array | undefined => (clustered ? Int32Array.from(clusters) : undefined),
    /** n, for a prediction by its place. */
    right(): ((k: number) => Uint8Array) | null {
      if (n === 0) return null;
      return (k) => Uint8Array.from(codes[Math.floor(k / BITS)], (code) => Math.floor(code / 2 ** (k % BITS)) % 2);
    },
  };
}
