/** Why a goal is missed, as profiles show it; printed under a table that has a miss of that kind. */
export const CAUSES = {
  native:
    "Why native misses: a second thread is woken for every pass, which costs time slices where other work holds the processors; products with vectors wait for rows, which come faster from the large pages that NumPy asks the system for; small logistic data keep to one thread, where NumPy's products have two.",
  table:
    "Why it misses: a second thread is woken for every pass, which costs a time slice where other work holds the processors (the load average stands above) and next to nothing elsewhere; the processor time shows the work itself. Beside softmax's Φ a second system is solved, to four digits: how far the point is from a minimum. A seventh of the small models of Figure 2(a) does not depend on their rows (reading terms, systems of a few unknowns), and their residuals are looked at one by one in JavaScript.",
  rates:
    "Why it misses: the same waking; and the pass checks, weighs and sums row by row in JavaScript beside the product.",
  scaling:
    "Why it misses: waking a thread takes longer where other work holds the processors, and products of this size last a few milliseconds.",
  portable:
    "Why portable misses: it has the 128-bit vectors of WebAssembly, and products with vectors have one thread.",
  heldOut:
    "Why it misses: the folds' own Gram matrices alone cost as much as the fit's; then come products with ten columns at a time, which OpenBLAS multiplies at half its full speed in blocks of this size, and for logistic data ten fits and ten influences that need more than fifteen passes together.",
  intervals:
    "Why it misses: the spread of the influence takes three Gram matrices of weighted rows, the Jacobian of the penalty's gradient one or two, where a squared loss is fitted with one. They share a pass, but each has weights of its own and costs as many multiplications as the fit's, so that four of them cannot cost one and a half.",
  bootstrap:
    "Why it misses: every draw needs sums over the rows of its own: a Gram matrix, and for logistic losses several gradients and products with its Hessian, which share passes but no arithmetic; a squared loss is fitted with one Gram matrix and little else, so that a draw cannot cost a tenth of it. Conjugate gradients with the factor of all rows in front take 4nd multiply-adds a step where a Gram matrix takes nd²/2: a dozen steps and more for θ̂_b and for I_b cost as much as the matrix does at d = 50.",
  kernels: "Why it misses: WebAssembly has 128-bit vectors and, without relaxed SIMD, no fused multiply-add.",
} as const;
