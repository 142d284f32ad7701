/**
 * Products and solves with one vector as plain loops on the arrays themselves: they read every number of the matrix
 * once or twice, so that copying it into the WebAssembly memory first gains little.
 */

/** y ← y + alpha·A·x, where A is m×n and starts at `start`. */
export function addProduct(
  m: number,
  n: number,
  alpha: number,
  a: Float64Array,
  start: number,
  lda: number,
  x: Float64Array,
  y: Float64Array,
): void {
  for (let i = 0; i < m; i++) {
    let sum = 0;
    for (let j = 0, at = start + i * lda; j < n; j++) sum += a[at + j] * x[j];
    y[i] += alpha * sum;
  }
}

/** y ← y + alpha·A'·x, where A is m×n and starts at `start`. */
export function addTransposedProduct(
  m: number,
  n: number,
  alpha: number,
  a: Float64Array,
  start: number,
  lda: number,
  x: Float64Array,
  y: Float64Array,
): void {
  for (let i = 0; i < m; i++) {
    const xi = alpha * x[i];
    for (let j = 0, at = start + i * lda; j < n; j++) y[j] += a[at + j] * xi;
  }
}

/** y ← alpha·A·x + beta·y, A symmetric n×n, of which the lower triangle is read, once. */
export function multiplySymmetric(
  n: number,
  alpha: number,
  a: Float64Array,
  lda: number,
  x: Float64Array,
  beta: number,
  y: Float64Array,
): void {
  if (beta !== 1) for (let i = 0; i < n; i++) y[i] *= beta;
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const r0 = i * lda;
    const r1 = r0 + lda;
    const x0 = alpha * x[i];
    const x1 = alpha * x[i + 1];
    let s0 = 0;
    let s1 = 0;
    for (let j = 0; j < i; j++) {
      const p = a[r0 + j];
      const q = a[r1 + j];
      s0 += p * x[j];
      s1 += q * x[j];
      y[j] += p * x0 + q * x1;
    }
    const corner = a[r1 + i];
    y[i] += alpha * s0 + a[r0 + i] * x0 + corner * x1;
    y[i + 1] += alpha * s1 + corner * x0 + a[r1 + i + 1] * x1;
  }
  if (i < n) {
    const row = i * lda;
    const xi = alpha * x[i];
    let sum = 0;
    for (let j = 0; j < i; j++) {
      sum += a[row + j] * x[j];
      y[j] += a[row + j] * xi;
    }
    y[i] += alpha * sum + a[row + i] * xi;
  }
}

/** b ← L⁻¹·b, L lower triangular n×n. */
export function solveVector(n: number, l: Float64Array, ldl: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const row = i * ldl;
    let even = 0;
    let odd = 0;
    let j = 0;
    for (; j + 2 <= i; j += 2) {
      even += l[row + j] * b[j];
      odd += l[row + j + 1] * b[j + 1];
    }
    if (j < i) even += l[row + j] * b[j];
    b[i] = (b[i] - even - odd) / l[row + i];
  }
}

/** b ← L'⁻¹·b, L lower triangular n×n. */
export function solveVectorTransposed(n: number, l: Float64Array, ldl: number, b: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    const row = i * ldl;
    const solved = b[i] / l[row + i];
    b[i] = solved;
    for (let j = 0; j < i; j++) b[j] -= l[row + j] * solved;
  }
}
