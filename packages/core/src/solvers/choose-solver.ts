import { AifError, usageError } from "../errors.js";
import type { SolverName } from "./linear-solution.js";
import type { Preconditioner } from "./preconditioner.js";

/** What is known of HX = B before any of it is computed. */
export interface SolverProblem {
  /** d */
  readonly size: number;
  /** k */
  readonly rightHandSides: number;
  /** λ that is added to H. */
  readonly damping: number;
  /** What the solver may allocate, in bytes; Infinity for no cap. */
  readonly memoryBytes: number;
  /** Whether H can be formed whole. */
  readonly hasMatrix: boolean;
  /** Whether H has products with samples of its rows. */
  readonly hasSamples: boolean;
  /** Whether H gives its diagonal. */
  readonly hasDiagonal?: boolean;
  /** Numbers that a preconditioner from inputs shared by all scores holds; absent where the model has none. */
  readonly sharedNumbers?: number;
  /** Seconds of one product of H with one vector, where it is known. */
  readonly productSeconds?: number;
  /** Seconds that each further vector adds to a product; default: as many as the first. */
  readonly furtherSeconds?: number;
  /** Seconds to form H whole, where they are known. */
  readonly matrixSeconds?: number;
  /** What the Gauss–Newton part of H would take to form and factorise as a preconditioner; null where the model does not give it. */
  readonly gaussNewton?: GaussNewtonCost | null;
}

export interface GaussNewtonCost {
  /** Numbers held at the peak. */
  readonly numbers: number;
  /** Seconds until it can be applied, and of each application to one vector. */
  readonly seconds: number;
  readonly applySeconds: number;
  /** Whether it is H itself, so that the first pass already solves. */
  readonly exact: boolean;
}

export interface SolverChoice {
  readonly name: SolverName;
  /** Of conjugate gradients; "none" for the others. */
  readonly preconditioner: Preconditioner["name"];
  /** Of the Nyström approximation; 0 where there is none. */
  readonly rank: number;
  /** Estimate of what the solver allocates at its peak. */
  readonly memoryBytes: number;
  /** One sentence for people. */
  readonly reason: string;
}

type Candidate = Pick<SolverChoice, "name" | "preconditioner" | "rank">;

const NUMBER = 8;
/** Runs of LiSSA by default, whose anchors, residuals and products are kept. */
const LISSA_RUNS = 8;
const LISSA_PROBE_STEPS = 20;

/** Numbers that each solver holds at its peak, H's own products not counted. */
const NUMBERS: Readonly<Record<SolverName, (d: number, k: number, rank: number) => number>> = {
  // H, its factor and the copy that a back end works on; B, X, residual, correction and their copies.
  cholesky: (d, k) => 3 * d * d + 6 * d * k,
  // X, R, P, Q, Z and their copies; the sketch, its image and the basis.
  cg: (d, k, rank) => 12 * d * k + 4 * k * k + nystromNumbers(d, rank),
  lissa: (d, k) => 4 * LISSA_RUNS * d * k + LISSA_PROBE_STEPS * d,
  nystrom: (d, k, rank) => 5 * d * k + nystromNumbers(d, rank),
};

/** Basis, its transpose, image and its transpose, factor, range at the peak. */
const nystromNumbers = (d: number, rank: number): number => 6 * d * rank + 4 * rank * rank;

/** An estimate of the memory that a solver needs for d parameters and k right-hand sides, in bytes. */
export function solverMemory(
  name: SolverName,
  { size, rightHandSides }: Pick<SolverProblem, "size" | "rightHandSides">,
  rank = 0,
): number {
  return NUMBER * NUMBERS[name](size, rightHandSides, rank);
}

/** 2√d between 10 and 500, and never more than d. */
export const nystromRank = (size: number): number =>
  Math.max(1, Math.min(size, 500, Math.max(10, Math.ceil(2 * Math.sqrt(size)))));

/** Passes that conjugate gradients are expected to take. */
const EXPECTED_PASSES = 200;
/** Multiplications and additions a second that a factorisation is expected to do. */
const DENSE_SPEED = 5e9;
/** Cholesky is exact and serves later systems too, so it may take this many times as long as conjugate gradients. */
const WORTH_EXACTNESS = 4;
/** Conjugate gradients longer than this give way to samples, in seconds. */
const PATIENCE = 3600;
/** The share of the time of plain conjugate gradients that a sketch may take, which shortens them and later ones. */
const WORTH_SKETCHING = 0.5;
/** Arithmetic of a sketch of rank ℓ beside its products, in d·ℓ²: two orthogonalisations and three products. */
const SKETCH_ARITHMETIC = 14;
const SMALLEST_RANK = 10;

/** Passes behind the Gauss–Newton part: of the Hessian, and of the Gauss–Newton curvature, whose residual is still shown. */
const GAUSS_NEWTON_PASSES = { near: 30, exact: 2 } as const;

/** All right-hand sides share a pass. */
const cgSeconds = ({ productSeconds = 0, furtherSeconds = productSeconds, rightHandSides }: SolverProblem): number =>
  EXPECTED_PASSES * (productSeconds + (rightHandSides - 1) * furtherSeconds);

/** The largest rank up to `nystromRank` whose sketch is worth its time: the root of a ℓ² + b ℓ = seconds. */
function rankFor(problem: SolverProblem): number {
  const { size, productSeconds, furtherSeconds: b = productSeconds } = problem;
  const most = nystromRank(size);
  if (b === undefined) return most;
  const a = (SKETCH_ARITHMETIC * size) / DENSE_SPEED;
  const seconds = WORTH_SKETCHING * cgSeconds(problem);
  const rank = Math.floor((2 * seconds) / (b + Math.sqrt(b * b + 4 * a * seconds)));
  return Math.min(most, Math.max(SMALLEST_RANK, rank));
}

/** Infinity where the model does not give it. */
function gaussNewtonSeconds(problem: SolverProblem): number {
  const { gaussNewton, rightHandSides, productSeconds = 0, furtherSeconds = productSeconds } = problem;
  if (!gaussNewton) return Number.POSITIVE_INFINITY;
  const passes = gaussNewton.exact ? GAUSS_NEWTON_PASSES.exact : GAUSS_NEWTON_PASSES.near;
  const pass = productSeconds + (rightHandSides - 1) * furtherSeconds + rightHandSides * gaussNewton.applySeconds;
  return gaussNewton.seconds + passes * pass;
}

function choleskyIsSlow(problem: SolverProblem): boolean {
  if (problem.productSeconds === undefined) return false;
  const dense = (problem.matrixSeconds ?? 0) + problem.size ** 3 / 3 / DENSE_SPEED;
  return dense > 1 && dense > WORTH_EXACTNESS * Math.min(cgSeconds(problem), gaussNewtonSeconds(problem));
}

const gaussNewtonIsSlow = (problem: SolverProblem): boolean =>
  problem.productSeconds !== undefined && gaussNewtonSeconds(problem) > WORTH_SKETCHING * cgSeconds(problem);

interface Rule {
  /** Whether the problem knows of it at all; default: it does. */
  readonly offered?: (problem: SolverProblem) => boolean;
  readonly candidate: (problem: SolverProblem) => Candidate;
  /** Why the rule does not apply although the memory would do, or null. */
  readonly obstacle: (problem: SolverProblem) => string | null;
  readonly reason: string;
}

/** The first one without an obstacle that fits the memory is taken. */
const RULES: readonly Rule[] = [
  {
    candidate: () => ({ name: "cholesky", preconditioner: "none", rank: 0 }),
    obstacle: (problem) =>
      (!problem.hasMatrix && "the model does not give the whole Hessian") ||
      (choleskyIsSlow(problem) && "factorising would take far longer than products") ||
      null,
    reason: "the whole Hessian fits, so it is factorised once and solved exactly",
  },
  {
    offered: ({ gaussNewton = null }) => gaussNewton !== null,
    candidate: () => ({ name: "cg", preconditioner: "gauss-newton", rank: 0 }),
    obstacle: (problem) =>
      gaussNewtonIsSlow(problem) ? "which takes longer to factorise than the products that it saves" : null,
    reason:
      "the Gauss–Newton part of the Hessian is factorised by dense products, which leaves few products to be made",
  },
  {
    offered: ({ sharedNumbers }) => sharedNumbers !== undefined,
    candidate: () => ({ name: "cg", preconditioner: "kronecker", rank: 0 }),
    obstacle: () => null,
    reason: "conjugate gradients need products only, and one Gram matrix shortens them where they would be many",
  },
  {
    candidate: (problem) => ({ name: "cg", preconditioner: "nystrom", rank: rankFor(problem) }),
    obstacle: (problem) =>
      problem.hasSamples && cgSeconds(problem) > PATIENCE
        ? `conjugate gradients would take about ${readableHours(cgSeconds(problem))}`
        : null,
    reason: "conjugate gradients need products only, and a low-rank sketch of the Hessian shortens them",
  },
  {
    candidate: () => ({ name: "lissa", preconditioner: "none", rank: 0 }),
    obstacle: (problem) =>
      (!problem.hasSamples && "the model does not give products with samples") ||
      (cgSeconds(problem) <= PATIENCE && "products with all rows are fast enough") ||
      null,
    reason: "products with all rows are slow, so samples of them are used, with standard errors",
  },
  {
    candidate: (problem) => ({ name: "cg", preconditioner: withoutSketch(problem), rank: 0 }),
    obstacle: () => null,
    reason: "conjugate gradients without a sketch need the least memory",
  },
];

/** An estimated diagonal lengthens conjugate gradients where its entries differ, so only one that is given is used. */
const withoutSketch = ({ hasDiagonal = false }: SolverProblem): "jacobi" | "none" => (hasDiagonal ? "jacobi" : "none");

/**
 * The solver for `--solver auto`: Cholesky where H fits the memory (and is not far slower than products), else conjugate
 * gradients with the Gauss–Newton part where a network gives it and its factor takes less time than the products it saves, with one
 * Gram matrix where all scores share their inputs, or with a Nyström preconditioner, LiSSA where those would take more than an hour, and conjugate gradients with the
 * diagonal, if H gives it, or alone where memory is short. A solver asked for by name is taken if it can run.
 * @throws usage: a problem that makes no sense, a solver asked for that the problem does not allow; resource: nothing fits the cap.
 */
export function chooseSolver(problem: SolverProblem, requested: SolverName | "auto" = "auto"): SolverChoice {
  if (!(problem.memoryBytes > 0)) {
    throw usageError(`The memory cap must be above 0 bytes, got ${problem.memoryBytes}.`);
  }
  return requested === "auto" ? automatic(problem) : byName(problem, requested);
}

function automatic(problem: SolverProblem): SolverChoice {
  const passed: string[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const { candidate, obstacle, reason } of RULES.filter(({ offered }) => offered?.(problem) ?? true)) {
    const solver = candidate(problem);
    const memoryBytes = candidateMemory(solver, problem);
    const why = obstacle(problem);
    if (why === null) least = Math.min(least, memoryBytes);
    if (why === null && memoryBytes <= problem.memoryBytes) {
      const because = [...passed, reason].join("; ");
      return { ...solver, memoryBytes, reason: `${label(solver)}: ${because}.` };
    }
    passed.push(`not ${label(solver)}, ${why ?? tooLarge(memoryBytes, problem)}`);
  }
  throw overCap(`Solving with the Hessian of ${problem.size} parameters`, least, problem);
}

function byName(problem: SolverProblem, name: SolverName): SolverChoice {
  const missing = MISSING[name](problem);
  if (missing !== null) throw usageError(missing);
  let least = Number.POSITIVE_INFINITY;
  for (const solver of BY_NAME[name](problem)) {
    least = candidateMemory(solver, problem);
    if (least <= problem.memoryBytes) return { ...solver, memoryBytes: least, reason: `${label(solver)}: asked for.` };
  }
  throw overCap(`The solver "${name}" for ${problem.size} parameters`, least, problem);
}

/** The candidates of a solver asked for, the one that needs the least memory last. */
const BY_NAME: Readonly<Record<SolverName, (problem: SolverProblem) => readonly Candidate[]>> = {
  cholesky: () => [{ name: "cholesky", preconditioner: "none", rank: 0 }],
  cg: (problem) => [
    ...(problem.gaussNewton && !gaussNewtonIsSlow(problem)
      ? [{ name: "cg", preconditioner: "gauss-newton", rank: 0 } as const]
      : []),
    problem.sharedNumbers === undefined
      ? { name: "cg", preconditioner: "nystrom", rank: rankFor(problem) }
      : { name: "cg", preconditioner: "kronecker", rank: 0 },
    { name: "cg", preconditioner: withoutSketch(problem), rank: 0 },
  ],
  lissa: () => [{ name: "lissa", preconditioner: "none", rank: 0 }],
  nystrom: ({ size }) => [{ name: "nystrom", preconditioner: "none", rank: nystromRank(size) }],
};

/** In bytes. */
const candidateMemory = ({ name, preconditioner, rank }: Candidate, problem: SolverProblem): number =>
  solverMemory(name, problem, rank) + NUMBER * (FACTOR_NUMBERS[preconditioner]?.(problem) ?? 0);

/** Numbers of preconditioners that are factorised. */
const FACTOR_NUMBERS: Partial<Readonly<Record<Preconditioner["name"], (problem: SolverProblem) => number>>> = {
  "gauss-newton": ({ gaussNewton }) => gaussNewton?.numbers ?? 0,
  kronecker: ({ sharedNumbers }) => sharedNumbers ?? 0,
};

const MISSING: Readonly<Record<SolverName, (problem: SolverProblem) => string | null>> = {
  cholesky: ({ hasMatrix }) =>
    hasMatrix ? null : 'The solver "cholesky" needs the whole Hessian, which this model does not give: use "cg".',
  cg: () => null,
  lissa: ({ hasSamples }) =>
    hasSamples ? null : 'The solver "lissa" needs products with samples, which this model does not give: use "cg".',
  nystrom: ({ damping }) =>
    damping > 0 ? null : 'The solver "nystrom" needs a damping above 0: set one, or use "cg".',
};

const LABELS: Readonly<Record<SolverName, string>> = {
  cholesky: "Cholesky",
  cg: "CG",
  lissa: "LiSSA",
  nystrom: "Nyström",
};

const label = ({ name, preconditioner }: Candidate): string =>
  LABELS[name] +
  (
    {
      none: "",
      jacobi: " with the diagonal",
      kronecker: " with a Gram matrix",
      nystrom: " with Nyström",
      "gauss-newton": " with Gauss–Newton",
    } as const
  )[preconditioner];

const tooLarge = (needed: number, { memoryBytes }: SolverProblem): string =>
  `which needs ${readableBytes(needed)} of the ${readableBytes(memoryBytes)} allowed`;

function overCap(what: string, needed: number, { memoryBytes }: SolverProblem): AifError {
  return new AifError(
    "resource",
    `${what} needs at least ${readableBytes(needed)} where ${readableBytes(memoryBytes)} are allowed: raise the cap on memory, or use fewer features.`,
  );
}

/** Rounded up, so that what is named is enough. */
function readableBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(bytes) / 10)));
  const value = bytes / 2 ** (10 * power);
  return `${Math.ceil(10 * value) / 10} ${units[power]}`;
}

const readableHours = (seconds: number): string => `${(seconds / 3600).toPrecision(2)} hours`;
