const MAXIMUM_PRODUCTS = 5; // Higham: more hardly ever change the estimate

function norm1(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += Math.abs(value);
  return sum;
}

function indexOfLargest(x: Float64Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (Math.abs(x[i]) > Math.abs(x[best])) best = i;
  return best;
}

function exactNorm1(n: number, product: (x: Float64Array) => Float64Array): number {
  let largest = 0;
  for (let j = 0; j < n; j++) {
    const unit = new Float64Array(n);
    unit[j] = 1;
    largest = Math.max(largest, norm1(product(unit)));
  }
  return largest;
}

/**
 * Hager's and Higham's estimate of ‖B‖₁ of a symmetric n×n matrix that is known by its products x ↦ Bx (here the
 * inverse of a factorised matrix), from a handful of them. It is a lower bound, and rarely less than a third of the
 * norm.
 */
export function estimateNorm1(n: number, product: (x: Float64Array) => Float64Array): number {
  // The columns of a small matrix cost no more than the estimate.
  if (n <= MAXIMUM_PRODUCTS) return exactNorm1(n, product);
  let x = new Float64Array(n).fill(1 / n);
  let estimate = 0;
  let signs: Float64Array | undefined;
  for (let k = 0; k < MAXIMUM_PRODUCTS; k++) {
    const image = product(x);
    const norm = norm1(image);
    if (k > 0 && norm <= estimate) break;
    estimate = norm;
    const newSigns = image.map((value) => (value < 0 ? -1 : 1));
    if (signs !== undefined && newSigns.every((sign, i) => sign === signs?.[i])) break;
    signs = newSigns;
    // The gradient of ‖Bx‖₁ is B'·sign(Bx): the vertex of the unit ball at its largest entry promises the most.
    const gradient = product(newSigns);
    const vertex = indexOfLargest(gradient);
    let slope = 0;
    for (let i = 0; i < n; i++) slope += gradient[i] * x[i];
    if (Math.abs(gradient[vertex]) <= slope) break;
    x = new Float64Array(n);
    x[vertex] = 1;
  }
  // A vector that alternates and grows catches the matrices on which the ascent stops at once.
  const alternating = new Float64Array(n);
  for (let i = 0; i < n; i++) alternating[i] = (i % 2 === 0 ? 1 : -1) * (1 + i / (n - 1));
  return Math.max(estimate, (2 * norm1(product(alternating))) / (3 * n));
}
