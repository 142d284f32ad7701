import { Matrix } from "../linalg/matrix.js";
import { addWeightedGram } from "./feature-map.js";
import type { QuadraticMap } from "./quadratic-map.js";

/**
 * Σ_i ω_i (V_iφ)(V_iφ)' of the quadratic basis, V = ∂v/∂x, for directions φ that all rows share. V_iφ is linear in z = (1, x_i):
 * 0, φ_k, or φ_j x_k + x_j φ_k. So the second moments Σ ω zz' are all that is summed over rows, (m+1)² numbers a direction instead of d².
 */
export class QuadraticDirections {
  private readonly moments: Matrix[];

  constructor(
    private readonly map: QuadraticMap,
    count: number,
  ) {
    this.moments = Array.from({ length: count }, () => Matrix.zeros(map.inputs + 1, map.inputs + 1));
  }

  /** Takes in r rows for every direction. @param weightsOf the direction's ω ≥ 0 (r), read before the next is asked for. */
  add(x: Matrix, weightsOf: (direction: number) => Float64Array): void {
    const size = this.map.inputs + 1;
    const z = new Matrix(new Float64Array(x.rows * size), x.rows, size);
    for (let i = 0; i < x.rows; i++) {
      z.data[i * size] = 1;
      z.data.set(x.row(i), i * size + 1);
    }
    this.moments.forEach((moments, k) => {
      addWeightedGram(z, weightsOf(k), moments.data, size);
    });
  }

  /** out (d×d, lower triangle) += the sum over all directions. @param directions count×m, φ row by row. */
  addTo(directions: Matrix, out: Matrix): void {
    this.moments.forEach((moments, k) => {
      this.spread(moments, directions.row(k), out);
    });
  }

  private spread(moments: Matrix, phi: Float64Array, out: Matrix): void {
    const { map } = this;
    const [d, size] = [map.count, map.inputs + 1];
    const symmetric = moments.data;
    for (let j = 0; j < size; j++) for (let k = 0; k < j; k++) symmetric[k * size + j] = symmetric[j * size + k];
    // Feature a is s_a z[first_a] + t_a z[second_a].
    const [first, second] = [new Int32Array(d), new Int32Array(d)];
    const [s, t] = [new Float64Array(d), new Float64Array(d)];
    for (let a = 0; a < d; a++) {
      const [j, k = -1] = map.inputsOf(a);
      if (j === undefined) continue;
      s[a] = k < 0 ? phi[j] : phi[k];
      first[a] = k < 0 ? 0 : j + 1;
      t[a] = k < 0 ? 0 : phi[j];
      second[a] = k + 1;
    }
    const row = new Float64Array(size);
    for (let a = 0; a < d; a++) {
      if (s[a] === 0 && t[a] === 0) continue;
      const [one, other] = [first[a] * size, second[a] * size];
      for (let k = 0; k < size; k++) row[k] = s[a] * symmetric[one + k] + t[a] * symmetric[other + k];
      for (let b = 0, at = a * d; b <= a; b++, at++) out.data[at] += s[b] * row[first[b]] + t[b] * row[second[b]];
    }
  }
}
