/** Why a goal is missed, as profiles show it; printed under a table that has a miss of that kind. */
export const CAUSES = {
  native:
    "Why native misses: on 1,000,000 rows each pass over the data counts, and the library makes two that NumPy's side does not: the check that the input is finite, and a second look at the residuals after the refinement. On logistic data, scaling the rows by the roots of their weights in JavaScript, one call each for the loss and its two derivatives, and memory made anew for every block cost more than the matrix products.",
  portable: "Why portable misses: it has one thread and the 128-bit vectors of WebAssembly.",
  heldOut:
    "Why it misses: the folds' own Gram matrices alone cost as much as the fit's; then come products with ten columns at a time, which OpenBLAS multiplies at half its full speed in blocks of this size, and for logistic data ten fits and ten influences that need more than fifteen passes together.",
  kernels: "Why it misses: the machine was shared with other work while this was measured, which the quartiles show.",
} as const;
