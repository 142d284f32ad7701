/** Small random problems of every model, as naive arrays and as the library sees them. */
import {
  basis,
  type Dataset,
  type Fit,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  poisson,
  quadratic,
} from "../../src/index.js";
import {
  dot,
  features,
  inputGradient,
  largest,
  linearTerms,
  lossOf,
  type NaiveLossName,
  type Problem,
  quadraticTerms,
  Random,
  type Term,
} from "../models/naive.js";

export type ModelName = "linear" | "half" | "logistic" | "poisson" | "quadratic" | "quadratic-logistic" | "basis";
export const MODELS: readonly ModelName[] = [
  "linear",
  "half",
  "logistic",
  "poisson",
  "quadratic",
  "quadratic-logistic",
  "basis",
];

const LOSS: Readonly<Record<ModelName, NaiveLossName>> = {
  linear: "squared",
  half: "half-squared",
  logistic: "logistic",
  poisson: "poisson",
  quadratic: "squared",
  "quadratic-logistic": "logistic",
  basis: "half-squared",
};

/** x1, x2, x3^2/4, x1*x3 over three features. */
const BASIS_TEXT = "x1, x2, x3^2/4, x1*x3";
const basisTerms = (intercept: boolean): Term[] => [
  ...(intercept ? [{ coefficient: 1, powers: [0, 0, 0] }] : []),
  { coefficient: 1, powers: [1, 0, 0] },
  { coefficient: 1, powers: [0, 1, 0] },
  { coefficient: 0.25, powers: [0, 0, 2] },
  { coefficient: 1, powers: [1, 0, 1] },
];

export interface Options {
  readonly n?: number;
  readonly m?: number;
  readonly intercept?: boolean;
  readonly l2?: number;
  readonly p?: number;
  readonly weighted?: boolean;
  readonly budgets?: readonly number[];
  readonly boxed?: boolean;
}

export interface TestCase {
  readonly problem: Problem;
  readonly data: Dataset;
  readonly describe: ModelDescription;
  readonly l2: number;
  readonly threat: ReturnType<typeof lp>;
}

export function randomCase(model: ModelName, seed: number, options: Options = {}): TestCase {
  const { n = 24, m = 3, intercept = true, l2 = 0, p = 2, weighted = false, boxed = false } = options;
  const random = new Random(seed);
  const loss = LOSS[model];
  const terms =
    model === "basis"
      ? basisTerms(intercept)
      : model.startsWith("quadratic")
        ? quadraticTerms(m, intercept)
        : linearTerms(m, intercept);
  // In a box of [−1.2, 1.2] a third of the entries sits on a bound.
  const clamp = (value: number) => (boxed ? Math.min(1.2, Math.max(-1.2, value)) : value);
  const X = random.rows(n, m).map((row) => row.map((value, k) => clamp(value + 0.3 * (k === 0 ? 1 : -1))));
  const truth = random.normals(terms.length).map((value) => 0.5 * value);
  const y = X.map((x) => {
    const f = dot(features(terms, x), truth);
    if (loss === "logistic") return random.uniform() < 1 / (1 + Math.exp(-f)) ? 1 : -1;
    if (loss !== "poisson") return f + random.normal();
    const limit = Math.exp(-Math.exp(Math.min(2, f)));
    let count = 0;
    for (let product = random.uniform(); product > limit; product *= random.uniform()) count++;
    return count;
  });
  const raw = X.map(() => (weighted ? 0.2 + random.uniform() : 1));
  const total = raw.reduce((sum, value) => sum + value, 0);
  const budgets = options.budgets ?? new Array<number>(m).fill(1);
  const box = boxed ? { lower: new Array<number>(m).fill(-1.2), upper: new Array<number>(m).fill(1.2) } : null;
  return {
    problem: {
      X,
      y,
      w: raw.map((value) => value / total),
      loss,
      terms,
      ridge: terms.map((_, j) => (intercept && j === 0 ? 0 : l2)),
      p,
      budgets,
      ...box,
    },
    data: matrixDataset(Matrix.fromRows(X), y, weighted ? { weights: raw } : {}),
    describe: describeModel(model, intercept),
    l2,
    threat: lp(p, box ? { budgets, bounds: box } : { budgets }),
  };
}

export function describeModel(model: ModelName, intercept: boolean): ModelDescription {
  switch (model) {
    case "linear":
      return linear({ intercept });
    case "half":
      return linear({ intercept, loss: "half-squared" });
    case "logistic":
      return logistic({ intercept });
    case "poisson":
      return poisson({ intercept });
    case "quadratic":
      return quadratic({ intercept });
    case "quadratic-logistic":
      return quadratic({ intercept, loss: "logistic" });
    default:
      return basis(BASIS_TEXT, { intercept, loss: "half-squared" });
  }
}

export async function attacked({ describe, data, l2, threat }: TestCase): Promise<{ fit: Fit; attack: Influence }> {
  const fitted = await fit(describe, data, { l2 });
  return { fit: fitted, attack: await influence(fitted, threat) };
}

/** How far θ is from the corners of A: the smallest |residual|, |γ_ik| (p = ∞) or gap to the arg-max (p = 1). */
export function distanceToKinks(problem: Problem, theta: ArrayLike<number>): number {
  const { X, y, loss, terms, p, budgets } = problem;
  let nearest = Number.POSITIVE_INFINITY;
  X.forEach((x, i) => {
    const f = dot(features(terms, x), theta);
    const slope = lossOf(loss, f, y[i])[1];
    if (loss !== "logistic" && !(loss === "poisson" && y[i] === 0)) nearest = Math.min(nearest, Math.abs(slope));
    const sizes = inputGradient({ ...problem }, i, theta).map((g, k) => Math.abs((g / slope) * budgets[k]));
    const attackable = sizes.filter((_, k) => budgets[k] > 0);
    if (p === Number.POSITIVE_INFINITY) nearest = Math.min(nearest, ...attackable.filter((size) => size > 0));
    if (p === 1) {
      const sorted = [...attackable].sort((a, b) => b - a);
      if (sorted.length > 1) nearest = Math.min(nearest, (sorted[0] - sorted[1]) / (largest(sorted) || 1));
    }
  });
  return nearest;
}

/** The first case, counting seeds upwards, whose fit exists and lies further than `distance` from every corner. */
export async function smoothCase(
  model: ModelName,
  seed: number,
  options: Options,
  distance = 5e-3,
): Promise<TestCase & { fit: Fit; attack: Influence }> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const candidate = randomCase(model, seed + 1000 * attempt, options);
    let result: { fit: Fit; attack: Influence };
    try {
      result = await attacked(candidate);
    } catch {
      continue;
    }
    const { parameters } = result.fit;
    if (distanceToKinks(candidate.problem, parameters) > distance && largest(parameters) < 20) {
      return { ...candidate, ...result };
    }
  }
  throw new Error(`No smooth ${model} case from seed ${seed} on.`);
}
