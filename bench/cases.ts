import { normals, uniforms } from "./random.js";

/** The same work by NumPy, fits by scikit-learn, and the published influence solvers in PyTorch. */
export type Peer = "NumPy" | "scikit-learn" | "PyTorch, CG" | "PyTorch, LiSSA";

/** One size at which the whole job (fit, AIF, in-sample sensitivity) is timed. */
export interface Case {
  readonly name: string;
  readonly model?: "linear" | "logistic" | "quadratic";
  readonly rows: number;
  readonly columns: number;
  /** Timed rounds after the warm-up; odd, so that the median is one of them. */
  readonly rounds: number;
  /** Rounds before them (default 2). */
  readonly warmUp?: number;
  /** What is done (default: fit, AIF, in-sample sensitivity). */
  readonly job?: "analyse" | "softmax" | "gram" | "solve" | "kernel" | "fit" | "features";
  /** Who else does it, the one that ratios are taken to first (default: NumPy). */
  readonly peers?: readonly Peer[];
  /** At most so many times the first peer's time. */
  readonly ratioGoal?: number;
  /** At least this share of the rate of the machine's own matrix product. */
  readonly share?: number;
  /** Draws of a bootstrap, where one is timed. */
  readonly draws?: number;
}

/** Rounds of a few milliseconds after which V8 has compiled what they run, and compiled anew what it first took to be simpler. */
export const COMPILED = 100;

export const CASES: readonly Case[] = [
  { name: "logistic 2,000×50", model: "logistic", rows: 2_000, columns: 50, rounds: 31, warmUp: COMPILED },
  { name: "linear 10,000×200", model: "linear", rows: 10_000, columns: 200, rounds: 31, warmUp: COMPILED },
  { name: "linear 1,000,000×100", model: "linear", rows: 1_000_000, columns: 100, rounds: 5 },
];

/** What only the table at the head of the page has. */
export const TABLE_CASES: readonly Case[] = [
  { name: "linear 200,000×500", model: "linear", rows: 200_000, columns: 500, rounds: 3, warmUp: 1 },
  {
    name: "quadratic 50,000×100, d = 5,151",
    model: "quadratic",
    rows: 50_000,
    columns: 100,
    rounds: 1,
    warmUp: 0,
    ratioGoal: 0.5,
  },
  {
    name: "softmax 60,000×784, 10 classes: gradient, Φ and CG to 1e-10",
    job: "softmax",
    rows: 60_000,
    columns: 784,
    rounds: 1,
    warmUp: 0,
    ratioGoal: 0.5,
  },
  ...(["linear", "logistic"] as const).map(
    (model): Case => ({
      name: `the fit alone, ${model} 100,000×50`,
      job: "fit",
      model,
      rows: 100_000,
      columns: 50,
      rounds: 5,
      warmUp: 1,
      peers: ["scikit-learn"],
    }),
  ),
  {
    name: "Figure 2(a): the first 1 to 10 of 10 features and their squares, 5,000 rows",
    job: "features",
    model: "linear",
    rows: 5000,
    columns: 10,
    rounds: 31,
    warmUp: COMPILED,
  },
  {
    name: "influence at given parameters, logistic 10,000×200",
    job: "solve",
    model: "logistic",
    rows: 10_000,
    columns: 200,
    rounds: 3,
    warmUp: 1,
    peers: ["PyTorch, CG", "PyTorch, LiSSA"],
    ratioGoal: 0.5,
  },
  {
    name: "kernel regression, NTK, 2,000 digits",
    job: "kernel",
    rows: 2000,
    columns: 784,
    rounds: 1,
    warmUp: 1,
    peers: [],
  },
];

/** One pass for loss, gradient and Hessian against the machine's own DGEMM, and the least share of its rate. */
export const RATE_CASES: readonly Case[] = [
  {
    name: "Gram pass 1,000,000×100",
    job: "gram",
    model: "linear",
    rows: 1_000_000,
    columns: 100,
    rounds: 5,
    share: 0.35,
  },
  { name: "Gram pass 200,000×500", job: "gram", model: "linear", rows: 200_000, columns: 500, rounds: 5, share: 0.65 },
];

/** How the time of the whole job grows. */
export const GROWTH_CASES: readonly Case[] = [
  ...[100_000, 300_000, 1_000_000].map((rows) => growth(rows, 50)),
  ...[25, 100, 200].map((columns) => growth(100_000, columns)),
];

function growth(rows: number, columns: number): Case {
  return {
    name: `linear ${rows.toLocaleString("en")}×${columns}`,
    model: "linear",
    rows,
    columns,
    rounds: 5,
    peers: [],
  };
}

/** Where intervals are timed, and what they may take in all, in seconds. */
export const INTERVAL_CASES: readonly (Case & { readonly goal: number | null })[] = [
  { name: "logistic 2,000×50", model: "logistic", rows: 2_000, columns: 50, rounds: 31, warmUp: COMPILED, goal: 0.01 },
  { name: "linear 10,000×200", model: "linear", rows: 10_000, columns: 200, rounds: 15, warmUp: COMPILED, goal: 0.15 },
  { name: "logistic 10,000×50", model: "logistic", rows: 10_000, columns: 50, rounds: 9, draws: 200, goal: null },
  { name: "linear 10,000×50", model: "linear", rows: 10_000, columns: 50, rounds: 9, draws: 200, goal: null },
];

/** ε at which the change of the loss is predicted. */
export const EPSILON = 0.01;
export const FOLDS = 10;

/** Normal features, coefficients 1/√m of either sign, unit noise; classes by the logistic model. */
export function draw({ model, job, rows, columns }: Case): { x: Float64Array; y: Float64Array } {
  const normal = normals(rows + columns);
  const uniform = uniforms(rows - columns);
  const x = new Float64Array(rows * columns);
  const y = new Float64Array(rows);
  const size = 1 / Math.sqrt(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    let score = 0.5;
    for (let j = 0; j < columns; j++, at++) {
      x[at] = normal();
      score += (j % 3 === 0 ? -size : size) * x[at];
    }
    if (job === "softmax") y[i] = (i * 7) % 10;
    else if (model === "quadratic") y[i] = score + x[i * columns] * x[i * columns + 1] + normal();
    else y[i] = model === "linear" ? score + normal() : uniform() < 1 / (1 + Math.exp(-score)) ? 1 : -1;
  }
  return { x, y };
}
