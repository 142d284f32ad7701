/** Symmetric systems with known eigenvalues, and plain loops to check solutions with. */
import { expect } from "vitest";
import { AifError } from "../../src/errors.js";
import { Matrix } from "../../src/linalg/matrix.js";
import type { SymmetricOperator } from "../../src/solvers/operator.js";
import { randomStream } from "../../src/stats/random.js";

/** H = Q'diag(eigenvalues)Q with both triangles; Q is a product of d random reflections. */
export class KnownSystem implements SymmetricOperator {
  readonly size: number;
  readonly h: Matrix;
  /** Vectors that were multiplied. */
  products = 0;
  private readonly q: Matrix;

  constructor(
    readonly eigenvalues: readonly number[],
    seed: number,
  ) {
    const d = eigenvalues.length;
    this.size = d;
    this.q = randomRotation(d, seed);
    this.h = Matrix.zeros(d, d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += eigenvalues[k] * this.q.data[k * d + i] * this.q.data[k * d + j];
        this.h.data[i * d + j] = sum;
        this.h.data[j * d + i] = sum;
      }
    }
  }

  async product(vectors: Matrix): Promise<Matrix> {
    this.products += vectors.columns;
    return naiveProduct(this.h, vectors);
  }

  async matrix(): Promise<Matrix> {
    return new Matrix(this.h.data.slice(), this.size, this.size);
  }

  async diagonal(): Promise<Float64Array> {
    return Float64Array.from({ length: this.size }, (_, j) => this.h.data[j * (this.size + 1)]);
  }

  /** (H + λI)⁻¹B by the eigenvalues that H was made from. */
  exact(right: Matrix, damping = 0): Matrix {
    const inside = naiveProduct(this.q, right);
    this.eigenvalues.forEach((value, k) => {
      for (let c = 0; c < right.columns; c++) inside.data[k * right.columns + c] /= value + damping;
    });
    return naiveProduct(transpose(this.q), inside);
  }
}

function randomRotation(d: number, seed: number): Matrix {
  const random = randomStream(seed, 1);
  const q = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) q.data[j * (d + 1)] = 1;
  for (let reflection = 0; reflection < Math.min(d, 30); reflection++) {
    const v = Float64Array.from({ length: d }, () => random.normal());
    const square = v.reduce((sum, value) => sum + value * value, 0);
    for (let i = 0; i < d; i++) {
      let inner = 0;
      for (let j = 0; j < d; j++) inner += q.data[i * d + j] * v[j];
      for (let j = 0; j < d; j++) q.data[i * d + j] -= (2 * inner * v[j]) / square;
    }
  }
  return q;
}

export function naiveProduct(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) {
      const value = a.data[i * a.columns + j];
      for (let k = 0; k < b.columns; k++) out.data[i * b.columns + k] += value * b.data[j * b.columns + k];
    }
  }
  return out;
}

const transpose = (a: Matrix): Matrix =>
  new Matrix(
    Float64Array.from(a.data, (_, at) => a.data[(at % a.rows) * a.columns + Math.floor(at / a.rows)]),
    a.columns,
    a.rows,
  );

export const lengthOf = (vector: ArrayLike<number>): number => Math.hypot(...Array.from(vector));

export function randomBlock(d: number, k: number, seed: number): Matrix {
  const out = Matrix.zeros(d, k);
  randomStream(seed, 2).fillNormals(out.data);
  return out;
}

/** Eigenvalues from 1 down to 1/condition in equal ratios. */
export const geometric = (d: number, condition: number): number[] =>
  Array.from({ length: d }, (_, i) => condition ** (-i / Math.max(1, d - 1)));

/** ‖b − (H + λI)x‖/‖b‖ of each column. */
export function naiveResiduals(h: Matrix, x: Matrix, b: Matrix, damping = 0): number[] {
  const image = naiveProduct(h, x);
  return Array.from({ length: b.columns }, (_, k) => {
    const [column, there, point] = [b.column(k), image.column(k), x.column(k)];
    const residual = column.map((value, j) => value - there[j] - damping * point[j]);
    return lengthOf(column) === 0 ? lengthOf(residual) : lengthOf(residual) / lengthOf(column);
  });
}

export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<AifError> {
  const error: unknown = await (async () => (typeof work === "function" ? work() : work))().then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(AifError);
  expect((error as AifError).message).toMatch(/^[^\n]+\.$/);
  return error as AifError;
}
