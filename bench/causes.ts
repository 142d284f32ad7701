/** Why a goal is missed, as profiles show it; printed under a table that has a miss of that kind. */
export const CAUSES = {
  native:
    "Why native misses: blocks of the data are multiplied on one thread each, where NumPy gives whole matrices to two; on logistic data, scaling the rows by the roots of their weights in JavaScript costs as much as the product that follows.",
  portable: "Why portable misses: it has one thread and the 128-bit vectors of WebAssembly.",
  heldOut:
    "Why it misses: the folds' own Gram matrices alone cost as much as the fit's; then come products with ten columns at a time, which OpenBLAS multiplies at half its full speed in blocks of this size, and for logistic data ten fits and ten influences that need more than fifteen passes together.",
  intervals:
    "Why it misses: the Jacobian of the penalty's gradient, the leverages and the products of d×d matrices cost several Gram matrices each, where a squared loss is fitted with one.",
  bootstrap:
    "Why it misses: every draw needs sums over the rows of its own, and a squared loss is fitted with one Gram matrix and little else, so that a draw cannot cost a tenth of it.",
  kernels: "Why it misses: WebAssembly has 128-bit vectors and, without relaxed SIMD, no fused multiply-add.",
} as const;
