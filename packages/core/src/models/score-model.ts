import type { Dataset } from "../data/dataset.js";
import { listed } from "../data/names.js";
import { inputError, usageError } from "../errors.js";
import type { FeatureMap } from "./feature-map.js";
import { LinearMap } from "./linear-map.js";
import { LOSSES, type Loss, type LossName } from "./losses.js";
import { MonomialMap, type Term } from "./monomial-map.js";
import { QuadraticMap } from "./quadratic-map.js";
import { parseMonomials } from "./terms.js";

/** l_i = ℓ(θ'v(x_i), y_i): a loss on top of a feature map. Linear, logistic, Poisson, quadratic and basis regression. */
export interface ScoreModel {
  readonly kind: ModelKind;
  readonly loss: Loss;
  readonly map: FeatureMap;
  /** d, the intercept first, features in table order, then products x_j x_k with j ≤ k. */
  readonly parameterNames: readonly string[];
}

/** The models in closed form by name. */
export type ModelKind = "linear" | "logistic" | "poisson" | "quadratic" | "basis";

/** A model still to be told its features. */
export type ModelDescription = (data: Pick<Dataset, "features">) => ScoreModel;

/** The loss of a model in closed form (default: the kind's own), and its constant. */
export interface ModelOptions {
  readonly loss?: LossName;
  /** Whether a constant is added that is neither penalised nor attacked (default true). */
  readonly intercept?: boolean;
}

const describe =
  (kind: ModelKind, lossName: LossName, map: (features: readonly string[]) => FeatureMap): ModelDescription =>
  ({ features }) => {
    const built = map(features);
    return { kind, loss: lossOf(lossName), map: built, parameterNames: built.names(features) };
  };

function lossOf(name: LossName): Loss {
  if (!Object.hasOwn(LOSSES, name))
    throw usageError(`Unknown loss "${name}": use one of ${Object.keys(LOSSES).join(", ")}.`);
  return LOSSES[name];
}

/** f = b + β'x with a squared loss (another one may be named). */
export const linear = ({ loss = "squared", intercept = true }: ModelOptions = {}): ModelDescription =>
  describe("linear", loss, (features) => new LinearMap(features.length, intercept));

/** f = b + β'x with the logistic loss; targets −1 and +1. */
export const logistic = ({ intercept = true }: Omit<ModelOptions, "loss"> = {}): ModelDescription =>
  describe("logistic", "logistic", (features) => new LinearMap(features.length, intercept));

/** f = b + β'x, a count of mean e^f. */
export const poisson = ({ intercept = true }: Omit<ModelOptions, "loss"> = {}): ModelDescription =>
  describe("poisson", "poisson", (features) => new LinearMap(features.length, intercept));

/** Options of the quadratic model f = b + β'x + Σ_{j≤k} A_jk x_j x_k. */
export interface QuadraticOptions extends ModelOptions {
  /** Products x_j x_k (j ≤ k) to leave out: squares of two-valued columns, products within one categorical (MATH 1.1). */
  readonly omitted?: (j: number, k: number) => boolean;
}

/** f = b + β'x + x'Ux, U upper triangular (MATH 1.1). */
export const quadratic = ({ loss = "squared", intercept = true, omitted }: QuadraticOptions = {}): ModelDescription =>
  describe("quadratic", loss, (features) => new QuadraticMap(features.length, intercept, omitted));

export interface BasisOptions extends ModelOptions {
  /** All features that terms may name, of which the model gets some: terms of features that it does not get are left out. */
  readonly among?: readonly string[];
}

/**
 * f = b + θ'(terms of x), terms such as "x1, x2, x1*x2, x1^2/4" over the features' names as the model sees them.
 * @throws usage: a term that cannot be read or names no feature; `among` whose terms all need a feature that is not there.
 */
export const basis = (
  terms: string,
  { loss = "squared", intercept = true, among }: BasisOptions = {},
): ModelDescription =>
  describe("basis", loss, (features) => {
    const read = parseMonomials(terms, among ?? features);
    return new MonomialMap(features.length, intercept, among ? termsWithin(read, among, features) : read);
  });

/** The terms of the features that are there, told by their place among these. */
function termsWithin(terms: readonly Term[], among: readonly string[], features: readonly string[]): readonly Term[] {
  const place = new Map(features.map((name, k) => [name, k]));
  const found = terms.flatMap(({ factors, ...term }) => {
    const moved = factors.flatMap(({ input, power }) => {
      const there = place.get(among[input]);
      return there === undefined ? [] : [{ input: there, power }];
    });
    return moved.length === factors.length ? [{ ...term, factors: moved }] : [];
  });
  if (found.length > 0) return found;
  throw usageError(
    `No term of the basis is made of ${listed(features, 5)} alone: choose more features, or other terms.`,
  );
}

/** Checks that the targets are ones the loss is defined for. @throws input: the first row that is not, counted by `rowOf`. */
export function checkTargets(loss: Loss, y: Float64Array, rowOf = (i: number): number => i + 1): void {
  const allowed = TARGET_RULES[loss.name];
  if (!allowed) return;
  const row = y.findIndex((value) => !allowed.test(value));
  if (row >= 0)
    throw inputError(`Target ${y[row]} in row ${rowOf(row)}: the ${loss.name} loss needs ${allowed.needs}.`);
}

const TARGET_RULES: Partial<Record<LossName, { test: (y: number) => boolean; needs: string }>> = {
  logistic: { test: (y) => y === 1 || y === -1, needs: "targets −1 and +1" },
  poisson: { test: (y) => y >= 0, needs: "targets that are counts, 0 or more" },
};
