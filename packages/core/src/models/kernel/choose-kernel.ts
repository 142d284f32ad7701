import { usageError } from "../../errors.js";
import { NNGP_PROFILE, NTK_PROFILE } from "./arc.js";
import type { Kernel } from "./kernel.js";
import { polynomialProfile } from "./polynomial.js";
import { profileKernel } from "./profile-kernel.js";
import { matern52Profile, rbfProfile } from "./radial.js";

/** The shape of a kernel. */
export interface KernelOptions {
  /** γ > 0, of the kernels that have one. */
  readonly gamma?: number;
  /** Of `poly`; default 3. */
  readonly degree?: number;
}

/** The kernels that have a name; `customKernel` makes others. */
export const KERNEL_NAMES = ["rbf", "matern52", "poly", "ntk", "nngp"] as const;
/** The name of a kernel: one of `KERNEL_NAMES`. */
export type KernelName = (typeof KERNEL_NAMES)[number];

export const isKernelName = (name: string): name is KernelName => KERNEL_NAMES.some((known) => known === name);

/** Whether a kernel has the width γ. */
export const hasGamma = (name: KernelName): boolean => name === "rbf" || name === "matern52" || name === "poly";

const LARGEST_DEGREE = 20;

/**
 * A kernel by its name: rbf exp(−γ‖x−z‖²), matern52, poly (γx·z+1)^degree, and ntk and nngp of wide ReLU networks.
 * @throws usage: an unknown name, γ ≤ 0 or none where one is needed, a degree that is no whole number from 1 to 20; laplace,
 *   whose influence does not exist.
 */
export function kernel(name: string, { gamma, degree = 3 }: KernelOptions = {}): Kernel {
  if (name === "laplace") {
    throw usageError(
      "The laplace kernel exp(−γ‖x−z‖) has a cusp at its centres: it is not differentiable where every training row lies, so no influence exists; use matern52, which is like it but smooth.",
    );
  }
  if (!isKernelName(name)) throw usageError(`There is no kernel "${name}": use ${KERNEL_NAMES.join(", ")}.`);
  if (hasGamma(name) && !(gamma !== undefined && gamma > 0 && gamma < Infinity)) {
    throw usageError(`The kernel ${name} needs a width γ above 0, got ${gamma ?? "none"}.`);
  }
  if (name === "poly" && !(Number.isInteger(degree) && degree >= 1 && degree <= LARGEST_DEGREE)) {
    throw usageError(`The degree of a polynomial kernel is a whole number from 1 to ${LARGEST_DEGREE}, got ${degree}.`);
  }
  const width = gamma ?? 1;
  const profiles = {
    rbf: () => rbfProfile(width),
    matern52: () => matern52Profile(width),
    poly: () => polynomialProfile(width, degree),
    ntk: () => NTK_PROFILE,
    nngp: () => NNGP_PROFILE,
  };
  return profileKernel(profiles[name]());
}
