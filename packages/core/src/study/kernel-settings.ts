import type { Task } from "../data/encoding.js";
import { usageError } from "../errors.js";
import { hasGamma, isKernelName, KERNEL_NAMES, type KernelName, kernel } from "../models/kernel/choose-kernel.js";
import type { CentresName, PenaltyName } from "../models/kernel/kernel-ridge.js";
import type { AttackSurface } from "../models/kernel/sphere.js";
import type { StudySettings } from "./settings.js";

/** What a user can decide about kernel regressions. */
export interface KernelSettings {
  /** γ > 0; null: the median heuristic. */
  readonly gamma: number | null;
  readonly degree: number | null;
  /** λ > 0; null: a hundredth of the mean eigenvalue of what it is added to. */
  readonly ridge: number | null;
  readonly penalty: PenaltyName | null;
  readonly centres: CentresName | null;
  readonly surface: AttackSurface;
}

export const DEFAULT_KERNEL: KernelSettings = {
  gamma: null,
  degree: null,
  ridge: null,
  penalty: null,
  centres: null,
  surface: "ball",
};

export const isKernelModel = (model: string | null): boolean => model !== null && /^kernel(:|$)/.test(model);

/** "kernel:rbf" is rbf. @throws usage: an unknown kernel, or one without derivatives. */
export function kernelNameOf(model: string): KernelName {
  const name = model.replace(/^kernel:?/, "");
  if (isKernelName(name)) return name;
  if (name === "laplace") kernel(name);
  throw usageError(`--model ${model} needs the name of a kernel: kernel:${KERNEL_NAMES.join(", kernel:")}.`);
}

/** What the target must be; "auto": what it holds decides. */
export function kernelTaskOf({ loss }: Pick<StudySettings, "loss">): Task | "auto" {
  if (loss === null || loss === "squared") return "auto";
  throw usageError(
    `--loss ${loss} does not go with a kernel regression, whose loss is squared (classes by ±1 or one-hot targets): leave it out.`,
  );
}

/** @throws usage: options that contradict each other, or that kernel regressions do not know. */
export function checkKernel(settings: StudySettings): void {
  const { model, kernel: given } = settings;
  const stray: readonly (readonly [string, boolean])[] = [
    ["--gamma", given.gamma !== null],
    ["--degree", given.degree !== null],
    ["--ridge", given.ridge !== null],
    ["--penalty", given.penalty !== null],
    ["--centres", given.centres !== null],
    ["--sphere", given.surface !== "ball"],
  ];
  if (model === null || !isKernelModel(model)) {
    const found = stray.find(([, present]) => present);
    if (found) throw usageError(`${found[0]} is for kernel regressions: give --model kernel:<name>, or leave it out.`);
    return;
  }
  const name = kernelNameOf(model);
  kernelTaskOf(settings);
  if (given.gamma !== null && !(given.gamma > 0 && given.gamma < Infinity)) {
    throw usageError(`--gamma must be a number above 0, got ${given.gamma}.`);
  }
  if (given.gamma !== null && !hasGamma(name))
    throw usageError(`--gamma: the kernel ${name} has no width; leave it out.`);
  if (given.degree !== null) {
    if (name !== "poly") throw usageError(`--degree is of --model kernel:poly: the kernel ${name} has none.`);
    kernel(name, { gamma: 1, degree: given.degree });
  }
  if (given.ridge !== null && !(given.ridge > 0 && given.ridge < Infinity)) {
    throw usageError(
      `--ridge must be a number above 0 for a kernel regression, got ${given.ridge}: without it the fit repeats every target.`,
    );
  }
  if (given.centres === "fixed" && !kernel(name, { gamma: 1 }).smoothAtCentres) {
    throw usageError(
      `--centres fixed: the kernel ${name} has a cusp at every training row where its centres stay, so no influence exists; use --centres move, or kernel:nngp or kernel:rbf.`,
    );
  }
  checkSurface(settings);
  refuseOthers(settings);
}

function checkSurface({ kernel: { surface }, norms, budgets, bounds, freeze }: StudySettings): void {
  if (surface === "ball") return;
  const others =
    budgets !== null || bounds.length > 0 || (freeze !== null && !(freeze.length === 1 && freeze[0] === "none"));
  if (norms.length !== 1 || norms[0] !== 2 || others) {
    throw usageError(
      "--sphere keeps each row's length: it goes with --norm 2 alone, without --budget, --bounds and --freeze.",
    );
  }
}

/** Options of other models. */
function refuseOthers(settings: StudySettings): void {
  const {
    l1,
    wasserstein,
    divergence,
    l2,
    C,
    alpha,
    secondOrder,
    classWeight,
    intercept,
    project,
    smoothing,
    inference,
    local,
  } = settings;
  const wrong: readonly (readonly [string, boolean, string])[] = [
    ["--l2", l2 !== null, "a kernel regression's penalty is --ridge"],
    ["--l1", l1 !== null, "it is for models in closed form"],
    ["--wasserstein", wasserstein !== null, "its rows are coupled already"],
    ["--divergence", divergence !== null, "it is for other models"],
    ["--C", C !== null, "a kernel regression's penalty is --ridge"],
    ["--alpha", alpha !== null, "a kernel regression's penalty is --ridge"],
    ["--second-order", secondOrder !== "none", "it needs a model in closed form"],
    ["--class-weight", classWeight !== null, "kernel regressions do not know it"],
    ["--no-intercept", !intercept, "kernel regressions have no intercept"],
    ["--project", project !== null, "kernel regressions do not know it"],
    ["--smoothing", smoothing !== null, "kernel regressions do not know it"],
    [
      "--inference bootstrap",
      inference === "bootstrap",
      "repeated rows are no rows for a kernel; intervals come from subsamples",
    ],
    ["--import", local.import !== null, "a kernel regression is trained here"],
  ];
  const found = wrong.find(([, present]) => present);
  if (found) throw usageError(`${found[0]} does not go with --model ${settings.model}: ${found[2]}.`);
}
