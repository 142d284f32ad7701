import { Matrix } from "../linalg/matrix.js";
import { normalise, projectOut } from "../linalg/orthonormal-rows.js";
import { type SymmetricEigen, symmetricEigen } from "../linalg/symmetric.js";
import { dot } from "./inverse-hessian.js";
import type { SymmetricOperator } from "./operator.js";

/** Lanczos's basis of the space that a vector and its products with H span, and H in that basis: tridiagonal. */
export class LanczosBasis {
  /** The basis vectors so far, one a row of d numbers. */
  readonly vectors: Float64Array;
  private readonly diagonal: number[] = [];
  private readonly beside: number[] = [];

  /**
   * @param next the vector that the space is spanned from, of length 1 (d); used up.
   * @param most steps there is room for
   */
  constructor(
    private readonly operator: Pick<SymmetricOperator, "product">,
    private next: Float64Array,
    most: number,
  ) {
    this.vectors = new Float64Array(most * next.length);
  }

  /** How many vectors there are. */
  get size(): number {
    return this.diagonal.length;
  }

  /** β_{m+1}: the length of what the last product has outside the basis. */
  get outside(): number {
    return this.beside[this.size - 1];
  }

  /**
   * Adds a vector, orthogonalised twice against all others, at the cost of one product.
   * @returns false where nothing is left of the space: all of the spectrum that the first vector sees is known.
   */
  async grow(): Promise<boolean> {
    const d = this.next.length;
    const from = this.size * d;
    this.vectors.set(this.next, from);
    this.next = (await this.operator.product(new Matrix(this.next, d, 1))).data.slice();
    this.diagonal.push(dot(this.vectors.subarray(from, from + d), this.next));
    projectOut(this.vectors, this.size, this.next);
    projectOut(this.vectors, this.size, this.next);
    const size = normalise(this.next);
    this.beside.push(size);
    return size > 4 * Number.EPSILON * Math.max(...this.diagonal.map(Math.abs), ...this.beside);
  }

  /** Of H in the basis (m×m). */
  eigen(): SymmetricEigen {
    const m = this.size;
    const small = Matrix.zeros(m, m);
    for (let i = 0; i < m; i++) {
      small.data[i * (m + 1)] = this.diagonal[i];
      if (i > 0) small.data[i * m + i - 1] = this.beside[i - 1];
    }
    return symmetricEigen(small);
  }
}
